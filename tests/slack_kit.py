"""What tests of the Slack bot share. Not a test module."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant.slack.bot import Bot
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


def settled(made: Bot, seconds: float = 15.0) -> bool:
    """Whether everything was done within `seconds`."""
    return wait(lambda: not {"waiting", "working"} & made.queue.counts().keys(), seconds)


def one(slack: FakeSlack, payload: dict[str, Any]) -> Message:
    """The one message that answers an event."""
    found = slack.answers(payload["event_id"])
    assert len(found) == 1, [m.shown for m in found]
    return found[0]
