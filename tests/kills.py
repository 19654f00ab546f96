"""Kills builds of the index and checks each time that the old or the new generation is served, and whole.

    python -m tests.kills --kills 1000

Every second build is killed at one of its uses of the file system, from the first to the last, the others at a random
moment. Whole is: the check of every vector, text and hash passes, each document is there once, in one version. At the
end a build that nothing stops has to finish what was begun. Prints one line of JSON; exit code 1 when something was
lost, or when less than nine of ten kills hit a running build.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from index import wire
from index.texts import Texts
from tests.conftest import Workshop
from tests.restorer import Uses

_DOCUMENTS = 40


def forked(work: Callable[[], object], kill_after: float | None = None) -> tuple[int, str]:
    """Exit code and result of `work` in a process of its own, which `kill_after` seconds kill."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(writing, str(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, encoding="utf-8") as told:
        said = told.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


def write(workshop: Workshop, version: int) -> None:
    """The documents, one of them in a version of its own."""
    for n in range(_DOCUMENTS if version == 0 else 0):
        workshop.write(f"doc-{n:03}.md", f"Paper {n} deals with subject number {n * 7}.", "It has a second remark.")
    workshop.write("changed.md", f"The paper about submarines in version {version} says so.")


def build(workshop: Workshop, last: int = 0) -> int:
    """Build; how many uses of the file system that took. This process is killed at use `last`."""
    uses = Uses(workshop.data, last)
    sys.addaudithook(uses)
    workshop.build()
    return uses.count


def served(workshop: Workshop) -> int:
    """The version that is served, when all of it is whole. Raises AssertionError and what the check raises."""
    name = workshop.generations.current()
    wire.verify(workshop.settings, name)
    texts = Texts(workshop.generations.folder(name) / "texts.sqlite")
    try:
        documents = [texts.document(i) for i in texts.document_ids()]
    finally:
        texts.close()
    assert len({d.id for d in documents if d}) == len(documents) == _DOCUMENTS + 1
    changed = next(d.text for d in documents if d and d.id == "changed")
    return int(changed.split("in version ")[1].split()[0])


def run(folder: Path, kills: int, seed: int) -> tuple[Counter[str], list[str]]:
    """What the kills left, and what was wrong with it."""
    workshop, chance, seen, wrong = Workshop(folder), random.Random(seed), Counter[str](), list[str]()
    write(workshop, 0)
    forked(workshop.build)
    write(workshop, 1)
    started = time.monotonic()
    _, uses = forked(lambda: build(workshop))
    usual, before = time.monotonic() - started, 1
    for version in range(2, kills + 2):
        write(workshop, version)
        if version % 2:
            code, _ = forked(workshop.build, chance.uniform(0, usual))
        else:
            last = 1 + (version // 2 - 1) * (int(uses) - 1) // max(1, (kills + 1) // 2 - 1)
            code, _ = forked(lambda last=last: build(workshop, last))  # type: ignore[misc]
        seen["kills that hit a build" if code == -signal.SIGKILL else "builds that were not hit"] += 1
        checked, found = forked(lambda: served(workshop))
        if checked != 0 or int(found) not in (before, version):
            wrong.append(f"kill {version - 1}: {found or f'the check ended with {checked}'}, not {before} or {version}")
            forked(workshop.build)
        before = int(found or version)
        seen["new" if before == version else "old"] += 1
    write(workshop, kills + 2)
    forked(workshop.build)
    if not (seen["old"] and seen["new"]):
        wrong.append("all kills fell on one side of the switch")
    if forked(lambda: served(workshop)) != (0, str(kills + 2)) or list(folder.rglob("*.tmp")):
        wrong.append("a build that nothing stopped did not finish what was begun")
    return seen, wrong


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when something was lost, or too few kills hit a build."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        seen, wrong = run(Path(folder), options.kills, options.seed)
    sys.stdout.write("".join(f"{w}\n" for w in wrong[:20]))
    told = {**dict(sorted(seen.items())), "wrong": len(wrong), "seconds": round(time.monotonic() - started)}
    sys.stdout.write(json.dumps(told) + "\n")
    return 1 if wrong or seen["kills that hit a build"] < 0.9 * options.kills else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
