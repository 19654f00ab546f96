"""The steps of an answer, each told to whoever listens when it is over: what it was, when, how long, what went wrong.

Not for: counting them (web/metrics.py), or sending them anywhere (web/telemetry.py). No step holds what a user wrote.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self, get_args

# To wait for one's turn; to read the conversation; to make the question stand alone; to find passages; to choose
# sentences; to have a chat model speak (while its sentences are proven); to prove one sentence; to write the record;
# to keep the answer in its conversation.
Name = Literal["wait", "open", "rewrite", "search", "compose", "model", "verify", "record", "keep"]
NAMES: tuple[Name, ...] = get_args(Name)


@dataclass(slots=True)
class Step:
    """One step, as long as the `with` it is made for. `began` is in nanoseconds since the epoch. `dropped` where a
    sentence could not be proven; `failed` is one word, None where all went well."""

    name: Name
    began: int = 0
    seconds: float = 0.0
    dropped: bool = False
    failed: str | None = None
    _clock: float = field(default=0.0, repr=False)

    def __enter__(self) -> Self:
        self.began, self._clock = time.time_ns(), time.perf_counter()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        self.seconds = time.perf_counter() - self._clock
        if kind is not None and issubclass(kind, Exception):  # a generator that is not read to its end did not fail
            self.failed = kind.__name__
        for listener in _listeners.get():
            listener(self)


Listener = Callable[[Step], object]
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


@contextmanager
def heard(listener: Listener) -> Iterator[None]:
    """Tell `listener`, too, each step of the `with` and of what runs in a copy of its context. It must not raise."""
    token = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(token)
