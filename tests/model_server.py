"""A real HTTP server on the loopback address that speaks OpenAI's chat completions, with a knob for every fault.

    python -m tests.model_server --port 0 --said obedient

It is no model: `said` makes the answer from the messages. It tells when each client went away.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from tests.obedient import Said, copy_first, obedient

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found"}


@dataclass(frozen=True, slots=True)
class Knobs:
    """Faults and delays; times in seconds. `failures` is how many of the first requests fail with status `fail`."""

    hold: bool = False  # send no token until it is False
    first: float = 0.0
    between: float = 0.0
    fail: int = 500
    failures: int = 0
    retry_after: str | None = None
    drop_after: int | None = None  # cut the connection after so many tokens
    end_after: int | None = None  # end in order after so many tokens, without a finish mark
    hang_after: int | None = None  # say nothing more after so many tokens
    malformed_after: int | None = None  # a chunk that is no JSON after so many tokens
    usage: bool = True
    refuses: tuple[str, ...] = ()  # fields of a request that are answered with 400
    finish: str = "stop"
    body: str = '{"error": {"message": "sk-echo is not welcome", "type": "x", "code": null}}'  # of a failure


@dataclass(slots=True)
class Request:
    """What came in, and what became of it. `left` is when the client went away before the end, else None."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    status: int = 0
    tokens: int = 0
    done: bool = False
    left: float | None = None

    @property
    def messages(self) -> list[Said]:
        """The messages asked with."""
        return list(self.body.get("messages", []))


@dataclass(slots=True)
class ModelServer:
    """The server in a thread of its own. Use it in a `with`; set `knobs` between requests."""

    said: Callable[[Sequence[Said]], str] = copy_first
    knobs: Knobs = field(default_factory=Knobs)
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    open: int = 0
    most_open: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _thread: threading.Thread | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        """The base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="model-server", daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the model server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join(10)
        self._loop.close()

    def wait(self, condition: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Whether `condition` came true within `seconds`."""
        until = time.monotonic() + seconds
        while not condition() and time.monotonic() < until:
            time.sleep(0.005)
        return condition()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone, or the server stops
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        early = b""
        while True:
            request = await _read(early, reader)
            self.requests.append(request)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
            # What the client sends or ends while it is answered: reading is the only way to see it go away.
            watch = asyncio.ensure_future(reader.read(1))
            answer = asyncio.ensure_future(self._answer(request, writer, len(self.requests)))
            try:
                await asyncio.wait({watch, answer}, return_when=asyncio.FIRST_COMPLETED)
                if not answer.done() and _gone(watch):
                    request.left = time.monotonic()
                    return
                await answer
                if _gone(watch) or not request.done:
                    return
                early = watch.result() if watch.done() else b""
            finally:
                self.open -= 1
                for task in (watch, answer):
                    task.cancel()
                await asyncio.gather(watch, answer, return_exceptions=True)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter, number: int) -> None:
        knobs = self.knobs
        if knobs.hang_after == 0:
            await asyncio.sleep(3600)
        if request.path != "/v1/chat/completions":
            await _send(request, writer, 404, {"error": {"message": "no such route"}})
        elif number <= knobs.failures:
            await _send(request, writer, knobs.fail, knobs.body, knobs.retry_after)
        elif refused := [name for name in knobs.refuses if name in request.body]:
            await _send(request, writer, 400, {"error": {"message": f"unknown fields {refused}"}})
        elif request.body.get("stream"):
            await self._stream(request, writer, knobs)
        else:
            await asyncio.sleep(knobs.first)
            text = self.said(request.messages)
            await _send(request, writer, 200, _completion(request, text, _tokens(text), knobs))

    async def _stream(self, request: Request, writer: asyncio.StreamWriter, knobs: Knobs) -> None:
        request.status = 200
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await _event(writer, _chunk({"role": "assistant", "content": ""}))
        while self.knobs.hold:
            await asyncio.sleep(0.01)
        await asyncio.sleep(knobs.first)
        tokens = _tokens(self.said(request.messages))
        for token in tokens:
            if await self._broken(request, writer, knobs):
                return
            await _event(writer, _chunk({"content": token}))
            request.tokens += 1
            await asyncio.sleep(knobs.between)
        if await self._broken(request, writer, knobs):
            return
        await _event(writer, _chunk({}, knobs.finish))
        if knobs.usage and request.body.get("stream_options", {}).get("include_usage"):
            await _event(writer, _chunk({}) | {"choices": [], "usage": _usage(request, tokens)})
        await _raw(writer, b"data: [DONE]\n\n")
        await _finish(request, writer)

    async def _broken(self, request: Request, writer: asyncio.StreamWriter, knobs: Knobs) -> bool:
        """Whether the answer ended here because a knob says so."""
        if knobs.drop_after == request.tokens:
            writer.transport.abort()
            return True
        if knobs.hang_after == request.tokens:
            await asyncio.sleep(3600)
        if knobs.malformed_after == request.tokens:
            await _raw(writer, b'data: {"choices": [{"delta": {"content": nonsense\n\n')
        if knobs.end_after == request.tokens:
            await _finish(request, writer)
            return True
        return False


async def _read(early: bytes, reader: asyncio.StreamReader) -> Request:
    head = early + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(first.split()[1], headers, json.loads(body or b"{}"), time.monotonic())


def _gone(watch: "asyncio.Future[bytes]") -> bool:
    return watch.done() and (watch.cancelled() or watch.exception() is not None or watch.result() == b"")


async def _send(
    request: Request, writer: asyncio.StreamWriter, status: int, content: dict[str, Any] | str, retry: str | None = None
) -> None:
    request.status = status
    body = (content if isinstance(content, str) else json.dumps(content)).encode()
    head = f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}\r\ncontent-type: application/json\r\n"
    head += f"content-length: {len(body)}\r\n" + (f"retry-after: {retry}\r\n" if retry is not None else "")
    writer.write(head.encode() + b"\r\n" + body)
    await writer.drain()
    request.done = True


async def _raw(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, content: dict[str, Any]) -> None:
    await _raw(writer, f"data: {json.dumps(content)}\n\n".encode())


async def _finish(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    request.done = True


def _chunk(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}


def _completion(request: Request, text: str, tokens: Sequence[str], knobs: Knobs) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": knobs.finish}
    answer: dict[str, Any] = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    return answer | ({"usage": _usage(request, tokens)} if knobs.usage else {})


def _usage(request: Request, tokens: Sequence[str]) -> dict[str, int]:
    asked = sum(len(_tokens(m["content"])) for m in request.messages)
    return {"prompt_tokens": asked, "completion_tokens": len(tokens), "total_tokens": asked + len(tokens)}


def _tokens(text: str) -> list[str]:
    """Pieces of up to four characters: they cut words, markers and tags apart, as a model's tokens do."""
    return [text[i : i + 4] for i in range(0, len(text), 4)]


def main(arguments: Sequence[str]) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--said", choices=["copy", "obedient"], default="copy")
    parser.add_argument("--first", type=float, default=0.0, help="seconds to the first token")
    parser.add_argument("--between", type=float, default=0.0, help="seconds between tokens")
    asked = parser.parse_args(arguments)
    said = obedient if asked.said == "obedient" else copy_first
    with ModelServer(said, Knobs(first=asked.first, between=asked.between), asked.port) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1:])
