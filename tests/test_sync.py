"""The index follows the sources, and what it serves is always a whole generation."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from index import wire
from index.errors import BrokenIndex, BuildRunning, NoIndex, StoreUnavailable, UnreadableSource
from index.settings import IndexSettings
from index.sync import plan
from tests.conftest import ROOT, Workshop
from tests.fakes import WordEncoder

TOPICS = "customs budget roaming currency parliament pipelines exercises visas tariffs courts".split()


def fill(workshop: Workshop, count: int = 30) -> None:
    for n in range(count):
        topic = TOPICS[n % len(TOPICS)]
        workshop.write(
            f"doc-{n:03}.md",
            f"Paper {n} of the committee deals with {topic} in the year {1990 + n}.",
            f"Its second remark number {n} concerns {topic} once more.",
            published=f"20{n % 25:02}-01-01",
        )


def found(workshop: Workshop, query: str) -> list[str]:
    index = workshop.open()
    try:
        return [p.chunk.document_id for p in index.search(query, 5)]
    finally:
        index.close()


def test_plan_is_a_comparison_of_digests() -> None:
    made = plan({"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "9", "d": "4"})
    assert (made.added, made.changed, made.removed, made.same) == (("a",), ("c",), ("d",), ("b",))


def test_a_second_build_embeds_nothing_and_keeps_the_generation(workshop: Workshop) -> None:
    fill(workshop)
    first = workshop.build()
    encoded = workshop.encoder.encoded
    for path in sorted(workshop.sources.iterdir(), reverse=True):
        os.utime(path, (time.time(), 1_000_000_000))
    second = workshop.build()
    assert first.switched and not second.switched and second.generation == first.generation
    assert workshop.encoder.encoded == encoded


def test_exactly_what_changed_is_embedded_again(workshop: Workshop) -> None:
    fill(workshop, 500)
    first = workshop.build()
    workshop.write("doc-007.md", "Paper 7 was replaced by a decision about helicopters.", published="2007-01-01")
    (workshop.sources / "doc-008.md").unlink()
    (workshop.sources / "doc-009.md").rename(workshop.sources / "renamed.md")
    workshop.write("new.md", "A new paper about submarines was added.", published="2020-01-01")
    report = workshop.build()
    assert report.plan.added == ("new", "renamed") and report.plan.changed == ("doc-007",)
    assert report.plan.removed == ("doc-008", "doc-009") and report.documents == first.documents
    assert report.embedded == 2, "the renamed text is known already"
    assert found(workshop, "helicopters")[0] == "doc-007" and found(workshop, "submarines")[0] == "new"
    assert "doc-008" not in found(workshop, "Paper 8 of the committee deals with tariffs in the year 1998")
    assert found(workshop, "Paper 9 of the committee deals with courts in the year 1999")[0] == "renamed"


def test_broken_files_are_named_and_the_rest_is_served(workshop: Workshop) -> None:
    fill(workshop, 5)
    (workshop.sources / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (workshop.sources / "twin.md").write_text('+++\nid = "doc-001"\n+++\nA sentence that has a taken id.', "utf-8")
    report = workshop.build()
    assert report.documents == 5
    assert [Path(s.path).name for s in report.skipped] == ["broken.pdf", "twin.md"]
    assert "is taken by" in report.skipped[1].reason


def test_nothing_readable_leaves_the_index_as_it_is(workshop: Workshop) -> None:
    fill(workshop, 3)
    served = workshop.build().generation
    shutil.rmtree(workshop.sources)
    workshop.sources.mkdir()
    with pytest.raises(UnreadableSource, match="the index stays as it is"):
        workshop.build()
    assert workshop.generations.current() == served


def test_rollback_goes_one_step_back(workshop: Workshop) -> None:
    fill(workshop, 3)
    first = workshop.build().generation
    workshop.write("new.md", "A new paper about submarines was added.")
    time.sleep(1.1)  # names of generations count seconds
    second = workshop.build().generation
    assert workshop.generations.rollback() == first == workshop.generations.current() != second
    with pytest.raises(NoIndex, match="no older generation"):
        workshop.generations.rollback()


def test_old_generations_are_deleted(workshop: Workshop) -> None:
    for n in range(4):
        workshop.write("doc.md", f"The paper in its version number {n} says so.")
        workshop.build()
        time.sleep(1.1)
    assert len(workshop.generations.names()) == 2


def test_a_generation_that_fails_its_check_is_never_served(workshop: Workshop) -> None:
    fill(workshop, 3)
    served = workshop.build().generation
    workshop.write("new.md", "A new paper about submarines was added.")

    def fails(name: str) -> None:
        raise BrokenIndex("it is bad")

    with pytest.raises(BrokenIndex):
        workshop.build(fails)
    assert workshop.generations.current() == served and workshop.generations.names() == [served]


def test_a_second_build_at_once_is_refused(workshop: Workshop) -> None:
    fill(workshop, 2)
    with workshop.generations.building(), pytest.raises(BuildRunning, match=f"process {os.getpid()}"):
        workshop.build()
    assert workshop.build().switched


def damage_texts(folder: Path) -> None:
    data = bytearray((folder / "texts.sqlite").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (folder / "texts.sqlite").write_bytes(data)


def remove_graph(folder: Path) -> None:
    shutil.rmtree(next(p for p in (folder / "chroma").iterdir() if p.is_dir()))


def cut_vectors(folder: Path) -> None:
    path = next((folder / "chroma").rglob("data_level0.bin"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty_database(folder: Path) -> None:
    (folder / "chroma" / "chroma.sqlite3").write_bytes(b"")


def cut_database(folder: Path) -> None:
    path = folder / "chroma" / "chroma.sqlite3"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}", "utf-8")


def remove_keywords(folder: Path) -> None:
    shutil.rmtree(folder / "keywords")


@pytest.mark.parametrize(
    "damage",
    [damage_texts, remove_graph, cut_vectors, empty_database, cut_database, empty_manifest, remove_keywords],
)
def test_damage_is_noticed_and_the_last_good_generation_answers(
    workshop: Workshop, damage: Callable[[Path], None]
) -> None:
    fill(workshop, 20)
    good = workshop.build().generation
    workshop.write("new.md", "A new paper about submarines was added.")
    time.sleep(1.1)
    bad = workshop.build().generation
    damage(workshop.generations.folder(bad))
    assert workshop.generations.current() == bad, "the damage must hit what is served"
    index = workshop.open()
    assert index.name == good and index.search("budget", 1)
    index.close()
    mended = workshop.build()
    assert mended.switched, "the sources are the same, but what they are searched by is not"
    index = workshop.open()
    assert index.name == mended.generation and index.search("submarines", 1)
    index.close()


@pytest.mark.parametrize("pointer", ["", "garbage", "../../etc", "20200101-000000-00000000"])
def test_a_bad_pointer_is_no_empty_index(workshop: Workshop, pointer: str) -> None:
    fill(workshop, 2)
    workshop.build()
    (workshop.data / "current").write_text(pointer, "utf-8")
    with pytest.raises(BrokenIndex):
        workshop.open()


def test_an_index_of_another_model_is_refused(workshop: Workshop) -> None:
    fill(workshop, 2)
    workshop.build()
    with pytest.raises(BrokenIndex, match=r"built with words, the settings name others"):
        wire.open_index(workshop.settings, (WordEncoder("others"),))


def test_a_collection_that_names_a_model_of_its_own_is_refused(workshop: Workshop) -> None:
    """SUP-stored-ef: Chroma would make that model when it opens the collection, with whatever code it brings."""
    fill(workshop, 2)
    folder = workshop.generations.folder(workshop.build().generation)
    model = {
        "model_name": "evil",
        "device": "cpu",
        "normalize_embeddings": False,
        "kwargs": {"trust_remote_code": True},
    }
    evil = json.dumps({"type": "known", "name": "sentence_transformer", "config": model}, separators=(",", ":"))
    with closing(sqlite3.connect(folder / "chroma" / "chroma.sqlite3")) as database, database:
        (own,) = database.execute("SELECT schema_str FROM collections").fetchone()
        assert own.count('{"type":"legacy"}') > 1
        database.execute("UPDATE collections SET schema_str = ?", (own.replace('{"type":"legacy"}', evil),))
    refused = "sentence_transformer not found|names an embedding function of its own"
    with pytest.raises((BrokenIndex, StoreUnavailable), match=refused):
        workshop.open()


def test_before_the_first_build_there_is_a_hint(workshop: Workshop) -> None:
    with pytest.raises(NoIndex, match="python -m index build"):
        workshop.open()


@pytest.mark.slow
def test_killing_a_build_leaves_the_old_or_the_new_generation(
    workshop: Workshop, record_property: Callable[[str, object], None]
) -> None:
    """SIGKILL at 20 random moments of `python -m index build`, each after a change to the sources."""
    fill(workshop, 40)
    settings = IndexSettings(sources=(workshop.sources,), data=workshop.data)
    started = time.monotonic()
    wire.build(settings)
    environment = os.environ | {"ASSISTANT_SOURCES": str(workshop.sources), "ASSISTANT_DATA": str(workshop.data)}
    chance, landed = random.Random(7), 0
    usual = max(time.monotonic() - started, 3.0)
    for trial in range(20):
        before = workshop.generations.current()
        workshop.write("changed.md", f"The paper about submarines in its version {trial} says so.")
        child = subprocess.Popen([sys.executable, "-m", "index", "build"], cwd=ROOT, env=environment,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            child.wait(timeout=chance.uniform(0.2, usual))
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
        landed += child.wait() == -signal.SIGKILL
        after = workshop.generations.current()
        wire.verify(settings, after)
        assert after == before or workshop.generations.manifest(after).documents == 41
    record_property("kills that hit a running build, of 20", landed)
    assert landed >= 10, f"only {landed} kills hit a running build"
    report = wire.build(settings)
    assert report.documents == 41 and len(workshop.generations.names()) <= 2
    assert not list((workshop.data / "generations").glob("*.tmp"))
