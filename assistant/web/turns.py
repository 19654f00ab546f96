"""Whose turn it is to work: searching and proving keep a core busy, so a few threads do it at a time, in order.

All at once would end none of them sooner, and the event loop would wait for each of them.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator

from assistant.chain import Shown, Started
from assistant.compose import NAME
from assistant.conversation import Answer, Question
from assistant.dialogue import Stream
from assistant.generation import Cancel
from assistant.steps import Step

# About what searching takes. Who has a chat model waits for it after that, and needs no core.
_SEARCH_SECONDS = 0.2


class Turns:
    """So many threads at a time."""

    def __init__(self, count: int) -> None:
        self._lock, self._free = threading.Lock(), count
        self._waiting: deque[Turn] = deque()

    def take(self, cancel: Cancel) -> "Turn":
        """Wait for a turn, or until `cancel`."""
        turn = Turn(self)
        with self._lock:
            if self._free:
                self._free -= 1
                turn.begin()
            else:
                self._waiting.append(turn)
        cancel.listen(turn.begin)
        with Step("wait"):
            turn.wait()
        cancel.forget(turn.begin)
        return turn

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def end(self, turn: "Turn") -> None:
        """Give the turn to who waits longest; also one that has not come."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif self._waiting:
                self._waiting.popleft().begin()
            else:
                self._free += 1


class Turn:
    """One thread's. It may be ended from any thread, and more than once."""

    def __init__(self, turns: Turns) -> None:
        self._turns, self._begun, self._over = turns, threading.Event(), threading.Lock()

    def begin(self) -> None:
        """It is here."""
        self._begun.set()

    def wait(self) -> None:
        """Wait until it is here."""
        self._begun.wait()

    def end(self) -> None:
        """It is the next one's."""
        if self._over.acquire(blocking=False):  # never released: the second call does nothing
            self._turns.end(self)


def in_turn(turns: Turns, stream: Stream, later: Callable[[float, Callable[[], None]], None]) -> Stream:
    """`stream`, which waits for a turn after its start, and ends it with the answer: nothing that is kept takes part.
    With a chat model the turn ends after a search's time, or with the first sentence; `later` calls after so many
    seconds."""

    def events(question: Question, cancel: Cancel) -> Iterator[Started | Shown | Answer]:
        worded = False
        with contextlib.ExitStack() as mine:
            for event in stream(question, cancel):
                if isinstance(event, Answer) or (worded and isinstance(event, Shown)):
                    mine.close()
                yield event
                if isinstance(event, Started):
                    worded, turn = event.model != NAME, turns.take(cancel)
                    mine.callback(turn.end)
                    if cancel.is_set():
                        return
                    if worded:
                        later(_SEARCH_SECONDS, turn.end)

    return events


def whole_in_turn(turns: Turns, stream: Stream, later: Callable[[float, Callable[[], None]], None]) -> Stream:
    """The same for a `stream` of nothing but an answer: it waits for a turn at once, and ends it after a search's time,
    as nobody knows whether a chat model is asked."""

    def events(question: Question, cancel: Cancel) -> Iterator[Started | Shown | Answer]:
        turn = turns.take(cancel)
        later(_SEARCH_SECONDS, turn.end)
        try:
            answer = [] if cancel.is_set() else list(stream(question, cancel))
        finally:
            turn.end()
        yield from answer

    return events
