"""Runs the long commands of fault and attack one after another and writes a dated report of their figures.

    python -m tests.drill                    # some hours; `make drill`
    python -m tests.drill --short            # the same steps with small counts, some minutes
    python -m tests.drill --only fuzz stop   # these steps alone

The report is `docs/reliability/<day>.md`: for each step its promise, its command, whether it was kept, and the
last line that the command printed. Exit code 1 when a step failed, 2 for a step that there is none of.
"""

import argparse
import datetime
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

_REPORTS = ROOT / "docs" / "reliability"
_SHOWN = 400  # characters of a command's last line
_LONGEST = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """A promise and the command that holds it to account; `short` replaces `command` in a short drill. `environment`
    is `NAME=value` each."""

    name: str
    promise: str
    command: str
    short: str
    environment: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a step: the command as typed, its exit code, its last line, and how long it took in seconds."""

    step: Step
    command: str
    code: int
    said: str
    seconds: float


STEPS = (
    Step("kills", "1,000 kills during ingest: 0 lost, duplicated, unfindable, mixed",
         "tests.kills --kills 1000", "tests.kills --kills 20"),
    Step("states", "500 histories of changes, builds, kills, rollbacks; 100 copies in the midst of builds: whole",
         "tests.index_states", "tests.index_states --examples 3 --copies 5"),
    Step("full disk", "builds on 20 disks that are full sooner or later: one line, 0 lost",
         "tests.full_disk --points 20", "tests.full_disk --points 6"),
    Step("damage", "11 kinds of damage and 200 flips: none served, the last good one answers",
         "tests.damage --flips 200", "tests.damage --flips 10"),
    Step("switches", "100 switches under load: 0 failed, 0 mixed answers, descriptors flat",
         "tests.switches --switches 100", "tests.switches --switches 15"),
    Step("fuzz", "100,000 requests: 0 of status 5xx, 0 hangs, 0 traces of the inside",
         "tests.fuzz --requests 100000", "tests.fuzz --requests 1000"),
    Step("slack fuzz", "the same at Slack's route, most of them signed: 0 of status 5xx, and it still answers",
         "tests.fuzz_slack --requests 50000", "tests.fuzz_slack --requests 1000"),
    Step("schema", "500 examples of each route, of what the API allows and forbids: all as documented",
         "pytest tests/test_schema.py", "pytest tests/test_schema.py", ("EXAMPLES=500",)),
    Step("isolation", "10,000 interleaved chats of 200 users: 0 words or ids of others",
         "tests.isolation --chats 10000", "tests.isolation --chats 100 --users 20"),
    Step("injections", "500 payloads before an obedient model: 0 side effects over web, API and Slack",
         "pytest tests/test_injection.py tests/test_slack_blocks.py", "pytest tests/test_injection.py",
         ("PAYLOADS=500",)),
    Step("slack", "10,000 deliveries with duplicates, losses, kills: one answer an event",
         "tests.slack_load --deliveries 10000", "tests.slack_load --deliveries 150 --kills 2"),
    Step("burst", "200 events, 50 a second, answers of 60 s: acknowledged within 300 ms (p99), 3 s (longest)",
         "tests.slack_load --burst 200 --rate 50", "tests.slack_load --burst 50 --rate 50"),
    Step("stop", "SIGTERM with 400 streams: exit within 10 s, each stream ends, 0 acknowledged answers lost",
         "tests.stop --streams 400", "tests.stop --streams 30"),
    Step("streams", "400 streams at once: 0 errors",
         "evals.load --streams 400", "evals.load --streams 20"),
    Step("soak", "30 minutes of mixed load with drops, builds and Slack: memory grows by less than 1 MB a minute",
         "tests.soak --minutes 30", "tests.soak --minutes 3"),
    Step("ingest", "answers during a build of 5,000 chunks: the 99th percentile at most twice that before",
         "tests.soak --ingest", "tests.soak --ingest --documents 300"),
    Step("backup", "damaged and hostile archives refused, killed restores leave the old or the new",
         "pytest tests/test_backup.py tests/test_upgrade.py", "pytest tests/test_upgrade.py"),
    Step("offline", "the whole suite without a network: 0 packets out",
         "tests.offline", "tests.offline tests/test_web.py tests/test_sync.py"),
)  # fmt: skip


def run(step: Step, short: bool) -> Ran:
    """Run one step and wait for its end."""
    module = step.short if short else step.command
    environment = {} if short else dict(e.split("=", 1) for e in step.environment)
    typed = " ".join([*(f"{n}={v}" for n, v in environment.items()), "python -m", module])
    started = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", *module.split()], cwd=ROOT, env=os.environ | environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=_LONGEST,
        )  # fmt: skip
        code, lines = done.returncode, done.stdout.strip().splitlines()
    except subprocess.TimeoutExpired:
        code, lines = 124, [f"not done after {_LONGEST:.0f} s"]
    return Ran(step, typed, code, lines[-1][:_SHOWN] if lines else "", time.monotonic() - started)


def report(rans: Sequence[Ran], now: datetime.datetime, short: bool) -> str:
    """The report, as Markdown."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True,
                            check=False).stdout.strip()  # fmt: skip
    kept = sum(r.code == 0 for r in rans)
    lines = [
        f"# Drill of {now:%Y-%m-%d %H:%M} UTC{', short' if short else ''}", "",
        f"Commit {commit or 'unknown'} · Python {platform.python_version()} · {platform.system()} · "
        f"{os.cpu_count()} cores · {kept} of {len(rans)} kept", "",
        "| step | promise | kept | what it said | seconds | command |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in rans:
        said = r.said.replace("|", "\\|").replace("`", "'")
        state = "yes" if r.code == 0 else f"**no** (exit {r.code})"
        lines.append(f"| {r.step.name} | {r.step.promise} | {state} | {said} | {r.seconds:.0f} | `{r.command}` |")
    return "\n".join(lines) + "\n"


def drill(steps: Sequence[Step], short: bool, folder: Path) -> int:
    """Run the steps, and write the report after each, so that one that is stopped has said what it knew. Exit code 1
    when a step failed."""
    folder.mkdir(parents=True, exist_ok=True)
    now, rans = datetime.datetime.now(datetime.UTC), list[Ran]()
    file = folder / f"{now:%Y-%m-%d}{'-short' if short else ''}.md"
    for step in steps:
        sys.stdout.write(f"{step.name} ... ")
        sys.stdout.flush()
        rans.append(run(step, short))
        sys.stdout.write(f"{'kept' if rans[-1].code == 0 else 'FAILED'}: {rans[-1].said}\n")
        file.write_text(report(rans, now, short), "utf-8")
    sys.stdout.write(f"{file}\n")
    return 1 if any(r.code for r in rans) else 0


def main(arguments: Sequence[str], steps: Sequence[Step] = STEPS) -> int:
    """Exit code 1 when a step failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="small counts; kept in a report of its own")
    parser.add_argument("--only", nargs="+", metavar="STEP", choices=[s.name for s in steps], help="these steps alone")
    parser.add_argument("--report", type=Path, default=_REPORTS, help="folder for the report")
    options = parser.parse_args(arguments)
    return drill([s for s in steps if options.only is None or s.name in options.only], options.short, options.report)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
