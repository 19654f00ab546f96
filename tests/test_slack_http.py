"""Slack's requests over HTTP, through the whole web application: only what Slack signed gets in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.slack.bot import Bot
from assistant.web.app import create_web
from tests.slack_canned import Canned
from tests.slack_fake import SECRET, FakeSlack, click, command, mention, sign, signed
from tests.slack_kit import Ready, fake, one, running, settled, web_of


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake() as made:
        yield made


@pytest.fixture
def canned() -> Canned:
    return Canned()


@pytest.fixture
def bot(slack: FakeSlack, canned: Canned, tmp_path: Path) -> Iterator[Bot]:
    with running(slack, tmp_path / "db.sqlite", canned, socket=False) as made:
        yield made


@pytest.fixture
def web(bot: Bot, canned: Canned) -> TestClient:
    """With a key, which Slack has not, and a host name that is Slack's way here."""
    return TestClient(web_of(bot, canned), base_url="http://bot.example.org", raise_server_exceptions=False)


def post(web: TestClient, body: bytes, headers: dict[str, str]) -> Any:
    raw = [(k.encode(), v.encode("latin-1", "surrogateescape")) for k, v in headers.items()]
    return web.post("/slack/events", content=body, headers=raw)


def test_a_signed_event_is_answered_without_our_own_key(web: TestClient, slack: FakeSlack, bot: Bot) -> None:
    asked = mention("Who heads it?")
    body = json.dumps(asked).encode()
    assert post(web, body, signed(body)).status_code == 200
    assert settled(bot)
    assert one(slack, asked).shown.startswith("You asked Who heads it?")
    assert web.get("/api/sources", headers={"Host": "127.0.0.1"}).status_code == 401


def test_the_address_is_verified(web: TestClient) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    reply = post(web, body, signed(body))
    assert reply.status_code == 200 and "abc" in reply.text
    assert post(web, body, {"Content-Type": "application/json"}).status_code == 401


def test_commands_and_clicks_come_as_forms(web: TestClient, slack: FakeSlack, bot: Bot) -> None:
    form = "application/x-www-form-urlencoded"
    asked = urlencode(command(slack, "Who?")).encode()
    reply = post(web, asked, signed(asked, form))
    assert reply.status_code == 200 and reply.json()["response_type"] == "ephemeral"
    assert settled(bot) and len(slack.whispers) == 1
    pressed = urlencode({"payload": json.dumps(click(slack, "nothing of ours", "v"))}).encode()
    assert post(web, pressed, signed(pressed, form)).status_code == 200


BODY = json.dumps(mention("Who?")).encode()
GOOD = {n.lower(): v for n, v in signed(BODY).items()}
TIME, SIGN = "x-slack-request-timestamp", "x-slack-signature"


def at(timestamp: str) -> dict[str, str]:
    return GOOD | {TIME: timestamp, SIGN: sign(SECRET, timestamp, BODY)}


FORGED = {
    "no signature": {n: v for n, v in GOOD.items() if n != SIGN},
    "no time": {n: v for n, v in GOOD.items() if n != TIME},
    "neither": {"content-type": "application/json"},
    "wrong": GOOD | {SIGN: "v0=" + "0" * 64},
    "another secret": GOOD | {SIGN: sign("f" * 32, GOOD[TIME], BODY)},
    "another version": GOOD | {SIGN: GOOD[SIGN].replace("v0", "v1")},
    "no version": GOOD | {SIGN: GOOD[SIGN].removeprefix("v0=")},
    "not hex": GOOD | {SIGN: "v0=" + "g" * 64},
    "capitals": GOOD | {SIGN: GOOD[SIGN].upper()},
    "cut": GOOD | {SIGN: GOOD[SIGN][:-1]},
    "longer": GOOD | {SIGN: GOOD[SIGN] + "0"},
    "no ASCII": GOOD | {SIGN: "v0=" + "é" * 64},
    "empty": GOOD | {SIGN: ""},
    "time as text": at("soon"),
    "time with a point": at(GOOD[TIME] + ".0"),
    "no time in it": at(""),
    "huge time": at("1" + "0" * 400),
    "negative time": at("-5"),
    "other digits": GOOD | {TIME: "²²²"},
    "too old": at(str(int(GOOD[TIME]) - 301)),
    "too new": at(str(int(GOOD[TIME]) + 3000)),
    "time changed": GOOD | {TIME: str(int(GOOD[TIME]) + 1)},
}
CHANGED = {
    "one byte": BODY.replace(b"Who?", b"Whp?"),
    "encoded again": json.dumps(json.loads(BODY), indent=1).encode(),
    "a byte more": BODY + b" ",
}


@pytest.mark.parametrize("how", [*FORGED, *CHANGED])
def test_what_slack_did_not_sign_is_refused(how: str, web: TestClient, slack: FakeSlack, bot: Bot) -> None:
    reply = post(web, CHANGED.get(how, BODY), FORGED.get(how, GOOD))
    assert reply.status_code == 401 and bot.queue.counts() == {}


ODD = [
    b"{{{", b"[]", b"", b"\xff\xfe", b"null", b"7", b'"x"', b"{}", b'{"type":"event_callback"}',
    b'{"type":"event_callback","event":[]}', b'{"type":"event_callback","event":{}}', b'{"type":"new_thing"}',
    b'{"type":"event_callback","event":{"type":"message"},"event_id":7}', b'{"type":"block_actions","actions":[7]}',
    b'{"type":"block_actions","actions":{}}', b'{"event":"x"}', b'{"user":[],"team":5}', b"[" * 5000,
    b'{"type":"view_submission"}', b'{"type":"event_callback","event_id":"E","event":{"type":"app_mention","text":5}}',
    b'{"type":"event_callback","authorizations":7,"event":{"type":"app_mention"}}',
    b'{"authorizations":[5],"event":{}}', b'{"type":"view_submission","view":{"callback_id":"x"}}',
    b'{"type":"view_submission","view":{"callback_id":"x","type":"workflow_step"}}', b'{"view":[]}',
    b'{"type":"workflow_step_edit","callback_id":"x"}', b'{"event":{"type":"workflow_step_execute"}}',
    b'{"type":"block_actions","container":5,"view":5}', b'{"type":"message_action","callback_id":"check_claim"}',
    b'{"command":"/union-state"}', b'{"type":"event_callback","event":{"type":"message","message":5,"item":7}}',
]  # fmt: skip


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize("body", ODD)
def test_no_body_breaks_it(body: bytes, form: bool, web: TestClient, bot: Bot) -> None:
    kind = "application/json"
    if form:
        body, kind = b"payload=" + body, "application/x-www-form-urlencoded"
    reply = post(web, body, signed(body, kind))
    assert reply.status_code in (200, 400) and bot.queue.counts() == {}


def test_a_body_of_five_megabytes_is_refused(web: TestClient) -> None:
    body = b"x" * (5 << 20)
    assert post(web, body, signed(body)).status_code == 413


def test_the_same_bytes_twenty_times_are_one_question(
    web: TestClient, slack: FakeSlack, bot: Bot, canned: Canned
) -> None:
    asked = mention("Who?")
    body = json.dumps(asked).encode()
    headers = signed(body)
    assert {post(web, body, headers).status_code for _ in range(20)} == {200}
    assert settled(bot)
    assert len(canned.asked) == 1 and one(slack, asked)


def test_without_slack_there_is_no_such_route(canned: Canned, bot: Bot) -> None:
    made = create_web(cast(Assistant, Ready(canned)), Dialogue(canned.answer, bot.queue._history))
    assert post(TestClient(made), BODY, signed(BODY)).status_code in (404, 405)
