"""What an answer to a gold item is worth: an outcome, and counts of what is right of how much. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evals import ranking, support
from evals.cases import Case, Nugget, Place
from evals.metrics import normal, says
from evals.said import Citation, Said, Sentence
from index.documents import Document

Outcome = Literal["full", "partial", "wrong", "abstained", "crashed"]
RANK: dict[Outcome, int] = {"crashed": 0, "wrong": 1, "abstained": 2, "partial": 3, "full": 4}
Find = Callable[[str], Document | None]
# Whether quotes bear a sentence in other words; None where it cannot tell. It is asked only where no rule is broken.
Arbiter = Callable[[str, Sequence[support.Quote]], bool | None]
# Longer answers are no answers but dumps; a list or timeline may take a sentence a step.
MOST_SENTENCES, MOST_CHARACTERS = 6, 2500
COVERED = 0.8  # of a place that a citation or passage must hold to count as having it
# Counts more whenever the same answer may come out with another figure; runs of different versions are not compared.
VERSION = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """One question, its answer (None where there was a crash), and what was counted: pairs (right, of how much) by the
    keys of figures.py. `missed` says in words what is wrong; `hits` are the vital nuggets told."""

    identity: str
    case: Case
    question: str
    said: Said | None
    outcome: Outcome
    hits: tuple[bool, ...] = ()
    scores: dict[str, tuple[float, float]] = field(default_factory=dict)
    missed: tuple[str, ...] = ()
    milliseconds: float = 0.0

    @property
    def right(self) -> bool:
        """Answered in full where the sources answer, abstained or set right where they do not."""
        return self.outcome == ("full" if self.case.answerable else "abstained")


def crashed(identity: str, case: Case, question: str, reason: str) -> Trial:
    """A question that broke the system: wrong in all that counts every item."""
    scores = {"right": (0.0, 1.0), "crashed": (1.0, 1.0), "leaks": (0.0, 1.0), "wrong": (0.0, 1.0)}
    scores |= {"full": (0.0, 1.0), "over_refused": (0.0, 1.0)} if case.answerable else {"refused": (0.0, 1.0)}
    return Trial(identity, case, question, None, "crashed", (), scores, (f"crashed: {reason}",))


def judge(case: Case, said: Said, find: Find, identity: str | None = None, question: str = "",
          arbiter: Arbiter | None = None, milliseconds: float = 0.0) -> Trial:  # fmt: skip
    """What an answer to an item is worth; `find` gives the document of an id."""
    result = outcome(case, said)
    text = said.shown
    hits = tuple(says(text, n.any_of) for n in case.vital)
    borne = [_borne(s, said, find, arbiter) for s in said.sentences] if not said.refused else []
    scores = _of_item(case, said, result) | _of_citations(case, said, find) | _of_passages(case, said)
    scores |= _of_sentences(said, borne)
    told = tuple(_missed(case, said, result, find, borne))
    return Trial(
        identity or case.id, case, question or case.question, said, result, hits, scores, told, milliseconds
    )  # fmt: skip


def outcome(case: Case, said: Said) -> Outcome:
    """Full: all vital nuggets and nothing forbidden; wrong: answered without any, or what it must not say."""
    text = said.shown
    hits = [says(text, n.any_of) for n in case.vital]
    if case.answerability == "false_premise" and case.premise is not None:
        set_right = bool(hits) and all(hits) and not _long(said)
        return "abstained" if said.refused or set_right else "wrong"
    if said.refused:
        return "abstained"
    if not case.answerable or any(says(text, f.any_of) for f in case.forbidden) or not any(hits):
        return "wrong"
    return "full" if all(hits) and not _long(said) else "partial"


def _long(said: Said) -> bool:
    return len(said.sentences) > MOST_SENTENCES or len(said.text) > MOST_CHARACTERS


def _yes(holds: bool) -> tuple[float, float]:
    return float(holds), 1.0


def _of_item(case: Case, said: Said, result: Outcome) -> dict[str, tuple[float, float]]:
    right = result == ("full" if case.answerable else "abstained")
    scores = {"right": _yes(right), "wrong": _yes(result == "wrong"), "crashed": _yes(False)}
    if case.answerable:
        scores |= {"full": _yes(result == "full"), "over_refused": _yes(result == "abstained")}
        weights = {n.id: 1.0 if n.weight == "vital" else 0.5 for n in case.nuggets}
        told = sum(weights[n.id] for n in case.nuggets if not said.refused and says(said.shown, n.any_of))
        scores["nuggets"] = (told, sum(weights.values()))
    else:
        scores["refused"] = _yes(result == "abstained")
    if result == "abstained":
        scores["refused_rightly"] = _yes(not case.answerable)
    if case.answerability == "conflicting":
        scores["conflict"] = _yes(bool(said.conflicts) and result == "full")
    elif case.answerable and not said.refused:
        scores["false_conflict"] = _yes(bool(said.conflicts))
    return scores


def _of_citations(case: Case, said: Said, find: Find) -> dict[str, tuple[float, float]]:
    documents = [find(c.document_id) for c in said.citations]
    day = case.as_of or "9999"
    late = [d for d in documents if d is not None and (d.about.published or "9999") > day]
    scores = {"leaks": _yes(bool(case.as_of and late))}
    if said.citations:
        verbatim = sum(_verbatim(c, d) for c, d in zip(said.citations, documents, strict=True))
        scores["quotes"] = (float(verbatim), float(len(documents)))
    if not said.refused and (markers := sum(len(s.citations) for s in said.sentences)):
        scores["resolve"] = (float(_resolving(said, find)), float(markers))
    if not said.refused:
        scores["cited"] = _yes(bool(said.sentences) and all(s.citations for s in said.sentences))
        spoken = [q for s in said.sentences for q in support.quotations(s.text)]
        if spoken:
            scores["spoken"] = (float(sum(_quoted(q, said, find) for q in spoken)), float(len(spoken)))
    if case.answerable and not said.refused and case.evidence:
        places = [(c.document_id, c.start, c.end) for c in said.citations]
        found = sum(any(covers(p, places) for p in g.any_of) for g in case.evidence)
        scores["evidence"] = (float(found), float(len(case.evidence)))
    return scores | _of_holders(case, said)


def _verbatim(citation: Citation, document: Document | None) -> bool:
    return document is not None and document.text[citation.start : citation.end] == citation.quote != ""


def _resolving(said: Said, find: Find) -> int:
    """Of the markers of the sentences, those that lead to a citation of a document that there is."""
    known = {c.number for c in said.citations if find(c.document_id) is not None}
    return sum(n in known for s in said.sentences for n in s.citations)


def _borne(sentence: Sentence, said: Said, find: Find, arbiter: Arbiter | None) -> bool | None:
    """Whether its quotes bear it; None where an arbiter was asked and could not tell."""
    by = {c.number: c for c in said.citations}
    if not set(sentence.citations) <= by.keys():
        return False
    quotes = [_quote(by[n], find) for n in sentence.citations]
    found = support.verdict(sentence.text, quotes)
    if found == "unsure" and arbiter is not None and all(q.text for q in quotes):
        return arbiter(sentence.text, quotes)
    return found == "borne"


def _of_sentences(said: Said, borne: Sequence[bool | None]) -> dict[str, tuple[float, float]]:
    """Citations of sentences that their quotes bear; those of which nobody could tell are left out and counted."""
    told = [(len(s.citations), b) for s, b in zip(said.sentences, borne, strict=False)]
    markers = sum(n for n, b in told if b is not None)
    scores = {"precise": (float(sum(n for n, b in told if b)), float(markers))} if markers else {}
    return scores | ({"unjudged": (float(borne.count(None)), float(len(borne)))} if None in borne else {})


def _quote(citation: Citation, find: Find) -> support.Quote:
    """The quote with what may stand in a frame; the words of a quote that stands nowhere prove nothing."""
    document = find(citation.document_id)
    if document is None or not _verbatim(citation, document):
        return support.Quote("", "")
    a = document.about
    return support.Quote(
        citation.quote,
        " ".join(filter(None, (a.title, a.publisher, a.author, a.holder, a.published))),
        a.published or "",
    )


def _quoted(spoken: str, said: Said, find: Find) -> bool:
    """Whether what stands in quotation marks is in one cited quote, notes and cuts aside."""
    parts = [normal(p).strip(" .,;:!?") for p in re.split(r"\[[^\[\]]*\]|…|\.\.\.", spoken)]
    texts = [re.sub(r"\s+", " ", normal(_quote(c, find).text)) for c in said.citations]
    return any(all(p.strip('"') in text for p in parts) for text in texts)


def _of_holders(case: Case, said: Said) -> dict[str, tuple[float, float]]:
    """Claims that the answer holds, and how many of them name their speaker in the sentence."""
    nuggets = {n.id: n for n in case.nuggets}
    right = total = 0
    for claim in case.claims if not said.refused else ():
        told = [s for s in said.sentences if claim.nugget in nuggets and says(s.text, nuggets[claim.nugget].any_of)]
        total += bool(told)
        right += any(says(s.text, claim.speaker) for s in told)
    return {"holder": (float(right), float(total))} if total else {}


def _of_passages(case: Case, said: Said) -> dict[str, tuple[float, float]]:
    """The gold's evidence among the first passages; gain 1 for the first that covers a group, 0 for repeats."""
    if not case.answerable or said.passages is None:
        return {}
    text = "\n".join(p.text for p in said.passages[:5])
    scores = {"found": _yes(all(says(text, n.any_of) for n in case.vital))}
    if case.evidence:
        gains, seen = [], set[str]()
        for passage in said.passages[:10]:
            place = [(passage.document_id, passage.start, passage.end)]
            new = {g.group for g in case.evidence if any(covers(p, place) for p in g.any_of)} - seen
            seen |= new
            gains.append(float(bool(new)))
        known = [1.0] * len(case.evidence)
        scores["recall_10"] = (len(seen) / len(known), 1.0)
        scores["ndcg_10"] = (min(1.0, ranking.ndcg(gains, known, 10)), 1.0)
        scores["mrr_10"] = (ranking.reciprocal_rank(gains, 10), 1.0)
    return scores


