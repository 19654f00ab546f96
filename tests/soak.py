"""Loads a real server for a long time and measures whether it grows: memory, descriptors, threads.

    python -m tests.soak --minutes 30
    python -m tests.soak --ingest --documents 2500     how much slower answers come while a build runs beside them

Askers put questions that differ, half of them as streams, of which some are left in the midst; Slack's signed events
come in between, and every minute a build changes a source, so that the server goes over to a new generation. The slope
is that of a straight line through resident memory, the first fifth left out. Prints one line of JSON; exit code 1 when
memory grows by 1 MB a minute or more, descriptors or threads grow, or a request fails; with --ingest when the 99th
percentile during the build is more than twice that before it.
"""

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from assistant.settings import AssistantSettings
from evals.stats import percentile
from tests.served import ROOT, environment, free_port, is_ready, wait
from tests.slack_fake import BOT_TOKEN, SECRET, FakeSlack, mention, signed

_SLOPE, _TIMES_SLOWER = 1.0, 2.0  # MB a minute; p99 during a build to p99 before
_SPARE = 8  # descriptors and threads that come and go with requests
_WARM = 0.2  # of the samples, in which caches fill
_ASKERS, _LEAVES, _STREAMS = 2, 0.1, 0.5
_KEYS = tuple(f"soak-{n}" for n in range(100))  # so many that none of them asks too often
_SUBJECTS = ("roaming", "customs", "pensions", "energy", "transport", "visas", "budget", "defence")


@dataclass(slots=True)
class Load:
    """What the askers saw: milliseconds of each answer by the phase it began in, and what failed."""

    phase: str = "before"
    times: dict[str, list[float]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    left: int = 0
    done: threading.Event = field(default_factory=threading.Event)


def write(folder: Path, number: int, year: int) -> None:
    """One source: a few sentences on a subject."""
    subject = _SUBJECTS[number % len(_SUBJECTS)]
    lines = [f"Rule {number}.{n} on {subject} has been in force since {year + n}." for n in range(6)]
    head = f'+++\ntitle = "{subject.title()} {number}"\npublisher = "Ministry"\npublished = 2024-05-01\n+++\n\n'
    (folder / f"{number:05}.md").write_text(head + "\n\n".join(lines) + "\n", "utf-8")


@contextlib.contextmanager
def serving(settings: AssistantSettings, slack: FakeSlack, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real server with Slack's route."""
    tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_SIGNING_SECRET": SECRET, "SLACK_API_URL": slack.url}
    tokens["ASSISTANT_API_KEYS_FILE"] = str(settings.data.parent / "keys")
    lines = [f"user-{k}:{hashlib.sha256(k.encode()).hexdigest()}" for k in _KEYS]
    (settings.data.parent / "keys").write_text("\n".join(lines), "utf-8")
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "assistant", "serve"], cwd=ROOT, stdout=out, stderr=out,
                                   env=environment(settings) | tokens)  # fmt: skip
        try:
            assert wait(lambda: is_ready(settings.port) or process.poll() is not None, 240) and process.poll() is None
            yield process
        finally:
            process.terminate()
            try:
                process.wait(60)
            finally:
                process.kill()


def ask(url: str, seed: int, load: Load) -> None:
    """Ask until told to stop."""
    dice = random.Random(seed)
    with httpx.Client(base_url=url, timeout=60) as http:
        for n in itertools.count():
            if load.done.is_set():
                return
            subject = dice.choice(_SUBJECTS)
            sent = {"question": f"Since when has rule {dice.randrange(400)}.{n % 6} on {subject} been in force?"}
            http.headers["Authorization"] = f"Bearer {dice.choice(_KEYS)}"
            phase, started = load.phase, time.perf_counter()
            try:
                if dice.random() < _STREAMS:
                    load.left += _stream(http, sent, dice.random() < _LEAVES)
                else:
                    http.post("/api/ask", json=sent).raise_for_status()
            except httpx.HTTPError as error:
                load.failed[
                    f"{type(error).__name__} {getattr(getattr(error, 'response', None), 'status_code', '')}"
                ] += 1
            load.times.setdefault(phase, []).append((time.perf_counter() - started) * 1000)


def _stream(http: httpx.Client, sent: dict[str, str], leave: bool) -> bool:
    """Read a stream to its end, or only its first line; whether it was left."""
    with http.stream("POST", "/api/chat", json=sent) as response:
        response.raise_for_status()
        text = ""
        for line in response.iter_lines():
            text += line
            if leave:
                return True
    if "event: done" not in text:
        raise httpx.RemoteProtocolError("a stream without an end")
    return False


def tell(url: str, slack: FakeSlack, load: Load) -> None:
    """A signed event of Slack's every second."""
    with httpx.Client(base_url=url, timeout=60) as http:
        while not load.done.wait(1.0):
            body = json.dumps(mention("Since when has rule 7.1 on visas been in force?")).encode()
            status = http.post("/slack/events", content=body, headers=signed(body)).status_code
            load.failed[f"Slack {status}"] += status != 200
    load.failed += Counter()


