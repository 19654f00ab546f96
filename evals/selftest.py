"""Whether the measures can be believed: answers made from the gold must score, altered ones must not.

Made answers say each evidence sentence under its holder's name and cite it. Each is altered in one way that makes it
wrong, which must show in a figure, and in ways that change nothing, which must not. Nothing is asked.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals.cases import Case
from evals.judge import Find, Trial, judge
from evals.metrics import says
from evals.said import Citation, Conflict, Passage, Position, Said, Sentence
from evals.wrongs import HARMLESS, WRONGS, Around
from index.documents import Document
from index.sentences import language_of

SEED = 11
# What may never be lower for an altered answer than for the one it was made of.
_WATCHED = ("right", "nuggets", "quotes", "resolve", "precise", "cited", "spoken", "holder", "evidence")


@dataclass(frozen=True, slots=True)
class Check:
    """A share with the mark it must reach (`least`) or stay under; `off` are ids on the wrong side."""

    name: str
    right: int
    of: int
    mark: float
    least: bool
    off: tuple[str, ...] = ()

    @property
    def value(self) -> float:
        """The share; 0 of nothing is off either way."""
        return self.right / self.of if self.of else float("nan")

    @property
    def good(self) -> bool:
        """Whether the mark is kept."""
        return self.value >= self.mark if self.least else self.value <= self.mark

    def json(self) -> dict[str, object]:
        """For programs."""
        return {"name": self.name, "right": self.right, "of": self.of, "mark": self.mark, "good": self.good}

    def __str__(self) -> str:
        sign, word = "≥" if self.least else "≤", "ok " if self.good else "OFF"
        return f"{word} {self.name:42} {self.value:7.4f} {sign} {self.mark:<6g} {self.right}/{self.of}"


def selftest(cases: Sequence[Case], documents: Mapping[str, Document], passing: Mapping[str, Said]) -> list[Check]:
    """All checks; `passing` are a system's answers by item id, of which the right ones are altered too."""
    find: Find = documents.get
    told = [c for c in cases if c.evidence and c.vital]
    gold = {c.id: spoken(c) for c in told}
    trials = [judge(c, gold[c.id], find) for c in told]
    checks = [
        _check("answers made from the gold are right", trials, lambda t: all(_full(t)), 1.0, True),
        _check(
            "empty answers are right", [judge(c, Said(text=""), find) for c in cases], lambda t: t.right, 0.0, False
        ),
        _others(told, gold, find),
        _check("the whole corpus is right", _dumps(cases, documents), lambda t: t.right, 0.0, False),
    ]
    right = [(t.case, t.said) for t in trials if t.right and t.said]
    by_id = {c.id: c for c in cases}
    more = [(by_id[i], s) for i, s in passing.items() if i in by_id and by_id[i].answerable]
    right += [(c, s) for c, s in more if judge(c, s, find).right]
    return checks + list(_altered(right, documents))


def spoken(case: Case) -> Said:
    """The answer that the gold describes: of each evidence group the place that says most, under its holders."""
    sentences, citations = [], []
    for number, group in enumerate(case.evidence, 1):
        wanted = [n for n in case.nuggets if n.id in group.supports]
        place = max(group.any_of, key=lambda p: sum(says(p.quote, n.any_of) for n in wanted))
        citations.append(
            Citation(number=number, document_id=place.doc, quote=place.quote, start=place.start, end=place.end)
        )
        held = [c.speaker[0] for c in case.claims if c.nugget in group.supports and not says(place.quote, c.speaker)]
        led = f"{', '.join(dict.fromkeys(held))}: " if held else ""
        shown = place.quote if language_of(place.quote) == case.lang else f"«{place.quote}»"
        sentences.append(Sentence(text=f"{led}{shown} [{number}]", citations=(number,)))
    positions = tuple(Position(text=s.text, citations=s.citations) for s in sentences)
    conflicts = (Conflict(positions=positions),) if case.answerability == "conflicting" else ()
    passages = tuple(Passage(document_id=c.document_id, start=c.start, end=c.end, text=c.quote) for c in citations)
    text = " ".join(s.text for s in sentences)
    return Said(
        text=text, sentences=tuple(sentences), citations=tuple(citations), conflicts=conflicts, passages=passages
    )


