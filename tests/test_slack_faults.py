"""Exactly one answer an event, whatever happens: duplicates, lost deliveries, crashes, a Slack that fails."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assistant.conversation import Question
from assistant.slack.bot import Bot
from tests.conftest import ROOT
from tests.served import wait
from tests.slack_canned import Canned, answer
from tests.slack_fake import DIRECT, SECRET, FakeSlack, Fault, command, event, mention, signed
from tests.slack_kit import fake, one, running, settled
from tests.slack_load import load


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "db.sqlite"


def test_retries_during_and_after_the_work_are_one_answer(database: Path) -> None:
    begun, go = threading.Event(), threading.Event()

    def before(_: Question) -> None:
        begun.set()
        assert go.wait(10)

    canned = Canned(before=before)
    with fake() as slack, running(slack, database, canned) as bot:
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        assert begun.wait(5)
        for attempt in (1, 2):
            slack.deliver(asked, attempt=attempt).result(5)
        twin = asked | {"event_id": "EvTwin", "event": asked["event"] | {"type": "message"}}
        slack.deliver(twin).result(5)
        go.set()
        assert settled(bot)
        slack.deliver(asked, attempt=3).result(5)
        assert settled(bot)
        assert len(canned.asked) == 1 and one(slack, asked) and len(slack.all()) == 1


def test_a_retry_is_answered_where_the_original_was_lost(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        asked = mention("Who?")
        slack.deliver(asked, attempt=1).result(5)
        assert settled(bot) and one(slack, asked)


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, seconds=0.2),
        Fault(500),
        Fault(500, done=True),
        Fault(-1),
        Fault(-1, done=True),
        Fault(200, "internal_error", done=True),
    ],
)
def test_a_slack_that_fails_gets_no_part_twice_and_none_not_at_all(database: Path, fault: Fault, direct: bool) -> None:
    said = [f"Sentence {n} " + "word " * 60 for n in range(60)]
    with fake() as slack, running(slack, database, Canned(lambda q: answer(q, said))) as bot:
        for method in ("chat.postMessage", "chat.update", "chat.startStream"):
            slack.fail(method, fault)
        asked = event("Who?", kind="message", channel=DIRECT) if direct else mention("Who?")
        slack.deliver(asked).result(5)
        assert settled(bot, 30)
        found = slack.answers(asked["event_id"])
        parts = [m.metadata["event_payload"]["part"] for m in found if m.metadata]
        assert len(found) > 1 and parts == list(range(len(found))) and len(slack.all()) == len(found)
        text = " ".join(m.shown for m in found)
        assert [n for n in range(60) if text.count(f"Sentence {n} word") != 1] == []


@pytest.mark.parametrize("error", ["msg_too_long", "msg_blocks_too_long"])
def test_a_message_that_slack_finds_too_long_is_split_further(database: Path, error: str) -> None:
    said = [f"Sentence {n} " + "word " * 60 for n in range(20)]
    with fake() as slack, running(slack, database, Canned(lambda q: answer(q, said)), pace=60.0) as bot:
        slack.fail("chat.update", Fault(200, error))
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        assert settled(bot)
        found = slack.answers(asked["event_id"])
        assert len(found) > 1 and [n for n in range(20) if "".join(m.shown for m in found).count(f"e {n} w") != 1] == []


def test_a_channel_that_is_gone_is_written_down(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        slack.deliver(mention("Who?", channel="CGONE")).result(5)
        assert settled(bot)
        assert [(e["action"], e["detail"]) for e in bot.queue.log()] == [
            ("ask failed", "chat.postMessage: channel_not_found")
        ]


def test_a_failure_says_so_in_the_thread_with_an_id(database: Path) -> None:
    def boom(_: Question) -> None:
        raise RuntimeError("inside")

    canned = Canned(before=boom)
    with fake() as slack, running(slack, database, canned) as bot:
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        assert settled(bot, 40)
        shown = one(slack, asked).shown
        assert shown.startswith("Sorry") and "inside" not in shown and len(canned.asked) == 3
        assert bot.queue.log()[0]["detail"].removeprefix("error ") in shown


def test_too_many_questions_are_told_so(database: Path) -> None:
    go = threading.Event()
    canned = Canned(before=lambda _: go.wait(20))
    with fake() as slack, running(slack, database, canned, most=3, workers=1) as bot:
        asked = [mention(f"Who {n}?") for n in range(5)]
        for payload in asked:
            slack.deliver(payload).result(5)
        go.set()
        assert settled(bot)
        assert ["Too many" in one(slack, p).shown for p in asked] == [False, False, False, True, True]


def test_a_token_that_is_withdrawn_for_a_while_loses_no_question(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        slack.fail("chat.postMessage", Fault(200, "token_revoked"))
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        assert wait(lambda: slack.count("chat.postMessage") == 1)
        assert wait(lambda: bot.queue.counts() == {"waiting": 1})  # a minute later it is tried again


def start(database: Path, slack: FakeSlack, seconds: float = 0.0) -> "subprocess.Popen[bytes]":
    command_line = [sys.executable, "-m", "tests.slack_canned", f"sqlite:///{database}", slack.url, str(seconds)]
    return subprocess.Popen(command_line, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})


@pytest.mark.slow
def test_a_process_killed_at_any_call_leaves_one_answer(database: Path) -> None:
    """Each time it is killed when Slack gets a certain call, before it learns what came of it."""
    points = [
        ("Who?", "users.info", 1),
        ("Who?", "chat.postMessage", 1),
        ("Who?", "chat.update", 1),
        ("Who?", "chat.update", 2),
        ("Who?", "assistant.threads.setStatus", 1),
        ("Who?", "chat.startStream", 1),
        ("Who?", "chat.stopStream", 1),
        ("Who?", "", 0),
        ("check: It left.", "chat.postMessage", 1),
        ("check: It left.", "chat.update", 1),
    ]
    with fake() as slack:
        for text, method, nth in points:
            whole = "You asked Who? [1]." if text == "Who?" else "✗ Contradicted: It left."
            direct = method.startswith(("assistant", "chat.st"))
            before = len(slack.all())
            asked = event(text, kind="message", channel=DIRECT) if direct else mention(text)
            process = start(database, slack)
            assert wait(lambda: bool(slack.sockets()), 180)
            seen = slack.count(method) if method else 0
            slack.hold(method, seen + nth, lambda process=process: process.send_signal(signal.SIGKILL))
            slack.deliver(asked).result(20)
            if not method:
                process.send_signal(signal.SIGKILL)
            assert process.wait(30) == -signal.SIGKILL
            assert wait(lambda: not slack.sockets())
            slack.release()
            process = start(database, slack)
            assert wait(lambda asked=asked: bool(slack.answers(asked["event_id"])), 180), method
            assert wait(lambda asked=asked, whole=whole: one(slack, asked).shown.startswith(whole), 60), method
            assert wait(lambda: bool(slack.sockets()), 180)
            process.terminate()
            assert process.wait(30) == 0
            assert len(slack.all()) == before + 1, method


def send(bot: Bot, payload: dict[str, Any]) -> int:
    """The status of an event's delivery over HTTP."""
    body = json.dumps(payload).encode()
    return bot.http(body, {n.lower(): v for n, v in signed(body).items()})[0]


