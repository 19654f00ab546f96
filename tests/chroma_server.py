"""A real Chroma server, and a real nginx in front of it that wants a token. Not a test module."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import chromadb
import httpx
import pytest
from chromadb.api import ClientAPI
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings

from index.store import close
from tests.served import ROOT, free_port, wait

TOKEN = "ck-of-the-tests"


class Chroma:
    """A server with its data in `folder`, which can be stopped, made to hang, and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = Path(sys.executable).with_name("chroma")
        command = [program, "run", "--path", self.folder, "--host", "127.0.0.1", "--port", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait(lambda: answers(f"{self.url}/api/v2/heartbeat", 200), 60) and self._process.poll() is None

    def stop(self) -> None:
        """End it at once."""
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait(20)
        assert not answers(f"{self.url}/api/v2/heartbeat", 200)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections and does not answer."""
        self._process.send_signal(signal.SIGSTOP)
        time.sleep(0.05)
        yield
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def client(self, tenant: str = "default_tenant", database: str = "default_database") -> Iterator[ClientAPI]:
        """What looks at it, past every proxy."""
        settings = Settings(anonymized_telemetry=False)
        client = chromadb.HttpClient("127.0.0.1", self.port, settings=settings, tenant=tenant, database=database)
        yield client
        close(client)

    @contextmanager
    def collection(self, generation: str) -> Iterator[Collection]:
        """The first collection of a generation."""
        with self.client() as client:
            yield client.get_collection(f"{generation}-chunks-0", embedding_function=None)

    def names(self, tenant: str = "default_tenant", database: str = "default_database") -> set[str]:
        """Its collections."""
        with self.client(tenant, database) as client:
            return {c.name for c in client.list_collections()}

    def post(self, path: str, **body: str) -> None:
        """Make something that its client makes as an administrator only."""
        assert httpx.post(f"{self.url}/api/v2/{path}", json=body).is_success


def answers(url: str, status: int) -> bool:
    """Whether `url` answers with this status."""
    try:
        return httpx.get(url, timeout=5).status_code == status
    except httpx.HTTPError:
        return False


def nginx() -> str:
    """The program. Skips where there is none, but fails in continuous integration."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(program):
        reason = "no nginx is installed (Debian: apt-get install nginx-light)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    return program


@contextmanager
def proxy(
    folder: Path, chroma: Chroma, header: str = "Authorization", wanted: str = f"Bearer {TOKEN}"
) -> Iterator[str]:
    """The URL of an nginx that lets through what has `header: wanted` and answers all else with 401."""
    folder.mkdir()
    program, port = nginx(), free_port()
    text = (ROOT / "deploy" / "chroma.conf").read_text("utf-8")
    for before, now in (
        ("listen 8001;", f"listen 127.0.0.1:{port};"), ("http://chroma:8000", chroma.url),
        ("/tmp/nginx", f"{folder}/nginx"),
        ('$http_authorization != "Bearer CHANGE-ME"', f'$http_{header.lower().replace("-", "_")} != "{wanted}"'),
    ):  # fmt: skip
        assert before in text
        text = text.replace(before, now)
    (folder / "nginx.conf").write_text(text, "utf-8")
    alone = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", alone])
    try:
        assert wait(lambda: answers(f"http://127.0.0.1:{port}/", 401) or process.poll() is not None, 20)
        assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)
