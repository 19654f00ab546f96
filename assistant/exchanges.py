"""What is kept of a conversation: its questions with their answers, a title, and what a model is reminded of. Pure."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from assistant.conversation import Turn

Json = dict[str, Any]
Verdict = Literal["up", "down"]
LOCAL = "local"  # the owner where nobody shows a key
TITLE = 60  # characters
# What a model is reminded of: question-answer pairs, and characters of all of them.
MOST_PAIRS, MOST_CHARACTERS = 10, 12_000


class NotFound(LookupError):
    """There is no such thing, or it is somebody else's: nobody is told which."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a list shows of a conversation; `length` counts its question-answer pairs."""

    id: str
    title: str
    length: int
    created: datetime.datetime
    changed: datetime.datetime


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its answer, the JSON of the contract. `verdict` is None until the reader judges the answer,
    `comment` until the reader adds one."""

    number: int
    question: str
    answer: Json
    asked: datetime.datetime
    verdict: Verdict | None
    comment: str | None


@dataclass(frozen=True, slots=True)
class Conversations:
    """A page of a list, newest first; `next` asks for the page after it, None at the end."""

    found: tuple[Conversation, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A page of a conversation, oldest exchange first; `next` asks for the page before it, None at the beginning."""

    conversation: Conversation
    exchanges: tuple[Exchange, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What is stored for a request."""

    conversation: str
    question: str
    answer: Json


def title(question: str) -> str:
    """The question as a title of at most 60 characters, cut at a word border.

    >>> title("What did the parliaments of both countries decide about the budget of 2021?")
    'What did the parliaments of both countries decide about the…'
    """
    text = " ".join(question.split())
    if len(text) <= TITLE:
        return text
    border = text.rfind(" ", TITLE // 2, TITLE)
    return text[: border if border > 0 else TITLE - 1].rstrip(" ,;:–—-") + "…"


def trim(
    pairs: Sequence[tuple[str, str]], most: int = MOST_PAIRS, characters: int = MOST_CHARACTERS
) -> tuple[Turn, ...]:
    """The newest of `pairs` that fit, whole, after the first one, which says what all is about. These two always fit.

    >>> [t.text for t in trim([("a", "b"), ("c", "d"), ("e", "f")], most=2)]
    ['a', 'b', 'e', 'f']
    """
    if not pairs:
        return ()
    places = {0, len(pairs) - 1}
    used = sum(len(text) for n in places for text in pairs[n])
    for place in range(len(pairs) - 2, 0, -1):
        used += sum(map(len, pairs[place]))
        if len(places) >= most or used > characters:
            break
        places.add(place)
    kept = [pairs[n] for n in sorted(places)]
    return tuple(turn for asked, said in kept for turn in (Turn("user", asked), Turn("assistant", said)))
