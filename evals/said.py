"""What a system said: the Answer object of the contract, read from JSON and trusted in nothing.

Other systems may leave out what they do not have: without `sentences` the text is split, without `passages` what is
counted of passages is not counted.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.conversation import MARKER
from index.sentences import split


class BadAnswers(ValueError):
    """A file of answers, or a reply, is not what the contract says; the message names what and where."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Sentence(_Part):
    """A sentence with the numbers of the citations it rests on."""

    text: str
    citations: tuple[int, ...] = ()


class Citation(_Part):
    """A quote, and where it is said to stand."""

    number: int
    document_id: str
    quote: str
    start: int
    end: int


class Position(_Part):
    """One side of a conflict."""

    holder: str = ""
    text: str
    citations: tuple[int, ...] = ()


class Conflict(_Part):
    """Several sides."""

    positions: tuple[Position, ...] = ()


class Passage(_Part):
    """What search found, best first."""

    document_id: str
    start: int
    end: int
    text: str


class Said(_Part):
    """An answer. `confidence` and `passages` are None where the system gives none."""

    text: str
    refused: bool = False
    sentences: tuple[Sentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    confidence: float | None = Field(None, ge=0, le=1)
    passages: tuple[Passage, ...] | None = None
    model: str = ""

    @model_validator(mode="after")
    def _split(self) -> Self:
        if self.sentences or self.refused or not self.text.strip():
            return self
        pieces = [self.text[a:b] for a, b in split(self.text)]
        found = tuple(Sentence(text=p, citations=tuple(map(int, MARKER.findall(p)))) for p in pieces)
        return self.model_copy(update={"sentences": found})

    @property
    def shown(self) -> str:
        """All that it states: its text and the sides of its conflicts."""
        return "\n".join([self.text, *(p.text for c in self.conflicts for p in c.positions)])


def read(raw: Any, where: str) -> Said:
    """The answer in parsed JSON. Raises BadAnswers naming `where`."""
    try:
        return Said.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadAnswers(f"{where}: {'.'.join(map(str, first['loc'])) or 'answer'}: {first['msg']}") from error


def read_lines(path: Path) -> dict[str, Said]:
    """Answers by item id, of a file with an Answer and its `id` a line. Raises BadAnswers naming the line."""
    found: dict[str, Said] = {}
    for number, raw in _parsed(path):
        where = f"{path} line {number}"
        if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
            raise BadAnswers(f"{where}: an answer is an object with the id of its question; see docs/evals.md")
        if raw["id"] in found:
            raise BadAnswers(f"{where}: {raw['id']} is answered twice")
        found[raw["id"]] = read(raw, where)
    return found


def _parsed(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadAnswers(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError as error:
                raise BadAnswers(f"{path} line {number}: no JSON ({error})") from error
