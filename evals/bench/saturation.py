"""How many questions a second the server answers, and how long each then takes, as more ask at once.

Each asker puts its next question when the last is answered. The askers share the machine's cores with the server.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

from evals.bench import corpus
from evals.bench.clock import shares
from evals.bench.place import Place, Told
from evals.load import Seen, serving, stream

AT_ONCE = (1, 2, 4, 8, 16, 32)
SECONDS = 8.0
_KEYS, _WARM_UP, _KNOWN = 200, 20, 20  # a caller may ask 120 questions a minute
_EMBEDDED = "extractive"


def measure(place: Place) -> Told:
    """A curve for questions that are asked for the first time, and one for a few that are asked again and again."""
    os.environ.update(place.environment())
    keys = [os.urandom(16).hex() for _ in range(_KEYS)]
    asked = iter(corpus.questions(5000))
    with serving(keys, _EMBEDDED, None) as port:
        asyncio.run(_at(port, keys, itertools.islice(asked, _WARM_UP), 1, 60.0))
        fresh = [asyncio.run(_at(port, keys, asked, n, SECONDS)) for n in AT_ONCE]
        known = itertools.cycle(itertools.islice(asked, _KNOWN))
        again = [asyncio.run(_at(port, keys, known, n, SECONDS)) for n in AT_ONCE]
    return {"fresh": fresh, "again": again}


async def _at(port: int, keys: Sequence[str], asked: Iterator[str], askers: int, seconds: float) -> dict[str, Any]:
    seen: list[Seen] = []
    callers = itertools.cycle(keys)
    until = time.perf_counter() + seconds

    async def asker() -> None:
        for question in asked:
            seen.append(await stream(port, next(callers), question))
            if time.perf_counter() > until:
                return

    started = time.perf_counter()
    await asyncio.gather(*(asker() for _ in range(askers)))
    took = time.perf_counter() - started
    done = [s.ended * 1000 for s in seen if s.ended is not None and s.error is None]
    return {"at_once": askers, "questions": len(seen), "errors": len(seen) - len(done),
            "a_second": round(len(done) / took, 1), "ms": shares(done)}  # fmt: skip
