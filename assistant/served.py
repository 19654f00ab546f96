"""The server that answers from the same data folder, found and asked, so that `ask` need not load any model.

A server keeps `<data>/server.json` locked as long as it lives, so one that died is never asked. Whatever is in doubt
means None: then the answer is made here. Nothing is imported that takes long.
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assistant.conversation import Question
from assistant.settings import AssistantSettings, is_loopback
from index.errors import IndexingError
from index.generation import Generations

Json = dict[str, Any]
_READY_SECONDS, _ANSWER_SECONDS = 2.0, 60.0
_DECIDING = ("model", "model_base_url", "embedding", "reranker", "chroma_url", "chroma_tenant", "chroma_database",
             "database_url")  # fmt: skip
_ROOT = Path(__file__).parent.parent
_JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@contextlib.contextmanager
def announced(settings: AssistantSettings) -> Iterator[None]:
    """Let others on this machine find this server. One that needs keys, or that is not the first one of its data
    folder, is not announced; nor is any in a folder that cannot be written."""
    with contextlib.ExitStack() as held:
        if settings.api_keys_file is None and is_loopback(settings.host):
            with contextlib.suppress(OSError):
                file = os.open(_file(settings), os.O_RDWR | os.O_CREAT, 0o600)
                held.callback(os.close, file)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.fchmod(file, 0o600)
                os.ftruncate(file, 0)
                told = {"host": settings.host, "port": settings.port, "pid": os.getpid(), "stamp": stamp(settings)}
                os.write(file, json.dumps(told).encode())
        yield


def ask(settings: AssistantSettings, question: Question) -> Json | None:
    """The Answer object of the server with these settings, None where there is none or anything is in doubt. Leaves a
    record of the answer, as asking here does, and no conversation."""
    server = find(settings)
    if server is None or server["stamp"] != stamp(settings):
        return None
    try:
        served = Generations(settings.data).current()
        if _call(server, "GET", "/readyz", None, _READY_SECONDS).get("index") != served:
            return None
        given = _call(server, "POST", "/mcp", _request(question), _ANSWER_SECONDS)
        answer = given["result"]["structuredContent"]
        fits = answer["question"] == question.text and answer["index"] == served
        return dict(answer) if fits else None
    except (OSError, http.client.HTTPException, IndexingError, ValueError, KeyError, TypeError):
        return None


def find(settings: AssistantSettings) -> Json | None:
    """What the server of this data folder told of itself: host, port, pid, stamp. None where none lives."""
    try:
        with _file(settings).open("rb") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid() or not _is_locked(file.fileno()):
                return None
            told: Json = json.load(file)
            whole = {"host", "port", "pid", "stamp"} <= told.keys() and is_loopback(told["host"])
            return told if whole else None
    except (OSError, ValueError, AttributeError):
        return None


def stamp(settings: AssistantSettings) -> str:
    """sha256 of all besides the index that decides over an answer: settings, and when the program was last changed."""
    changed = max(
        path.stat().st_mtime_ns
        for package in ("assistant", "index", "prompts")
        for path in (_ROOT / package).rglob("*")
        if path.suffix in (".py", ".md", ".json", ".toml", ".tsv", ".txt")
    )
    deciding = [str(getattr(settings, name)) for name in _DECIDING]
    return hashlib.sha256(json.dumps([*deciding, changed, str(_ROOT)]).encode()).hexdigest()


def _file(settings: AssistantSettings) -> Path:
    return settings.data / "server.json"


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _request(question: Question) -> Json:
    """A call of the tool `ask`: the one that gives the whole answer and keeps no conversation."""
    arguments = {"question": question.text, "language": question.language,
                 "as_of": question.as_of.isoformat() if question.as_of else None}  # fmt: skip
    given = {name: value for name, value in arguments.items() if value is not None}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": given}}


def _call(server: Json, method: str, path: str, body: Json | None, seconds: float) -> Json:
    """Raises ValueError unless the response is 200 with a JSON object."""
    connection = http.client.HTTPConnection(server["host"], server["port"], timeout=seconds)
    with contextlib.closing(connection):
        connection.request(method, path, json.dumps(body) if body else None, _JSON if body else {})
        response = connection.getresponse()
        found = json.loads(response.read())
    if response.status != 200 or not isinstance(found, dict):
        raise ValueError(f"status {response.status}")
    return found
