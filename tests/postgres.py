"""A real PostgreSQL cluster in a temporary folder, reached through its Unix socket only. Not a test module."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_ROOM = 2 << 30


def programs() -> Path | None:
    """The folder of the newest installed server, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: int(p.parts[-3]))
    on_path = shutil.which("pg_ctl")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Cluster:
    """A cluster that can be killed and started again. The server refuses to run as root, so there it runs as another
    user; `postgres` is the superuser inside it whoever runs it."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self._bin, self._data, self._socket = bin_folder, folder / "data", folder
        self._user = None if os.geteuid() else "postgres"
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync",
                  "--locale=C.UTF-8")  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        # Without fsync a crash of the server loses nothing, only one of the machine does: these tests stay quick.
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self._socket}' -c fsync=off -c max_connections=90"
        )
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self._socket / "log"), "-o", options)

    def kill(self) -> None:
        """End it at once, as a crash would: no connection is told, no transaction is finished."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(self._data))

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(f"host={self._socket} user=postgres dbname=postgres", autocommit=True) as db:
            db.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://postgres@/{name}?host={self._socket}"

    def dump(self, url: str) -> str:
        """All that a database holds, as text."""
        return self._run("pg_dump", "--inserts", url)

    def _run(self, program: str, *arguments: str) -> str:
        # Output goes to a file: a server that pg_ctl starts would hold a pipe open.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
            done = subprocess.run([str(self._bin / program), *arguments], stdout=out, stderr=subprocess.STDOUT,
                                  stdin=subprocess.DEVNULL, cwd="/", user=self._user, check=False,
                                  env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"})  # fmt: skip
            out.seek(0)
            text = out.read()
        assert done.returncode == 0, text
        return text


def serve() -> Iterator[Cluster]:
    """The body of a session-wide fixture. Skips where no server is installed, but fails in continuous integration."""
    found = programs()
    if found is None:
        reason = "no PostgreSQL server is installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # In memory where there is room: thousands of small files. Short: the path of a socket has at most 107 bytes.
    roomy = os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > _ROOM
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/dev/shm" if roomy else None))
    try:
        cluster = Cluster(folder, found)
        yield cluster
        cluster.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
