"""A process that tests kill: says that it is ready, waits for a line, then opens the database of its first argument
for the first time, appends to one conversation as often as its second says, and prints the number of each exchange
that is kept. Not a test module."""

import contextlib
import sys
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from assistant.history import DatabaseFailed, History


def main() -> None:
    """Append until killed, or to the end."""
    url, times = sys.argv[1], int(sys.argv[2])
    history = History(url)
    _tell("ready")
    sys.stdin.readline()
    conversation = history.start("alice", "Killed")
    _tell(conversation)
    for number in range(1, times + 1):
        answer = {"text": f"answer {number} " + "x" * 5000, "trace": f"{number:024x}"}
        history.append(conversation, "alice", f"question {number} " + "y" * 5000, answer, f"{conversation} {number}")
        _tell(number)


def open_many(folder: str, count: int, meeting: Barrier, failed: "SimpleQueue[str]") -> None:
    """Open `count` new files, each at the same time as the other processes; `failed` gets the errors."""
    for number in range(count):
        with contextlib.closing(History(Path(folder) / f"{number}.sqlite")) as history:
            meeting.wait(60)
            try:
                history.open()
            except DatabaseFailed as error:
                failed.put(str(error))


def _tell(value: object) -> None:
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
