"""The whole path of a question, on one screen: rewrite, search, compose, word, verify, answer or refuse.

A chat model, where one is set, only words what was found; all that it says passes the same gate as everything else.
"""

import datetime
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from assistant import (
    checking,
    conflicts,
    defining,
    drafting,
    frame,
    notice,
    premise,
    refusal,
    rewrite,
    support,
    terms,
    trace,
)
from assistant.answerability import Weights
from assistant.asked import Asked, ask
from assistant.checking import Checked
from assistant.compose import NAME, Composition, compose
from assistant.conversation import Answer, Citation, Language, Question, Reason, Sentence
from assistant.echo import echoes
from assistant.evidence import Evidence
from assistant.generation import Cancel
from assistant.remembered import Remembered
from assistant.smalltalk import is_small_talk
from assistant.steps import Step
from assistant.tape import Model, Tape
from assistant.trace import Records
from assistant.verify import Gate
from assistant.writing import Writer
from index.documents import About, Document, Passage
from index.live import LiveIndex
from index.search import Index

PASSAGES, SHOWN_PASSAGES = 20, 10
# Below both, and without a known name, question and sources share no subject: off topic rather than unanswered.
_NEAR_COSINE, _NEAR_COVERAGE = 0.30, 0.35
# A chat model that finds no answer in the passages is believed unless the sources answer this surely.
_SURE = 0.9


class Cancelled(Exception):
    """The asker wished for no answer any more."""


@dataclass(frozen=True, slots=True)
class Started:
    """An answer is on its way."""

    trace: str
    index: str
    model: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A verified sentence with the citations it carries; `number` counts from 1."""

    number: int
    sentence: Sentence
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What the sources hold on a question, before anything is said; `text` is the question as it stands alone."""

    question: Question
    language: Language
    text: str
    passages: tuple[Passage, ...]
    composed: Composition


class Assistant:
    """Answers questions from the served index. Web, Slack, terminal and evals all hold one of these. Where `model` is
    given it words the answers."""

    def __init__(self, live: LiveIndex, weights: Weights, traces: Records, model: Model | None = None) -> None:
        self._live, self._weights, self._traces, self._model = live, weights, traces, model
        self._remembered = Remembered()

    def answer(self, question: Question, record: bool = True, identity: str | None = None) -> Answer:
        """One verified answer, or a refusal, kept as a trace. Raises IndexingError when there is no index to ask."""
        for event in self.stream(question, Cancel(), record, identity):
            if isinstance(event, Answer):
                return event
        raise Cancelled

    def stream(
        self, question: Question, cancel: Cancel, record: bool = True, identity: str | None = None
    ) -> Iterator[Started | Shown | Answer]:
        """The same as it comes: the start, each verified sentence, the whole answer. `cancel` stops the model; nothing
        comes after it. `identity` is the trace of the answer, a new one where None."""
        started = time.perf_counter()
        tape = Tape(self._model, cancel) if self._model else None
        with self._live.lend() as index:
            name = trace.name(question, index.name, NAME)
            identity = identity or (trace.new() if tape else name)
            yield Started(identity, index.name, self._model.name if self._model else NAME)
            given = None if tape else self._remembered.find(index, name)
            if given is not None:
                yield from _shown(given.answer.sentences, given.answer)
                answer, drafts = replace(given.answer, trace=identity, seconds=_since(started)), given.drafts
            else:
                with Step("rewrite"):
                    text = _standalone(question, index, tape)
                found = self._find(question, text, index)
                writer = Writer(_gate(found.language, index), found.composed, index)
                yield from _shown(self._sentences(found, writer, tape, identity), writer)
                answer, drafts = self._answer(found, writer, tape, index, identity, started), tuple(writer.drafts)
            if cancel.is_set():
                return
            if tape is None and given is None:
                self._remembered.keep(index, name, answer, drafts)
        if record:
            with Step("record"):
                self._traces.save(answer, drafts, tape.calls if tape else ())
        yield answer

    def _find(self, question: Question, text: str, index: Index) -> _Found:
        with Step("search"):
            asked, parts = ask(text, index, question.as_of), [ask(p, index) for p in rewrite.parts(text)]
            passages = _search(asked, parts, index)
        with Step("compose"):
            composed = compose(asked, parts, passages, index, self._weights)
        if is_small_talk(text):
            passages, composed = [], replace(composed, confidence=0.0, near=())
        return _Found(question, question.language or terms.language(question.text), text, tuple(passages), composed)

    def _sentences(self, found: _Found, writer: Writer, tape: Tape | None, identity: str) -> Iterator[Sentence]:
        """The model's, with what it left out; those of the embedded engine where there is no model or it is of no use;
        none for what is to be refused."""
        if found.composed.confidence < self._weights.threshold:
            return
        if tape is not None:
            request = drafting.request(found.text, _best_first(found), found.language, identity)
            yield from writer.reworded(request, tape.ask(request.messages), tape.broken)
            if tape.stopped:
                return
            if writer.sentences:
                yield from writer.missing()
                return
            if writer.declined and found.composed.confidence < _SURE:
                return
        yield from writer.extracts()

    def _answer(
        self, found: _Found, writer: Writer, tape: Tape | None, index: Index, identity: str, started: float
    ) -> Answer:
        reason, correction = self._reason(found.composed, writer, index)
        text = " ".join(s.text for s in writer.sentences)
        if reason:
            near = [e for _, e in found.composed.near]
            text = refusal.say(reason, found.question.text, near, found.language, correction)
        sentences, citations = (() if reason else tuple(writer.sentences)), (() if reason else writer.citations)
        worded = self._model is not None and writer.worded > 0
        return Answer(
            found.question, found.language, text, reason is not None, reason, sentences, citations,
            conflicts.shown(found.composed.disputes, sentences, citations, found.language, index.glossary),
            found.composed.confidence, found.passages[:SHOWN_PASSAGES],
            self._model.name if self._model and worded else NAME, index.name, identity,
            _since(started),
            notice.say(tape, writer, found.language) or notice.other_word(found.composed.asked, sentences, citations,
                                                                          found.language, index.glossary),
        )  # fmt: skip

    def _reason(self, composed: Composition, writer: Writer, index: Index) -> tuple[Reason | None, Evidence | None]:
        """Why to refuse, or None to answer; and what sets a false premise right."""
        if composed.confidence >= self._weights.threshold:
            unsaid: Reason = "not_in_sources" if writer.declined else "unverified"
            return (None if writer.sentences else unsaid), None
        if not _near(composed):
            return "off_topic", None
        correction = premise.correction(composed.asked, composed.near, index.glossary)
        return ("false_premise" if correction else "not_in_sources"), correction

    def search(self, query: str, count: int = 10, as_of: datetime.date | None = None) -> list[Passage]:
        """The best passages for `query`, best first; with `as_of`, only of what was published up to that day."""
        with self._live.lend() as index:
            return index.search(query, count, as_of)

    def check(self, claim: str, most: int) -> tuple[Checked, ...]:
        """What the sources say to each of the first `most` sentences of a claim. Raises IndexingError."""
        with self._live.lend() as index:
            return checking.check(claim, index, most)

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
        """Release the index, the records and the model."""
        self._live.close()
        self._traces.close()
        if self._model is not None:
            self._model.close()


