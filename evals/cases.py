"""Gold items: questions with what a full answer holds, where it stands, and who says it. Loads and lints; asks nothing.

A gold file is JSON Lines. Evidence is given by character span of a document, so another chunking never makes it stale:
AND over groups, OR inside a group. The schema is that of `docs/gold.md`.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from index.documents import Document

GOLD = Path(__file__).parent / "gold"
Kind = Literal[
    "fact", "list", "compare", "timeline", "attribution", "analysis", "multi_doc", "temporal", "follow_up"
]  # fmt: skip
Answerability = Literal["answerable", "unanswerable", "false_premise", "out_of_scope", "conflicting"]


class BadGold(ValueError):
    """A gold file is not what its schema says; the message names file and line."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Nugget(_Part):
    """Something a full answer says, in any of its wordings; `okay` ones may be missing."""

    id: str
    weight: Literal["vital", "okay"] = "vital"
    type: Literal["text", "number", "date", "entity"] = "text"
    any_of: tuple[str, ...]


class Forbidden(_Part):
    """What an answer must not say: a stale value, a wrong one."""

    any_of: tuple[str, ...]
    why: str


class Claim(_Part):
    """Who stands behind a nugget; an answer names one of these spellings."""

    nugget: str
    speaker: tuple[str, ...]
    stance: Literal["fact", "claim", "forecast", "opinion"]


class Premise(_Part):
    """What the question wrongly takes for granted, and the nuggets that set it right."""

    false: str
    correction_nuggets: tuple[str, ...] = ()


class Place(_Part):
    """A span of a document's text; `sha256` is of that text."""

    doc: str
    start: int
    end: int
    quote: str
    sha256: str


class Group(_Part):
    """Places that say the same; one of them is enough."""

    group: str
    any_of: tuple[Place, ...]
    supports: tuple[str, ...]


class Variant(_Part):
    """The same question in other words."""

    id: str
    type: str
    question: str


class Turn(_Part):
    """One earlier message."""

    role: Literal["user", "assistant"]
    text: str


class Case(_Part):
    """One gold item."""

    id: str
    schema_: int
    split: Literal["dev", "test"]
    lang: Literal["en", "ru", "be"]
    question: str
    kind: Kind
    answerability: Answerability
    as_of: str | None = None
    history: tuple[Turn, ...] = ()
    nuggets: tuple[Nugget, ...] = ()
    forbidden: tuple[Forbidden, ...] = ()
    claims: tuple[Claim, ...] = ()
    premise: Premise | None = None
    evidence: tuple[Group, ...] = ()
    variants: tuple[Variant, ...] = ()
    cluster: str

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=lambda n: n.rstrip("_"))

    @property
    def vital(self) -> tuple[Nugget, ...]:
        """The nuggets that a full answer holds."""
        return tuple(n for n in self.nuggets if n.weight == "vital")

    @property
    def answerable(self) -> bool:
        """Whether the sources hold an answer."""
        return self.answerability in ("answerable", "conflicting")


def load(paths: Iterable[Path], split: str | None = None) -> list[Case]:
    """The items of gold files, or of one split. Raises BadGold naming the first bad line."""
    cases = [c for path in paths for c in _lines(path)]
    twice = [c.id for n, c in enumerate(cases) if c.id in {d.id for d in cases[:n]}]
    if twice:
        raise BadGold(f"ids stand twice: {', '.join(twice[:5])}")
    return [c for c in cases if split in (None, c.split)]


def _lines(path: Path) -> Iterator[Case]:
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            yield Case.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise BadGold(f"{path} line {number}: {where or 'JSON'}: {first['msg']}") from error


def text_sha256(document: Document) -> str:
    """sha256 of the document's text, which its evidence spans refer to."""
    return hashlib.sha256(document.text.encode("utf-8")).hexdigest()
