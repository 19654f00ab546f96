"""Processes that tests kill while they restore. Not a test module.

    python -m tests.restorer ARCHIVE DATA FOLDER COUNT

Restores ARCHIVE over a copy of DATA below FOLDER as often as needed, each time in a process that kills itself one use
of the file system later: at COUNT of them from the first to the last, and at each of the last ten. Prints a line each
time, the number of that use and the exit code (negative: the signal); number 0 is a restore that nothing stops.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from assistant.backup import restore
from assistant.settings import AssistantSettings

_USES = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.listdir", "os.scandir", "sqlite3.connect",
         "fcntl.flock", "shutil.rmtree", "ctypes.dlsym"}  # fmt: skip


class _Uses:
    """Counts uses of the file system below a folder and kills this process at one of them."""

    def __init__(self, folder: Path, last: int) -> None:
        self.count, self._folder, self._last = 0, str(folder), last

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit hook."""
        if event in _USES and (event in ("fcntl.flock", "ctypes.dlsym") or self._folder in str(arguments)):
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)


def _killed_at(use: int, archive: Path, data: Path, place: Path) -> tuple[int, int]:
    """The exit code of a process that is killed there, and how many uses it counted, where it came to its end."""
    shutil.copytree(data, place / data.name)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        uses = _Uses(place, use)
        sys.addaudithook(uses)
        restore(AssistantSettings(data=place / data.name), archive, True, verify=lambda *_: None)
        os.write(writing, str(uses.count).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as counted:
        said = counted.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), int(said or 0)


def main() -> None:
    """Kill at each point in turn."""
    archive, data, folder, count = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    code, uses = _killed_at(0, archive, data, folder / "0")
    sys.stdout.write(f"0 {code}\n")
    points = {1 + n * uses // count for n in range(count)} | set(range(uses - 9, uses + 1))
    for use in sorted(points):
        sys.stdout.write(f"{use} {_killed_at(use, archive, data, folder / str(use))[0]}\n")


if __name__ == "__main__":
    main()
