"""Switches the served index again and again while many ask, and checks every answer against its own generation.

    python -m tests.switches --switches 100

Two generations hold different years of one event, and the pointer goes to and fro between them, as a build and a
rollback set it. Threads ask one assistant all the time. An answer has to name one of the two and to hold its year
alone; its quotes have to be those of its index. Descriptors and memory are counted after the first ten switches and at
the end. Prints one line of JSON; exit code 1 when an answer failed or was mixed, when descriptors grew, or when one of
the generations never answered.
"""

import argparse
import itertools
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from assistant import answerability
from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.trace import Traces
from index.live import LiveIndex
from tests.conftest import Workshop
from tests.kills import forked

_SETTLED = 10  # switches after which pools and caches are filled
_SPARE = 2  # descriptors that come and go with the threads
_NOTICED = 5.0  # seconds until a switch has to be seen


@dataclass(slots=True)
class Seen:
    """What the askers saw."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    slowest: float = 0.0


def build(workshop: Workshop, year: int) -> str:
    """The name of a generation whose sources tell of `year`."""
    workshop.write("a.md", f"Roaming fees between both countries end in {year}.", published="2024-01-01")
    code, _ = forked(workshop.build)
    assert code == 0
    time.sleep(1.1)  # names of generations count seconds
    return workshop.generations.current()


def ask(assistant: Assistant, years: dict[str, int], number: int, seen: Seen, until: threading.Event) -> None:
    """Ask until told to stop, each question a little different, so that not all are answered from memory."""
    for n in itertools.count():
        if until.is_set():
            return
        started = time.monotonic()
        answer = assistant.answer(Question(f"When do roaming fees end{'?' * (1 + n % 5)}{' ' * (number % 7)}"))
        seen.slowest = max(seen.slowest, time.monotonic() - started)
        year = years.get(answer.index)
        others = [str(y) for y in years.values() if y != year]
        quotes = " ".join(c.quote for c in answer.citations)
        if year is None or str(year) not in answer.text or any(o in answer.text + quotes for o in others):
            seen.wrong.append(f"{answer.index}: {answer.text!r}")
        seen.answers[answer.index] += 1


def held() -> tuple[int, int]:
    """Open descriptors and resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return len(os.listdir("/proc/self/fd")), pages * os.sysconf("SC_PAGE_SIZE")


def run(folder: Path, switches: int, askers: int) -> tuple[Seen, tuple[int, int], tuple[int, int]]:
    """What was seen, and what was held after the first switches and at the end."""
    workshop, seen, until = Workshop(folder), Seen(), threading.Event()
    years = {build(workshop, year): year for year in (2026, 2027)}
    live = LiveIndex(workshop.generations.current, workshop.open)
    with closing(Assistant(live, answerability.load(), Traces(folder / "traces"))) as assistant:
        threads = [threading.Thread(target=ask, args=(assistant, years, n, seen, until)) for n in range(askers)]
        for thread in threads:
            thread.start()
        before = held()
        for n, name in zip(range(switches), itertools.cycle(years), strict=False):
            answered = seen.answers[name]
            workshop.generations.switch(name)
            limit = time.monotonic() + _NOTICED
            while seen.answers[name] < answered + 3 and time.monotonic() < limit:
                time.sleep(0.002)
            if seen.answers[name] == answered:
                seen.wrong.append(f"switch {n} was not seen within {_NOTICED:.0f} s")
            if n == _SETTLED:
                before = held()
        until.set()
        for thread in threads:
            thread.join()
        after = held()
    if after[0] > before[0] + _SPARE:
        seen.wrong.append(f"{before[0]} descriptors became {after[0]}")
    return seen, before, after


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when an answer failed or was mixed, or descriptors grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.switches", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--switches", type=int, default=100)
    parser.add_argument("--askers", type=int, default=8)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        seen, before, after = run(Path(folder), options.switches, options.askers)
    sys.stdout.write("".join(f"{w}\n" for w in seen.wrong[:20]))
    told = {
        "switches": options.switches, "answers": seen.answers.total(), "wrong": len(seen.wrong),
        "descriptors": [before[0], after[0]], "MB grown": round((after[1] - before[1]) / 1e6, 1),
        "longest answer, seconds": round(seen.slowest, 2),
    }  # fmt: skip
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if seen.wrong or len(seen.answers) != 2 else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