def sample(pid: int) -> tuple[float, int, int]:
    """Resident megabytes, descriptors and threads of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
    return megabytes, len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))


def slope(samples: Sequence[tuple[float, float]]) -> float:
    """Megabytes a minute of samples (seconds, megabytes), by least squares, the first fifth left out.

    >>> slope([(n, 100 + n / 60) for n in range(100)])
    1.0
    """
    kept = np.array(samples[int(len(samples) * _WARM) :])
    return round(float(np.polyfit(kept[:, 0] / 60, kept[:, 1], 1)[0]), 3)


def build(settings: AssistantSettings) -> subprocess.Popen[bytes]:
    """A build as an operator starts it, beside the server."""
    return subprocess.Popen([sys.executable, "-m", "index", "build"], cwd=ROOT, env=environment(settings),
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip


def soak(settings: AssistantSettings, pid: int, minutes: float) -> dict[str, Any]:
    """Change a source every minute, and sample every two seconds."""
    samples, started, builds = [], time.monotonic(), Counter[int]()
    building, last = None, started
    while (now := time.monotonic()) < started + minutes * 60:
        samples.append((now - started, *sample(pid)))
        if building is not None and building.poll() is not None:
            builds[building.returncode] += 1
            building = None
        if building is None and now - last > 60:
            write(settings.sources[0], 7, 1990 + builds.total())
            building, last = build(settings), now
        time.sleep(2)
    if building is not None:
        building.wait(240)
    early = samples[int(len(samples) * _WARM) :]
    half = len(early) // 2
    grown = {name: max(s[n] for s in early[half:]) - max(s[n] for s in early[:half])
             for n, name in ((2, "descriptors"), (3, "threads"))}  # fmt: skip
    return {"minutes": minutes, "slope MB/min": slope([s[:2] for s in samples]), "MB": round(samples[-1][1]),
            "builds": {str(k): v for k, v in builds.items()}, **{f"{n} more": v for n, v in grown.items()}}  # fmt: skip


def ingest(settings: AssistantSettings, load: Load, documents: int) -> dict[str, Any]:
    """Ask alone for a while, then as long as a build of many new documents takes."""
    time.sleep(20)
    for n in range(1000, 1000 + documents):
        write(settings.sources[0], n, 1990)
    started = time.monotonic()
    load.phase = "during"
    building = build(settings)
    code = building.wait(3600)
    load.phase = "after"
    return {"documents": documents, "build exit code": code, "build s": round(time.monotonic() - started, 1)}


def run(folder: Path, work: Callable[[AssistantSettings, int, Load], dict[str, Any]]) -> dict[str, Any]:
    """What `work` found while askers ask, with what they saw."""
    sources = folder / "sources"
    sources.mkdir()
    for n in range(400):
        write(sources, n, 1990)
    settings = AssistantSettings(sources=(sources,), data=folder / "data", port=free_port())
    subprocess.run([sys.executable, "-m", "index", "build"], cwd=ROOT, env=environment(settings), check=True,
                   capture_output=True)  # fmt: skip
    slack, load, url = FakeSlack(), Load(), f"http://127.0.0.1:{settings.port}"
    threads = [threading.Thread(target=ask, args=(url, n, load)) for n in range(_ASKERS)]
    threads.append(threading.Thread(target=tell, args=(url, slack, load)))
    try:
        with serving(settings, slack, folder / "log") as process:
            for thread in threads:
                thread.start()
            try:
                told = work(settings, process.pid, load)
            finally:
                load.done.set()
                for thread in threads:
                    thread.join(90)
    finally:
        slack.close()
    told["answers"] = sum(map(len, load.times.values()))
    told["left"], told["failed"] = load.left, dict(+load.failed)
    told["p99 ms"] = {phase: round(percentile(times, 0.99)) for phase, times in load.times.items()}
    told["Slack messages"] = len(slack.all())
    told["tracebacks"] = (folder / "log").read_text("utf-8").count("Traceback")
    return told


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when something grew, failed, or slowed down too much."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--ingest", action="store_true", help="measure answers during a build instead")
    parser.add_argument("--documents", type=int, default=2500, help="new ones for --ingest; about two chunks each")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        told = run(Path(folder), lambda settings, pid, load: ingest(settings, load, options.documents)
                   if options.ingest else soak(settings, pid, options.minutes))  # fmt: skip
    whole = not told["failed"] and not told["tracebacks"]
    if options.ingest:
        told["times slower"] = round(told["p99 ms"]["during"] / max(1, told["p99 ms"]["before"]), 2)
        whole = whole and told["build exit code"] == 0 and told["times slower"] <= _TIMES_SLOWER
    else:
        whole = whole and told["slope MB/min"] < _SLOPE and set(told["builds"]) <= {"0"}
        whole = whole and told["descriptors more"] <= _SPARE and told["threads more"] <= _SPARE
    sys.stdout.write(json.dumps(told) + "\n")
    return 0 if whole else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
