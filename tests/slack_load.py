"""Many deliveries with duplicates, losses and restarts: is there exactly one answer an event?

    python -m tests.slack_load --deliveries 10000 [--database URL] [--processes 2] [--kills 20] [--seed 1]
    python -m tests.slack_load --burst 200 [--rate 50]    how soon they are acknowledged while answers take a minute

Processes of the bot with the real Bolt and client share one database; some are killed with SIGKILL at random and
started again. Slack is our own, and sends again what is not acknowledged.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Future, TimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.served import wait
from tests.slack_fake import FakeSlack, event, mention

_ROOT = Path(__file__).parent.parent
_WINDOW = 200  # events that are on their way at a time


@dataclass(frozen=True)
class Result:
    """What came of it: events, deliveries that were duplicates, kills, and events with another number of answers than
    one; seconds until acknowledgements: 99th percentile and longest; seconds in all."""

    events: int
    deliveries: int
    duplicates: int
    kills: int
    wrong: list[str]
    p99: float
    longest: float
    seconds: float


class _Processes:
    """The bot's processes."""

    def __init__(self, slack: FakeSlack, database: str, count: int, seconds: float = 0.0) -> None:
        self._command = [sys.executable, "-m", "tests.slack_canned", database, slack.url, str(seconds)]
        self._slack, self._running = slack, [self._start() for _ in range(count)]
        assert wait(lambda: len(slack.sockets()) == count, 120)

    def kill(self, number: int) -> None:
        """End one without a warning and start another in its place."""
        victim = self._running[number]
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self._running[number] = self._start()

    def stop(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait(30)

    def end(self) -> None:
        """Without waiting for the answers in hand."""
        for process in self._running:
            process.kill()
            process.wait(30)

    def _start(self) -> "subprocess.Popen[bytes]":
        log = None if os.environ.get("SLACK_LOAD_LOG") else subprocess.DEVNULL
        return subprocess.Popen(self._command, cwd=_ROOT, env=os.environ | {"PYTHONPATH": str(_ROOT)}, stderr=log)


def load(events: int, database: str, processes: int = 2, kills: int = 10, seed: int = 1, quiet: bool = True) -> Result:
    """Deliver `events` events, about one in three more than once, and count their answers."""
    rng, slack, started = random.Random(seed), FakeSlack(), time.monotonic()
    asked = [
        mention(f"Question {n}?") if n % 4 else event(f"Question {n}?", kind="message", channel=f"D{n % 50}")
        for n in range(events)
    ]
    bots = _Processes(slack, database, processes)
    at = set(rng.sample(range(1, events), kills)) if kills else set()
    delivered = 0
    killers: list[threading.Thread] = []
    try:
        for n, payload in enumerate(asked):
            if n in at:
                killers.append(threading.Thread(target=bots.kill, args=(rng.randrange(processes),)))
                killers[-1].start()
            delivered += _deliver(slack, payload, rng)
            wait(lambda n=n: n - len({m.event for m in slack.all()}) < _WINDOW if n % 50 == 0 else True, 120)
            if not quiet and n % 500 == 0:
                print(
                    f"{n} delivered, {len(slack.all())} messages, {time.monotonic() - started:.0f} s", file=sys.stderr
                )
        for killer in killers:
            killer.join()
        wait(lambda: not _wrong(slack, asked), 120 + events / 10)
        time.sleep(6)  # longer than a lease: an answer too many would come now
        wrong = _wrong(slack, asked)
    finally:
        bots.stop()
        slack.close()
    p99, longest = _late(slack)
    return Result(
        events,
        delivered,
        delivered - events,
        kills,
        wrong + slack.problems,
        p99,
        longest,
        time.monotonic() - started,
    )


def burst(
    events: int, database: str, processes: int = 2, seconds: float = 60.0, rate: float | None = None
) -> tuple[float, float]:
    """Seconds until `events` events are acknowledged, p99 and longest, while each answer takes `seconds`. They come at
    once, or `rate` a second; Slack sends an app 30,000 an hour and workspace at most, about eight a second
    (https://docs.slack.dev/apis/events-api/#rate-limiting). Raises TimeoutError for one that is not within 30 s."""
    slack = FakeSlack()
    bots = _Processes(slack, database, processes, seconds)
    try:
        waited: list[Future[dict[str, Any]]] = []
        for n in range(events):
            waited.append(slack.deliver(mention(f"Question {n}?")))
            time.sleep(1 / rate if rate else 0)
        for done in waited:
            done.result(30)
        return _late(slack)
    finally:
        bots.end()
        slack.close()


def _late(slack: FakeSlack) -> tuple[float, float]:
    """How long acknowledgements took, in seconds: 99th percentile and longest."""
    times = sorted(slack.acknowledged.values())
    return times[int(len(times) * 0.99)], times[-1]


def _deliver(slack: FakeSlack, payload: dict[str, Any], rng: random.Random) -> int:
    """One event as Slack delivers it: until it is acknowledged, sometimes again all the same, sometimes only as a
    retry because the first was lost. Returns how often."""
    count = 0
    attempt = 1 if rng.random() < 0.1 else 0
    while True:
        count += 1
        done: Future[Any] = slack.deliver(payload, attempt=attempt)
        try:
            done.result(5)
            break
        except (TimeoutError, ConnectionError):
            attempt += 1
            wait(lambda: bool(slack.sockets()), 60)
    for _ in range(rng.choice((0, 0, 1, 2)) if rng.random() < 0.6 else 0):
        slack.deliver(payload, attempt=attempt + 1)
        count += 1
    return count


def _wrong(slack: FakeSlack, asked: list[dict[str, Any]]) -> list[str]:
    """Events with no answer or several, with one that is not whole, and messages that answer no event."""
    found: dict[str, list[str]] = {}
    for message in slack.all():
        found.setdefault(message.event, []).append(message.shown)
    wrong = []
    for payload in asked:
        text = payload["event"]["text"].removeprefix("<@UBOT> ")
        shown = found.pop(payload["event_id"], [])
        if len(shown) != 1 or not shown[0].startswith(f"You asked {text} [1]."):
            wrong.append(f"{payload['event_id']}: {len(shown)} answers {shown[:2]}")
    return wrong + [f"{len(s)} messages for {e!r}" for e, s in found.items()]


def main() -> int:
    """Exit code 1 where an event has not exactly one answer."""
    options = argparse.ArgumentParser(description="Deliver many events and count their answers.")
    options.add_argument("--deliveries", type=int, default=10_000)
    options.add_argument("--burst", type=int, help="deliver so many at once while answers take a minute, nothing else")
    options.add_argument("--rate", type=float, help="of a burst, events a second; default: all at once")
    options.add_argument("--database", help="URL; default: SQLite in a temporary folder")
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    wish = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = wish.database or f"sqlite:///{folder}/db.sqlite"
        if wish.burst:
            p99, longest = burst(wish.burst, database, wish.processes, rate=wish.rate)
            shown = f"{p99 * 1000:.0f} ms (p99), {longest * 1000:.0f} ms (longest)"
            print(
                f"{wish.burst} {f'at {wish.rate:g} a second' if wish.rate else 'at once'}: acknowledged within {shown}"
            )
            return 0
        # A third is duplicates: so many events make so many deliveries.
        result = load(round(wish.deliveries / 1.45), database, wish.processes, wish.kills, wish.seed, quiet=False)
    print(
        f"{result.events} events, {result.deliveries} deliveries, {result.duplicates} of them duplicates, "
        f"{result.kills} kills: {len(result.wrong)} wrong; acknowledged within {result.p99 * 1000:.0f} ms (p99), "
        f"{result.longest * 1000:.0f} ms (longest); {result.seconds:.0f} s"
    )
    for line in result.wrong[:20]:
        print(line)
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
