"""Builds on disks that are full sooner or later: the build says so in a line, and what was served before is served on.

    python -m tests.full_disk --points 20

Each disk is a file system in memory that only this process and its children see: run it as root, or where user
namespaces are allowed. The last disk has room enough. Prints one line of JSON; exit code 1 when an index was lost, a
build ended otherwise than in that line, or no disk was full.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from index import wire
from index.errors import StoreUnavailable
from tests.conftest import Workshop

_INSIDE = "FULL_DISKS_BELOW"  # set where this process has mounts of its own
_PAGE = 4096


def used(folder: Path) -> int:
    """Bytes that the files and folders below `folder` take in whole pages."""
    return sum(-(-p.stat().st_size // _PAGE) * _PAGE + _PAGE for p in [folder, *folder.rglob("*")])


def build(folder: Path, room: int, number: int) -> str:
    """How a build in a copy of the index on a disk of `room` bytes ends; what is left must be whole."""
    disk = folder / f"disk-{number}"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={room}", "tmpfs", disk], check=True)
    shutil.copytree(folder / "data", disk, dirs_exist_ok=True)
    tried = Workshop(folder, disk)
    before = tried.generations.current()
    try:
        tried.build()
        ended = "built"
    except StoreUnavailable as error:
        ended = "full" if "is full" in str(error) and "MB are free" in str(error) else f"said {error}"
    now = tried.generations.current()
    wire.verify(tried.settings, now)
    left = [p.name for p in (disk / "generations").iterdir() if p.name not in tried.generations.names()]
    return f"{ended}, but another index" if (now == before) == (ended == "built") else f"{ended}{left or ''}"


def run(folder: Path, points: int) -> Counter[str]:
    """How often the builds ended how."""
    workshop = Workshop(folder)
    for n in range(40):
        workshop.write(f"doc-{n:03}.md", f"Paper {n} deals with subject number {n * 7}.", "It has a second remark.")
    workshop.build()
    first = used(workshop.data)
    workshop.write("new.md", "The paper about submarines says so.")
    grown = folder / "grown"
    shutil.copytree(workshop.data, grown)
    Workshop(folder, grown).build()
    more = used(grown) - first
    return Counter(build(folder, first + more * n // points, n) for n in range(points + 1))


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when something was lost or not said."""
    parser = argparse.ArgumentParser(prog="python -m tests.full_disk", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=20, help="how many disks")
    options = parser.parse_args(arguments)
    if _INSIDE not in os.environ:
        again = ["unshare", "-rm", sys.executable, "-m", "tests.full_disk", *arguments]
        with tempfile.TemporaryDirectory() as folder:
            return subprocess.run(again, env=os.environ | {_INSIDE: folder}, check=False).returncode
    ended = run(Path(os.environ[_INSIDE]), options.points)
    sys.stdout.write(json.dumps(ended) + "\n")
    return 0 if set(ended) == {"full", "built"} else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
