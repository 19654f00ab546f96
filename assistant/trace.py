"""The record of an answer: named by what was asked of what, so the same question of the same index has one record."""

import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import prompts
from assistant import verify
from assistant.conversation import Answer, Draft, Question
from assistant.render import to_json

log = logging.getLogger(__name__)
_NAME = re.compile(r"[0-9a-f]{24}")


def name(question: Question, index: str, model: str) -> str:
    """The trace id: sha256 over everything the answer depends on, cut to 24 hexadecimal digits."""
    parts = [
        question.text,
        [(t.role, t.text) for t in question.history],
        str(question.as_of),
        question.language,
        index,
        model,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()[:24]


def new() -> str:
    """A trace id for an answer that a chat model words: no two of them need be alike. Nobody can guess it."""
    return secrets.token_hex(12)


def record(answer: Answer, drafts: Sequence[Draft], calls: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All that is needed to make the answer again and to see that it is the same; `calls` are those of a model."""
    question = answer.question
    return {
        "question": {
            "text": question.text,
            "history": [{"role": t.role, "text": t.text} for t in question.history],
            "as_of": question.as_of.isoformat() if question.as_of else None,
            "language": question.language,
        },
        "index": answer.index,
        "model": answer.model,
        **_made_with(),
        "drafts": [
            {
                "text": d.text,
                "wording": d.wording,
                "spans": [[s.passage.chunk.document_id, s.start, s.end] for s in d.proposed],
            }
            for d in drafts
        ],
        "calls": list(calls),
        "answer": to_json(answer),
    }


def _made_with() -> dict[str, str]:
    """What besides question, index and model decides over an answer."""
    return {"prompts": prompts.digest(), "weights": _weights(), "verifier": verify.VERSION}


@lru_cache(maxsize=1)
def _weights() -> str:
    weights = b"".join(files("assistant").joinpath(f"{n}weights.json").read_bytes() for n in ("", "support_"))
    return hashlib.sha256(weights).hexdigest()


def changed(recorded: dict[str, Any]) -> list[str]:
    """What is no longer as it was when the record was made."""
    return [what for what, value in _made_with().items() if recorded.get(what) != value]


def same(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Fields of two answers whose bytes differ; how long they took does not count."""
    return sorted(k for k in one.keys() | other.keys() if k != "seconds" and _bytes(one.get(k)) != _bytes(other.get(k)))


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")


class Records(Protocol):
    """Where records of answers are kept."""

    def save(self, answer: Answer, drafts: Sequence[Draft], calls: Sequence[dict[str, Any]] = ()) -> None:
        """Keep a record; where that fails the answer goes out without one."""

    def load(self, trace: str) -> dict[str, Any] | None:
        """The record, or None where there is none."""

    def forget(self, trace: str) -> None:
        """Delete the record. What cannot be deleted is logged."""

    def close(self) -> None:
        """Release connections."""


class Traces:
    """Records in one folder, a JSON file each, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, answer: Answer, drafts: Sequence[Draft], calls: Sequence[dict[str, Any]] = ()) -> None:
        """Keep a record. A full or read-only disk does not stop the answer."""
        trace = answer.trace
        temporary = self._folder / f"{trace}.{os.getpid()}.{threading.get_ident()}.tmp"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(record(answer, drafts, calls), ensure_ascii=False, sort_keys=True), "utf-8")
            os.replace(temporary, self._folder / f"{trace}.json")

    def load(self, trace: str) -> dict[str, Any] | None:
        """The record, or None where there is none."""
        if not _NAME.fullmatch(trace):
            return None
        try:
            found: dict[str, Any] = json.loads((self._folder / f"{trace}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def forget(self, trace: str) -> None:
        """Delete the record."""
        file = self._folder / f"{trace}.json"
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s cannot be deleted (%s); delete it by hand", file, error.strerror)

    def close(self) -> None:
        """Nothing is held."""
