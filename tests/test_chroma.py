"""The index on a real Chroma server behind a real nginx that wants a token: the same answers as from the embedded
store, and one clear line for whatever goes wrong."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from assistant.web import problems
from index import search as searching
from index import store, sync, verify, wire
from index.documents import Chunk
from index.errors import BrokenIndex, StoreUnreachable
from index.live import RETRY_SECONDS, LiveIndex
from index.settings import IndexSettings
from tests.chroma_server import TOKEN, Chroma, proxy
from tests.conftest import ROOT, Workshop

pytestmark = pytest.mark.slow
QUERIES = ("budget of the programme", "submarines", "What was decided on roaming in Minsk?")


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chroma]:
    """One server for all of this module."""
    server = Chroma(tmp_path_factory.mktemp("chroma"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def url(chroma: Chroma, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where nginx stands before it."""
    with proxy(tmp_path_factory.mktemp("nginx") / "bearer", chroma) as found:
        yield found


@pytest.fixture
def remote(workshop: Workshop, url: str) -> Workshop:
    """A workshop whose vectors are kept there."""
    workshop.settings = moved(workshop.settings, url)
    for n in range(12):
        workshop.write(f"{n}.md", f"Paper {n} speaks of the budget of programme {n}.",
                       "Roaming was decided on in Minsk.", published=f"20{n + 10}-05-01")  # fmt: skip
    return workshop


def moved(settings: IndexSettings, url: str, **change: Any) -> IndexSettings:
    return settings.model_copy(update={"chroma_url": url, "chroma_token": SecretStr(TOKEN)} | change)


def grow(workshop: Workshop, text: str = "A new paper about submarines was added.") -> str:
    """The next generation, with one more document."""
    time.sleep(1.1)  # names of generations count seconds
    workshop.write(f"new-{len(text)}.md", text)
    return workshop.build().generation


def found(workshop: Workshop, as_of: date | None = None) -> list[tuple[str, float, tuple[str, ...]]]:
    with closing(workshop.open()) as index:
        return [(p.chunk.id, p.score, p.found_by) for q in QUERIES for p in index.search(q, 10, as_of)]


