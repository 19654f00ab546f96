"""The record of an answer: named by what was asked of what, so the same question of the same index has one record."""

import contextlib
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from assistant.conversation import Question

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


class Traces:
    """Records in one folder, a JSON file each, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, trace: str, record: dict[str, Any]) -> None:
        """Keep a record. A full or read-only disk does not stop the answer."""
        temporary = self._folder / f"{trace}.{os.getpid()}.tmp"
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(record, ensure_ascii=False, sort_keys=True), "utf-8")
            os.replace(temporary, self._folder / f"{trace}.json")

    def load(self, trace: str) -> dict[str, Any] | None:
        """The record, or None where there is none."""
        if not _NAME.fullmatch(trace):
            return None
        try:
            record: dict[str, Any] = json.loads((self._folder / f"{trace}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return record
