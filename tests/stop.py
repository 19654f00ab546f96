"""Stops a real server in the midst of many streams, and checks how they end and what is kept.

    python -m tests.stop --streams 400

First some questions are answered. Then a chat model that says nothing holds all streams, and the server gets SIGTERM.
It has to exit with 0 within ten seconds, each stream has to end with one event, and every answer that was acknowledged
has to be in the database. Prints one line of JSON; exit code 1 when not, or when fewer streams were open than asked.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from assistant.history import History
from tests.model_server import Knobs, ModelServer
from tests.served import ASKED, small_settings
from tests.test_stream import alive, free_port

_STREAMS_OF_A_KEY, _ANSWERED, _SECONDS, _START_SECONDS = 40, 20, 10.0, 240.0


async def stream(http: httpx.AsyncClient, key: str, open_: list[int], ended: Counter[str]) -> None:
    """Read one stream to its end, and count how it ended."""
    text = ""
    sent = {"json": {"question": ASKED}, "headers": {"Authorization": f"Bearer {key}"}}
    try:
        async with http.stream("POST", "/api/chat", **sent) as response:
            open_[0] += response.status_code == 200
            async for piece in response.aiter_text():
                text += piece
    except httpx.HTTPError as error:
        ended[type(error).__name__] += 1
        return
    ends = re.findall(r"^event: (done|error)$", text, re.MULTILINE)
    ended[f"one {ends[0]}" if len(ends) == 1 else f"{len(ends)} ends, status {response.status_code}"] += 1


async def ask(url: str, keys: Sequence[str], streams: int, model: ModelServer, server: Any) -> dict[str, Any]:
    """Have answers kept, open the streams, stop the server; what happened."""
    limits = httpx.Limits(max_connections=None)
    open_, ended = [0], Counter[str]()
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
        kept = []
        for _ in range(_ANSWERED):
            header = {"Authorization": f"Bearer {keys[0]}"}
            answer = (await http.post("/api/ask", json={"question": ASKED}, headers=header)).json()
            kept.append(answer["conversation_id"])
        model.knobs = Knobs(hold=True)
        reading = [asyncio.create_task(stream(http, keys[n % len(keys)], open_, ended)) for n in range(streams)]
        until = time.monotonic() + 120
        while open_[0] < streams and not any(t.done() for t in reading) and time.monotonic() < until:
            await asyncio.sleep(0.05)
        opened, asked = open_[0], time.monotonic()
        server.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(server.wait, 60)
        seconds = time.monotonic() - asked
        await asyncio.gather(*reading)
    return {"open": opened, "ended": dict(ended), "exit code": code, "seconds": round(seconds, 2), "kept": kept}


def run(folder: Path, streams: int) -> dict[str, Any]:
    """What happened to `streams`, and how many answers are missing."""
    settings = small_settings(folder)
    keys = [f"stop-{n}" for n in range(-(-streams // _STREAMS_OF_A_KEY))]
    lines = [f"user-{n}:{hashlib.sha256(k.encode()).hexdigest()}" for n, k in enumerate(keys)]
    (folder / "keys").write_text("\n".join(lines), "utf-8")
    port, model = free_port(), ModelServer()
    with model, (folder / "log").open("wb") as log:
        place = {
            "ASSISTANT_SOURCES": str(settings.sources[0]), "ASSISTANT_DATA": str(settings.data), "OPENAI_API_KEY": "x",
            "ASSISTANT_MODEL": "openai:mock", "ASSISTANT_MODEL_BASE_URL": model.url, "ASSISTANT_PORT": str(port),
            "ASSISTANT_API_KEYS_FILE": str(folder / "keys"),
        }  # fmt: skip
        server = subprocess.Popen([sys.executable, "-m", "assistant", "serve"], env=os.environ | place, stderr=log)
        try:
            until, url = time.monotonic() + _START_SECONDS, f"http://127.0.0.1:{port}"
            while not alive(url) and server.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            told = asyncio.run(ask(url, keys, streams, model, server))
        finally:
            server.kill()
            model.knobs = Knobs()
    with contextlib.closing(History(settings.data / "conversations.sqlite")) as history:
        lengths = [history.get(c, "user-0", 1).conversation.length for c in told.pop("kept")]
    told["acknowledged"], told["lost"] = len(lengths), lengths.count(0)
    told["tracebacks"] = (folder / "log").read_text("utf-8").count("Traceback")
    return told


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when it took too long, a stream did not end in order, or an answer was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.stop", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--streams", type=int, default=400)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        told = run(Path(folder), options.streams)
    sys.stdout.write(json.dumps(told) + "\n")
    ended = sum(n for how, n in told["ended"].items() if how.startswith("one "))
    whole = told["open"] == ended == options.streams and told["exit code"] == 0 and not told["tracebacks"]
    return 0 if whole and told["seconds"] <= _SECONDS and not told["lost"] else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
