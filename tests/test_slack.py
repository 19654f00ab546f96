"""The Slack bot whole: real Bolt, client, socket, queue and database, and a Slack of our own at the other end."""

import datetime
import json
import logging
from pathlib import Path

import pytest

from assistant.conversation import Question
from assistant.slack.doctor import run as examine
from assistant.slack.settings import SlackSettings
from tests.served import wait
from tests.slack_canned import Canned, answer
from tests.slack_fake import (
    APP_TOKEN,
    BOT_TOKEN,
    DIRECT,
    SECRET,
    TEAM,
    Fault,
    button,
    click,
    command,
    event,
    mention,
    words_of,
)
from tests.slack_kit import fake, one, running, settled


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "db.sqlite"


def test_a_mention_is_answered_in_its_thread_by_one_message_that_was_a_placeholder(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        asked = mention("Who heads it?")
        assert slack.deliver(asked).result(5) == {}
        assert settled(bot)
        found = one(slack, asked)
        assert found.thread_ts == asked["event"]["ts"] and found.shown.startswith("You asked Who heads it? [1].")
        first = next(sent for method, sent in slack.calls if method == "chat.postMessage")
        assert words_of(first["blocks"]) == "Looking in the sources…" and found.edits >= 1


def test_threads_of_its_own_go_on_without_a_mention_and_are_remembered(database: Path) -> None:
    canned = Canned()
    with fake() as slack, running(slack, database, canned) as bot:
        asked = mention("Who heads it?")
        stranger = event("And then?", kind="message", thread="1.1")
        follow = event("And in 2022?", kind="message", thread=asked["event"]["ts"], user="U2")
        for payload in (asked, stranger, follow):
            slack.deliver(payload).result(5)
        assert settled(bot)
        assert one(slack, follow).thread_ts == asked["event"]["ts"]
        assert slack.answers(stranger["event_id"]) == []
        assert canned.asked[1].history[0].text == "Who heads it?" and len(canned.asked) == 2


def test_a_direct_message_streams_natively_and_ends_as_one_whole_message(database: Path) -> None:
    canned = Canned(lambda q: answer(q, ["One <!here>.", "Two.", "Three."]))
    with fake() as slack, running(slack, database, canned) as bot:
        asked = event("Who?", kind="message", channel=DIRECT)
        slack.deliver(asked).result(5)
        assert settled(bot)
        found = one(slack, asked)
        assert "".join(found.appended) == r"One ‹\!here› \[1\]. Two \[2\]. Three \[3\]." and not found.streaming
        assert found.shown.startswith("One <!here> [1]. Two [2]. Three [3].") and slack.count("chat.postMessage") == 0


def test_where_there_is_no_native_streaming_a_message_is_edited(database: Path) -> None:
    canned = Canned(lambda q: answer(q, ["One.", "Two."]))
    with fake() as slack, running(slack, database, canned) as bot:
        slack.refuses_streams = True
        asked = event("Who?", kind="message", channel=DIRECT)
        slack.deliver(asked).result(5)
        assert settled(bot)
        assert one(slack, asked).edits == 3 and slack.count("chat.startStream") == 0


def test_a_stream_that_slack_closed_ends_as_a_whole_message(database: Path) -> None:
    canned = Canned(lambda q: answer(q, ["One.", "Two."]))
    with fake() as slack, running(slack, database, canned) as bot:
        slack.fail("chat.appendStream", Fault(200, "message_not_in_streaming_state"))
        slack.fail("chat.stopStream", Fault(200, "message_not_in_streaming_state"))
        asked = event("Who?", kind="message", channel=DIRECT)
        slack.deliver(asked).result(5)
        assert settled(bot)
        assert one(slack, asked).shown.startswith("One [1]. Two [2].")


def test_a_command_is_answered_to_its_asker_alone_and_can_be_shared(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        asked = command(slack, "as of 2021: Who?")
        assert slack.deliver(asked, "slash_commands").result(5)["text"] == "Looking in the sources…"
        assert settled(bot)
        (reply,) = slack.whispers
        assert reply["response_type"] == "ephemeral" and "as of 2021-12-31" in words_of(reply["blocks"])
        value = button(reply, "share")
        for _ in range(2):
            slack.deliver(click(slack, "share", value, ephemeral=True), "interactive").result(5)
        assert settled(bot)
        (shared,) = slack.all()
        assert shared.thread_ts is None and shared.shown.startswith("Shared by Ann <!here>, who asked: Who?")


def test_buttons_open_quotes_holders_and_the_other_side(database: Path) -> None:
    canned = Canned(lambda q: answer(q, ["It is one.", "It is two."], clash=True))
    with fake() as slack, running(slack, database, canned) as bot:
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        assert settled(bot)
        found = one(slack, asked)
        for name, text in (("quotes", "It is two."), ("who", "Minsk"), ("other", "The sources disagree")):
            slack.deliver(click(slack, name, button(found, name)), "interactive").result(5)
            assert wait(lambda: bool(slack.views))
            assert text in words_of(slack.views.pop()["blocks"])


def test_thumbs_are_kept_and_export_is_a_file(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        assert settled(bot)
        found = one(slack, asked)
        thread = asked["event"]["ts"]
        slack.deliver(click(slack, "down", button(found, "down"), thread=thread), "interactive").result(5)
        assert wait(lambda: any("noted" in words_of(w["blocks"]) for w in slack.whispers))
        history = bot.queue._history
        conversation = history.list("slack:T1:C1").found[0].id
        assert [e.verdict for e in history.exchanges(conversation, "slack:T1:C1")] == ["down"]
        slack.deliver(click(slack, "export", button(found, "export"), thread=thread), "interactive").result(5)
        assert settled(bot) and wait(lambda: len(slack.files) == 2)
        assert slack.files[0]["content"].startswith("# Who?") and slack.files[1]["thread_ts"] == thread


def test_a_message_is_checked_against_the_sources(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        pressed = {
            "type": "message_action",
            "callback_id": "check_claim",
            "team": {"id": TEAM},
            "channel": {"id": "C1"},
            "user": {"id": "U1"},
            "trigger_id": "9.9",
            "message": {"text": "It was <!here> 1999.", "ts": "1.0"},
            "response_url": f"{slack.base}response/9",
        }
        slack.deliver(pressed, "interactive").result(5)
        asked = mention("check: It was 1999.")
        slack.deliver(asked).result(5)
        assert settled(bot)
        for shown in (words_of(slack.whispers[0]["blocks"]), one(slack, asked).shown):
            assert "✗ Contradicted: It was" in shown and "differs: 1999" in shown and "? Not in the sources" in shown


def test_the_home_shows_how_to_ask_and_the_readers_own_last_answers(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        slack.deliver(mention("Who heads it?")).result(5)
        slack.deliver(mention("A riddle of another?", user="U2")).result(5)
        assert settled(bot)
        opened = event("", kind="app_home_opened", channel=DIRECT, tab="home")
        slack.deliver(opened).result(5)
        begun = event("", kind="assistant_thread_started")
        begun["event"] |= {"assistant_thread": {"channel_id": DIRECT, "user_id": "U1", "thread_ts": "3.1"}}
        slack.deliver(begun).result(5)
        assert settled(bot)
        home = words_of(slack.views[-1]["blocks"])
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        assert f"{today} · Who heads it?\nYou asked Who heads it? [1]." in home
        assert "riddle" not in home and "/union-state" in home
        assert slack.count("assistant.threads.setSuggestedPrompts") == 1


def test_a_channel_has_settings_that_administrators_change(database: Path) -> None:
    canned = Canned()
    with fake() as slack, running(slack, database, canned, admins=frozenset({"U7"})) as bot:
        for user, text in (
            ("U1", "settings language be"),
            ("U7", "settings as-of 2020"),
            ("U7", "settings mention-only on"),
        ):
            slack.deliver(command(slack, text, user), "slash_commands").result(5)
            assert settled(bot)
        assert "administrators" in words_of(slack.whispers[0]["blocks"])
        assert "mentions only" in words_of(slack.whispers[-1]["blocks"])
        asked = mention("Who?")
        slack.deliver(asked).result(5)
        slack.deliver(event("And?", kind="message", thread=asked["event"]["ts"])).result(5)
        assert settled(bot)
        assert [(q.text, str(q.as_of), q.language) for q in canned.asked] == [("Who?", "2020-12-31", None)]


def test_a_thread_is_forgotten_by_who_asked_in_it_and_by_nobody_else(database: Path) -> None:
    canned = Canned()
    with fake() as slack, running(slack, database, canned) as bot:
        asked = mention("Who heads it?")
        thread = asked["event"]["ts"]
        slack.deliver(asked).result(5)
        other = mention("forget", thread=thread, user="U2")
        slack.deliver(other).result(5)
        assert settled(bot)
        assert "nothing of yours" in one(slack, other).shown and bot.queue._history.list("slack:T1:C1").found
        own = event("forget this thread", kind="message", thread=thread)
        slack.deliver(own).result(5)
        assert settled(bot)
        assert "forgotten" in one(slack, own).shown and not bot.queue._history.list("slack:T1:C1").found
        slack.deliver(event("And then?", kind="message", thread=thread)).result(5)
        assert settled(bot)
        assert canned.asked[-1].history == () and bot.queue.recent(TEAM, "U1", 9) != []
    assert b"Who heads it?" not in database.read_bytes()


def test_guests_and_people_outside_are_not_answered(database: Path) -> None:
    with fake() as slack, running(slack, database, allowed_channels=frozenset({"C1"})) as bot:
        slack.people = {"UG": {"is_ultra_restricted": True}}
        ignored = [
            mention("Who?", user="UG"),
            mention("Who?", channel="C2"),
            mention("Who?", user_team="T9"),
            event("Who?", bot_id="B2"),
            mention("Who?", user="UBOT"),
        ]
        for payload in ignored:
            slack.deliver(payload).result(5)
        assert settled(bot)
        assert slack.all() == [] and len(slack.whispers) == 2
        assert {e["action"] for e in bot.queue.log()} == {"ask ignored", "deny done"}


def test_what_cannot_be_asked_is_told(database: Path) -> None:
    with fake() as slack, running(slack, database) as bot:
        asked = [mention("as of May: Who?"), mention("x" * 2500), mention("")]
        for payload in asked:
            slack.deliver(payload).result(5)
        assert settled(bot)
        texts = [one(slack, payload).shown for payload in asked]
        assert "date" in texts[0] and "2000" in texts[1] and "QUESTION" in texts[2]


def test_doctor_names_what_is_wrong(database: Path) -> None:
    with fake() as slack, running(slack, database, socket=False) as bot:

        def found(**change: object) -> dict[str, str]:
            wishes = {"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "signing_secret": SECRET, "api_url": slack.url}
            results = examine(SlackSettings(_env_file=None, **(wishes | change)), bot.queue._history)
            return {name: text for name, well, text in results if not well}

        assert found() == {}
        slack.scopes = "chat:write"
        assert "app_mentions:read" in found()["slack scopes"]
        slack.skew = 400
        assert "clock is +" in found()["slack clock"] and "too old" in found()["slack clock"]
        assert "xoxb-" in found(bot_token=None)["slack settings"]
        assert "invalid_auth" in found(bot_token="xoxb-bad")["slack bot token"]
        assert "invalid_auth" in found(app_token="xapp-bad")["slack socket"]
        assert "32" in found(signing_secret="short")["slack signing secret"]
        assert "reached" in found(api_url="http://127.0.0.1:9/api/")["slack bot token"]


def test_no_token_or_question_is_logged(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def boom(_: Question) -> None:
        raise ValueError("inside")

    with fake() as slack, running(slack, database, Canned(before=boom)) as bot:
        slack.deliver(mention("My private words?")).result(5)
        assert settled(bot, 30)
    assert "error id" in caplog.text and "private words" not in caplog.text
    assert BOT_TOKEN not in caplog.text and SECRET not in caplog.text
    assert json.dumps(slack.calls).count("inside") == 0
