"""Backup and restore: what comes back is what was saved, and whatever goes wrong leaves what was there."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from assistant import backup
from assistant.backup import BadArchive, restore, save
from assistant.conversation import Question
from assistant.history import DatabaseFailed, NewerDatabase
from assistant.render import to_json
from assistant.schema import STEPS
from assistant.settings import AssistantSettings
from assistant.trace import same
from assistant.wire import make_assistant, make_history
from index import wire
from index.errors import BrokenIndex, BuildRunning, ConfigurationError, NoIndex, StoreUnavailable
from index.generation import Generations
from tests.conftest import ROOT, Workshop
from tests.served import ASKED

ANSWER = {"text": "It is [1].", "trace": "a" * 24}


@pytest.fixture(scope="module")
def asked(settings: AssistantSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that was asked, with a conversation. Not to be changed."""
    data = tmp_path_factory.mktemp("asked") / "data"
    shutil.copytree(settings.data, data)
    with contextlib.closing(make_assistant(at(data))) as assistant:
        assistant.answer(Question(ASKED))
    write(at(data), 3)
    return data


@pytest.fixture
def used(asked: Path, tmp_path: Path) -> AssistantSettings:
    """The same, which may be changed."""
    shutil.copytree(asked, tmp_path / "data")
    return at(tmp_path / "data")


