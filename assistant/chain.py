"""The whole path of a question, on one screen: search, compose, verify, answer or refuse."""

import time
from collections.abc import Sequence

from assistant import refusal, terms, trace
from assistant.answerability import Weights
from assistant.compose import NAME, Composition, compose
from assistant.conversation import Answer, Citation, Language, Question, Reason, Sentence
from assistant.render import to_json
from assistant.trace import Traces
from assistant.verify import verify
from index.documents import About, Document, Passage
from index.live import LiveIndex
from index.search import Index

PASSAGES = 10
# Below both, question and sources share no subject: off topic rather than unanswered.
_NEAR_COSINE, _NEAR_COVERAGE = 0.30, 0.35


class Assistant:
    """Answers questions from the served index. Web, Slack, terminal and evals all hold one of these."""

    def __init__(self, live: LiveIndex, weights: Weights, traces: Traces) -> None:
        self._live, self._weights, self._traces = live, weights, traces

    def answer(self, question: Question) -> Answer:
        """One verified answer, or a refusal. Raises IndexingError when there is no index to ask."""
        started = time.perf_counter()
        with self._live.lend() as index:
            language = question.language or terms.language(question.text)
            passages = index.search(question.text, PASSAGES, question.as_of)
            composed = compose(question.text, passages, index, self._weights)
            sentences, citations = verify(composed.drafts, index.document)
            reason = self._reason(composed, sentences)
            answer = self._make(question, language, index, passages, composed, reason, sentences, citations, started)
        self._traces.save(answer.trace, to_json(answer))
        return answer

    def _reason(self, composed: Composition, sentences: Sequence[Sentence]) -> Reason | None:
        """Why to refuse, or None to answer."""
        if composed.confidence < self._weights.threshold:
            best = composed.near[0] if composed.near else None
            near = best is not None and (
                max(best.features[0], best.features[1]) >= _NEAR_COSINE
                or composed.asked.share(best.covered) >= _NEAR_COVERAGE
            )
            return "not_in_sources" if near else "off_topic"
        return None if sentences else "unverified"

    def _make(
        self,
        question: Question,
        language: Language,
        index: Index,
        passages: Sequence[Passage],
        composed: Composition,
        reason: Reason | None,
        sentences: tuple[Sentence, ...],
        citations: tuple[Citation, ...],
        started: float,
    ) -> Answer:
        text = (
            refusal.say(reason, question.text, composed.near, language)
            if reason
            else " ".join(s.text for s in sentences)
        )
        return Answer(
            question,
            language,
            text,
            reason is not None,
            reason,
            () if reason else sentences,
            () if reason else citations,
            (),
            composed.confidence,
            tuple(passages),
            NAME,
            index.name,
            trace.name(question, index.name, NAME),
            round(time.perf_counter() - started, 4),
        )

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
