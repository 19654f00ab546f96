"""Data folders of older versions open with the code of now, and lose nothing; those of newer versions are refused."""

import contextlib
import hashlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from assistant.conversation import Question
from assistant.history import History, NewerDatabase
from assistant.schema import STEPS
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant, make_history
from index import wire
from index.errors import BrokenIndex
from index.generation import Generations
from tests.conftest import ROOT
from tests.served import ASKED, TEXT

FIRST = ROOT / "tests" / "data" / "first.tar.gz"
SAID = {
    "Roaming fees": [
        ("When do roaming fees end?", "Roaming fees between both countries end in 2026. [1]", None),
        ("And in Minsk?", "Roaming fees in Minsk end in 2027. [1]", "Wrong year"),
        ("Каковы доходы бюджета?", "Источники этого не говорят.", None),
    ],
    "Калі адбыўся саміт?": [("Калі адбыўся саміт?", "Саміт адбыўся ў 1999. [1]", None)],
}


@pytest.fixture
def first(tmp_path: Path) -> AssistantSettings:
    """The folder that the first versions wrote."""
    with tarfile.open(FIRST) as archive:
        archive.extractall(tmp_path / "data", filter="data")
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "a.md").write_text(TEXT, "utf-8")
    return AssistantSettings(sources=(tmp_path / "sources",), data=tmp_path / "data")


def version(file: Path) -> int:
    with contextlib.closing(sqlite3.connect(file)) as database:
        return int(database.execute("SELECT version FROM schema_version").fetchone()[0])


def said(history: History) -> dict[str, list[tuple[str, str, str | None]]]:
    return {
        c.title: [(e.question, e.answer["text"], e.comment) for e in history.exchanges(c.id, owner)]
        for owner in ("alice", "local")
        for c in history.list(owner).found
    }


def test_every_turn_is_there_after_the_tables_were_brought_forward(first: AssistantSettings) -> None:
    file = first.data / "conversations.sqlite"
    assert version(file) == 1 < len(STEPS)
    with contextlib.closing(make_history(first)) as history:
        assert said(history) == SAID
        (talk,) = history.list("alice").found
        asked = [e.asked.timestamp() for e in history.exchanges(talk.id, "alice")]
        assert asked == [1_766_000_001, 1_766_000_002, 1_766_000_003]
        history.append(talk.id, "alice", "And now?", {"text": "Now.", "trace": "a" * 24}, "new")
        assert history.get(talk.id, "alice").conversation.length == 4
    assert version(file) == len(STEPS)


def test_an_index_of_the_first_form_is_told_and_built_anew(first: AssistantSettings) -> None:
    old = Generations(first.data).current()
    with contextlib.closing(make_assistant(first)) as assistant:
        with pytest.raises(BrokenIndex, match="run: python -m index build") as failure:
            assistant.answer(Question(ASKED))
        assert "\n" not in str(failure.value)
        assert wire.build(first).generation != old
        assert "Roaming fees" in assistant.answer(Question(ASKED)).text


def test_a_folder_of_a_newer_version_is_refused_and_left_as_it_is(first: AssistantSettings) -> None:
    file = first.data / "conversations.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute(f"UPDATE schema_version SET version = {len(STEPS) + 1}")
    manifest = Generations(first.data).folder(Generations(first.data).current()) / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"format": 1', '"format": 2'), "utf-8")
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in first.data.rglob("*") if p.is_file()}
    with contextlib.closing(make_history(first)) as history, pytest.raises(NewerDatabase, match="update the program"):
        history.list("alice")
    with contextlib.closing(make_assistant(first)) as assistant, pytest.raises(BrokenIndex, match="format 2, this pro"):
        assistant.answer(Question(ASKED))
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in before} == before


MIGRATES = """
import os, shutil, signal, sys
from pathlib import Path
from sqlalchemy import event
from assistant.history import History
file, copies = Path(sys.argv[1]), Path(sys.argv[2])
count = 0
def before(db, cursor, statement, *rest):
    global count
    count += 1
    if count == last:
        os.kill(os.getpid(), signal.SIGKILL)
for last in range(1, 100):
    shutil.copy(file, copies / f"{last}.sqlite")
    child = os.fork()
    if child == 0:
        history = History(copies / f"{last}.sqlite")
        event.listen(history._engine, "before_cursor_execute", before)
        history.open()
        history.close()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(last, code, flush=True)
    if code == 0:
        break
"""


def test_a_process_killed_at_any_statement_of_an_upgrade_leaves_the_old_tables_or_the_new(
    first: AssistantSettings, tmp_path: Path
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    file = shutil.copy(first.data / "conversations.sqlite", tmp_path / "old.sqlite")
    done = subprocess.run([sys.executable, "-c", MIGRATES, str(file), str(copies)], cwd=ROOT, text=True,
                          capture_output=True, check=True)  # fmt: skip
    codes = [int(line.split()[1]) for line in done.stdout.splitlines()]
    statements = sum(map(len, STEPS[1:]))
    assert codes[-1] == 0 and len(codes) > statements and set(codes[:-1]) == {-signal.SIGKILL}
    for n in range(1, len(codes) + 1):
        assert version(copies / f"{n}.sqlite") == (len(STEPS) if n == len(codes) else 1)
        with contextlib.closing(History(copies / f"{n}.sqlite")) as history:
            assert said(history) == SAID
        assert version(copies / f"{n}.sqlite") == len(STEPS)
