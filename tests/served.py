"""A real server on a free port of the loopback address, in a thread or a process, and the small index it serves."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from assistant.settings import AssistantSettings
from assistant.web.server import make_server
from index import wire

ROOT = Path(__file__).parent.parent

ASKED = "When do roaming fees end?"
TEXT = """+++
title = "Roaming ![x](http://evil.example/a) <b>"
publisher = "Ministry"
published = 2024-05-01
url = "https://example.org/roaming"
+++

# Roaming

Roaming fees between both countries end in 2026.

Roaming fees in Minsk end in 2027.
"""


def small_settings(folder: Path) -> AssistantSettings:
    """One short document, indexed."""
    (folder / "sources").mkdir()
    (folder / "sources" / "a.md").write_text(TEXT, "utf-8")
    settings = AssistantSettings(sources=(folder / "sources",), data=folder / "data")
    wire.build(settings)
    return settings


@contextmanager
def serving(web: ASGIApp, stop: Callable[[], None], head_seconds: float = 30.0) -> Iterator[str]:
    """The base URL of a server that serves `web` until the end of the `with`."""
    server = make_server(web, "127.0.0.1", 0, stop, head_seconds)
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started and thread.is_alive() and time.monotonic() < until:
        time.sleep(0.01)
    assert server.started
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(settings: AssistantSettings) -> dict[str, str]:
    """The variables of these settings, for a process."""
    own = {"SOURCES": settings.sources[0], "DATA": settings.data, "PORT": settings.port, "MODEL": settings.model}
    own |= {"MODEL_BASE_URL": settings.model_base_url} if settings.model_base_url else {}
    own |= {"API_KEYS_FILE": settings.api_keys_file} if settings.api_keys_file else {}
    own |= {"CHROMA_URL": settings.chroma_url} if settings.chroma_url else {}
    secrets = {"CHROMA_TOKEN": settings.chroma_token, "DATABASE_URL": settings.database_url}
    own |= {n: s.get_secret_value() for n, s in secrets.items() if s}
    return os.environ | {f"ASSISTANT_{n}": str(v) for n, v in own.items()}


@contextmanager
def server(settings: AssistantSettings) -> Iterator[subprocess.Popen[bytes]]:
    """A real one, killed at the end if it still runs."""
    process = subprocess.Popen([sys.executable, "-m", "assistant", "serve"], cwd=ROOT, env=environment(settings),
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        assert wait(lambda: is_ready(settings.port) or process.poll() is not None, 120) and process.poll() is None
        yield process
    finally:
        process.kill()
        process.wait()


def is_ready(port: int) -> bool:
    """Whether a server on `port` says that it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def events(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream of lines, each a name and its JSON; a comment has the name ':'."""
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
            name = ""
        elif line.startswith(":"):
            yield ":", {}


def wait(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    """Whether `condition` came true within `seconds`."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.005)
    return condition()
