"""From nothing to an answer: `ask` in a process of its own with and without a server, the stock pipeline likewise, and
the start of the server. Files are in the page cache, as after the first start of the day.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from evals.bench import corpus
from evals.bench.clock import resident_mb
from evals.bench.place import Place, Told
from evals.load import free_port, ready
from evals.stats import percentile

TIMES = 5


def measure(place: Place) -> Told:
    """Seconds, the median of TIMES; megabytes that the server holds."""
    port = free_port()
    environment = os.environ | place.environment() | {"ASSISTANT_PORT": str(port)}
    asked = iter(corpus.questions(4 * TIMES + place.questions))
    ours, stock = [], []
    for _ in range(TIMES):  # by turns, so that whatever else the machine does meets both
        ours.append(_seconds(_ask(next(asked)), environment))
        stock.append(_seconds(_stock(place), environment))
    with _server(environment, port) as (server, started):
        fresh = resident_mb(server.pid)
        served = [_seconds(_ask(next(asked)), environment) for _ in range(TIMES)]
        held = resident_mb(server.pid)
    return {"ask_seconds": _median(ours), "stock_seconds": _median(stock), "served_ask_seconds": _median(served),
            "server_start_seconds": round(started, 2), "server_fresh_mb": fresh, "server_mb": held}  # fmt: skip


def _ask(question: str) -> list[str]:
    return [sys.executable, "-m", "assistant", "ask", question]


def _stock(place: Place) -> list[str]:
    return [sys.executable, "-m", "evals.bench.child", "stock-first", str(place.folder), str(place.chunks), "1"]


def _seconds(command: Sequence[str], environment: Mapping[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


@contextlib.contextmanager
def _server(environment: Mapping[str, str], port: int) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    """A server without keys, so that `ask` finds it, and the seconds until it was ready."""
    begun = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-m", "assistant", "serve"], env=environment, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(ready(port, server))
        yield server, time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait(30)


def _median(seconds: Sequence[float]) -> float:
    return round(percentile(seconds, 0.5), 3)
