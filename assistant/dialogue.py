"""Asking within a conversation: what was said before goes with the question, what is answered is kept.

An answer never waits for the database to be well: what cannot be read or kept is said, and the answer is given.
"""

import contextlib
import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from assistant.chain import Cancelled, Shown, Started
from assistant.conversation import Answer, BadQuestion, Question, Turn
from assistant.exchanges import Json, Kept, NotFound, title
from assistant.generation import Cancel
from assistant.history import DatabaseFailed, History
from assistant.render import citation_json, to_json
from assistant.steps import Step

log = logging.getLogger(__name__)
_PLACES, _PLACE_SECONDS = 2, 60.0  # for so many at a time the database is asked; who waits longer is not kept
Stream = Callable[[Question, Cancel], Iterator[Started | Shown | Answer]]  # as `Assistant.stream`


@dataclass(frozen=True, slots=True)
class Opening:
    """An exchange that is about to happen. `conversation` is None where none could be started, `kept` unless the
    request was answered before, `trouble` unless the database failed: then one line, what and what to do."""

    owner: str
    request: str
    conversation: str | None
    new: bool
    question: Question
    kept: Kept | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, the JSON of the contract, and the conversation it stands in, None where it stands in none. `trouble`
    is None when it was kept, else one line, why not."""

    answer: Json
    conversation: str | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer is on its way. `conversation` is None where it stands in none."""

    trace: str
    conversation: str | None
    index: str
    model: str


@dataclass(frozen=True, slots=True)
class Said:
    """A verified sentence with the citations it carries, the JSON of the contract; `number` counts from 1."""

    number: int
    text: str
    citations: tuple[Json, ...]


