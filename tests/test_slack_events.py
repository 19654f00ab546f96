"""What the Slack bot takes for a task, and from whom."""

import datetime
from typing import Any

import pytest

from assistant.conversation import BadQuestion
from assistant.slack.errands import changed_settings
from assistant.slack.events import button_task, command_task, event_task, shortcut_task
from assistant.slack.questions import BadDate, question
from assistant.slack.scope import Scope
from assistant.slack.tasks import ChannelSettings, Task, load
from tests.slack_fake import BOT, TEAM, event, mention

OPEN = Scope(BOT, TEAM)
NARROW = Scope(BOT, TEAM, {TEAM, "T2"}, {"C1"}, {"U1", "U2"})


def task(payload: dict[str, Any], scope: Scope = OPEN) -> Task:
    found = event_task(payload, scope)
    assert found is not None
    assert load(found.dump()) == found
    return found


def test_a_mention_is_a_question_in_its_thread() -> None:
    asked = mention("Who heads it?")
    found = task(asked)
    assert (found.kind, found.text, found.thread) == ("ask", "Who heads it?", asked["event"]["ts"])
    assert not found.follows and not found.direct and found.owner == "slack:T1:C1"
    assert task(mention("x", thread="7.1")).thread == "7.1"


def test_both_events_of_one_mention_are_one_message() -> None:
    asked = mention("Who heads it?")
    twin = asked | {"event_id": "EvTwin", "event": asked["event"] | {"type": "message"}}
    assert task(asked).message == task(twin).message and task(twin).kind == "ask" and not task(twin).follows


def test_a_reply_in_a_thread_follows_and_talk_does_not() -> None:
    assert task(event("And then?", kind="message", thread="5.0")).follows
    assert event_task(event("And then?", kind="message"), OPEN) is None


def test_a_direct_message_is_its_users_own() -> None:
    found = task(event("Who?", kind="message", channel="D1"))
    assert found.direct and found.owner == "slack:T1:U1" and found.kind == "ask"


@pytest.mark.parametrize(
    "text, kind, said",
    [
        ("", "usage", ""),
        ("forget this thread", "forget", ""),
        ("Забудь!", "forget", ""),
        ("забудзь", "forget", ""),
        ("check: Minsk left.", "check", "Minsk left."),
        ("Проверь: Минск вышел.", "check", "Минск вышел."),
        ("check mark?", "ask", "check mark?"),
        ("Did they forget this?", "ask", "Did they forget this?"),
    ],
)
def test_what_is_said_tells_what_is_wanted(text: str, kind: str, said: str) -> None:
    found = task(mention(text))
    assert (found.kind, found.text) == (kind, said)


@pytest.mark.parametrize(
    "change",
    [
        {"bot_id": "B2"},
        {"user": BOT},
        {"user": "USLACKBOT"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"subtype": "bot_message"},
        {"edited": {"ts": "1"}},
        {"user": None},
        {"user": 5},
        {"channel": "x" * 500},
        {"ts": "<1>"},
        {"text": None},
        {"team": "T9"},
        {"user_team": "T9"},
        {"type": "reaction_added"},
        {"type": None},
    ],
)
def test_bots_edits_strangers_and_odd_things_are_no_task(change: dict[str, Any]) -> None:
    asked = mention("Who?")
    assert event_task(asked | {"event": asked["event"] | change}, OPEN) is None


@pytest.mark.parametrize(
    "body", [None, [], 7, {}, {"event": []}, {"event": {}, "event_id": 1}, {"event_id": "E", "event": None}]
)
def test_no_body_is_too_odd(body: Any) -> None:
    assert event_task(body, OPEN) is None and command_task(body, OPEN) is None
    assert shortcut_task(body, OPEN) is None and button_task(body, "share", OPEN) is None


def test_a_broadcast_in_a_thread_of_ours_is_a_follow_up() -> None:
    assert task(event("And?", kind="message", thread="5.0", subtype="thread_broadcast")).follows


def test_only_allowed_places_and_people_are_answered() -> None:
    assert task(mention("Who?", user="U2"), NARROW).kind == "ask"
    assert (task(mention("Who?", channel="C2"), NARROW).kind, task(mention("Who?", user="U3"), NARROW).kind) == (
        "deny",
        "deny",
    )
    assert task(mention("Who?", channel="C2"), NARROW).value == "not_here"
    assert task(event("Who?", kind="message", channel="D2"), NARROW).kind == "ask"
    assert task(mention("Who?", user_team="T2"), NARROW).kind == "ask"
    assert event_task(event("And?", kind="message", thread="5.0", channel="C2"), NARROW) is None
    denied = task(mention("secret", user="U3"), NARROW)
    assert denied.text == ""