@pytest.fixture(scope="module")
def archive(asked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of it. Not to be changed."""
    file = tmp_path_factory.mktemp("archive") / "saved.zip"
    save(at(asked), file)
    return file


def write(settings: AssistantSettings, count: int) -> str:
    with contextlib.closing(make_history(settings)) as history:
        conversation = history.start("alice", "Roaming")
        for n in range(count):
            history.append(conversation, "alice", f"question {n}", ANSWER, f"{conversation} {n}")
    return conversation


def at(folder: Path) -> AssistantSettings:
    return AssistantSettings(data=folder)


def state(folder: Path) -> dict[str, str]:
    """Every file with its hash; of databases what they hold, as opening one may change its bytes."""
    return {p.relative_to(folder).as_posix(): digest(p) for p in sorted(folder.rglob("*")) if holds(p)}


def holds(path: Path) -> bool:
    return path.is_file() and path.name != "build.lock" and not path.name.endswith(("-wal", "-shm"))


def digest(path: Path) -> str:
    if path.suffix.startswith(".sqlite"):
        with contextlib.closing(sqlite3.connect(path)) as database, contextlib.suppress(sqlite3.DatabaseError):
            return hashlib.sha256("\n".join(database.iterdump()).encode()).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest()


def whole(folder: Path) -> str:
    """The title of the one conversation of a data folder whose index and conversations are proven whole."""
    wire.verify(at(folder), Generations(folder).current())
    with contextlib.closing(make_history(at(folder))) as history:
        (found,) = history.list("alice").found
        assert len(list(history.exchanges(found.id, "alice"))) == found.length
    return f"{Generations(folder).current()} {found.id}"


# What comes back


def test_the_same_questions_get_the_same_bytes_after(used: AssistantSettings, tmp_path: Path) -> None:
    with contextlib.closing(make_assistant(used)) as assistant:
        before = to_json(assistant.answer(Question(ASKED)))
    with contextlib.closing(make_history(used)) as history:
        read = [history.get(c.id, "alice") for c in history.list("alice").found]
    made = save(used, tmp_path / "saved.zip")
    done = restore(at(tmp_path / "new"), tmp_path / "saved.zip")
    assert done.contents == made and done.before is None
    records = [{p.name: p.read_bytes() for p in (d / "traces").iterdir()} for d in (used.data, tmp_path / "new")]
    assert records[0] == records[1] != {}
    with contextlib.closing(make_assistant(at(tmp_path / "new"))) as assistant:
        assert same(before, to_json(assistant.answer(Question(ASKED)))) == [] and before["citations"]
    with contextlib.closing(make_history(at(tmp_path / "new"))) as history:
        assert [history.get(c.id, "alice") for c in history.list("alice").found] == read and read[0].exchanges


def test_only_its_owner_reads_what_is_saved(archive: Path, tmp_path: Path) -> None:
    restore(at(tmp_path / "new"), archive)
    for path in (archive, tmp_path / "new", tmp_path / "new" / "conversations.sqlite"):
        assert path.stat().st_mode & 0o077 == 0


def test_a_backup_while_conversations_are_written_holds_whole_exchanges(
    used: AssistantSettings, tmp_path: Path
) -> None:
    """Another process writes and this one saves, five times."""
    url = f"sqlite:///{used.data / 'conversations.sqlite'}"
    command = [sys.executable, "-m", "tests.appender", url, "100000"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdin and writer.stdout
        writer.stdout.readline()
        writer.stdin.write("\n")
        writer.stdin.flush()
        conversation = writer.stdout.readline().strip()
        said = [0]

        def listen() -> None:
            for line in writer.stdout or ():
                said[0] = int(line)

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            for n in range(5):
                seen, until = said[0], time.monotonic() + 30
                while said[0] <= seen and time.monotonic() < until:
                    time.sleep(0.001)
                acknowledged = said[0]
                save(used, tmp_path / f"{n}.zip")
                restore(at(tmp_path / f"restored {n}"), tmp_path / f"{n}.zip", verify=lambda *_: None)
                with contextlib.closing(make_history(at(tmp_path / f"restored {n}"))) as history:
                    length = history.get(conversation, "alice", 1).conversation.length
                    numbers = [e.number for e in history.exchanges(conversation, "alice")]
                assert numbers == list(range(1, length + 1)) and seen < acknowledged <= length
        finally:
            writer.send_signal(signal.SIGKILL)
            listener.join()
    assert said[0] > acknowledged  # it went on writing all the time


def test_the_commands_say_what_they_did(used: AssistantSettings, tmp_path: Path) -> None:
    def run(*command: str, code: int = 0) -> str:
        done = subprocess.run([sys.executable, "-m", "assistant", *command], cwd=ROOT, capture_output=True, text=True,
                              check=False, env=os.environ | {"ASSISTANT_DATA": str(used.data)})  # fmt: skip
        assert done.returncode == code, done.stderr
        assert code == 0 or done.stderr.count("\n") == 1
        return done.stdout + done.stderr

    file = str(tmp_path / "saved.zip")
    assert Generations(used.data).current() in run("backup", file)
    assert "exists; name a new file" in run("backup", file, code=2)
    assert "is not empty; add --force" in run("restore", file, code=2)
    said = run("restore", file, "--force")
    kept = Path(said.split("is kept in ")[1].split(";")[0])
    assert whole(kept) == whole(used.data)


# What is refused, with nothing changed


def rewritten(archive: Path, file: Path, change: Callable[[dict[str, bytes]], None], agree: bool = True) -> Path:
    """An archive of other members; with `agree` its manifest says that they are right."""
    with zipfile.ZipFile(archive) as old:
        members = {n: old.read(n) for n in old.namelist()}
    contents = json.loads(members.pop("manifest.json"))
    change(members)
    if agree:
        contents["files"] = {n: {"size": len(b), "sha256": hashlib.sha256(b).hexdigest()} for n, b in members.items()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in (members | {"manifest.json": json.dumps(contents).encode()}).items():
            new.writestr(name, content)
    return file


def refused(
    archive: Path, data: Path, error: type[Exception] | tuple[type[Exception], ...], said: str | None = None
) -> None:
    before = state(data.parent)
    with pytest.raises(error, match=said) as failure:
        restore(at(data), archive, force=True, verify=wire.verify)
    assert "\n" not in str(failure.value) and state(data.parent) == before


@pytest.fixture
def occupied(tmp_path: Path, archive: Path) -> Path:
    """A data folder that is in use, in a folder that holds nothing else."""
    data = tmp_path / "place" / "data"
    restore(at(data), archive, verify=lambda *_: None)
    return data


NAMES = ["../evil", "/evil", "traces/../../evil", "generations/../evil", "generations/20260101-000000-00000000/../../x",
         "traces/x.json", "traces\\..\\evil", "C:/evil", "build.lock", "conversations.sqlite-wal", "current/x",
         "generations/20260101-000000-00000000/.hidden", "generations/20260101-000000-00000000"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_member_that_would_lie_elsewhere_is_refused(archive: Path, occupied: Path, tmp_path: Path, name: str) -> None:
    def add(members: dict[str, bytes]) -> None:
        members[name] = b"x"

    refused(rewritten(archive, tmp_path / "bad.zip", add), occupied, BadArchive, "no file of a data folder")


def test_what_its_manifest_does_not_say_is_refused(archive: Path, occupied: Path, tmp_path: Path) -> None:
    index = next(n for n in zipfile.ZipFile(archive).namelist() if n.endswith("texts.sqlite"))
    changes: dict[str, Callable[[dict[str, bytes]], object]] = {
        "other": lambda m: m.update(current=m["current"][:-1] + b"z"),
        "longer": lambda m: m.update(current=m["current"] + b"z" * 10_000_000),
        "more": lambda m: m.update({f"traces/{'b' * 24}.json": b"{}"}),
        "less": lambda m: m.pop(index),
        "no index": lambda m: m.clear(),
    }
    for name, change in changes.items():
        refused(rewritten(archive, tmp_path / f"{name}.zip", lambda m, c=change: c(m), False), occupied, BadArchive)  # type: ignore[misc]


def test_what_this_program_cannot_use_is_refused(archive: Path, occupied: Path, tmp_path: Path) -> None:
    def database(change: str) -> Callable[[dict[str, bytes]], None]:
        def apply(members: dict[str, bytes]) -> None:
            file = tmp_path / "changed.sqlite"
            file.write_bytes(members["conversations.sqlite"])
            with contextlib.closing(sqlite3.connect(file)) as opened:
                opened.execute(change)
                opened.commit()
            members["conversations.sqlite"] = file.read_bytes()

        return apply

    def texts(members: dict[str, bytes]) -> None:
        name = next(n for n in members if n.endswith("texts.sqlite"))
        members[name] = members[name].replace(b"2026", b"2027")

    newer = rewritten(archive, tmp_path / "n.zip", database(f"UPDATE schema_version SET version = {len(STEPS) + 1}"))
    refused(newer, occupied, NewerDatabase, "update the program")
    refused(rewritten(archive, tmp_path / "i.zip", texts), occupied, BrokenIndex, "texts.sqlite is damaged")
    garbage = rewritten(archive, tmp_path / "g.zip", lambda m: m.update({"conversations.sqlite": b"no database" * 99}))
    refused(garbage, occupied, DatabaseFailed, "damaged or no database")


def test_a_member_larger_than_the_disk_is_refused_before_it_is_read(
    archive: Path, occupied: Path, tmp_path: Path
) -> None:
    """A manifest and a list of members that agree on a size of 4 exabytes, in an archive of some kilobytes."""
    huge = 1 << 62
    with zipfile.ZipFile(archive) as old:
        members = {n: old.read(n) for n in old.namelist()}
    contents = json.loads(members.pop("manifest.json"))
    contents["files"]["current"]["size"] = huge
    with zipfile.ZipFile(tmp_path / "huge.zip", "w") as new:
        for name, content in (members | {"manifest.json": json.dumps(contents).encode()}).items():
            new.writestr(name, content)
        new.getinfo("current").file_size = huge
    refused(tmp_path / "huge.zip", occupied, StoreUnavailable, "bytes, .* are free; make room")


def test_two_members_of_one_name_are_refused(archive: Path, occupied: Path, tmp_path: Path) -> None:
    file = tmp_path / "two.zip"
    file.write_bytes(archive.read_bytes())
    with zipfile.ZipFile(file, "a") as more, pytest.warns(UserWarning, match="Duplicate"):
        more.writestr("current", b"other")
    refused(file, occupied, BadArchive, "members of one name")


def test_cut_anywhere_it_is_refused(archive: Path, occupied: Path, tmp_path: Path) -> None:
    content = archive.read_bytes()
    for part in range(20):
        (tmp_path / "cut.zip").write_bytes(content[: len(content) * part // 20])
        refused(tmp_path / "cut.zip", occupied, BadArchive)


def test_flipped_bytes_are_refused_or_touch_nothing_that_is_restored(archive: Path, tmp_path: Path) -> None:
    """200 places. Some bytes of a ZIP file mean nothing, such as the time of day of a member."""
    chance, content = random.Random(1), archive.read_bytes()
    restore(at(tmp_path / "right"), archive, verify=lambda *_: None)
    right, stopped = state(tmp_path / "right"), 0
    for n in range(200):
        changed = bytearray(content)
        changed[chance.randrange(len(content))] ^= chance.randrange(1, 256)
        (tmp_path / "flipped.zip").write_bytes(changed)
        place = tmp_path / str(n)
        try:
            restore(at(place), tmp_path / "flipped.zip", verify=lambda *_: None)
        except BadArchive as error:
            stopped += 1
            assert "\n" not in str(error) and not place.exists()
        else:
            assert state(place) == right
    assert stopped > 150


def test_a_damaged_index_or_database_is_not_saved_as_if_it_were_whole(occupied: Path, tmp_path: Path) -> None:
    folder = Generations(occupied).folder(Generations(occupied).current())
    glossary = folder / "glossary.toml"
    kept = glossary.read_bytes()
    glossary.write_bytes(kept + b"#")
    with pytest.raises(BrokenIndex, match=r"glossary\.toml is damaged"):
        save(at(occupied), tmp_path / "a.zip")
    glossary.unlink()
    with pytest.raises(BrokenIndex, match=r"glossary\.toml is missing"):
        save(at(occupied), tmp_path / "a.zip")
    glossary.write_bytes(kept)
    (occupied / "conversations.sqlite").write_bytes(b"no database" * 999)
    with pytest.raises(DatabaseFailed, match="cannot be saved"):
        save(at(occupied), tmp_path / "a.zip")
    assert [p.name for p in tmp_path.iterdir()] == ["place"]


def test_a_folder_in_use_is_not_put_aside(archive: Path, occupied: Path) -> None:
    with contextlib.closing(make_history(at(occupied))) as history:
        history.ready()
        refused(archive, occupied, BuildRunning, "is in use; stop the assistant")
    with Generations(occupied).building():
        refused(archive, occupied, BuildRunning, "is building")
    with backup._staging(occupied):
        refused(archive, occupied, BuildRunning, "another process restores")


def test_what_lies_elsewhere_is_told(archive: Path, tmp_path: Path) -> None:
    elsewhere = AssistantSettings(data=tmp_path / "new", database_url=SecretStr("sqlite:////nowhere/x.sqlite"))
    with pytest.raises(ConfigurationError, match="ASSISTANT_DATABASE_URL is set"):
        restore(elsewhere, archive)
    server = AssistantSettings(data=tmp_path / "new", chroma_url="http://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match="that server has the vectors"):
        save(server, tmp_path / "saved.zip")
    with pytest.raises(NoIndex, match="run: python -m index build"):
        save(at(tmp_path / "new"), tmp_path / "saved.zip")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        restore(at(tmp_path / "new"), tmp_path / "saved.zip")
    assert list(tmp_path.iterdir()) == []


def test_conversations_of_a_url_are_saved_and_those_of_a_server_left_to_it(
    used: AssistantSettings, tmp_path: Path
) -> None:
    moved = tmp_path / "moved.sqlite"
    os.rename(used.data / "conversations.sqlite", moved)
    of_file = used.model_copy(update={"database_url": SecretStr(f"sqlite:///{moved}")})
    assert save(of_file, tmp_path / "file.zip").conversations
    restore(at(tmp_path / "new"), tmp_path / "file.zip", verify=wire.verify)
    assert whole(tmp_path / "new")
    of_server = used.model_copy(update={"database_url": SecretStr("postgresql://u:p@127.0.0.1:1/d")})
    assert not save(of_server, tmp_path / "server.zip").conversations


# Kills


def test_a_restore_that_is_killed_leaves_the_old_or_the_new(archive: Path, workshop: Workshop) -> None:
    """Killed at its n-th use of the file system, for 30 n from the first to the last, and at each of the last ten."""
    workshop.write("other.md", "Something else is served here.")
    workshop.build()
    write(at(workshop.data), 5)
    old, place = whole(workshop.data), workshop.data.parent
    command = [sys.executable, "-m", "tests.restorer", str(archive), str(workshop.data), str(place / "copies"), "30"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True, timeout=300)
    ended = {int(n): int(code) for n, code in map(str.split, done.stdout.splitlines())}
    assert ended.pop(0) == 0 and len(ended) >= 30 and set(ended.values()) == {-signal.SIGKILL}
    new = whole(place / "copies" / "0" / "data")
    states = [whole(place / "copies" / str(n) / "data") for n in ended]
    assert set(states) == {old, new} and old != new
    for n, state_after in zip(ended, states, strict=True):
        if state_after == new:  # and the old one is whole beside it
            assert whole(*(place / "copies" / str(n)).glob("data.before-*")) == old
    last_old = at(place / "copies" / str(max(n for n, s in zip(ended, states, strict=True) if s == old)) / "data")
    restore(last_old, archive, force=True, verify=wire.verify)
    assert whole(last_old.data) == new and not list(last_old.data.parent.glob("*.tmp"))
