"""Load on the web endpoint: so many streams of POST /api/chat at once, each with a question of its own.

    python -m evals.load --streams 100
    python -m evals.load --streams 400 --model openai:mock --base-url http://127.0.0.1:8090/v1

Starts the server of these settings in a process of its own, with a key for every 40 streams, as the limits of a caller
ask for. Prints one line of JSON: errors, seconds to the first event, to the first sentence and to the end, and how
quickly /healthz answered meanwhile.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.stats import percentile

_STREAMS_OF_A_KEY, _START_SECONDS, _STREAM_SECONDS, _PROBE_SECONDS = 40, 180.0, 600.0, 0.25
_STEMS = (
    "How do Minsk and Moscow define the Union State", "Who is the state secretary", "When do roaming fees end",
    "Is there a common currency", "What is the budget of the Union State", "Who leads the Council of Ministers",
    "What does the treaty say about defence", "How many integration programmes were agreed",
)  # fmt: skip
_OPENERS = ("", "Please tell me: ", "Tell me, ", "I ask: ", "Please: ", "Say, ", "Now: ", "Well, ", "So, ", "Do tell: ")
_ENDINGS = ("?", "??", "???", " please?", "?!")


@dataclass(slots=True)
class Seen:
    """What became of one stream; times are seconds since it was asked, None for what never came."""

    begun: float | None = None
    sentence: float | None = None
    ended: float | None = None
    error: str | None = None
    stored: bool = True


@dataclass(slots=True)
class Load:
    """What all streams and probes saw."""

    streams: list[Seen] = field(default_factory=list)
    probes: list[float] = field(default_factory=list)


def questions(count: int) -> list[str]:
    """So many questions, no two alike, so that nothing is answered from memory."""
    said = [opener + stem + ending for ending in _ENDINGS for opener in _OPENERS for stem in _STEMS]
    if count > len(said):
        raise SystemExit(f"--streams {count} is more than the {len(said)} questions there are")
    return said[:count]


@contextlib.contextmanager
def serving(keys: Sequence[str], model: str, base_url: str | None) -> Iterator[int]:
    """The port of a server that takes these keys."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "keys"
        lines = [f"load-{n}:{hashlib.sha256(key.encode()).hexdigest()}" for n, key in enumerate(keys)]
        file.write_text("\n".join(lines), "utf-8")
        place = {"ASSISTANT_PORT": str(port), "ASSISTANT_API_KEYS_FILE": str(file), "ASSISTANT_MODEL": model}
        place["ASSISTANT_DATABASE_URL"] = f"sqlite:///{folder}/conversations.sqlite"
        if base_url:
            place |= {"ASSISTANT_MODEL_BASE_URL": base_url, "OPENAI_API_KEY": os.environ.get("OPENAI_API_KEY", "none")}
        server = subprocess.Popen([sys.executable, "-m", "assistant", "serve"], env=os.environ | place)
        try:
            asyncio.run(ready(port, server))
            yield port
        finally:
            server.terminate()
            code = server.wait(30)
            if code != 0:
                raise SystemExit(f"the server ended with {code}; see what it printed above")


async def ready(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Return once the server answers questions. Raises SystemExit when it ended or takes too long."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with contextlib.suppress(OSError, EOFError):
            if (await _get(port, "/readyz"))[0] == 200:
                return
        await asyncio.sleep(0.05)
    raise SystemExit("the server did not get ready; try: python -m assistant doctor")


async def _get(port: int, path: str) -> tuple[int, float]:
    """Status and seconds of a GET."""
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n")
        await reader.read()
        return int(head.split()[1]), time.perf_counter() - started
    finally:
        writer.close()


async def stream(port: int, key: str, question: str) -> Seen:
    """Ask one question and read its events to the end."""
    seen, started = Seen(), time.perf_counter()
    try:
        async with asyncio.timeout(_STREAM_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            body = json.dumps({"question": question}).encode()
            head = f"POST /api/chat HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            status = (await reader.readuntil(b"\r\n")).split()[1].decode()
            if status != "200":
                seen.error = f"status {status}"
            async for line in reader:
                _look(seen, line, time.perf_counter() - started)
            writer.close()
    except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
        seen.error = type(error).__name__
    if seen.error is None and seen.ended is None:
        seen.error = "no end"
    return seen


def _look(seen: Seen, line: bytes, now: float) -> None:
    match line.rstrip():
        case b"event: start":
            seen.begun = now
        case b"event: sentence":
            seen.sentence = seen.sentence or now
        case b"event: done":
            seen.ended = now
        case b"event: error":
            seen.error = "error event"
        case data if b'"conversation_stored":false' in data:
            seen.stored = False


async def _probe(port: int, load: Load) -> None:
    while True:
        load.probes.append((await _get(port, "/healthz"))[1])
        await asyncio.sleep(_PROBE_SECONDS)


async def _run(port: int, keys: Sequence[str], streams: int) -> Load:
    load = Load()
    probing = asyncio.create_task(_probe(port, load))
    asking = [stream(port, keys[n % len(keys)], q) for n, q in enumerate(questions(streams))]
    load.streams = await asyncio.gather(*asking)
    probing.cancel()
    return load


def report(load: Load, seconds: float) -> dict[str, Any]:
    """What there is to say of a run."""
    errors = Counter(s.error for s in load.streams if s.error)
    return {
        "streams": len(load.streams), "errors": sum(errors.values()), "kinds": dict(errors),
        "refused": sum(s.sentence is None and s.ended is not None for s in load.streams),
        "not_stored": sum(not s.stored for s in load.streams), "seconds": round(seconds, 2),
        "first_event": _shares([s.begun for s in load.streams]),
        "first_sentence": _shares([s.sentence for s in load.streams]),
        "end": _shares([s.ended for s in load.streams]), "healthz": _shares(load.probes),
    }  # fmt: skip


def _shares(values: Sequence[float | None]) -> dict[str, float | None]:
    """p50, p99 and the largest, by nearest rank; None where there are no values."""
    found = [v for v in values if v is not None]
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {n: round(percentile(found, p), 3) if found else None for n, p in at.items()}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when a stream had an error."""
    parser = argparse.ArgumentParser(prog="python -m evals.load", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--model", default="extractive")
    parser.add_argument("--base-url")
    options = parser.parse_args(arguments)
    keys = [os.urandom(16).hex() for _ in range(-(-options.streams // _STREAMS_OF_A_KEY))]
    with serving(keys, options.model, options.base_url) as port:
        started = time.perf_counter()
        load = asyncio.run(_run(port, keys, options.streams))
        told = report(load, time.perf_counter() - started)
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if told["errors"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
