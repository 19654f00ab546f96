"""Fires broken requests at the real application, in this process, and reports every answer that is not in order.

    python -m tests.fuzz --requests 50000 --seed 1
    python -m tests.fuzz --seed 1 --only 4711      # one request again, with what came back

Prints the counts by status and each fault; exit code 1 when there is one. A fault is a status of 500 and above, an
answer that takes longer than 10 seconds, an error that is no problem+json with the id of its request, that repeats what
was sent or shows the inside of the program, JSON that is none, and headers that are missing.
"""

import argparse
import asyncio
import contextlib
import gzip
import hashlib
import itertools
import json
import logging
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.web.app import create_web
from assistant.web.limits import Limits
from assistant.wire import make_assistant
from tests.poison import ASKED, CANARY, JSON, Known, Sent, one, poisons
from tests.served import small_settings

KEY = "fuzz-key"
_SECONDS = 10.0
_AT_ONCE = 4
_SHOWN = 8  # faults of a kind, in full
INSIDE = re.compile(
    r'Traceback \(most|File "[^"]+", line|site-packages|\.py\b.{0,20}\bline \d|sqlalchemy|sqlite3?\.|pydantic_core|'
    r"0x[0-9a-f]{8,}|(?:Key|Type|Value|Attribute|Recursion|Runtime|Unicode\w+)Error"
)
_ALWAYS = ("x-request-id", "x-content-type-options", "content-security-policy", "referrer-policy", "x-frame-options")


@dataclass(slots=True)
class Got:
    """What came back. Status 0 is nothing, as for who goes away."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 0.0
    error: str | None = None


@dataclass(slots=True)
class Found:
    """What a run found."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    @property
    def sent(self) -> int:
        """How many requests were sent."""
        return self.statuses.total()


async def send(web: ASGIApp, sent: Sent, seconds: float = _SECONDS) -> Got:
    """Send one request and wait for its answer to end."""
    got, started = Got(), time.perf_counter()
    arriving, gone = _arriving(sent), asyncio.Event()

    async def receive() -> Message:
        with contextlib.suppress(StopAsyncIteration):
            return await anext(arriving)
        await gone.wait()
        return {"type": "http.disconnect"}

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            got.status = message["status"]
            got.headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in message["headers"]}
        elif message["type"] == "http.response.body":
            got.body += message.get("body", b"")

    try:
        async with asyncio.timeout(seconds):
            await web(_scope(sent), receive, take)
    except TimeoutError:
        got.error = f"no end after {seconds:g} seconds"
    except Exception as error:  # noqa: BLE001 - whatever leaves the application is what is looked for
        got.error = f"raised {type(error).__name__}: {error}"
    got.seconds = time.perf_counter() - started
    if got.headers.get("content-encoding") == "gzip" and got.body:
        got.body = gzip.decompress(got.body)
    return got


async def _arriving(sent: Sent) -> AsyncIterator[Message]:
    pieces = sent.pieces if sent.leaves is None else sent.pieces[: sent.leaves]
    for number, piece in enumerate(pieces, 1):
        yield {"type": "http.request", "body": piece, "more_body": number < len(sent.pieces)}
    if sent.leaves is not None:
        yield {"type": "http.disconnect"}


def _scope(sent: Sent) -> dict[str, Any]:
    key = ((b"authorization", f"Bearer {KEY}".encode()),) if sent.keyed else ()
    headers, body = list((*sent.headers, *key)), b"".join(sent.pieces)
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", b"127.0.0.1:8000"))
    if body and not any(name in (b"content-length", b"transfer-encoding") for name, _ in headers):
        whole = len(sent.pieces) == 1
        headers.append((b"content-length", b"%d" % len(body)) if whole else (b"transfer-encoding", b"chunked"))
    raw = sent.path.encode("utf-8", "surrogatepass")
    return {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": sent.method,
        "scheme": "http", "path": sent.path, "raw_path": raw, "root_path": "", "query_string": sent.query,
        "headers": headers, "client": ("127.0.0.1", 50_000), "server": ("127.0.0.1", 8000), "state": {},
    }  # fmt: skip


def faults(sent: Sent, got: Got) -> Iterator[str]:
    """What is not in order with an answer."""
    if got.error:
        yield got.error
    if got.status == 0:
        if sent.leaves is None and not got.error:
            yield "no answer"
        return
    stopped = sent.leaves is not None and b"The answer was stopped" in got.body  # nobody is there any more
    if got.status >= 500 and not stopped:
        yield f"status {got.status}"
    if missing := [name for name in _ALWAYS if name not in got.headers]:
        yield f"no header {missing}"
    if any(c in value for value in got.headers.values() for c in "\r\n\0"):
        yield "a header of more than one line"
    text = got.body.decode("utf-8", "replace")
    if inside := INSIDE.search(text) if got.headers.get("content-type") != "text/javascript; charset=utf-8" else None:
        yield f"shows its inside: {inside[0]!r}"
    yield from _bad_error(sent, got, text) if got.status >= 400 else _bad_answer(sent, got, text)


