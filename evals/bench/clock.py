"""How long, and how much memory: what every measurement here is made with."""

import os
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evals.stats import percentile
from index.ports import Encoder, Vectors

WARM_UP = 10  # questions asked before any is timed
Figures = dict[str, float]


class Clock:
    """Adds up the seconds of each part of a run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count what runs inside as `name`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - started

    def told(self) -> Figures:
        """Seconds by part."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}


class TimedEncoder:
    """An encoder whose work is counted on a clock."""

    def __init__(self, encoder: Encoder, clock: Clock) -> None:
        self.name, self.digest, self.dimension = encoder.name, encoder.digest, encoder.dimension
        self.window, self._encoder, self._clock = encoder.window, encoder, clock
        self.reads = encoder.reads

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the encoder's own."""
        with self._clock.part(f"encode ({self.name})"):
            return self._encoder.encode(texts)

    def count(self, text: str) -> int:
        """As the encoder's own."""
        with self._clock.part("count tokens"):
            return self._encoder.count(text)


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds a question: until it was answered, and those that processors worked for it, all threads together,
    which hardly change where something else keeps the machine busy."""

    waited: tuple[float, ...]
    worked: tuple[float, ...]

    def told(self) -> Figures:
        """p50, p95 and p99 of the time waited, and p50 of the time worked as `cpu`."""
        return shares(self.waited) | {"cpu": shares(self.worked)["p50"]}


def timed(ask: Callable[[str], object], asked: Sequence[str]) -> Took:
    """How long each question took, without the first WARM_UP."""
    waited, worked = [], []
    for question in asked:
        started, busy = time.perf_counter(), time.process_time()
        ask(question)
        waited.append((time.perf_counter() - started) * 1000)
        worked.append((time.process_time() - busy) * 1000)
    return Took(tuple(waited[WARM_UP:]), tuple(worked[WARM_UP:]))


def core_seconds() -> float:
    """Seconds that processors have worked for this process and its ended children."""
    return sum(os.times()[:4])


def shares(took: Sequence[float]) -> Figures:
    """p50, p95 and p99, by nearest rank."""
    return {f"p{round(s * 100)}": round(percentile(took, s), 2) for s in (0.5, 0.95, 0.99)}


def peak_mb() -> float:
    """Most memory that this process held. Nothing like it is known of a child: it counts what its parent held when it
    was forked."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def resident_mb(pid: int | str = "self") -> Figures:
    """What a process holds now: all of it, and what of it is no mapped file."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines if line.startswith(("VmRSS", "RssAnon"))}
    return {"all": round(held["VmRSS"], 1), "anonymous": round(held["RssAnon"], 1)}


def disk_mb(folder: Path) -> float:
    """Size of all files below `folder`."""
    return round(sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 2**20, 1)
