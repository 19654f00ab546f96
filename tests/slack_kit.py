"""What tests of the Slack bot share. Not a test module."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from starlette.types import ASGIApp

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.slack.bot import Bot
from assistant.web.app import create_web
from assistant.web.limits import Limits
from tests.served import wait
from tests.slack_canned import Canned, bot
from tests.slack_fake import APP_TOKEN, FakeSlack, Message

Run = Callable[..., Bot]


@contextmanager
def fake() -> Iterator[FakeSlack]:
    """A Slack to which nothing may be sent that the real one would refuse."""
    slack = FakeSlack()
    try:
        yield slack
    finally:
        slack.close()
    assert slack.problems == []


@contextmanager
def running(slack: FakeSlack, database: str | Path, assistant: Any = None, socket: bool = True,
            **options: Any) -> Iterator[Bot]:  # fmt: skip
    """A bot at work in this process, in Socket Mode unless told otherwise."""
    url = f"sqlite:///{database}" if isinstance(database, Path) else database
    made = bot(assistant or Canned(), url, slack.url, **options)
    handler = made.socket(APP_TOKEN) if socket else None
    made.start()
    try:
        if handler is not None:
            handler.connect()
            assert wait(lambda: bool(slack.sockets()))
        yield made
    finally:
        if handler is not None:
            handler.close()
        made.stop(2)
        made.queue._history.close()


class Ready:
    """What the routes ask of an assistant."""

    def __init__(self, canned: Canned) -> None:
        self.stream, self.sources = canned.stream, canned.sources

    def ready(self) -> str:
        """The generation served."""
        return "g1"


def web_of(made: Bot, canned: Canned, limits: Limits | None = None) -> ASGIApp:
    """The whole application with the bot behind Slack's route, and a key that Slack has not."""
    keys = {hashlib.sha256(b"k").hexdigest(): "alice"}
    dialogue = Dialogue(canned.answer, made.queue._history)
    return create_web(cast(Assistant, Ready(canned)), dialogue, keys, limits, "127.0.0.1", slack=made.http)


def settled(made: Bot, seconds: float = 15.0) -> bool:
    """Whether everything was done within `seconds`."""
    return wait(lambda: not {"waiting", "working"} & made.queue.counts().keys(), seconds)


def one(slack: FakeSlack, payload: dict[str, Any]) -> Message:
    """The one message that answers an event."""
    found = slack.answers(payload["event_id"])
    assert len(found) == 1, [m.shown for m in found]
    return found[0]
