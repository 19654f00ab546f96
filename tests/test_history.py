"""Conversations in real databases: SQLite, and a PostgreSQL server of this test session."""

import contextlib
import hashlib
import json
import multiprocessing
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.exchanges import MOST_CHARACTERS, TITLE, NotFound, title, trim
from assistant.history import DatabaseFailed, History, NewerDatabase
from assistant.schema import STEPS
from index.errors import ConfigurationError
from tests.appender import open_many
from tests.conftest import ROOT
from tests.postgres import Cluster


@pytest.fixture
def history(url: str) -> Iterator[History]:
    with contextlib.closing(History(url)) as made:
        yield made


def answer(text: str = "It is [1].", trace: str = "a" * 24) -> dict[str, Any]:
    return {"text": text, "trace": trace}


def fill(history: History, owner: str, count: int, name: str = "Name") -> str:
    conversation = history.start(owner, name)
    for n in range(1, count + 1):
        history.append(conversation, owner, f"question {n}", answer(f"answer {n}"), f"{conversation} {n}")
    return conversation


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What another program sees."""
    if url.startswith("sqlite"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db:
            return db.execute(query).fetchall()
    with psycopg.connect(url) as server:
        return server.execute(query.encode()).fetchall()


# What is kept


def test_keeps_exchanges_in_order_and_gives_them_back(history: History) -> None:
    conversation = fill(history, "alice", 3, "Budget")
    reading = history.get(conversation, "alice")
    assert [(e.number, e.question, e.answer["text"]) for e in reading.exchanges] == [
        (n, f"question {n}", f"answer {n}") for n in (1, 2, 3)
    ]
    assert (reading.conversation.title, reading.conversation.length, reading.next) == ("Budget", 3, None)
    assert reading.conversation.created <= reading.exchanges[0].asked <= reading.conversation.changed


def test_survives_the_process(url: str) -> None:
    with contextlib.closing(History(url)) as first:
        conversation = fill(first, "alice", 2)
    with contextlib.closing(History(url)) as second:
        assert [t.text for t in second.turns(conversation, "alice")] == [
            "question 1", "answer 1", "question 2", "answer 2",
        ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "Каковы доходы бюджета?", "Калі адбыўся пратэст у Мінску?", "'; DROP TABLE conversations; --",
        "%s %(a)s :b ? {}", '"a" \\ \' \n\r\t \u2028', "𝔘👍🏽\u200d", "<script>alert(1)</script>", "a\0b",
        "\ud800", "x" * 2000,
    ],
)  # fmt: skip
def test_texts_are_data(history: History, text: str) -> None:
    stored = text.replace("\0", "\ufffd").replace("\ud800", "?")  # the two that no database takes
    owner = stored[:100]
    conversation = history.start(owner, text[:200])
    history.append(conversation, owner, text, answer(text), "1")
    history.judge(owner, "a" * 24, "down", text)
    exchange = history.get(conversation, owner).exchanges[0]
    assert exchange.question == exchange.comment == stored
    assert exchange.answer["text"] == text.replace("\ud800", "?")  # JSON has a way to write the other
    assert history.list(owner).found[0].title == stored[:200] and history.list("alice").found == ()
    history.rename(conversation, owner, "title")
    assert history.list(owner).found[0].title == "title"


def test_the_same_request_is_kept_once(history: History) -> None:
    conversation = fill(history, "alice", 1)
    first = history.append(conversation, "alice", "When?", answer("In 1999."), "same")
    again = history.append(conversation, "alice", "When?", answer("In 2000."), "same")
    other = history.append(history.start("alice", "x"), "alice", "When?", answer("In 2001."), "same")
    assert first == again == other and history.kept("alice", "same") == first
    assert history.get(conversation, "alice").conversation.length == 2 and len(history.list("alice").found) == 1
    assert history.kept("bob", "same") is None
    theirs = history.append(history.start("bob", "x"), "bob", "When?", answer("In 2002."), "same")
    assert theirs.answer["text"] == "In 2002."


def test_lists_the_last_changed_first_in_pages(url: str) -> None:
    now = iter(range(10_000))
    with contextlib.closing(History(url, lambda: next(now))) as history:
        made = [fill(history, "alice", 1, f"Number {n}") for n in range(7)]
        history.append(made[2], "alice", "More?", answer(), "more")
        history.start("alice", "Empty, so not listed")
        found, cursor = list[str](), None
        while True:
            page = history.list("alice", 3, cursor)
            found += [c.id for c in page.found]
            cursor = page.next
            history.rename(made[0], "alice", "Changes nothing of the order")
            if cursor is None:
                break
        assert found == [made[n] for n in (2, 6, 5, 4, 3, 1, 0)]


def test_reads_a_conversation_in_pages_from_its_end(history: History) -> None:
    conversation = fill(history, "alice", 7)
    pages, before = list[list[int]](), None
    while True:
        reading = history.get(conversation, "alice", 3, before)
        pages.append([e.number for e in reading.exchanges])
        before = reading.next
        if before is None:
            break
    assert pages == [[5, 6, 7], [2, 3, 4], [1]]
    assert history.get(conversation, "alice", 3, 1).exchanges == ()
    assert [e.number for e in history.get(conversation, "alice", 2, 10**6).exchanges] == [6, 7]
    assert [e.number for e in history.exchanges(conversation, "alice")] == list(range(1, 8))


def test_a_verdict_stands_with_its_answer_and_can_be_changed(history: History) -> None:
    conversation = fill(history, "alice", 1)
    history.judge("alice", "a" * 24, "down", "Wrong year")
    history.judge("alice", "a" * 24, "up")
    exchange = history.get(conversation, "alice").exchanges[0]
    assert (exchange.verdict, exchange.comment) == ("up", None)


def test_empty_conversations_whose_answer_never_came_are_cleared(url: str) -> None:
    now = [1000.0]
    with contextlib.closing(History(url, lambda: now[0])) as history:
        history.start("alice", "left")
        history.start("bob", "left")
        now[0] += 86_401
        fresh = history.start("alice", "fresh")
        assert {r[0] for r in rows(url, "SELECT owner FROM conversations WHERE title = 'left'")} == {"bob"}
        history.abandon(fresh, "alice")
        conversation = fill(history, "alice", 1)
        history.abandon(conversation, "alice")
        assert [c.id for c in history.list("alice").found] == [conversation]


# Whose it is


def uses(history: History, conversation: str, owner: str) -> list[Callable[[], object]]:
    """Everything that can be done with a conversation, or with an answer in it."""
    return [
        lambda: history.append(conversation, owner, "q", answer(), "mine"),
        lambda: history.turns(conversation, owner),
        lambda: history.get(conversation, owner),
        lambda: list(history.exchanges(conversation, owner)),
        lambda: history.rename(conversation, owner, "Stolen"),
        lambda: history.delete(conversation, owner),
        lambda: history.answer(owner, "a" * 24),
        lambda: history.judge(owner, "a" * 24, "up"),
    ]


def test_a_foreign_conversation_is_as_unknown_as_none(history: History) -> None:
    conversation = fill(history, "alice", 2)
    before = history.get(conversation, "alice")
    for identity in (conversation, "no-such", "", "\0", "%"):
        for use in uses(history, identity, "mallory"):
            with pytest.raises(NotFound):
                use()
    history.abandon(conversation, "mallory")
    assert history.get(conversation, "alice") == before and history.list("mallory").found == ()


def test_ids_cannot_be_guessed(history: History) -> None:
    made = {history.start("alice", "x") for _ in range(100)}
    assert len(made) == 100 and all(len(i) == 36 and i[14] == "4" for i in made)  # 122 random bits each


def test_deletion_leaves_nothing(history: History, url: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    kept = fill(history, "alice", 1, "kept-title")
    conversation = history.start("alice", "canary-title")
    for n in range(50):
        said = answer(f"canary-answer {n} " + "z" * 3000, f"{n:024x}")
        history.append(conversation, "alice", f"canary-question {n}", said, f"r{n}")
    history.append(kept, "alice", "shared", answer("shared", f"{7:024x}"), "shared")
    history.judge("alice", f"{3:024x}", "down", "canary-comment")
    assert sorted(history.delete(conversation, "alice")) == [f"{n:024x}" for n in range(50) if n != 7]
    with pytest.raises(NotFound):
        history.get(conversation, "alice")
    if url.startswith("sqlite"):
        left = b"".join(p.read_bytes() for p in (tmp_path / "data").iterdir())
    else:
        left = request.getfixturevalue("cluster").dump(url).encode()
    assert b"kept-title" in left and b"canary" not in left and conversation.encode() not in left


# Many at once


def test_twenty_threads_append_without_gap_or_double(history: History) -> None:
    conversation = history.start("alice", "Busy")
    with ThreadPoolExecutor(20) as pool:
        done = [
            pool.submit(history.append, conversation, "alice", f"q{n}", answer(f"a{n}"), f"r{n}") for n in range(200)
        ]
        for future in done:
            future.result()
    exchanges = list(history.exchanges(conversation, "alice"))
    assert [e.number for e in exchanges] == list(range(1, 201))
    assert {e.question[1:] for e in exchanges} == {e.answer["text"][1:] for e in exchanges} == set(map(str, range(200)))
    assert all(e.question[1:] == e.answer["text"][1:] for e in exchanges)


def test_the_same_request_many_times_at_once_is_kept_once(history: History) -> None:
    conversations = [history.start("alice", "Impatient") for _ in range(5)]
    with ThreadPoolExecutor(20) as pool:
        done = [
            pool.submit(history.append, conversations[n % 5], "alice", "q", answer(f"a{n}"), "same") for n in range(50)
        ]
        assert len({json.dumps(f.result().answer) for f in done}) == 1
    assert [c.length for c in history.list("alice").found] == [1]


@contextlib.contextmanager
def appender(url: str, times: int) -> Iterator[subprocess.Popen[str]]:
    """A process that has imported everything and waits for a line."""
    with subprocess.Popen([sys.executable, "-m", "tests.appender", url, str(times)], cwd=ROOT, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:  # fmt: skip
        try:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_several_processes_may_open_a_new_database_at_once(url: str) -> None:
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(appender(url, 5)) for _ in range(6)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        assert [p.communicate(timeout=60)[0].split()[1:] for p in processes] == [["1", "2", "3", "4", "5"]] * 6
        assert [p.returncode for p in processes] == [0] * 6
    assert rows(url, "SELECT version FROM schema_version") == [(len(STEPS),)]
    assert rows(url, "SELECT count(*), sum(length) FROM conversations") == [(6, 30)]


@pytest.mark.slow
def test_many_processes_may_open_new_files_at_once(tmp_path: Path) -> None:
    """The change to the write-ahead log fails at once, now and then, where another does the same: so, many times."""
    context = multiprocessing.get_context("spawn")
    meeting, failed = context.Barrier(6), context.SimpleQueue()
    processes = [context.Process(target=open_many, args=(str(tmp_path), 60, meeting, failed)) for _ in range(6)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert failed.empty() and [p.exitcode for p in processes] == [0] * 6


@pytest.mark.slow
def test_a_process_killed_while_appending_leaves_no_half_and_loses_nothing_acknowledged(url: str) -> None:
    with contextlib.closing(History(url)) as history:
        history.open()
        for delay in (0.0, 0.013, 0.029, 0.041):
            with appender(url, 10_000) as process:
                assert process.stdin is not None and process.stdout is not None
                process.stdin.write("\n")
                process.stdin.flush()
                conversation = process.stdout.readline().strip()
                while int(process.stdout.readline()) < 20:
                    pass
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                acknowledged = 20 + process.stdout.read().count("\n")
                assert process.wait() == -signal.SIGKILL
            exchanges = list(history.exchanges(conversation, "alice"))
            length = history.get(conversation, "alice", 1).conversation.length
            assert [e.number for e in exchanges] == list(range(1, length + 1)) and acknowledged <= length < 10_000
            assert all(f"answer {e.number} " in e.answer["text"] for e in exchanges)
            assert all(f"question {e.number} " in e.question for e in exchanges)
            history.append(conversation, "alice", "And then?", answer(), f"after {delay}")


# What can fail


def test_a_server_that_crashes_and_returns_is_used_again(cluster: Cluster) -> None:
    with contextlib.closing(History(cluster.database())) as history:
        conversation = fill(history, "alice", 3)
        with ThreadPoolExecutor(10) as pool:  # fills the pool with connections that are going to be dead
            list(pool.map(lambda _: history.turns(conversation, "alice"), range(50)))
        cluster.kill()
        try:
            started = time.monotonic()
            with pytest.raises(DatabaseFailed, match="cannot be reached; start it") as failure:
                history.append(conversation, "alice", "q", answer(), "during")
            assert time.monotonic() - started < 5 and "\n" not in str(failure.value)
        finally:
            cluster.start()
        history.append(conversation, "alice", "q", answer(), "after")
        assert history.get(conversation, "alice").conversation.length == 4
        cluster.kill()
        cluster.start()  # and this time nobody noticed
        for _ in range(10):  # every connection of the pool
            assert history.get(conversation, "alice").conversation.length == 4


def test_a_database_down_at_first_is_used_once_it_is_there(cluster: Cluster) -> None:
    url = cluster.database()
    cluster.kill()
    try:
        with contextlib.closing(History(url)) as history:
            with pytest.raises(DatabaseFailed):
                history.open()
            cluster.start()
            assert history.get(fill(history, "alice", 1), "alice").conversation.length == 1
    finally:
        with contextlib.suppress(AssertionError):  # runs already
            cluster.start()


def test_a_locked_file_fails_in_one_line_and_works_afterwards(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    with contextlib.closing(History(file)) as history, contextlib.closing(sqlite3.connect(file)) as other:
        conversation = fill(history, "alice", 1)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseFailed, match="locked by another process; try again"):
            history.append(conversation, "alice", "q", answer(), "x")
        assert len(history.turns(conversation, "alice")) == 2  # reading does not wait for a writer
        other.rollback()
        history.append(conversation, "alice", "q", answer(), "x")


def test_a_file_that_cannot_be_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    with contextlib.closing(History(file)) as history:
        conversation = fill(history, "alice", 1)
    with contextlib.closing(History(f"sqlite:///file:{file}?mode=ro&uri=true")) as history:
        assert len(history.turns(conversation, "alice")) == 2
        with pytest.raises(DatabaseFailed, match="cannot be written"):
            history.append(conversation, "alice", "q", answer(), "x")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p.write_bytes(b"no database at all " * 500), "damaged or no database"),
        (lambda p: p.mkdir(), "cannot be opened"),
        (lambda p: p.parent.rmdir() or p.parent.write_text("a file", "utf-8"), "check that its folder"),
    ],
    ids=["garbage", "folder", "no folder"],
)
def test_a_bad_file_fails_in_one_line(tmp_path: Path, make: Callable[[Path], object], said: str) -> None:
    file = tmp_path / "folder" / "c.sqlite"
    file.parent.mkdir()
    make(file)
    with contextlib.closing(History(file)) as history, pytest.raises(DatabaseFailed, match=said) as failure:
        history.list("alice")
    assert "\n" not in str(failure.value)


def test_a_full_disk_fails_in_one_line_and_keeps_what_was(tmp_path: Path) -> None:
    file = tmp_path / "c.sqlite"
    with contextlib.closing(History(file)) as history:
        conversation = fill(history, "alice", 1)
    code = (
        "import resource, signal, sys; from assistant.history import *; h = History(sys.argv[1]); h.open()\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "try: h.append(sys.argv[2], 'alice', 'q', {'text': 'x' * 500_000, 'trace': 't'}, 'big')\n"
        "except DatabaseFailed as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code, f"sqlite:///{file}", conversation], cwd=ROOT, text=True,
                          capture_output=True, check=True)  # fmt: skip
    assert done.stdout.count("\n") == 1 and "does not work" in done.stdout
    with contextlib.closing(History(file)) as history:
        assert history.get(conversation, "alice").conversation.length == 1


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "nosuch://user:s3cret@h/d", "mysql+nosuch://user:s3cret@h/d",
     "postgresql://user:s3cret@h:port/d"],
)  # fmt: skip
def test_a_url_that_names_no_database_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="ASSISTANT_DATABASE_URL") as failure:
        History(url)
    assert "s3cret" not in str(failure.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_is_taken_and_no_password_told(cluster: Cluster, scheme: str) -> None:
    good = cluster.database().replace("postgresql://", f"{scheme}://", 1)
    with contextlib.closing(History(good)) as history:
        history.ready()
    down = f"{scheme}://alice:s3cret@127.0.0.1:1/none?password=s3cret"
    with contextlib.closing(History(down)) as history, pytest.raises(DatabaseFailed) as failure:
        history.ready()
    assert "s3cret" not in str(failure.value) and "127.0.0.1" in str(failure.value)


# Versions

NEXT = (*STEPS, ("ALTER TABLE conversations ADD COLUMN pinned INTEGER", "UPDATE conversations SET pinned = 7"))


def test_an_older_database_is_brought_forward_with_what_it_holds(url: str) -> None:
    with contextlib.closing(History(url)) as old:
        conversation = fill(old, "alice", 2)
    with contextlib.closing(History(url, steps=NEXT)) as new:
        assert new.get(conversation, "alice").conversation.length == 2
    assert rows(url, "SELECT pinned FROM conversations") == [(7,)]
    assert rows(url, "SELECT version FROM schema_version") == [(len(NEXT),)]


def test_a_step_that_fails_changes_nothing_and_can_be_repeated(url: str) -> None:
    with contextlib.closing(History(url)) as old:
        conversation = fill(old, "alice", 1)
    broken = (*NEXT, ("ALTER TABLE exchanges ADD COLUMN more INTEGER", "UPDATE no_such_table SET x = 1"))
    for _ in range(2):
        with (
            contextlib.closing(History(url, steps=broken)) as new,
            pytest.raises(DatabaseFailed, match="refuses the work"),
        ):
            new.open()
    assert rows(url, "SELECT version FROM schema_version") == [(len(STEPS),)]
    with contextlib.closing(History(url)) as same:
        assert same.get(conversation, "alice").conversation.length == 1


def test_a_newer_database_is_refused_in_one_line_and_left_as_it_is(url: str, tmp_path: Path) -> None:
    with contextlib.closing(History(url, steps=NEXT)) as new:
        conversation = fill(new, "alice", 1)
    files = sorted((tmp_path / "data").glob("*.sqlite"))
    before = [hashlib.sha256(f.read_bytes()).digest() for f in files]
    with contextlib.closing(History(url)) as old, pytest.raises(NewerDatabase, match="update the program") as failure:
        old.get(conversation, "alice")
    assert "\n" not in str(failure.value) and failure.value.exit_code == 3
    assert before == [hashlib.sha256(f.read_bytes()).digest() for f in files]


# Long conversations


def test_ten_thousand_messages_open_quickly(history: History) -> None:
    conversation = history.start("alice", "Long")
    said = json.dumps(answer("An answer of usual length. " * 20) | {"passages": ["p" * 500] * 10})
    with history._engine.begin() as db:  # as append does, but 5,000 at once
        db.exec_driver_sql(
            "INSERT INTO exchanges (conversation, number, owner, request, question, answer, trace, asked) "
            f"SELECT '{conversation}', n, 'alice', 'r' || n, 'question ' || n, '{said}', 't' || n, 1 FROM "
            "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5000) SELECT n FROM c) AS all_n"
        )
        db.exec_driver_sql("UPDATE conversations SET length = 5000")
    for use in (
        lambda: history.turns(conversation, "alice"),
        lambda: history.get(conversation, "alice"),
        lambda: history.list("alice"),
        lambda: history.append(conversation, "alice", "And?", answer(), "next"),
    ):
        started = time.perf_counter()
        use()
        assert time.perf_counter() - started < 0.5
    turns = history.turns(conversation, "alice")
    assert turns[0].text == "question 1" and turns[-2].text == "And?" and len(turns) <= 20
    assert sum(1 for _ in history.exchanges(conversation, "alice")) == 5001


PAIRS = st.lists(st.tuples(st.text(max_size=40), st.text(max_size=60)), max_size=30)


@given(PAIRS, st.integers(1, 12), st.integers(0, 600))
def test_what_a_model_is_reminded_of_is_whole_newest_and_begins_at_the_beginning(
    pairs: list[tuple[str, str]], most: int, characters: int
) -> None:
    turns = trim(pairs, most, characters)
    assert [t.role for t in turns] == ["user", "assistant"] * (len(turns) // 2)
    kept = [(turns[n].text, turns[n + 1].text) for n in range(0, len(turns), 2)]
    if pairs:
        assert kept[0] == pairs[0] and kept[-1] == pairs[-1]
        assert kept[1:] == pairs[len(pairs) - len(kept) + 1 :]  # no hole but the one after the first
        assert len(kept) <= max(most, 2)
        middle = kept[1:-1]
        assert not middle or sum(len(q) + len(a) for q, a in kept) <= characters


def test_the_usual_budget_holds_ten_pairs_of_usual_length() -> None:
    pairs = [("question " * 10, "answer " * 100)] * 50
    assert len(trim(pairs)) == 20 and len(trim([("q", "a" * MOST_CHARACTERS)] * 5)) == 4


@given(st.text(max_size=300))
def test_a_title_is_short_one_line_and_cut_between_words(question: str) -> None:
    made = title(question)
    words = " ".join(question.split())
    assert len(made) <= TITLE and "\n" not in made
    assert made == words if len(words) <= TITLE else made.endswith("…") and words.startswith(made[:-1])
