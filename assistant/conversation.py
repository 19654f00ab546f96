"""The nouns of an answer, and the promises that hold whenever one exists.

`Answer` checks itself when it is made: an answer that breaks a promise cannot be built, so it cannot be shown.
"""

import datetime
import re
from dataclasses import dataclass
from typing import Literal

from index.documents import Document, Passage

Stance = Literal["fact", "claim", "forecast", "opinion"]
Reason = Literal["not_in_sources", "false_premise", "off_topic", "unverified"]
Language = Literal["en", "ru", "be"]
LANGUAGES: tuple[Language, ...] = ("en", "ru", "be")
MARKER = re.compile(r"\[(\d+)\]")
MAX_QUESTION = 2000


class BadQuestion(ValueError):
    """A question that cannot be asked: empty, too long, or with a date or language that is none."""


class BrokenPromise(ValueError):
    """An answer that would break a promise of the contract."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier message of a conversation."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `as_of` is None for no limit; `language` None for the language of the text."""

    text: str
    history: tuple[Turn, ...] = ()
    as_of: datetime.date | None = None
    language: Language | None = None

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise BadQuestion("the question is empty; type a question about the Union State")
        if len(self.text) > MAX_QUESTION:
            raise BadQuestion(f"the question has {len(self.text)} characters, more than {MAX_QUESTION}; shorten it")
        if any("\ud800" <= c <= "\udfff" or c == "\0" for c in self.text):
            raise BadQuestion("the question holds characters that are no text; type it again")
        if self.language not in (None, *LANGUAGES):
            raise BadQuestion(f"language {self.language!r} is not one of {', '.join(LANGUAGES)}")


def day(text: object) -> datetime.date:
    """The day that `text` writes as YYYY-MM-DD. Raises BadQuestion."""
    try:
        return datetime.date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise BadQuestion(f"{text!r} is not a date such as 2021-12-31") from None


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a passage's document, by offsets into the document's text."""

    passage: Passage
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence that compose proposes, with the spans it rests on and up to three sentences that stand before it in
    its source, nearest last. `wording` is how a chat model puts it, None where its source's words are shown. Nothing
    in it is trusted yet."""

    text: str
    proposed: tuple[Span, ...]
    before: tuple[str, ...] = ()
    wording: str | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A proven quote: `document.text[start:end] == quote`."""

    number: int
    passage: Passage
    quote: str
    start: int
    end: int
    heading: str | None
    page: int | None

    @classmethod
    def prove(cls, number: int, span: Span, document: Document) -> "Citation":
        """The citation of `span`, its quote read from the document itself. Raises BrokenPromise for a bad span."""
        if span.passage.chunk.document_id != document.id or not 0 <= span.start < span.end <= len(document.text):
            raise BrokenPromise(f"a quote of {document.id} lies outside its text")
        block = next((b for b in document.blocks if b.start <= span.start < b.end), None)
        return cls(
            number,
            span.passage,
            document.text[span.start : span.end],
            span.start,
            span.end,
            block.heading if block else None,
            block.page if block else None,
        )


@dataclass(frozen=True, slots=True)
class Sentence:
    """A verified sentence. `holder` is None where the sentence needs none: treaties and undisputed facts."""

    text: str
    citations: tuple[int, ...]
    holder: str | None
    stance: Stance


@dataclass(frozen=True, slots=True)
class Position:
    """One side of a conflict."""

    holder: str
    text: str
    published: str | None
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conflict:
    """What sources disagree about, and who says what."""

    about: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant says, and all that is needed to check it. `reason` is None unless `refused`;
    `newest_source` is None when no dated document is cited; `notice` is None unless a chat model was of no use."""

    question: Question
    language: Language
    text: str
    refused: bool
    reason: Reason | None
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    conflicts: tuple[Conflict, ...]
    confidence: float
    passages: tuple[Passage, ...]
    model: str
    index: str
    trace: str
    seconds: float
    notice: str | None = None

    def __post_init__(self) -> None:
        numbers = [c.number for c in self.citations]
        used = list(dict.fromkeys(int(n) for n in MARKER.findall(self.text)))
        if numbers != list(range(1, len(numbers) + 1)) or (not self.refused and used != numbers):
            raise BrokenPromise(f"markers {used} and citations {numbers} disagree")
        if self.refused and (numbers or self.sentences or self.reason is None):
            raise BrokenPromise("a refusal carries no citation and names its reason")
        if not self.refused and (not self.sentences or not all(s.citations for s in self.sentences)):
            raise BrokenPromise("every sentence of an answer carries a citation")
        if {n for s in self.sentences for n in s.citations} - set(numbers):
            raise BrokenPromise("a sentence cites a number that is no citation")
        if not 0 <= self.confidence <= 1:
            raise BrokenPromise(f"confidence {self.confidence} is no probability")

    @property
    def newest_source(self) -> str | None:
        """The latest publication date among the citations."""
        return max((c.passage.about.published for c in self.citations if c.passage.about.published), default=None)
