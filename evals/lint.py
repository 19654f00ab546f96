"""What is wrong with gold items: against documents, among each other, against what the assistant was fitted on."""

import datetime
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from evals.cases import Case, text_sha256
from evals.metrics import normal, says
from index.documents import Document
from index.sentences import language_of

_BARE = re.compile(r"\d{1,2}")
Documents = Callable[[str], Document | None]


def lint(cases: Sequence[Case], document: Documents, known: Mapping[str, str] | None = None) -> list[str]:
    """A line a finding, empty when all is well. `known` are texts by their place, what was fitted on and the prompts: a
    question of the test half in one of them would measure memory."""
    findings = [f"{case.id}: {finding}" for case in cases for finding in _findings(case, document)]
    return [*findings, *_mixed(cases), *_leaked(cases, known or {})]


def _findings(case: Case, document: Documents) -> Iterator[str]:
    if case.answerable and not (case.vital and case.evidence):
        yield "an answerable item needs vital nuggets and evidence"
    if not case.answerable and case.answerability != "false_premise" and (case.nuggets or case.evidence):
        yield "an item without answer has no nuggets and no evidence"
    if (language_of(case.question) == "en") is not (case.lang == "en"):
        yield f"the question is not in its language, {case.lang}"
    if case.as_of and not _is_day(case.as_of):
        yield f"as_of {case.as_of} is no date"
    yield from _names(case)
    yield from _nuggets(case)
    yield from _places(case, document)


def _is_day(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _names(case: Case) -> Iterator[str]:
    """Nuggets that something refers to are there, and nothing has the name of another."""
    known = {n.id for n in case.nuggets}
    named = {
        "evidence supports": {i for g in case.evidence for i in g.supports},
        "claims are about": {c.nugget for c in case.claims},
        "the premise is corrected by": set(case.premise.correction_nuggets) if case.premise else set(),
    }
    for what, ids in named.items():
        if unknown := ids - known:
            yield f"{what} unknown nuggets {sorted(unknown)}"
    for what, names in (
        ("nuggets", [n.id for n in case.nuggets]),
        ("variants", [v.id for v in case.variants]),
        ("groups", [g.group for g in case.evidence]),
    ):
        if twice := sorted({n for n in names if names.count(n) > 1}):
            yield f"{what} stand twice: {', '.join(twice)}"
    if normal(case.question) in {normal(v.question) for v in case.variants}:
        yield "a variant is the question itself"


def _nuggets(case: Case) -> Iterator[str]:
    """A vital nugget stands in its evidence, is not forbidden, and is more than a number that stands everywhere."""
    for nugget in case.nuggets:
        if bare := [w for w in nugget.any_of if _BARE.fullmatch(w)]:
            yield f"nugget {nugget.id}: {bare[0]!r} alone stands in too many sentences; write its unit or noun too"
        if banned := [f.any_of[0] for f in case.forbidden if any(says(w, f.any_of) for w in nugget.any_of)]:
            yield f"nugget {nugget.id} says {banned[0]!r}, which is forbidden"
    for nugget in case.vital if case.evidence else ():
        quotes = [p.quote for g in case.evidence if nugget.id in g.supports for p in g.any_of]
        if not any(says(q, nugget.any_of) for q in quotes):
            yield f"nugget {nugget.id} stands in none of its evidence"


def _places(case: Case, document: Documents) -> Iterator[str]:
    for place in (p for g in case.evidence for p in g.any_of):
        found = document(place.doc)
        if found is None:
            yield f"there is no document {place.doc}"
        elif found.text[place.start : place.end] != place.quote:
            yield f"the quote of {place.doc} is not at its place"
        elif text_sha256(found) != place.sha256:
            yield f"the text of {place.doc} has changed"
        elif case.as_of and (found.about.published or "") > case.as_of:
            yield f"{place.doc} was published on {found.about.published}, after as_of {case.as_of}"


def _mixed(cases: Iterable[Case]) -> Iterator[str]:
    halves: dict[str, set[str]] = defaultdict(set)
    for case in cases:
        halves[case.cluster].add(case.split)
    yield from (f"cluster {name} stands in both halves" for name, splits in halves.items() if len(splits) > 1)


def _leaked(cases: Iterable[Case], known: Mapping[str, str]) -> Iterator[str]:
    """Of the test half; the dev half is there to be learnt from, and follow-ups are short words of everybody."""
    texts = {place: normal(text) for place, text in known.items()}
    for case in (c for c in cases if c.split == "test" and not c.history):
        asked = [normal(q) for q in (case.question, *(v.question for v in case.variants))]
        yield from (
            f"{case.id}: its question stands in {p}" for p, text in texts.items() if any(q in text for q in asked)
        )