def _shown(sentences: Iterable[Sentence], cited: Writer | Answer) -> Iterator[Shown]:
    """Each sentence as it comes, with the citations it carries."""
    for number, sentence in enumerate(sentences, 1):
        yield Shown(number, sentence, tuple(c for c in cited.citations if c.number in sentence.citations))


def _since(started: float) -> float:
    """Seconds, as an answer tells them."""
    return round(time.perf_counter() - started, 4)


def _standalone(question: Question, index: Index, tape: Tape | None) -> str:
    """The question without what only the conversation tells; as the model puts it where that is sound."""
    plain = rewrite.standalone(question, index.glossary)
    if tape is None or plain == question.text:
        return plain
    return drafting.rewritten("".join(tape.ask(drafting.rewriting(question))), question) or plain


def _gate(language: Language, index: Index) -> Gate:
    """What admits the sentences of an answer in `language`."""

    def proves(wording: str, quotes: Sequence[str], published: Sequence[str | None]) -> bool:
        return support.check(wording, quotes, index.glossary, index.encode, published).supported

    return Gate(index.document, lambda draft, about: frame.frame(draft, about, language, index.glossary), proves)


def _search(asked: Asked, parts: Sequence[Asked], index: Index) -> list[Passage]:
    """Passages for the whole question, then those that only a part of it finds, or that define what it asks for; best
    first. None that repeats it."""
    found = {p.chunk.id: p for p in index.search(asked.text, PASSAGES, asked.as_of)}
    for part in parts if len(parts) > 1 else ():
        for passage in index.search(part.text, PASSAGES // 2, asked.as_of):
            found.setdefault(passage.chunk.id, passage)
    if of := asked.defined:
        for query in defining.queries(of, index.glossary):
            for passage in index.search(query, PASSAGES, asked.as_of):
                if defining.is_in(passage.chunk.text, of, index.glossary):
                    found.setdefault(passage.chunk.id, passage)
    return [p for p in found.values() if not echoes(asked.text, p.chunk.text)]


def _best_first(found: _Found) -> list[Passage]:
    """The passages that the embedded engine quotes, then the others as they were found."""
    quoted = [s.passage for d in found.composed.drafts for s in d.proposed]
    return list({p.chunk.id: p for p in (*quoted, *found.passages)}.values())


def _near(composed: Composition) -> bool:
    """Whether question and sources share a subject at all."""
    named = any(t.kind == "entity" for t in composed.asked.terms)
    return bool(composed.near) and (
        named
        or any(max(e.feature("cosine"), e.feature("cosine_across")) >= _NEAR_COSINE for _, e in composed.near)
        or composed.near[0][1].feature("coverage") >= _NEAR_COVERAGE
    )
