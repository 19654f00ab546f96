"""Disks that are full or can only be read: what was served is served on, and one line says what to do."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, Workshop

Mounted = Callable[[str], list[str]]
pytestmark = pytest.mark.slow
_SEARCH = """
import sys
from contextlib import closing
from pathlib import Path
from tests.conftest import Workshop

folder = Path(sys.argv[1])
try:
    (folder / "data" / "new").touch()
except OSError as error:
    print(error.strerror)
with closing(Workshop(folder).open()) as index:
    print(index.search("submarines", 1)[0].chunk.text)
"""
_LOG = """
import logging
from assistant import logs

logs.configure(sys.argv[1])
for n in range(1000):
    logging.getLogger("assistant").info("line %d", n)
print("still here")
"""


def python(code: str, *arguments: str, before: tuple[str, ...] = (), err: int = subprocess.PIPE) -> tuple[str, int]:
    """Standard output and exit code of `code`; `before` is what starts it."""
    done = subprocess.run([*before, sys.executable, "-c", f"import sys\n{code}", *arguments], cwd=ROOT, check=False,
                          stdout=subprocess.PIPE, stderr=err, encoding="utf-8")  # fmt: skip
    return done.stdout, done.returncode


def test_builds_on_full_disks_say_so_and_lose_nothing(mounted: Mounted) -> None:
    done = subprocess.run([sys.executable, "-m", "tests.full_disk", "--points", "8"], cwd=ROOT, check=False,
                          capture_output=True, encoding="utf-8")  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["full"] >= 3


def test_an_index_that_can_only_be_read_is_searched(workshop: Workshop, tmp_path: Path, mounted: Mounted) -> None:
    workshop.write("a.md", "The paper about submarines says so.")
    workshop.build()
    before = {p: p.stat().st_mtime_ns for p in workshop.data.rglob("*")}
    alone = mounted(f"mount --bind {workshop.data} {workshop.data}; mount -o remount,bind,ro {workshop.data}")
    out, code = python(_SEARCH, str(tmp_path), before=tuple(alone))
    assert (out, code) == ("Read-only file system\nThe paper about submarines says so.\n", 0)
    assert {p: p.stat().st_mtime_ns for p in workshop.data.rglob("*")} == before


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_full_disk_below_the_log_stops_nothing(form: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            os.write(full, b"x")
        out, _ = python(_LOG, form, err=full)
    finally:
        os.close(full)
    assert out == "still here\n"
