"""The embedded engine: picks whole sentences that answer. No language model; every draft is a sentence of a source."""

import datetime
import re
from collections.abc import Sequence, Set
from dataclasses import dataclass

from assistant import conflicts, defining
from assistant.answerability import Weights, confidence, rank
from assistant.antecedents import antecedent, dangles
from assistant.asked import Asked, narrowed
from assistant.conversation import Draft, Span
from assistant.evidence import Candidate, Evidence, candidates, compared
from index.documents import Passage
from index.search import Index

NAME = "extractive"
Ranked = Sequence[tuple[float, Evidence]]
MOST_SENTENCES = 4
MOST_STEPS = 6
# How far, in the ranker's log odds, a further sentence may stand behind the first: one that adds terms of the
# question, one more item of a list, a step of a timeline, and one that only adds detail.
_MARGIN_NEW, _MARGIN_LIST, _MARGIN_STEP, _MARGIN_SAME = 3.0, 1.5, 4.5, 0.3
_STEP_COVERED, _MARGIN_FILL = 0.6, 4.0
# How far a sentence about a later time may stand behind, and how much less of the question it may hold: where the
# question is about what is so now, and where it only asks for a number or date.
_NEWER_MARGIN, _NEWER_COVERAGE = 5.0, 0.35
_NEW_SHARE = 0.12
# Where a sentence says what a name is, that is an answer to what it is, however few words of the question it has.
_SURE_OF_DEFINITION = 0.8
_REPEATS = 0.6
# What is so now: present and future tenses, and words for it.
_NOW = re.compile(
    r"^\W*(?:who|where|when) (?:is|are|does|do|has|have|will)\b|^\W*by what date|"
    r"^\W*(?:кто|хто)(?! (?:был|быў|\w+(?:л|ла|ли|лся|лась|ў|лі))\b)|^\W*(?:на сколько|на колькі|на какой стадии)|"
    r"\b(?:долж\w+|планируется|ожидается|будет|павін\w+|плануецца|чакаецца|будзе)\b|"
    r"\b(?:now|currently|current|latest|today|so far|at present|stand|has been|have been|still|"
    r"сейчас|теперь|ныне|нынешн\w+|текущ\w+|последн\w+|на сегодня|цяпер|зараз|сённяшн\w+|апошн\w+|бягуч\w+)\b",
    re.IGNORECASE,
)
_STEPS = re.compile(
    r"\b(timeline|how did .{3,80} (?:change|come about|go)|chronolog\w*|trace|steps?|stages?|sequence|unfold\w*|"
    r"evolv\w*|develop(?:ed)? (?:from|between|over)|in (?:date )?order|по датам|истори[юя]|менял\w+|хронолог\w*|"
    r"этап\w*|последовательн\w*|проследи\w*|шаг\w*|по порядку|развива\w*|па датах|гісторы[юя]|мянял\w+|"
    r"храналог\w*|паслядоўн\w*|прасачы\w*|крок\w*|па парадку|развів\w*)\b",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"\b(list|which|what (?:are|were)|name (?:the|all|two|three)|examples?|перечисл\w*|какие|каких|назов\w*|"
    r"якія|якіх|пералічы\w*|назав\w*|compare|differ\w*|both|each|every|contrast|сравн\w*|отлича\w*|оба|параўна\w*|адрозн\w*)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Composition:
    """Drafts, and how sure it is that the sources answer at all. `near` is the ranked evidence, best first."""

    drafts: tuple[Draft, ...]
    confidence: float
    asked: Asked
    near: tuple[tuple[float, Evidence], ...]
    disputes: tuple[conflicts.Dispute, ...]


def compose(
    asked: Asked, parts: Sequence[Asked], passages: Sequence[Passage], index: Index, weights: Weights
) -> Composition:
    """Choose the sentences of `passages` that answer, in the order of their source; each of several parts its own."""
    sentences = candidates(passages, index)
    found = rank(compared(asked, sentences, index), weights)
    sure = confidence(asked, found, weights)
    ranked = _newest_first(asked, found)
    if asked.defined and (told := _definition_first(asked.defined, found, index)):
        ranked, sure = told, max(sure, _SURE_OF_DEFINITION)
    if len(parts) > 1:
        chosen = _each(asked, parts, ranked, sentences, index, weights)
    elif _STEPS.search(asked.text):
        chosen = _steps(ranked)
    else:
        chosen = _in_order(_choose(asked, ranked))
    chosen = _filled(asked, chosen, ranked)
    disputes = tuple(conflicts.opposing(asked, chosen, ranked, index))
    shown = [*chosen, *(other for _, other in disputes if other not in chosen)]
    sure = 0.0 if _misses(asked, chosen) else sure
    return Composition(tuple(_draft(e, index) for e in shown), sure, asked, tuple(ranked), disputes)


def _misses(asked: Asked, chosen: Sequence[Evidence]) -> bool:
    """Whether every sentence speaks of other times than the question, or none holds the kind of thing it asks for."""
    times, offers = ([e.feature(name) for e in chosen] for name in ("time", "offers"))
    return bool(chosen) and (max(times) == -1.0 or max(offers) == -1.0)


def _newest_first(asked: Asked, ranked: Ranked) -> Ranked:
    """Where the question asks what is so now, of sentences that answer it about as well the one about the latest time
    leads: values change, and the newest is what is asked for."""
    if not _asks_now(asked) or not ranked:
        return ranked
    best_score, best = ranked[0]
    rivals = [
        (score, e)
        for score, e in ranked[1:10]
        if best_score - score <= _NEWER_MARGIN
        and e.feature("coverage_context") >= best.feature("coverage_context") - _NEWER_COVERAGE
        and e.feature("offers") == best.feature("offers")
        and _day(e) > _day(best)
    ]
    if not rivals:
        return ranked
    newest = max(rivals, key=lambda pair: (_day(pair[1]), pair[0]))
    return [(best_score, newest[1]), *(pair for pair in ranked if pair[1] is not newest[1])]


def _definition_first(of: defining.Target, ranked: Ranked, index: Index) -> Ranked | None:
    """Led by a sentence that says what something is: the plainest, of several the best; None where none does."""
    plain = [(defining.says(of, e.text, index.glossary), e) for _, e in ranked]
    most = max((level for level, _ in plain), default=0)
    if not most:
        return None
    first = next(e for level, e in plain if level == most)
    return [(ranked[0][0], first), *(pair for pair in ranked if pair[1] is not first)]


def _asks_now(asked: Asked) -> bool:
    """Whether the question asks what is so now, and names no other time."""
    return bool(_NOW.search(asked.text)) and not asked.moments


def _is_past(evidence: Evidence, newest: Evidence) -> bool:
    """Whether the sentence tells the same kind of thing as `newest`, of an earlier time."""
    return evidence.feature("offers") == newest.feature("offers") and _day(evidence) < _day(newest)


def _day(evidence: Evidence) -> str:
    """The day a sentence speaks of, else the one it was published on."""
    own = [m.first.isoformat() for m in evidence.moments if m.explicit]
    return own[0] if own else evidence.passage.about.published or ""


def _filled(asked: Asked, chosen: list[Evidence], ranked: Ranked) -> list[Evidence]:
    """`chosen`, and the best sentence for each name or number of the question that none of them holds."""
    chosen = list(chosen)
    for term in sorted((t for t in asked.terms if t.kind != "word"), key=lambda t: -t.weight):
        known = frozenset(t for c in chosen for t in c.tokens | c.context)
        if len(chosen) >= MOST_SENTENCES or term.worth(known) > 0:
            continue
        found = (e for s, e in ranked[:15] if ranked[0][0] - s <= _MARGIN_FILL and term.worth(e.tokens) > 0)
        best = next((e for e in found if not any(_repeats(e, c) for c in chosen)), None)
        chosen += [best] if best is not None else []
    return chosen


def _draft(evidence: Evidence, index: Index) -> Draft:
    """The sentence; with the one before it where that alone explains how it opens."""
    span = Span(evidence.passage, evidence.start, evidence.end)
    if (
        dangles(evidence.text)
        and evidence.before
        and antecedent(evidence.text, evidence.before, index.glossary) is None
    ):
        document = index.document(evidence.passage.chunk.document_id)
        start = document.text.rfind(evidence.before[-1], 0, evidence.start) if document else -1
        if document and start >= 0 and evidence.start - start < len(evidence.before[-1]) + 4:
            text = document.text[start : evidence.end]
            return Draft(text, (Span(evidence.passage, start, evidence.end),), evidence.before[:-1])
    return Draft(evidence.text, (span,), evidence.before)


def _choose(asked: Asked, ranked: Ranked) -> list[Evidence]:
    """The best sentence, and further ones that are nearly as good and say something else."""
    chosen: list[Evidence] = []
    known: Set[str] = frozenset()
    listed, now = bool(_LIST.search(asked.text)), _asks_now(asked)
    for score, evidence in ranked[:15]:
        tokens = evidence.tokens | evidence.context
        if not chosen:
            chosen, known = [evidence], tokens
            continue
        new = asked.share(known | tokens) - asked.share(known)
        margin = _MARGIN_NEW if new >= _NEW_SHARE else _MARGIN_LIST if listed else _MARGIN_SAME
        if now and _is_past(evidence, chosen[0]):
            continue
        if ranked[0][0] - score <= margin and not any(_repeats(evidence, c) for c in chosen):
            chosen.append(evidence)
            known = known | tokens
        if len(chosen) == MOST_SENTENCES:
            break
    return chosen


def _each(
    asked: Asked,
    parts: Sequence[Asked],
    ranked: Ranked,
    sentences: Sequence[Candidate],
    index: Index,
    weights: Weights,
) -> list[Evidence]:
    """The best sentence for each part; one that serves two parts about as well as their best is taken once."""
    chosen: list[Evidence] = []
    for part in parts:
        own = rank(compared(narrowed(asked, part), sentences, index), weights)
        taken = {(c.passage.chunk.document_id, c.start) for c in chosen}
        if not own:
            continue
        again = next((s for s, e in own if (e.passage.chunk.document_id, e.start) in taken), None)
        if again is None or own[0][0] - again > _MARGIN_SAME:
            chosen.append(own[0][1])
    return chosen or [e for _, e in ranked[:1]]


def _steps(ranked: Ranked) -> list[Evidence]:
    """Dated sentences near the best one, the best for each time, in the order of dates."""
    steps: dict[datetime.date, Evidence] = {}
    names = ranked[0][1].feature("entities") if ranked else 0.0
    for score, evidence in ranked[:30]:
        day = next((m.first for m in evidence.moments if m.explicit), None)
        near = ranked[0][0] - score <= _MARGIN_STEP
        same = evidence.feature("entities") >= _STEP_COVERED * names
        if day and near and same and day not in steps and not any(_repeats(evidence, s) for s in steps.values()):
            steps[day] = evidence
        if len(steps) == MOST_STEPS:
            break
    return [e for _, e in sorted(steps.items())] or [e for _, e in ranked[:1]]


def _repeats(one: Evidence, other: Evidence) -> bool:
    a, b = set(one.text.casefold().split()), set(other.text.casefold().split())
    return len(a & b) / max(1, min(len(a), len(b))) > _REPEATS


def _in_order(chosen: Sequence[Evidence]) -> list[Evidence]:
    """Documents in the order of their best sentence; inside a document, the order of the text."""
    documents = list(dict.fromkeys(e.passage.chunk.document_id for e in chosen))
    return sorted(chosen, key=lambda e: (documents.index(e.passage.chunk.document_id), e.start))