def covers(place: Place, spans: Iterable[tuple[str, int, int]]) -> bool:
    """Whether one of the spans (document, start, end) holds most of the place."""
    length = place.end - place.start
    return any(d == place.doc and min(place.end, e) - max(place.start, s) >= COVERED * length for d, s, e in spans)


def _missed(case: Case, said: Said, result: Outcome, find: Find, borne: Sequence[bool | None]) -> Iterable[str]:
    """In words, what is wrong with the answer."""
    if result == ("full" if case.answerable else "abstained"):
        yield from _doubtful(said, find, borne)
        return
    if case.answerable and said.refused:
        yield "refused, though the sources answer"
    if not case.answerable and not said.refused:
        yield f"answered, though the question is {case.answerability}"
    for nugget in _untold(case.vital, said.shown) if not said.refused else ():
        yield f"does not say {' | '.join(nugget.any_of[:3])}"
    for forbidden in case.forbidden if not said.refused else ():
        if says(said.shown, forbidden.any_of):
            yield f"says {forbidden.any_of[0]}, which is {forbidden.why}"
    if not said.refused and _long(said):
        yield f"is too long: {len(said.sentences)} sentences, {len(said.text)} characters"
    yield from _doubtful(said, find, borne)


def _untold(nuggets: Sequence[Nugget], text: str) -> list[Nugget]:
    return [n for n in nuggets if not says(text, n.any_of)]


def _doubtful(said: Said, find: Find, borne: Sequence[bool | None]) -> Iterable[str]:
    for citation in said.citations:
        if not _verbatim(citation, find(citation.document_id)):
            yield f"citation {citation.number} is not verbatim in {citation.document_id}"
    for sentence, holds in zip(said.sentences, borne, strict=False):
        if not holds:
            yield f"{'nobody could tell whether' if holds is None else 'no'} cited quote bears: {sentence.text[:160]}"