def _full(trial: Trial) -> Iterator[bool]:
    """Right, and nothing off in what is watched."""
    yield trial.right
    for key in _WATCHED:
        right, of = trial.scores.get(key, (0.0, 0.0))
        yield right == of or key == "nuggets"


def _check(name: str, trials: Sequence[Trial], holds: Callable[[Trial], bool], mark: float, least: bool) -> Check:
    off = tuple(f"{t.identity}: {'; '.join(t.missed)}" for t in trials if holds(t) is not least)
    return Check(name, sum(holds(t) for t in trials), len(trials), mark, least, off)


def _others(cases: Sequence[Case], gold: Mapping[str, Said], find: Find) -> Check:
    """Each item gets the answer of the next item of another cluster."""
    chosen = sorted(cases, key=lambda c: random.Random(f"{SEED} {c.id}").random())
    given = []
    for place, case in enumerate(chosen):
        other = next(c for c in (*chosen[place + 1 :], *chosen) if c.cluster != case.cluster)
        given.append(judge(case, gold[other.id], find))
    return _check("another item's answer is right", given, lambda t: t.right, 0.02, False)


def _dumps(cases: Sequence[Case], documents: Mapping[str, Document]) -> list[Trial]:
    """All documents as one answer of one sentence, and as one of a sentence a document, each cited whole."""
    citations = tuple(Citation(number=n, document_id=d.id, quote=d.text, start=0, end=len(d.text))
                      for n, d in enumerate(documents.values(), 1))  # fmt: skip
    text = " ".join(d.text for d in documents.values())
    one = Said(text=text, sentences=(Sentence(text=text, citations=tuple(c.number for c in citations)),))
    held = [c for c in cases if c.answerable][::20]
    each = tuple(Sentence(text=f"{c.quote} [{c.number}]", citations=(c.number,)) for c in citations)
    many = Said(text=text[:2000], sentences=each)
    return [judge(c, s, lambda _: None) for c in held for s in (one, many)]


def _altered(right: Sequence[tuple[Case, Said]], documents: Mapping[str, Document]) -> Iterator[Check]:
    around = Around(documents, tuple(s for c, _ in right for claim in c.claims for s in claim.speaker))
    for kinds, least in ((WRONGS, True), (HARMLESS, False)):
        caught_of_all = of_all = 0
        for kind, alter in kinds.items():
            seen: list[tuple[str, bool]] = []
            for case, said in right:
                rng = random.Random(f"{SEED} {kind} {case.id}")
                made = alter(case, said, around, rng)
                if made is not None and made != said:
                    seen.append((f"{case.id}: {_changed(said, made)}", _worse(case, said, made, documents.get)))
            caught_of_all, of_all = caught_of_all + sum(w for _, w in seen), of_all + len(seen)
            off = tuple(told for told, worse in seen if worse is not least)
            word = "caught" if least else "false alarm"
            yield Check(f"{word}: {kind}", sum(w for _, w in seen), len(seen), 0.99 if least else 0.01, least, off)
        name = "caught, all wrongs" if least else "false alarms, all harmless edits"
        yield Check(name, caught_of_all, of_all, 0.99 if least else 0.01, least)


def _worse(case: Case, said: Said, made: Said, find: Find) -> bool:
    before, after = judge(case, said, find).scores, judge(case, made, find).scores
    return any(_share(after, k) < _share(before, k) - 1e-9 for k in _WATCHED)


def _share(scores: Mapping[str, tuple[float, float]], key: str) -> float:
    right, of = scores.get(key, (0.0, 0.0))
    return right / of if of else 1.0


def _changed(said: Said, made: Said) -> str:
    before, after = set(re.split(r"\s+", said.text)), set(re.split(r"\s+", made.text))
    return f"-{' '.join(sorted(before - after))[:80]} +{' '.join(sorted(after - before))[:80]}"
