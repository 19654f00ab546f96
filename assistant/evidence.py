"""Sentences that may answer a question, with the features that rank them. Reads the index, decides nothing.

Each feature lies between -1 and 1, so that weights fitted on one corpus hold on another.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.terms import Wanted, names, numbers, offers, wanted
from index.chunk import contextual
from index.documents import Document, Passage
from index.search import Index
from index.sentences import language_of, split

FEATURES = ("cosine", "cosine_across", "coverage", "coverage_context", "coverage_passage", "offers", "rank")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One sentence of a passage; `features` in the order of FEATURES, `covered` the question's tokens it holds."""

    passage: Passage
    start: int
    end: int
    text: str
    features: tuple[float, ...]
    covered: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question taken apart once: the kind of answer, its tokens with their weights, its vector."""

    text: str
    kind: Wanted
    weights: dict[str, float]
    vector: np.ndarray[tuple[int], np.dtype[np.float32]]
    language: str

    def share(self, tokens: frozenset[str] | set[str]) -> float:
        """Weight of the question's tokens that are in `tokens`, of all its tokens' weight."""
        total = sum(self.weights.values())
        return sum(w for t, w in self.weights.items() if t in tokens) / total if total else 0.0


def ask(question: str, index: Index) -> Asked:
    """Take `question` apart."""
    tokens = dict.fromkeys(index.glossary.tokens(question))
    return Asked(
        question,
        wanted(question),
        {t: index.keywords.weight(t) for t in tokens},
        index.encode(question),
        language_of(question),
    )


def gather(asked: Asked, passages: Sequence[Passage], index: Index) -> list[Evidence]:
    """Every sentence of `passages` that states something, each once."""
    found: dict[tuple[str, int], Evidence] = {}
    top = passages[0].score if passages else 1.0
    for passage in passages:
        document = index.document(passage.chunk.document_id)
        if document is None:
            continue
        spans = sentences(document, passage.chunk.start, passage.chunk.end)
        context = set(index.glossary.tokens(contextual(passage.about, passage.chunk.heading, "")))
        whole = set(index.glossary.tokens(passage.chunk.text)) | context
        before: set[str] = set()
        for start, end in spans:
            text = document.text[start:end]
            tokens = set(index.glossary.tokens(text))
            if states(text) and (document.id, start) not in found:
                features = (
                    *_features(asked, index, text, tokens, before | context, whole),
                    passage.score / top if top > 0 else 0.0,
                )
                found[document.id, start] = Evidence(
                    passage, start, end, text, features, frozenset(tokens & asked.weights.keys())
                )
            before = tokens
    return list(found.values())


def sentences(document: Document, start: int, end: int) -> list[tuple[int, int]]:
    """Spans of the sentences that begin between `start` and `end`, by block."""
    first = max(0, bisect_right([b.start for b in document.blocks], start) - 1)
    spans = []
    for block in document.blocks[first:]:
        if block.start >= end:
            break
        spans += [
            (block.start + a, block.start + b)
            for a, b in split(document.text[block.start : block.end])
            if start <= block.start + a < end
        ]
    return spans


def states(text: str) -> bool:
    """Whether `text` is a sentence that states something, not a headline, caption line or question."""
    words = sum(any(c.isalpha() for c in w) for w in text.split())
    ended = text.rstrip("\"'»”)]").endswith((".", "!", "…", ";", ":"))
    return not text.rstrip("\"'»”)]").endswith("?") and (words >= 4 if ended else words >= 8)


def _features(
    asked: Asked, index: Index, text: str, tokens: set[str], context: set[str], whole: set[str]
) -> tuple[float, ...]:
    cosine = float(asked.vector @ index.encode(text))
    across = language_of(text) != asked.language
    typed = 0.0 if asked.kind == "none" else 1.0 if offers(asked.kind, text, asked.text) else -1.0
    return (
        0.0 if across else cosine,
        cosine if across else 0.0,
        asked.share(tokens),
        asked.share(tokens | context),
        asked.share(whole),
        typed,
    )


def question_features(asked: Asked, ranked: Sequence[tuple[float, Evidence]]) -> tuple[float, ...]:
    """What tells an answerable question: features of the best sentences, and of what no passage holds."""
    if not ranked:
        return (0.0,) * len(QUESTION_FEATURES)
    (first, best), second = ranked[0], ranked[1][0] if len(ranked) > 1 else 0.0
    everything = frozenset(t for _, e in ranked for t in e.covered)
    total = max(sum(asked.weights.values()), 1e-6)
    missing = max((w for t, w in asked.weights.items() if t not in best.covered), default=0.0) / total
    lost = max((w for t, w in asked.weights.items() if t not in everything), default=0.0) / total
    across = float(language_of(best.text) != asked.language)
    same = 1.0 - across  # words say nothing about a sentence in another language
    return (
        first,
        first - second,
        *best.features[:6],
        missing * same,
        lost * same,
        asked.share(everything) * same,
        _held(names(" " + asked.text), best.text),
        _held(numbers(asked.text), best.text),
        across,
    )


QUESTION_FEATURES = (
    "first",
    "gap",
    "cosine",
    "cosine_across",
    "coverage",
    "coverage_context",
    "coverage_passage",
    "offers",
    "missing",
    "lost",
    "covered_by_all",
    "names_held",
    "numbers_held",
    "across",
)


def _held(wanted_words: frozenset[str], text: str) -> float:
    """Share of the words that `text` holds by their first five letters; 1 where there are none."""
    folded = text.casefold()
    return sum(w[:5] in folded for w in wanted_words) / len(wanted_words) if wanted_words else 1.0
