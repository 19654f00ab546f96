"""What is to be done for Slack: one task an event, as it is stored. Pure."""

import json
from dataclasses import asdict, dataclass, field
from typing import Literal

# ask: answer a question; check: a claim against the sources; forget: a thread's memory; the others as they are called.
Kind = Literal["ask", "check", "forget", "share", "export", "settings", "home", "prompts", "deny", "usage"]


@dataclass(frozen=True, slots=True)
class Task:
    """`id` is Slack's event id, or what is unique to a command or click; `message` names the message that it is about,
    so that two events of one message are one task, None where there is none. `thread` is where the answer goes: the
    timestamp of its first message, "" where it goes to `asker` alone through `response`, a URL. `follows` is set where
    the bot was not mentioned, so only threads of its own count. `text` is what was said; `direct` a conversation with
    the bot alone; `value` what a button carried."""

    id: str
    kind: Kind
    team: str
    channel: str
    user: str
    thread: str = ""
    message: str | None = None
    text: str = ""
    direct: bool = False
    follows: bool = False
    response: str = ""
    value: str = ""

    @property
    def place(self) -> str:
        """Tasks of one place are done one after another."""
        return f"{self.team}/{self.channel}/{self.thread}" if self.thread else f"task {self.id}"

    @property
    def owner(self) -> str:
        """Whose conversation it is: what is answered in a thread belongs to those who read there."""
        if self.direct or not self.thread:
            return f"slack:{self.team}:{self.user}"
        return f"slack:{self.team}:{self.channel}"

    def dump(self) -> str:
        """As JSON that any database keeps."""
        return json.dumps(asdict(self))


def load(text: str) -> Task:
    """The task that `dump` wrote."""
    return Task(**json.loads(text))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A task in hand. `attempt` counts from 1 and tells this try from others; `sent` are the messages that earlier
    tries are known to have sent, by part; `busy` where there were too many tasks when it came."""

    task: Task
    attempt: int
    received: float
    sent: dict[str, str] = field(default_factory=dict)
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """A task that is over with an answer: whose conversation holds it, under which trace, and when it was asked, in
    seconds since 1970."""

    owner: str
    trace: str
    received: float


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """How a channel is answered: None for the question's language, and for no limit of dates."""

    language: Literal["en", "ru", "be"] | None = None
    as_of: str | None = None
    mention_only: bool = False
