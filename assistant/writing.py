"""From drafts to the sentences of an answer: the embedded engine's own, or those that a chat model proposes, for which
it finds the quotes, tries again, repairs or drops. Every one of them passes the gate.

Not for: what is asked of a model (drafting.py), and what proves a sentence (verify.py, support.py).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

from assistant.aligned import fold
from assistant.compose import Composition
from assistant.conversation import Citation, Draft, Sentence, Span
from assistant.drafting import Proposal, Reader, Request
from assistant.evidence import sentences
from assistant.steps import Step
from assistant.terms import offers
from assistant.verify import Gate
from index.documents import Passage
from index.search import Index

# A second sentence is quoted too when it covers this much more of what the model says; a repair must rank this near.
_MORE, _NEAR = 0.2, 1.5
# How far behind the best evidence, in the ranker's log odds, a sentence may stand that a model's words rest on: of what
# the 1.5B model of tests/recorded.jsonl said, answers stood within 4.6 and what was beside the point at 5.4 to 17.
_BEARS = 5.0
# What the embedded engine's sentence must add of the question, and a model's of itself, to be worth a place.
_ADDS, _NEW = 0.12, 0.1
_MOST, _REPEATS = 8, 2  # sentences of a model that are looked at; how often it may say one again


@dataclass(frozen=True, slots=True)
class _Source:
    """A sentence of a passage with its search tokens and the three before it."""

    span: Span
    text: str
    before: tuple[str, ...]
    tokens: frozenset[str]


class Writer:
    """Makes one answer's sentences. `drafts` are those admitted; `worded` counts the ones in a model's words;
    `declined` when the model says that there is no answer."""

    def __init__(self, gate: Gate, composed: Composition, index: Index) -> None:
        self.drafts: list[Draft] = []
        self.sentences: list[Sentence] = []
        self.worded = 0
        self.declined = False
        self._proposed: set[str] = set()
        self._repeated = 0
        self._gate, self._composed, self._index = gate, composed, index
        self._bearing = {_begin(s) for d in composed.drafts for s in d.proposed}
        self._bearing |= {
            (e.passage.chunk.document_id, e.start)
            for score, e in composed.near
            if composed.near[0][0] - score <= _BEARS
        }

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Those of the sentences, in order of first use."""
        return self._gate.citations

    def extracts(self) -> Iterator[Sentence]:
        """What the embedded engine chose, in its sources' words."""
        yield from filter(None, map(self._extract, self._composed.drafts))

    def reworded(self, request: Request, pieces: Iterable[str], broken: Callable[[], bool]) -> Iterator[Sentence]:
        """What a model says, each sentence as soon as it is finished and proven. `broken` tells at the end whether the
        last one may be unfinished."""
        reader = Reader(request.passages)
        everywhere = tuple(request.passages.values())
        for piece in pieces:
            yield from self._proven(reader.feed(piece), everywhere)
            if len(self._proposed) >= _MOST or self._repeated >= _REPEATS:
                return  # a model that goes on and on, or round and round, is not read on
        yield from self._proven(reader.end(broken()), everywhere)
        self.declined = reader.declined

    def missing(self) -> Iterator[Sentence]:
        """What the embedded engine found and the model left out: its best sentence, both sides of a conflict, and
        what covers more of the question than the model's words do, be they about the same sentence."""
        asked = self._composed.asked
        disputed = {(e.passage.chunk.document_id, e.start) for d in self._composed.disputes for e in d}
        for place, draft in enumerate(self._composed.drafts):
            span = draft.proposed[0]
            known: Set[str] = frozenset(t for d in self.drafts for t in self._index.tokens(d.wording or d.text))
            new = asked.share(known | self._index.tokens(draft.text)) - asked.share(known)
            if self._said(span) and new < _ADDS and (place or self._offered()):
                continue
            if place == 0 or new >= _ADDS or (span.passage.chunk.document_id, span.start) in disputed:
                yield from filter(None, [self._extract(draft)])

    def _offered(self) -> bool:
        """Whether an admitted sentence holds the kind of thing that is asked for: a model may leave just that out."""
        asked = self._composed.asked
        told = " ".join(d.wording or d.text for d in self.drafts)
        return not offers(asked.kind, self._composed.drafts[0].text, asked.text) or offers(asked.kind, told, asked.text)

    def _proven(self, proposals: Sequence[Proposal], everywhere: tuple[Passage, ...]) -> Iterator[Sentence]:
        for proposal in proposals:
            if proposal.text in self._proposed or len(self._proposed) >= _MOST:
                self._repeated += 1
                continue
            self._proposed.add(proposal.text)
            with Step("verify") as step:
                sentence = self._worded(proposal, everywhere)
                self.worded += sentence is not None
                sentence = sentence or self._repaired(proposal, everywhere)
                step.dropped = sentence is None
            yield from filter(None, [sentence])

    def _extract(self, draft: Draft) -> Sentence | None:
        """The embedded engine's draft as a sentence, in its source's words."""
        with Step("verify") as step:
            sentence = self._admit(draft)
            step.dropped = sentence is None
        return sentence

    def _worded(self, proposal: Proposal, everywhere: tuple[Passage, ...]) -> Sentence | None:
        """The sentence as the model words it, with quotes from the passages it cites, else from any."""
        for passages in dict.fromkeys((proposal.passages, everywhere)):
            quoted = self._quoted(proposal, passages)
            if quoted and self._adds(proposal):
                spans = tuple(q.span for q in quoted)
                draft = Draft(quoted[0].text, spans, quoted[0].before, proposal.text)
                if sentence := self._admit(draft):
                    return sentence
        return None

    def _repaired(self, proposal: Proposal, everywhere: tuple[Passage, ...]) -> Sentence | None:
        """The source's sentence nearest to what the model says, where it answers about as well as the best does."""
        near = self._composed.near[:5]
        good = {(e.passage.chunk.document_id, e.start) for s, e in near if near[0][0] - s <= _NEAR}
        quoted = self._quoted(proposal, everywhere)[:1]
        if not quoted or self._said(quoted[0].span) or _begin(quoted[0].span) not in good:
            return None
        return self._admit(Draft(quoted[0].text, (quoted[0].span,), quoted[0].before))

    def _adds(self, proposal: Proposal) -> bool:
        """Whether the sentence says something that no admitted one does."""
        weight, tokens = self._index.keywords.weight, self._index.tokens(proposal.text)
        known: Set[str] = frozenset(t for d in self.drafts for t in self._index.tokens(d.wording or d.text))
        new = sum(weight(t) for t in sorted(tokens - known))
        return new >= _NEW * sum(weight(t) for t in sorted(tokens))

    def _said(self, span: Span) -> bool:
        """Whether an admitted sentence rests on it."""
        return any(_overlap(span, s) for d in self.drafts for s in d.proposed)

    def _admit(self, draft: Draft) -> Sentence | None:
        sentence = self._gate.admit(draft)
        if sentence is not None:
            self.drafts.append(draft)
            self.sentences.append(sentence)
        return sentence

    def _quoted(self, proposal: Proposal, passages: Sequence[Passage]) -> list[_Source]:
        """The sentence of `passages` that bears most of the proposal, and one more that bears much of the rest. Only
        those count that bear on the question: a source may hold anything, and a model may pick anything of it."""
        sources = list(
            {k: s for p in passages for s in self._sources(p) if (k := _begin(s.span)) in self._bearing}.values()
        )
        claim, weight = self._index.tokens(proposal.text), self._index.keywords.weight
        quote = fold(proposal.quote) if proposal.quote else None

        def borne(source: _Source, left: Set[str]) -> float:
            said = quote is not None and (quote in fold(source.text) or fold(source.text) in quote)
            return sum(weight(t) for t in sorted(source.tokens & left)) * (2.0 if said else 1.0)

        first = max(sources, key=lambda s: (borne(s, claim), _begin(s.span)), default=None)
        if first is None or borne(first, claim) <= 0:
            return []
        left = claim - first.tokens
        second = max(
            (s for s in sources if s is not first), key=lambda s: (borne(s, left), _begin(s.span)), default=None
        )
        enough = _MORE * sum(weight(t) for t in sorted(claim))
        return [first, *([second] if second and borne(second, left) >= enough else [])]

    def _sources(self, passage: Passage) -> Iterator[_Source]:
        document = self._index.document(passage.chunk.document_id)
        if document is None:
            return
        before: list[str] = []
        for start, end in sentences(document, passage.chunk.start, passage.chunk.end):
            text = document.text[start:end]
            yield _Source(Span(passage, start, end), text, tuple(before[-3:]), self._index.tokens(text))
            before.append(text)


def _begin(span: Span) -> tuple[str, int]:
    return span.passage.chunk.document_id, span.start


def _overlap(one: Span, other: Span) -> bool:
    same = one.passage.chunk.document_id == other.passage.chunk.document_id
    return same and one.start < other.end and other.start < one.end
