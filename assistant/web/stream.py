"""Answers as they are made: each in a thread of its own, its events handed to the event loop and sent as they come.

Not for: what is said in a conversation (dialogue.py). Threads, because searching and proving are work and not waiting.
"""

import asyncio
import itertools
import json
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from assistant.chain import Cancelled
from assistant.dialogue import Begun, Reply, Said, Stream
from assistant.exchanges import Json
from assistant.generation import Cancel
from assistant.web import problems
from assistant.web.limits import Limits
from assistant.web.problems import Problem, Refused
from assistant.web.turns import Turns, in_turn, whole_in_turn

_SEND_SECONDS = 30.0  # a client that takes nothing for so long is gone
_STOPPING = Problem(503, "The server is stopping", "Ask again in a moment", 5)
# JSON leaves these as they are, but some clients take them for the end of a line.
_LINES = {ord(c): f"\\u{ord(c):04x}" for c in "\x85\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing more comes, because of `error`."""

    error: BaseException


Event = Begun | Said | Reply | Failed
T = TypeVar("T")


class Running:
    """An answer that is being made. Belongs to the event loop that it was begun in."""

    def __init__(self, caller: str, seconds: float, heartbeat: float) -> None:
        self.caller, self.cancel, self._heartbeat = caller, Cancel(), heartbeat
        self._loop = asyncio.get_running_loop()
        self._events = asyncio.Queue[Event]()
        self._seconds, self._until = seconds, self._loop.time() + seconds
        self._watch: asyncio.Task[None] | None = None

    async def next(self, seconds: float | None = None) -> Event | None:
        """The next event, None when none came within `seconds`, those of a heartbeat where None. After a Reply or
        Failed there is none."""
        seconds = self._heartbeat if seconds is None else seconds
        left = self._until - self._loop.time()
        try:
            async with asyncio.timeout(max(0.0, min(seconds, left))):
                return await self._events.get()
        except TimeoutError:
            if left > seconds:
                return None
            self.cancel.set()
            return Failed(Refused(Problem(504, f"The answer took longer than {self._seconds:g} seconds", "Ask again")))

    async def reply(self) -> Reply:
        """Wait for the whole answer. Raises what making it raises."""
        while True:
            event = await self.next(self._seconds)
            if isinstance(event, Failed):
                raise event.error
            if isinstance(event, Reply):
                return event

    async def first(self, receive: Receive) -> Event | None:
        """The first event, None when it takes long. From now on it stops when the client goes away; until `leave`.
        Raises what answering raises before it begins."""

        async def watch() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.stop(Cancelled())

        self._watch = asyncio.create_task(watch())
        event = await self.next()
        if isinstance(event, Failed):
            self.leave()
            raise event.error
        return event

    def leave(self) -> None:
        """Nobody waits for it any more: stop what still runs."""
        if self._watch is not None:
            self._watch.cancel()
        self.cancel.set()

    def stop(self, error: BaseException) -> None:
        """End with `error`. Any thread may call it."""
        self.put(Failed(error))
        self.cancel.set()

    def put(self, event: Event) -> None:
        """Hand on an event. Any thread may call it."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Have the event loop call something after `seconds`. Any thread may call this."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, call)


class Answering:
    """Runs answers, and says no when there are too many."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._answered: Callable[[Json], object] = bool
        self._pool = ThreadPoolExecutor(limits.answers, "answer")  # makes no thread before it needs one
        self._turns = Turns(limits.working or os.cpu_count() or 1)
        self._lock, self._stopping = threading.Lock(), False
        self._running: set[Running] = set()

    def begin(self, caller: str, events: Callable[[Running], Iterator[Begun | Said | Reply]]) -> Running:
        """Make an answer of what `events` gives. Raises Refused when `caller`, or all, have too many running."""
        running = Running(caller, self._limits.answer_seconds, self._limits.heartbeat)
        with self._lock:
            self._admit(caller)
            self._running.add(running)
        here = copy_context()  # whoever hears of this request's steps hears of its answer's too
        done = self._pool.submit(here.run, self._work, running, events)
        done.add_done_callback(lambda done: self._end(running, done))
        return running

    def in_turn(self, stream: Stream, running: Running) -> Stream:
        """`stream`, which works when it is its turn."""
        return in_turn(self._turns, stream, running.later)

    def whole_in_turn(self, stream: Stream, running: Running) -> Stream:
        """The same for a stream of nothing but an answer."""
        return whole_in_turn(self._turns, stream, running.later)

    async def do(self, work: Callable[[], T]) -> T:
        """Do what keeps a core busy but is no answer, when it is its turn. Raises what `work` raises."""
        with self._lock:
            if self._stopping:
                raise Refused(_STOPPING)

        def in_turn() -> T:
            turn = self._turns.take(Cancel())
            try:
                return work()
            finally:
                turn.end()

        return await asyncio.wrap_future(self._pool.submit(in_turn))

    def tell(self, answered: Callable[[Json], object]) -> None:
        """Call `answered` with each answer from now on."""
        self._answered = answered

    def stop(self) -> None:
        """End every answer that is being made, and begin no more."""
        with self._lock:
            self._stopping, running = True, tuple(self._running)
        for each in running:
            each.stop(Refused(_STOPPING))

    def count(self) -> int:
        """How many answers are being made."""
        return len(self._running)

    def waiting(self) -> int:
        """How many of them wait for their turn to work."""
        return len(self._turns)

    def _admit(self, caller: str) -> None:
        if self._stopping:
            raise Refused(_STOPPING)
        if len(self._running) >= self._limits.answers:
            raise Refused(Problem(503, "Too many answers are being made just now", "Try again in a moment", 5))
        if Counter(r.caller for r in self._running)[caller] >= self._limits.streams:
            many = f"More than {self._limits.streams} answers at once"
            raise Refused(Problem(429, many, "Wait until one of them has ended", 5))

    def _work(self, running: Running, events: Callable[[Running], Iterator[Begun | Said | Reply]]) -> None:
        for event in events(running):
            if isinstance(event, Reply):
                self._answered(event.answer)
            running.put(event)

    def _end(self, running: Running, done: Future[None]) -> None:
        with self._lock:
            self._running.discard(running)
        running.put(Failed(done.exception() or Cancelled()))  # after a Reply nobody reads it


class EventStream(Response):
    """Server-sent events: `first`, then what `running` gives, each as `encode` puts it; None is a comment."""

    media_type = "text/event-stream"

    def __init__(
        self,
        running: Running,
        first: Event | None,
        encode: Callable[[Event | None], Iterable[bytes]],
        track: AbstractContextManager[Any],
    ) -> None:
        # Buffering proxies (nginx reads the last one) pass every event on at once.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Type": "text/event-stream"}
        super().__init__(headers=headers)
        del self.headers["content-length"]
        self._running, self._first, self._encode, self._track = running, first, encode, track

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send all of it, or stop where the client went away."""
        try:
            with self._track:
                await self._send(scope, send)
        except TimeoutError:
            return  # it reads no more; the server closes the connection of an unfinished response
        finally:
            self._running.leave()

    async def _send(self, scope: Scope, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        event, over = self._first, False
        while not over:
            over = isinstance(event, Reply | Failed)
            if isinstance(event, Failed) and not isinstance(event.error, Cancelled):  # else the client went away
                scope["problem"] = problems.of(event.error)
            async with asyncio.timeout(_SEND_SECONDS):
                body = b"".join(self._encode(event))
                await send({"type": "http.response.body", "body": body, "more_body": not over})
            event = None if over else await self._running.next()


def server_sent(request_id: str) -> Callable[[Event | None], Iterable[bytes]]:
    """The events of `POST /api/chat`: one `start`, a `sentence` each, at the end `done` or `error`."""

    def encode(event: Event | None) -> Iterable[bytes]:
        match event:
            case Begun():
                start = {"trace": event.trace, "conversation_id": event.conversation}
                yield frame("start", start | {"index": event.index, "model": event.model})
            case Said():
                said = {"number": event.number, "text": event.text, "citations": event.citations}
                yield frame("sentence", said)
            case Reply():
                stored = {"conversation_stored": False} if event.trouble else {}
                yield frame("done", event.answer | {"conversation_id": event.conversation} | stored)
            case Failed():
                problems.note(event.error, request_id)
                yield frame("error", problems.of(event.error).json(request_id))
            case None:
                yield b": still working\n\n"

    return encode


def frame(name: str | None, data: dict[str, Any]) -> bytes:
    """One event; a line each for its name, if it has one, and its JSON."""
    lines = itertools.chain([f"event: {name}\n"] if name else [], [f"data: {_json(data)}\n\n"])
    return "".join(lines).encode()


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_LINES)
