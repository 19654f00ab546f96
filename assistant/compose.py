"""The embedded engine: picks whole sentences that answer. No language model; every draft is a sentence of a source."""

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.answerability import Weights, confidence, rank
from assistant.conversation import Draft, Span
from assistant.evidence import Asked, Evidence, ask, gather
from index.documents import Passage
from index.search import Index

NAME = "extractive"
MOST_SENTENCES = 3
# How far, in the ranker's log odds, a further sentence may stand behind the first: one that adds terms of the
# question, and one that only adds detail.
_MARGIN_NEW, _MARGIN_SAME = 2.0, 0.8
_NEW_SHARE = 0.1
_REPEATS = 0.6


@dataclass(frozen=True, slots=True)
class Composition:
    """Drafts, and how sure it is that the sources answer at all. `near` is the ranked evidence, best first."""

    drafts: tuple[Draft, ...]
    confidence: float
    asked: Asked
    near: tuple[Evidence, ...]


def compose(question: str, passages: Sequence[Passage], index: Index, weights: Weights) -> Composition:
    """Choose the sentences of `passages` that answer `question`, in the order of their source."""
    asked = ask(question, index)
    ranked = rank(gather(asked, passages, index), weights)
    drafts = tuple(Draft(e.text, (Span(e.passage, e.start, e.end),)) for e in _in_order(_choose(asked, ranked)))
    return Composition(drafts, confidence(asked, ranked, weights), asked, tuple(e for _, e in ranked))


def _choose(asked: Asked, ranked: Sequence[tuple[float, Evidence]]) -> list[Evidence]:
    """The best sentence, and further ones that are nearly as good and say something else."""
    chosen: list[Evidence] = []
    covered: frozenset[str] = frozenset()
    for score, evidence in ranked[:12]:
        if not chosen:
            chosen, covered = [evidence], evidence.covered
            continue
        new = asked.share(covered | evidence.covered) - asked.share(covered)
        margin = _MARGIN_NEW if new >= _NEW_SHARE else _MARGIN_SAME
        if ranked[0][0] - score <= margin and not any(_repeats(evidence, c) for c in chosen):
            chosen.append(evidence)
            covered |= evidence.covered
        if len(chosen) == MOST_SENTENCES:
            break
    return chosen


def _repeats(one: Evidence, other: Evidence) -> bool:
    a, b = set(one.text.casefold().split()), set(other.text.casefold().split())
    return len(a & b) / max(1, min(len(a), len(b))) > _REPEATS


def _in_order(chosen: Sequence[Evidence]) -> list[Evidence]:
    """Documents in the order of their best sentence; inside a document, the order of the text."""
    documents = list(dict.fromkeys(e.passage.chunk.document_id for e in chosen))
    return sorted(chosen, key=lambda e: (documents.index(e.passage.chunk.document_id), e.start))