def test_a_burst_is_acknowledged_while_answers_take_long_and_each_event_has_one(database: Path) -> None:
    """How soon it is acknowledged is what `python -m tests.slack_load` measures."""
    go = threading.Event()
    with fake() as slack, running(slack, database, Canned(before=lambda _: go.wait(60)), socket=False) as bot:
        asked = [mention(f"Who {n}?") for n in range(200)]
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(lambda payload: send(bot, payload), [*asked, *asked])) == {200}
        assert sum(bot.queue.counts().values()) == len(asked) and bot.queue.counts()["waiting"] > 150
        go.set()
        assert settled(bot, 120)
        shown = [one(slack, payload).shown for payload in asked]
        assert [n for n, text in enumerate(shown) if not text.startswith(f"You asked Who {n}? [1].")] == []
        assert len(slack.all()) == len(asked)


def test_what_cannot_be_stored_is_not_acknowledged_but_answered_when_it_comes_again(database: Path) -> None:
    with fake() as slack, running(slack, database, socket=False) as bot:
        blocker = sqlite3.connect(database, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        asked = mention("Who?")
        assert send(bot, asked) == 503
        blocker.execute("ROLLBACK")
        blocker.close()
        assert send(bot, asked) == 200
        assert settled(bot) and one(slack, asked)
        assert SECRET not in json.dumps(slack.calls)


@pytest.mark.parametrize("bend", [" ", "\n", "\u0301", "x" * 2000, "\0"])
def test_a_command_whose_address_is_none_is_over(database: Path, bend: str) -> None:
    """It is put off for ever where every failure to answer it is taken for a Slack that is down."""
    with fake() as slack, running(slack, database) as bot:
        asked = command(slack, "Who?")
        slack.deliver(asked | {"response_url": asked["response_url"] + bend}, "slash_commands").result(5)
        assert settled(bot) and sum(bot.queue.counts().values()) == 1


def test_a_command_that_cannot_be_stored_says_so(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        blocker = sqlite3.connect(database, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        reply = slack.deliver(command(slack, "Who?"), "slash_commands").result(5)
        blocker.execute("ROLLBACK")
        blocker.close()
        assert "not be stored" in reply["text"]
        assert settled(bot)


@pytest.mark.slow
def test_a_storm_of_deliveries_with_duplicates_losses_and_restarts(database: Path) -> None:
    result = load(150, f"sqlite:///{database}", processes=2, kills=3, seed=1)
    assert result.wrong == [] and result.events == 150 and result.kills == 3 and result.duplicates > 20
