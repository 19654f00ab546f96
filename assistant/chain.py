"""The whole path of a question, on one screen: rewrite, search, compose, verify, answer or refuse."""

import time
from collections.abc import Sequence

from assistant import conflicts, frame, premise, refusal, rewrite, terms, trace
from assistant.answerability import Weights
from assistant.asked import Asked, ask
from assistant.compose import NAME, Composition, compose
from assistant.conversation import Answer, Citation, Language, Question, Reason, Sentence
from assistant.evidence import Evidence
from assistant.trace import Traces
from assistant.verify import verify
from index.documents import About, Document, Passage
from index.live import LiveIndex
from index.search import Index

PASSAGES, SHOWN_PASSAGES = 20, 10
# Below both, and without a known name, question and sources share no subject: off topic rather than unanswered.
_NEAR_COSINE, _NEAR_COVERAGE = 0.30, 0.35


class Assistant:
    """Answers questions from the served index. Web, Slack, terminal and evals all hold one of these."""

    def __init__(self, live: LiveIndex, weights: Weights, traces: Traces) -> None:
        self._live, self._weights, self._traces = live, weights, traces

    def answer(self, question: Question, record: bool = True) -> Answer:
        """One verified answer, or a refusal, kept as a trace. Raises IndexingError when there is no index to ask."""
        started = time.perf_counter()
        with self._live.lend() as index:
            language = question.language or terms.language(question.text)
            text = rewrite.standalone(question, index.glossary)
            asked, parts = ask(text, index, question.as_of), [ask(p, index) for p in rewrite.parts(text)]
            passages = _search(asked, parts, index)
            composed = compose(asked, parts, passages, index, self._weights)
            sentences, citations = verify(
                composed.drafts, index.document, lambda d, about: frame.frame(d, about, language, index.glossary)
            )
            reason, correction = self._reason(composed, sentences, index)
            answer = _make(
                question, language, index, passages, composed, sentences, citations, reason, correction, started
            )
        if record:
            self._traces.save(answer, composed.drafts)
        return answer

    def _reason(
        self, composed: Composition, sentences: Sequence[Sentence], index: Index
    ) -> tuple[Reason | None, Evidence | None]:
        """Why to refuse, or None to answer; and what sets a false premise right."""
        if composed.confidence >= self._weights.threshold:
            return (None if sentences else "unverified"), None
        if not _near(composed):
            return "off_topic", None
        correction = premise.correction(composed.asked, composed.near, index.glossary)
        return ("false_premise" if correction else "not_in_sources"), correction

    def document(self, identity: str) -> Document | None:
        """A source document of the served index."""
        with self._live.lend() as index:
            return index.document(identity)

    def sources(self) -> dict[str, About]:
        """Metadata of every source document by id."""
        with self._live.lend() as index:
            return index.abouts

    def ready(self) -> str:
        """The served generation, after proving that it can be searched. Raises IndexingError."""
        with self._live.lend() as index:
            index.search("ready", 1)
            return index.name

    def close(self) -> None:
        """Release the index."""
        self._live.close()


def _search(asked: Asked, parts: Sequence[Asked], index: Index) -> list[Passage]:
    """Passages for the whole question, then those that only a part of it finds; best first."""
    found = {p.chunk.id: p for p in index.search(asked.text, PASSAGES, asked.as_of)}
    for part in parts if len(parts) > 1 else ():
        for passage in index.search(part.text, PASSAGES // 2, asked.as_of):
            found.setdefault(passage.chunk.id, passage)
    return list(found.values())


def _near(composed: Composition) -> bool:
    """Whether question and sources share a subject at all."""
    named = any(t.kind == "entity" for t in composed.asked.terms)
    return bool(composed.near) and (
        named
        or any(max(e.feature("cosine"), e.feature("cosine_across")) >= _NEAR_COSINE for _, e in composed.near)
        or composed.near[0][1].feature("coverage") >= _NEAR_COVERAGE
    )


def _make(
    question: Question,
    language: Language,
    index: Index,
    passages: Sequence[Passage],
    composed: Composition,
    sentences: tuple[Sentence, ...],
    citations: tuple[Citation, ...],
    reason: Reason | None,
    correction: Evidence | None,
    started: float,
) -> Answer:
    near = [e for _, e in composed.near]
    refused = reason is not None
    text = (
        refusal.say(reason, question.text, near, language, correction)
        if reason
        else " ".join(s.text for s in sentences)
    )
    return Answer(
        question,
        language,
        text,
        refused,
        reason,
        () if refused else sentences,
        () if refused else citations,
        () if refused else conflicts.shown(composed.disputes, sentences, citations, language, index.glossary),
        composed.confidence,
        tuple(passages[:SHOWN_PASSAGES]),
        NAME,
        index.name,
        trace.name(question, index.name, NAME),
        round(time.perf_counter() - started, 4),
    )
