"""Log lines: a JSON object each for machines, or text for a person. None holds what was asked, said, kept or read.

Not for: what is logged where. Messages of exceptions stay out of tracebacks, because they may quote anything.
"""

import datetime
import json
import logging
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Literal, TextIO

from index.errors import IndexingError

Form = Literal["json", "text"]
FORMS: tuple[Form, ...] = ("json", "text")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=_NOTHING)


def configure(form: Form) -> None:
    """Log to standard error as `form` says: warnings of everybody, and what the assistant tells. Warnings of Python
    and failures of threads become lines of the log too."""
    logging.basicConfig(level=logging.WARNING, handlers=[handler(form, sys.stderr)], force=True)
    logging.getLogger("assistant").setLevel(logging.INFO)
    logging.captureWarnings(True)
    threading.excepthook = _thread_failed


def handler(form: Form, stream: TextIO) -> logging.Handler:
    """What writes lines of this form to `stream`."""
    made = logging.StreamHandler(stream)
    made.setFormatter(_Json() if form == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
    return made


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Name `ids` in every line of the `with`, and of what runs in a copy of its context."""
    token = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(token)


def where(error: BaseException) -> str:
    """Where `error` and what caused it came from. Only messages of our own errors, which are written for people, are
    shown: those of others may quote what was asked."""
    told: list[str] = []
    current: BaseException | None = error
    while current is not None and len(told) < 10:
        own = f": {current}" if isinstance(current, IndexingError) else ""
        inner = [where(e) for e in current.exceptions] if isinstance(current, BaseExceptionGroup) else []
        frames = "".join(traceback.format_tb(current.__traceback__))
        told.append("\n".join([f"{frames}{type(current).__module__}.{type(current).__qualname__}{own}", *inner]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\nwhich led to\n".join(reversed(told))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {**_about.get(), **getattr(record, "told", _NOTHING)}


class _Json(logging.Formatter):
    """One line of ASCII: no letter of a message can end or forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. What is logged with `extra={"told": {...}}` becomes fields."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(timespec="milliseconds")
        line = {"time": time, "level": record.levelname, "logger": record.name, "message": record.getMessage()}
        line |= _fields(record)
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = where(record.exc_info[1])
        return json.dumps(line, default=str)


class _Text(logging.Formatter):
    """A line for a person, then the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. Its ids follow the message."""
        ids = "".join(f" {name}={value}" for name, value in _fields(record).items() if name.endswith("_id"))
        head, newline, rest = super().format(record).partition("\n")
        return f"{head}{ids}{newline}{rest}"

    def formatException(self, ei: Any) -> str:
        """The same traceback as in JSON."""
        return where(ei[1])


def _thread_failed(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        name = failed.thread.name if failed.thread else "?"
        logging.getLogger("assistant").error("thread %s failed", name, exc_info=failed.exc_value)


def form_for_stderr() -> Form:
    """Text where a person reads along, else JSON."""
    return "text" if sys.stderr.isatty() else "json"
