"""A small run of the fuzzing command, and that it sees the faults that it is there to see."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests import fuzz, fuzz_slack
from tests.poison import CANARY, JSON, Known, Sent, one

SECONDS = 60.0  # a hang, on a machine that does other things as well


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ASGIApp]:
    with fuzz.site(tmp_path_factory.mktemp("fuzz")) as made:
        yield made


def test_no_broken_request_makes_the_server_fail(web: ASGIApp) -> None:
    found = asyncio.run(fuzz.run(web, 1500, 20, every_poison=False, seconds=SECONDS))
    assert found.faults == []
    assert found.sent == 1500 and {200, 400, 401, 404, 405, 413, 415, 422, 431} <= found.statuses.keys()


def test_no_broken_request_of_slacks_does(tmp_path: Path) -> None:
    with fuzz_slack.site(tmp_path) as here:
        fuzz_slack.run(here, 400, 20)
        assert here.faults == [] and {200, 400, 401} <= here.statuses.keys()
        assert here.bot.queue.counts().get("done", 0) > 20  # some got as far as the bot


def test_what_is_not_in_order_at_slacks_route_is_seen() -> None:
    broken = fuzz_slack.faults(fuzz.Got(500, {}, b'File "x.py", line 5'), ours=False)
    assert [f.partition(":")[0] for f in broken] == ["status 500", "let in without a signature", "shows its inside"]


def test_a_number_is_always_the_same_request() -> None:
    made = [str(one(1, n, Known())) for n in range(50)]
    assert made == [str(one(1, n, Known())) for n in range(50)] and len(set(made)) > 35


def wrong(web: ASGIApp, status: int, body: bytes, kind: bytes = b"application/problem+json") -> ASGIApp:
    """The application, which at one path answers like this."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/wrong":
            await web(scope, receive, send)
            return
        secure = [(name.encode(), b"x") for name in fuzz._ALWAYS]
        await send({"type": "http.response.start", "status": status, "headers": [*secure, (b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    return serve


PROBLEM_TYPE = b"application/problem+json"
PROBLEM = {"status": 422, "request_id": "x", "title": "a"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "told"),
    [
        (500, json.dumps(PROBLEM | {"status": 500}).encode(), PROBLEM_TYPE, "status 500"),
        (422, json.dumps(PROBLEM | {"title": CANARY}).encode(), PROBLEM_TYPE, "repeats what was sent"),
        (422, b"{}", PROBLEM_TYPE, "without the id"),
        (422, json.dumps(PROBLEM).encode(), b"text/plain", "of type text/plain"),
        (422, b"oops", PROBLEM_TYPE, "no JSON"),
        (400, json.dumps(PROBLEM).encode(), PROBLEM_TYPE, "another status"),
        (405, json.dumps(PROBLEM | {"status": 405}).encode(), PROBLEM_TYPE, "405 without Allow"),
        (422, json.dumps(PROBLEM | {"title": 'File "/a/b.py", line 3'}).encode(), PROBLEM_TYPE, "inside"),
        (200, b'{"a": NaN}', b"application/json", "JSON that is none"),
        (200, b"event: start\ndata: {}\n\n", b"text/event-stream", "without an end"),
    ],
)  # fmt: skip
def test_it_sees_what_is_wrong(web: ASGIApp, status: int, body: bytes, kind: bytes, told: str) -> None:
    sent = Sent("POST", "/wrong", b"", (JSON,), (f'{{"a": "{CANARY}"}}'.encode(),))
    found = asyncio.run(fuzz.fire(wrong(web, status, body, kind), [("one", sent)]))
    assert any(told in fault for fault in found.faults), found.faults


def test_it_sees_what_raises_hangs_or_says_nothing(web: ASGIApp) -> None:
    async def raises(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("x")

    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = await receive()
        assert message["type"] == "http.request"

    for broken, told in ((raises, "raised KeyError"), (hangs, "no end after 0.1"), (says_nothing, "no answer")):
        found = asyncio.run(fuzz.fire(broken, [("one", Sent("GET", "/"))], seconds=0.1))
        assert [told in f for f in found.faults] == [True]


def test_it_ends_with_1_where_a_route_raises(
    web: ASGIApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object) -> object:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("assistant.history.History.judge", fails)
    assert fuzz.main(["--requests", "60", "--seconds", "60", "--no-poisons"]) == 1
    assert "status 500" in capsys.readouterr().out
