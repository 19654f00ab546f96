"""The nouns of the index: what was published, its immutable text, and the passages cut from it.

Offsets count Unicode code points of `Document.text`, end exclusive. No behaviour lives here.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["treaty", "official", "news", "analysis", "academic", "opposition", "reference", "unknown"]
Retriever = Literal["dense", "keywords"]


@dataclass(frozen=True, slots=True)
class About:
    """Where a document comes from. `published` is an ISO date, of reduced precision ("2021-09", "2021") where
    no day is known, and None where the document is undated; `author` and `url` are None where unknown."""

    title: str
    publisher: str
    author: str | None
    published: str | None
    url: str | None
    language: str
    kind: Kind
    holder: str
    retrieved: str | None
    text: Literal["summary", "original"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item or table row; `heading` and `page` are None where the format has none."""

    start: int
    end: int
    heading: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Document:
    """One publication. `digest` is the sha256 of text and metadata together."""

    id: str
    text: str
    digest: str
    blocks: tuple[Block, ...]
    about: About


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole sentences of one document that fit the encoder; `id` depends on content alone."""

    id: str
    document_id: str
    start: int
    end: int
    heading: str | None
    page: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that search found. `score` is the fused rank score, higher is better, comparable inside one search."""

    chunk: Chunk
    about: About
    score: float
    found_by: tuple[Retriever, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not indexed, and why; `broken` when its owner should mend it."""

    path: str
    reason: str
    broken: bool = True