class Dialogue:
    """Answers within the conversations of `history`. `forget` is called with the trace of each answer that a deleted
    conversation was the last to hold."""

    def __init__(
        self, answer: Callable[[Question], Answer], history: History, forget: Callable[[str], None] = lambda _: None
    ) -> None:
        self.history = history
        self._answer, self._forget = answer, forget
        self._places = threading.Semaphore(_PLACES)
        self._lock, self._asking = threading.Lock(), dict[tuple[str, str], tuple[threading.Lock, int]]()

    def ask(
        self, owner: str, conversation: str | None, question: Question, request: str, spoken: tuple[Turn, ...] = ()
    ) -> Reply:
        """Answer `question` in a conversation of `owner`, or in a new one. The same `request` gets the same reply,
        however often and at once it is asked. `spoken` stands in for a history that cannot be read. Raises NotFound,
        BadQuestion, and what answering raises."""
        for event in self.events(owner, conversation, question, request, Cancel(), self.at_once, spoken):
            if isinstance(event, Reply):
                return event
        raise Cancelled

    def events(
        self,
        owner: str,
        conversation: str | None,
        question: Question,
        request: str,
        cancel: Cancel,
        stream: Stream,
        spoken: tuple[Turn, ...] = (),
    ) -> Iterator[Begun | Said | Reply]:
        """The same as `stream` gives it: the beginning, each sentence, the reply. What is cancelled has no reply and
        leaves nothing behind. No connection is held between events."""
        with self._alone(owner, request):
            if cancel.is_set():
                return
            with Step("open") as step:
                opening = self.open(owner, conversation, question, request, spoken)
                step.failed = opening.trouble and "not_kept"
            if opening.kept is None:
                yield from self._answering(opening, stream(opening.question, cancel))
            else:
                yield from _again(opening.kept)

    def _answering(
        self, opening: Opening, events: Iterator[Started | Shown | Answer]
    ) -> Iterator[Begun | Said | Reply]:
        answered = False
        try:
            for event in events:
                if isinstance(event, Answer):
                    answered = True
                    with Step("keep") as step:
                        reply = self.keep(opening, to_json(event))
                        step.failed = reply.trouble and "not_kept"
                    yield reply
                else:
                    yield _told(event, opening.conversation)
        finally:
            if not answered:
                self.abandon(opening)

    def at_once(self, question: Question, _: Cancel) -> Iterator[Started | Shown | Answer]:
        """A stream of nothing but the whole answer, which cannot be cancelled."""
        yield self._answer(question)

    def open(
        self, owner: str, conversation: str | None, question: Question, request: str, spoken: tuple[Turn, ...] = ()
    ) -> Opening:
        """Find or start the conversation, and give the question its history. For answers that are sent in pieces: call
        `keep` after the last one, or `abandon`."""
        new = conversation is None
        try:
            with self._place():
                kept = self.history.kept(owner, request)
                if kept and (kept.question != question.text or conversation not in (None, kept.conversation)):
                    raise BadQuestion("this idempotency key was used for another question; send a new one")
                if kept is None and conversation is None:
                    conversation = self.history.start(owner, title(question.text))
                elif kept is None and conversation is not None:
                    spoken = self.history.turns(conversation, owner)
        except DatabaseFailed as error:
            log.warning("not kept: %s", error)
            return Opening(owner, request, conversation, new, _with(question, spoken), None, str(error))
        return Opening(owner, request, conversation, new, _with(question, spoken), kept, None)

    def keep(self, opening: Opening, answer: Json) -> Reply:
        """Keep what was answered."""
        if opening.conversation is None or opening.trouble is not None:
            return Reply(answer, opening.conversation, opening.trouble)
        try:
            text = opening.question.text
            with self._place():
                kept = self.history.append(opening.conversation, opening.owner, text, answer, opening.request)
        except NotFound:
            return Reply(answer, None, "the conversation was deleted while this was answered; start a new one")
        except DatabaseFailed as error:
            log.warning("not kept: %s", error)
            return Reply(answer, opening.conversation, str(error))
        if kept.conversation != opening.conversation:
            self.abandon(opening)  # the same request was answered elsewhere meanwhile
        return Reply(kept.answer, kept.conversation, None)

    def abandon(self, opening: Opening) -> None:
        """Leave no empty conversation behind where there is no answer."""
        if opening.new and opening.conversation is not None:
            with contextlib.suppress(DatabaseFailed):
                self.history.abandon(opening.conversation, opening.owner)

    def delete(self, owner: str, conversation: str) -> None:
        """Delete a conversation and the records of its answers. Raises NotFound and DatabaseFailed."""
        for trace in self.history.delete(conversation, owner):
            self._forget(trace)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """A place at the database: many answers that begin or end at once wait here for longer than its pool lets them.
        Raises DatabaseFailed."""
        if not self._places.acquire(timeout=_PLACE_SECONDS):
            raise DatabaseFailed("the conversation database is busy; try again")
        try:
            yield
        finally:
            self._places.release()

    @contextlib.contextmanager
    def _alone(self, owner: str, request: str) -> Iterator[None]:
        """One at a time for each request, so that an impatient client does not have it answered twice."""
        key = owner, request
        with self._lock:
            turn, waiting = self._asking.get(key, (threading.Lock(), 0))
            self._asking[key] = turn, waiting + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, waiting = self._asking.pop(key)
                if waiting > 1:
                    self._asking[key] = turn, waiting - 1


def aside(events: Iterator[Started | Shown | Answer]) -> Iterator[Begun | Said | Reply]:
    """What `Assistant.stream` gives, outside of all conversations."""
    for event in events:
        yield Reply(to_json(event), None, None) if isinstance(event, Answer) else _told(event, None)


def _told(event: Started | Shown, conversation: str | None) -> Begun | Said:
    if isinstance(event, Started):
        return Begun(event.trace, conversation, event.index, event.model)
    return Said(event.number, event.sentence.text, tuple(map(citation_json, event.citations)))


def _again(kept: Kept) -> Iterator[Begun | Said | Reply]:
    """The events of an answer that was given before."""
    answer = kept.answer
    yield Begun(answer["trace"], kept.conversation, answer["index"], answer["model"])
    for number, said in enumerate(answer["sentences"], 1):
        yield Said(number, said["text"], tuple(c for c in answer["citations"] if c["number"] in said["citations"]))
    yield Reply(answer, kept.conversation, None)


def _with(question: Question, spoken: tuple[Turn, ...]) -> Question:
    return dataclasses.replace(question, history=spoken)