def above_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every corpus is too large to compare all its vectors."""
    for module in (searching, sync, verify):
        monkeypatch.setattr(module, "EXACT_CHUNKS", 3)


def test_it_is_verified_in_a_child_and_finds_what_the_embedded_store_finds(
    remote: Workshop, chroma: Chroma, tmp_path: Path
) -> None:
    name = remote.build(verify=lambda n: wire.verify_in_child(remote.settings, n)).generation
    assert f"{name}-chunks-0" in chroma.names()
    assert not (remote.generations.folder(name) / "chroma").exists()
    embedded = Workshop.__new__(Workshop)
    embedded.__dict__ |= vars(remote) | {"settings": IndexSettings(sources=(remote.sources,), data=tmp_path / "e")}
    embedded.data = tmp_path / "e"
    embedded.build()
    assert found(remote) == found(embedded) and found(remote)
    assert found(remote, date(2015, 1, 1)) == found(embedded, date(2015, 1, 1))


def test_generations_are_switched_pruned_and_rolled_back_there(remote: Workshop, chroma: Chroma) -> None:
    first, second = remote.build().generation, grow(remote)
    third = grow(remote, "And another one about icebreakers.")
    assert not any(n.startswith(first) for n in chroma.names())
    assert {f"{n}-chunks-0" for n in (second, third)} <= chroma.names()
    assert remote.generations.rollback() == second
    with closing(remote.open()) as index:
        assert index.name == second and index.search("submarines", 1)


def test_nothing_of_a_failed_build_stays(remote: Workshop, chroma: Chroma) -> None:
    served, before = remote.build().generation, chroma.names()
    remote.write("new.md", "A new paper about submarines was added.")
    time.sleep(1.1)
    seen: list[set[str]] = []

    def refuse(name: str) -> None:
        seen.append(chroma.names() - before)
        raise BrokenIndex("refused")

    with pytest.raises(BrokenIndex, match="refused"):
        remote.build(verify=refuse)
    assert seen[0] and chroma.names() == before and remote.generations.current() == served


def test_what_cannot_be_deleted_now_is_deleted_by_the_next_build(remote: Workshop, chroma: Chroma) -> None:
    remote.build()
    grow(remote)
    before = chroma.names()
    time.sleep(1.1)

    def lose(name: str) -> None:
        chroma.stop()
        raise BrokenIndex("the server went away")

    remote.write("other.md", "A paper that is never served.")
    try:
        with pytest.raises(BrokenIndex, match="went away"):
            remote.build(verify=lose)
    finally:
        chroma.start()
    left = chroma.names() - before
    assert left and list((remote.data / "generations").glob("*.tmp"))
    remote.build()
    assert not left & chroma.names() and not list((remote.data / "generations").glob("*.tmp"))


def test_two_installations_share_a_server_and_do_not_mix(remote: Workshop, chroma: Chroma, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Workshop(tmp_path / "other")
    other.settings = moved(other.settings, str(remote.settings.chroma_url))
    other.write("a.md", "Submarines are spoken of here only.")
    ours, theirs = remote.build().generation, other.build().generation
    for text in ("one more", "and again one more"):
        grow(remote, text)
    assert f"{theirs}-chunks-0" in chroma.names() and f"{ours}-chunks-0" not in chroma.names()
    with closing(other.open()) as index:
        assert {p.chunk.document_id for p in index.search("submarines", 5)} == {"a"}


@pytest.mark.parametrize("token", [None, SecretStr("wrong")])
def test_a_token_that_is_missing_or_wrong_is_told_in_one_line(remote: Workshop, token: SecretStr | None) -> None:
    remote.settings = remote.settings.model_copy(update={"chroma_token": token})
    with pytest.raises(StoreUnreachable, match=r"answers with status 401; check ASSISTANT_CHROMA_TOKEN") as told:
        remote.build()
    assert "\n" not in str(told.value) and "wrong" not in str(told.value)
    assert remote.generations.names() == []


def test_a_command_tells_so_too(remote: Workshop) -> None:
    remote.build()
    given = {"DATA": str(remote.data), "CHROMA_URL": str(remote.settings.chroma_url), "CHROMA_TOKEN": "wrong"}
    done = subprocess.run([sys.executable, "-m", "index", "verify"], cwd=ROOT, capture_output=True, encoding="utf-8",
                          env=os.environ | {f"ASSISTANT_{n}": v for n, v in given.items()}, check=False)  # fmt: skip
    assert done.returncode == 1 and "check ASSISTANT_CHROMA_TOKEN" in done.stderr and "Traceback" not in done.stderr


def change_a_vector(chroma: Chroma, name: str) -> None:
    with chroma.collection(name) as collection:
        one = collection.get(limit=1, include=["embeddings"])
        turned = [list(one["embeddings"][0])[::-1]]  # type: ignore[index]
        collection.update(ids=one["ids"], embeddings=turned)


def delete_the_collection(chroma: Chroma, name: str) -> None:
    with chroma.client() as client:
        client.delete_collection(f"{name}-chunks-0")


def delete_a_chunk(chroma: Chroma, name: str) -> None:
    with chroma.collection(name) as collection:
        collection.delete(ids=collection.get(limit=1)["ids"])


def change_a_text(chroma: Chroma, name: str) -> None:
    with chroma.collection(name) as collection:
        one = collection.get(limit=1, include=["embeddings"])
        collection.update(ids=one["ids"], embeddings=one["embeddings"], documents=["Other words."])


@pytest.mark.parametrize("damage", [change_a_vector, delete_the_collection, delete_a_chunk])
def test_damage_on_the_server_is_noticed_and_the_last_good_one_answers_until_a_build(
    remote: Workshop, chroma: Chroma, damage: Any
) -> None:
    good, bad = remote.build().generation, grow(remote)
    damage(chroma, bad)
    with pytest.raises(BrokenIndex):
        wire.verify(remote.settings, bad)
    with closing(remote.open()) as index:
        assert index.name == good and index.search("budget", 1)
    time.sleep(1.1)
    mended = remote.build()
    assert mended.switched and mended.embedded > 0
    with closing(remote.open()) as index:
        assert index.name == mended.generation and index.search("submarines", 1)


def test_a_changed_text_is_refused_by_the_check(remote: Workshop, chroma: Chroma) -> None:
    name = remote.build().generation
    change_a_text(chroma, name)
    with pytest.raises(BrokenIndex, match="its texts are not those"):
        wire.verify(remote.settings, name)


def test_an_index_moves_to_a_server_with_the_next_build(workshop: Workshop, url: str, chroma: Chroma) -> None:
    workshop.write("a.md", "Pipelines carry gas.")
    workshop.build()
    workshop.settings = moved(workshop.settings, url)
    with pytest.raises(BrokenIndex, match="rollback or build"):
        workshop.open()
    time.sleep(1.1)
    name = workshop.build().generation
    assert f"{name}-chunks-0" in chroma.names()
    with closing(workshop.open()) as index:
        assert index.search("pipelines", 1)


def test_what_is_in_memory_answers_while_the_server_is_away(
    remote: Workshop, chroma: Chroma, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    first = remote.build().generation
    live = LiveIndex(remote.generations.current, remote.open, lambda: now[0])
    with closing(live):
        with live.lend() as index:
            assert index.search("budget", 1)
        second = grow(remote)
        chroma.stop()
        try:
            with caplog.at_level(logging.ERROR), live.lend() as index:
                assert index.name == first and index.search("budget", 1)
            assert f"{first} answers on" in caplog.text
        finally:
            chroma.start()
        with live.lend() as index:
            assert index.name == first, "it does not ask the server for every question"
        now[0] = RETRY_SECONDS
        with live.lend() as index:
            assert index.name == second and index.search("submarines", 1)


def test_where_the_server_searches_a_question_fails_clearly_until_it_is_back(
    remote: Workshop, chroma: Chroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = found_near(remote)
    above_exact(monkeypatch)
    remote.build()
    monkeypatch.setattr(store, "_TIMEOUT", 0.5)
    with closing(remote.open()) as index:
        assert [p.chunk.document_id for p in index.search("submarines", 1)] == embedded
        assert {p.about.published for p in index.search("budget", 99, date(2012, 1, 1)) if "dense" in p.found_by} == {
            "2010-05-01", "2011-05-01"
        }  # fmt: skip
        with chroma.hanging(), pytest.raises(StoreUnreachable, match=r"cannot search|cannot open") as told:
            index.search("budget", 1)
        assert "start it, or check ASSISTANT_CHROMA_URL" in str(told.value)
        assert problems.of(told.value).status == 503
        chroma.stop()
        try:
            with pytest.raises(StoreUnreachable, match="status 502; start it, or check ASSISTANT_CHROMA_URL"):
                index.search("budget", 1)
            with pytest.raises(StoreUnreachable):
                remote.open()
        finally:
            chroma.start()
        assert index.search("budget", 1), "it answers again without a restart"


def found_near(workshop: Workshop) -> list[str]:
    """The document that the exact search finds."""
    workshop.write("sea.md", "Submarines are built in the north.", published="2024-01-01")
    workshop.build()
    with closing(workshop.open()) as index:
        return [p.chunk.document_id for p in index.search("submarines", 1)]


def test_above_exact_a_lost_collection_is_noticed_at_opening(
    remote: Workshop, chroma: Chroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    above_exact(monkeypatch)
    good, bad = remote.build().generation, grow(remote)
    delete_the_collection(chroma, bad)
    with closing(remote.open()) as index:
        assert index.name == good and index.search("budget", 1)
        delete_the_collection(chroma, good)  # while it is open
        with pytest.raises(BrokenIndex, match="is not there; run: python -m index rollback or build"):
            index.search("budget", 1)
    time.sleep(1.1)
    assert remote.build().switched


def test_more_chunks_than_one_call_takes(remote: Workshop) -> None:
    """Chroma refuses more than 5,461 at once, Chroma Cloud gives 300."""
    count = 5500
    vectors = np.random.default_rng(7).normal(size=(count, 8)).astype(np.float32)
    chunks = [Chunk(f"c{n}", "a", n, n + 1, None, None, f"text {n}") for n in range(count)]
    with closing(wire.open_store(remote.settings, "20260101-000000-00000000", remote.data)) as many:
        many.add("chunks-0", chunks, vectors, [1] * count)
        stored = many.vectors("chunks-0")
        assert all((stored[c.id] == v).all() for c, v in zip(chunks, vectors, strict=True)) and len(stored) == count
        assert many.documents("chunks-0") == {c.id: c.text for c in chunks} and many.count("chunks-0") == count
        many.drop()
        assert many.count("chunks-0") == 0


def test_tenant_database_and_token_of_chroma_cloud(remote: Workshop, chroma: Chroma, tmp_path: Path) -> None:
    chroma.post("tenants", name="acme")
    chroma.post("tenants/acme/databases", name="assistant")
    with proxy(tmp_path / "cloud", chroma, "X-Chroma-Token", TOKEN) as url:
        plain = moved(remote.settings, url)
        remote.settings = plain
        with pytest.raises(StoreUnreachable, match="check ASSISTANT_CHROMA_TOKEN and ASSISTANT_CHROMA_TOKEN_HEADER"):
            remote.build()
        cloud = {"chroma_token_header": "X-Chroma-Token", "chroma_tenant": "acme", "chroma_database": "assistant"}
        remote.settings = plain.model_copy(update=cloud | {"chroma_database": "none"})
        with pytest.raises(StoreUnreachable, match="create it, or check ASSISTANT_CHROMA_TENANT"):
            remote.build()
        remote.settings = plain.model_copy(update=cloud)
        name = remote.build(verify=lambda n: wire.verify_in_child(remote.settings, n)).generation
        assert found(remote)
    assert chroma.names("acme", "assistant") == {f"{name}-chunks-0"}
    assert not any(n.startswith(name) for n in chroma.names())