def test_commands_and_shortcuts_are_tasks() -> None:
    sent = {
        "command": "/union-state",
        "text": "check Minsk left",
        "team_id": TEAM,
        "channel_id": "C1",
        "user_id": "U1",
        "response_url": "https://hooks.slack.com/x",
        "trigger_id": "1.2.x",
    }
    found = command_task(sent, OPEN)
    assert found and (found.kind, found.text, found.thread, found.response) == (
        "check",
        "Minsk left",
        "",
        "https://hooks.slack.com/x",
    )
    kinds = {
        t: getattr(command_task(sent | {"text": t}, OPEN), "kind", None)
        for t in ("", "help", "settings", "forget", "Who?")
    }
    assert kinds == {"": "usage", "help": "usage", "settings": "settings", "forget": "forget", "Who?": "ask"}
    denied = command_task(sent | {"user_id": "U9"}, NARROW)
    assert denied and denied.kind == "deny"
    message = {
        "type": "message_action",
        "callback_id": "check_claim",
        "team": {"id": TEAM},
        "channel": {"id": "C1"},
        "user": {"id": "U1"},
        "trigger_id": "1.3.x",
        "message": {"text": "Minsk &lt;b&gt;"},
        "response_url": "u",
    }
    checked = shortcut_task(message, OPEN)
    assert checked and (checked.kind, checked.text, checked.thread) == ("check", "Minsk <b>", "")


def test_a_second_click_on_share_is_the_same_task() -> None:
    def pressed(trigger: str, value: str) -> Task:
        found = button_task(
            {
                "team": {"id": TEAM},
                "user": {"id": "U1"},
                "channel": {"id": "C1"},
                "trigger_id": trigger,
                "container": {"is_ephemeral": True, "message_ts": "1.0"},
                "actions": [{"value": value}],
            },
            "share",
            OPEN,
        )
        assert found
        return found

    assert pressed("1", "v").message == pressed("2", "v").message != pressed("3", "w").message
    assert pressed("1", "v").thread == ""


@pytest.mark.parametrize(
    "text, as_of, said",
    [
        ("as of 2021: Who?", datetime.date(2021, 12, 31), "Who?"),
        ("AS OF 2021-02: Who?", datetime.date(2021, 2, 28), "Who?"),
        ("на 2021 год: Кто?", datetime.date(2021, 12, 31), "Кто?"),
        ("станам на 2021-05-03: Хто?", datetime.date(2021, 5, 3), "Хто?"),
        ("по состоянию на 2020: Кто?", datetime.date(2020, 12, 31), "Кто?"),
        ("Who?", None, "Who?"),
        ("Who was it as of 2021: A or B?", None, "Who was it as of 2021: A or B?"),
    ],
)
def test_a_date_before_the_question_limits_it(text: str, as_of: datetime.date | None, said: str) -> None:
    found = question(text, ChannelSettings())
    assert (found.as_of, found.text) == (as_of, said)


def test_a_channel_has_a_language_and_a_date_of_its_own() -> None:
    found = question("Who?", ChannelSettings("be", "2020-01-01"))
    assert (found.language, found.as_of) == ("be", datetime.date(2020, 1, 1))
    assert question("as of 2022: Who?", ChannelSettings(None, "2020-01-01")).as_of == datetime.date(2022, 12, 31)


@pytest.mark.parametrize("text", ["as of May: Who?", "as of 2021-13: Who?", "as of 2021-02-30: Who?", "as of 21: Who?"])
def test_a_date_that_is_none_is_told(text: str) -> None:
    with pytest.raises(BadDate):
        question(text, ChannelSettings())


def test_a_question_that_is_too_long_or_empty_is_told() -> None:
    for text in ("as of 2021: ", "x" * 2001):
        with pytest.raises(BadQuestion):
            question(text, ChannelSettings())


@pytest.mark.parametrize(
    "wish, settings",
    [
        ("language ru", ChannelSettings("ru", None, True)),
        ("language auto", ChannelSettings(None, None, True)),
        ("as-of 2021", ChannelSettings("be", "2021-12-31", True)),
        ("mention-only OFF", ChannelSettings("be", None, False)),
        ("language fr", None),
        ("as-of soon", None),
        ("x", None),
        ("mention-only", None),
    ],
)
def test_settings_change_one_at_a_time(wish: str, settings: ChannelSettings | None) -> None:
    assert changed_settings(ChannelSettings("be", None, True), wish.split()) == settings
