"""Asks the questions of gold items and says what came of each: full, partial, wrong, abstained, and the counts."""

import datetime
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.chain import Assistant
from assistant.conversation import MARKER, Answer, Question, Turn
from assistant.terms import numbers
from evals.cases import Case
from evals.metrics import Rate, says

Outcome = Literal["full", "partial", "wrong", "abstained"]
# Longer answers are no answers but dumps; a list or timeline may take a sentence a step.
MOST_SENTENCES, MOST_CHARACTERS = 6, 2500


@dataclass(frozen=True, slots=True)
class Trial:
    """One item, its answer, and what was counted. Counts are pairs (right, of how many)."""

    case: Case
    answer: Answer
    outcome: Outcome
    quotes: tuple[int, int]
    evidence_found: tuple[int, int]
    citations: tuple[int, int]
    holders: tuple[int, int]
    leaks: int
    milliseconds: float

    @property
    def right(self) -> bool:
        """Answered in full where the sources answer, abstained or set right where they do not."""
        return self.outcome == ("full" if self.case.answerable else "abstained")


def question(case: Case) -> Question:
    """The item as a question, with its history and date."""
    return Question(
        case.question,
        tuple(Turn(t.role, t.text) for t in case.history),
        datetime.date.fromisoformat(case.as_of) if case.as_of else None,
    )


def run(
    cases: Sequence[Case], assistant: Assistant, progress: Callable[[int, int], None] = lambda *_: None
) -> list[Trial]:
    """Ask every item once, after a warm-up question."""
    assistant.answer(Question("What is the Union State?"))
    trials = []
    for done, case in enumerate(cases, 1):
        started = time.perf_counter()
        answer = assistant.answer(question(case))
        trials.append(judge(case, answer, assistant, (time.perf_counter() - started) * 1000))
        progress(done, len(cases))
    return trials


def judge(case: Case, answer: Answer, assistant: Assistant, milliseconds: float) -> Trial:
    """What an answer to an item is worth."""
    documents = [assistant.document(c.passage.chunk.document_id) for c in answer.citations]
    verbatim = sum(
        d is not None and d.text[c.start : c.end] == c.quote for c, d in zip(answer.citations, documents, strict=True)
    )
    places = [(c.passage.chunk.document_id, c.start, c.end) for c in answer.citations]
    found = sum(any(_overlap(p.doc, p.start, p.end, places) for p in g.any_of) for g in case.evidence)
    as_of = case.as_of or "9999"
    return Trial(
        case,
        answer,
        outcome(case, answer),
        (verbatim, len(answer.citations)),
        (found, len(case.evidence)),
        _resting(answer, case),
        _holders(case, answer),
        sum((c.passage.about.published or "9999") > as_of for c in answer.citations) if case.as_of else 0,
        milliseconds,
    )


def shown(answer: Answer) -> str:
    """All that the answer states: its text and both sides of its conflicts."""
    return "\n".join([answer.text, *(p.text for c in answer.conflicts for p in c.positions)])


def outcome(case: Case, answer: Answer) -> Outcome:
    """Full: all vital nuggets and nothing forbidden; wrong: answered without any, or what it must not say."""
    text = shown(answer)
    hits = [says(text, n.any_of) for n in case.vital]
    if case.answerability == "false_premise" and case.premise is not None:
        set_right = bool(hits) and all(hits)
        return "abstained" if answer.refused or set_right else "wrong"
    if answer.refused:
        return "abstained"
    if not case.answerable or any(says(text, f.any_of) for f in case.forbidden) or not any(hits):
        return "wrong"
    long = len(answer.sentences) > MOST_SENTENCES or len(answer.text) > MOST_CHARACTERS
    return "full" if all(hits) and not long else "partial"


def _overlap(document: str, start: int, end: int, places: Iterable[tuple[str, int, int]]) -> bool:
    return any(d == document and min(end, e) - max(start, s) >= 0.8 * (end - start) for d, s, e in places)


def _resting(answer: Answer, case: Case) -> tuple[int, int]:
    """Citations that bear the sentence that cites them: their quote stands in it, brackets and frame aside; or, where a
    model worded it, its quotes together have every number and every nugget that it has."""
    quotes = {c.number: c.quote for c in answer.citations}
    days = {c.number: (c.passage.about.published or "").replace("-0", "-").replace("-", " ") for c in answer.citations}
    right = total = 0
    for sentence in answer.sentences:
        told = " ".join(f"{quotes[n]} {days[n].replace(' ', '; ')}" for n in sentence.citations)
        worded = _bears(told, sentence.text, case)
        right += sum(worded or _words(quotes[n]) <= _words(sentence.text) for n in sentence.citations)
        total += len(sentence.citations)
    return right, total


def _bears(quotes: str, sentence: str, case: Case) -> bool:
    text = MARKER.sub("", sentence)
    held = all(says(quotes, n.any_of) for n in case.nuggets if says(text, n.any_of))
    return held and numbers(text) <= numbers(quotes)


def _words(text: str) -> set[str]:
    return {w.strip(".,;:()«»\"'“”[]").casefold() for w in text.split()} - {""}


def _holders(case: Case, answer: Answer) -> tuple[int, int]:
    """Claims that the answer holds, and how many of them name their speaker in the sentence."""
    nuggets = {n.id: n for n in case.nuggets}
    right = total = 0
    for claim in case.claims if not answer.refused else ():
        told = [s for s in answer.sentences if claim.nugget in nuggets and says(s.text, nuggets[claim.nugget].any_of)]
        if told:
            total += 1
            right += any(says(s.text, claim.speaker) for s in told)
    return right, total


def passages_hold(trials: Sequence[Trial]) -> Rate:
    """Answerable items all of whose vital nuggets stand in the first five passages."""
    asked = [t for t in trials if t.case.answerable]
    texts = ["\n".join(p.chunk.text for p in t.answer.passages[:5]) for t in asked]
    found = sum(all(says(text, n.any_of) for n in t.case.vital) for t, text in zip(asked, texts, strict=True))
    return Rate("answer in the first five passages", found, len(asked))
