"""A real server on a free port of the loopback address, in a thread, and the small index that it serves."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from assistant.settings import AssistantSettings
from assistant.web.server import make_server
from index import wire

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