def _bad_error(sent: Sent, got: Got, text: str) -> Iterator[str]:
    if CANARY.lower() in text.lower() or any(CANARY in value for value in got.headers.values()):
        yield "an error that repeats what was sent"
    if len(got.body) > 2000:
        yield f"an error of {len(got.body)} bytes"
    if got.status == 405 and not got.headers.get("allow"):
        yield "405 without Allow"
    if got.status == 429 and not got.headers.get("retry-after"):
        yield "429 without Retry-After"
    openai = sent.path.startswith("/v1/")
    told = _json(text)
    if not isinstance(told, dict):
        yield "an error that is no JSON"
        return
    identity = told.get("error", {}).get("request_id") if openai else told.get("request_id")
    if identity is None or identity != got.headers.get("x-request-id"):
        yield "an error without the id of its request"
    if got.headers.get("content-type") != ("application/json" if openai else "application/problem+json"):
        yield f"an error of type {got.headers.get('content-type')}"
    if not openai and told.get("status") != got.status:
        yield "a problem with another status"


def _bad_answer(sent: Sent, got: Got, text: str) -> Iterator[str]:
    kind = got.headers.get("content-type", "").partition(";")[0]
    if kind == "application/json" and _json(text) is None:
        yield "JSON that is none"
    if kind == "text/event-stream":
        ends = "data: [DONE]\n\n" if sent.path.startswith("/v1/") else "event: done\n"
        if ends not in text and sent.leaves is None:
            yield "a stream without an end"
    if kind not in ("application/json", "text/event-stream") and got.body and "\ufffd" in text:
        yield "a body that is not UTF-8"


def _json(text: str) -> Any:
    """What `text` says as strict JSON, None where it is none."""

    def refuse(_: str) -> None:
        raise ValueError

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError:
        return None


async def fire(web: ASGIApp, requests: Iterable[tuple[str, Sent]], seconds: float = _SECONDS) -> Found:
    """Send all requests, a few at a time, each with the name that a fault is told with."""
    found, left = Found(), iter(requests)

    async def work() -> None:
        for name, sent in left:
            got = await send(web, sent, seconds)
            found.statuses[got.status] += 1
            found.slowest = max(found.slowest, got.seconds)
            for fault in faults(sent, got):
                found.kinds[fault[:40]] += 1
                found.faults.append(f"{name}: {fault}\n    {sent}\n    {got.status} {got.body[:300]!r}")
            if found.sent % 1000 == 0:
                print(f"{found.sent} sent, {len(found.faults)} faults", file=sys.stderr, flush=True)

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return found


@contextlib.contextmanager
def site(folder: Path) -> Iterator[ASGIApp]:
    """The application on a small index, for one caller with a key and no limit to how often it asks."""
    many = Limits(questions=10**9, requests=10**9, bad_keys=10**9)
    with contextlib.ExitStack() as stack:
        assistant = stack.enter_context(contextlib.closing(make_assistant(small_settings(folder))))
        history = stack.enter_context(contextlib.closing(History(folder / "c.sqlite")))
        keys = {hashlib.sha256(KEY.encode()).hexdigest(): "fuzz"}
        yield create_web(assistant, Dialogue(assistant.answer, history), keys, many, "127.0.0.1")


async def known(web: ASGIApp) -> Known:
    """Ask one question, so that there is something to go wrong with."""
    asked = Sent("POST", "/api/ask", b"", (JSON,), (json.dumps({"question": ASKED}).encode(),))
    got = await send(web, asked, 120)
    answer = json.loads(got.body)
    assert got.status == 200, got
    return Known(answer["conversation_id"], answer["trace"])


async def run(web: ASGIApp, count: int, seed: int, every_poison: bool = True, seconds: float = _SECONDS) -> Found:
    """`count` requests of this seed, after the known poisons."""
    here = await known(web)
    first = ((f"poison {n}", sent) for n, sent in enumerate(poisons(here) if every_poison else ()))
    rest = ((f"{seed}.{n}", one(seed, n, here)) for n in range(count))
    return await fire(web, itertools.chain(first, rest), seconds)


def _various(all_faults: Sequence[str]) -> list[str]:
    """A few faults of each kind."""
    shown: Counter[str] = Counter()
    found = []
    for fault in all_faults:
        kind = fault.partition("\n")[0].partition(": ")[2][:40]
        shown[kind] += 1
        found += [fault] if shown[kind] <= _SHOWN else []
    return found


async def _again(web: ASGIApp, seed: int, number: int) -> Found:
    sent = one(seed, number, await known(web))
    got = await send(web, sent)
    print(f"{sent}\n{got}")
    return Found(Counter({got.status: 1}), list(faults(sent, got)), got.seconds)


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="after which an answer counts as a hang")
    parser.add_argument("--no-poisons", action="store_true", help="leave out the list of known poisons")
    parser.add_argument("--only", type=int, help="send the request of this number alone")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as web:
        started = time.perf_counter()
        work = run(web, options.requests, options.seed, not options.no_poisons, seconds=options.seconds)
        found = asyncio.run(work if options.only is None else _again(web, options.seed, options.only))
    if options.only is not None:
        work.close()
    print("\n".join(_various(found.faults)))
    told = {
        "requests": found.sent, "statuses": dict(sorted(found.statuses.items())), "faults": len(found.faults),
        "kinds": dict(found.kinds.most_common()), "slowest": round(found.slowest, 2),
        "seconds": round(time.perf_counter() - started, 1), "seed": options.seed,
    }  # fmt: skip
    print(json.dumps(told))
    return 1 if found.faults else 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # thousands of refusals are expected; only what is found is printed
    raise SystemExit(main(sys.argv[1:]))
