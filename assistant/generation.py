"""What comes out of a chat model: pieces of text, their cost, and the wish to stop. No provider is known here."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal, Self

Reason = Literal["unreachable", "refused_key", "rate_limited", "timed_out", "overloaded", "bad_answer", "not_installed"]

_ROOM, _LOOK_AGAIN = 256, 0.02  # pieces that wait for a slow reader; seconds until it is looked at again
_TAGS = ("<think>", "</think>", "<thinking>", "</thinking>")
_TAG = re.compile("<(/?)think(?:ing)?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the model."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took: tokens, and US dollars. Each is None where the provider does not report it."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None


class ModelFailed(Exception):
    """The model gave no answer, or half of one. Its text is one line for a person, without a key or a server's words.

    `retry_after` is in seconds, None where the server names no time."""

    def __init__(self, reason: Reason, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.reason, self.retry_after = reason, retry_after


class Cancel:
    """A wish to stop, set once by any thread; it may stop several generations."""

    def __init__(self) -> None:
        self._lock, self._set = threading.Lock(), False
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Stop everything that listens. Once is enough; more does nothing."""
        with self._lock:
            self._set, callbacks, self._callbacks = True, self._callbacks, []
        for callback in callbacks:
            callback()

    def is_set(self) -> bool:
        """Whether somebody wished to stop."""
        return self._set

    def listen(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the wish comes, at once if it came already."""
        with self._lock:
            if not self._set:
                self._callbacks.append(callback)
                return
        callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """Listen no more with `callback`."""
        with self._lock, suppress(ValueError):
            self._callbacks.remove(callback)


class Generation(Iterator[str]):
    """The pieces of one answer, as they come. Iterating raises ModelFailed where the answer breaks off.

    After the end: `usage`; `cancelled`, whether it was stopped; `truncated`, whether the model stopped before it was
    done, so that the last sentence may be unfinished."""

    def __init__(self, cancel: Cancel) -> None:
        self.usage, self.cancelled, self.truncated = Usage(), False, False
        self.started = False
        self._cancel = cancel
        self._stop: Callable[[], object] = bool
        self._pieces: SimpleQueue[str | None] = SimpleQueue()
        self._failure: ModelFailed | None = None
        self._over = False

    def __next__(self) -> str:
        piece = None if self._over else self._pieces.get()
        if piece is not None and not self.cancelled:
            return piece
        self._over = True
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopIteration

    def close(self) -> None:
        """Stop the request now. Any thread may call it, also while another waits for the next piece."""
        self._stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, stop: Callable[[], object]) -> None:
        """The request runs; `stop` ends it, from any thread."""
        self._stop = stop
        self._cancel.listen(self.close)

    def end(self, failure: ModelFailed | None, cancelled: bool) -> None:
        """Nothing more comes: after all pieces the reader is told why. A cancelled reader gets no further piece."""
        self._cancel.forget(self.close)
        self._failure, self.cancelled = failure, cancelled
        self._pieces.put(None)

    async def put(self, piece: str) -> None:
        """Hand `piece` to the reader, and wait while too many are unread. White space before the text is left out."""
        if not self.started:
            piece = piece.lstrip()
        if piece:
            self.started = True
            self._pieces.put(piece)
        while self._pieces.qsize() >= _ROOM:
            await asyncio.sleep(_LOOK_AGAIN)


class Thoughts:
    """Leaves out what stands between <think> and </think>, wherever the pieces are cut."""

    def __init__(self) -> None:
        self._held, self._inside = "", False

    def feed(self, piece: str) -> str:
        """What can be shown now of all that came."""
        self._held += piece
        shown: list[str] = []
        while found := _TAG.search(self._held):
            shown.append("" if self._inside else self._held[: found.start()])
            self._inside = not found[1]
            self._held = self._held[found.end() :]
        whole = len(self._held) - _begun(self._held)
        shown.append("" if self._inside else self._held[:whole])
        self._held = self._held[whole:]
        return "".join(shown)

    def rest(self) -> str:
        """What was held back because it looked like the beginning of a tag."""
        return "" if self._inside else self._held


def _begun(text: str) -> int:
    """How many characters at the end of `text` may be the beginning of a tag."""
    longest = min(len(text), max(map(len, _TAGS)) - 1)
    return next((n for n in range(longest, 0, -1) if any(t.startswith(text[-n:].casefold()) for t in _TAGS)), 0)
