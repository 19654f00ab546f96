"""Whether a change may pass: five stages in order, of which each says what it found. Pure.

1 invariants: what must never happen. 2 ratchet: no item may do worse than in the baseline; on the same arithmetic an
unchanged assistant answers the same, so that any change is real. 3 statistics: no figure may be surely worse. 4 floors:
no figure may be below an absolute value. Before them all: the baseline must be about the same questions.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evals import stats
from evals.accepted import Excused
from evals.figures import FIGURES, RIGHT, SLICES, Figure, below, pairs, rate, rates, with_wordings
from evals.judge import RANK
from evals.results import Item, Results

Verdict = Literal["passed", "blocked", "not compared", "unusable"]
ALPHA = 0.05
SLICE_MARGIN, LEAST_OF_SLICE = 0.05, 30


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its verdict, and a line for each thing found. `notes` are lines that block nothing."""

    name: str
    verdict: Verdict
    found: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure in two runs. `p` is adjusted for the number of gating figures, None for those that do not gate."""

    figure: Figure
    base: float
    now: float
    gap: stats.Difference
    n: float
    p: float | None
    worse: bool

    @property
    def verdict(self) -> str:
        """In a word: worse is what the gate stops; better is what the interval says."""
        better = self.gap.low > 0 if self.figure.more else self.gap.high < 0
        return "worse" if self.worse else "better" if better else "same" if self.gap.value == 0 else "no sure change"


@dataclass(frozen=True, slots=True)
class Report:
    """All stages, and the figures compared where there is something to compare with."""

    stages: tuple[Stage, ...]
    compared: tuple[Compared, ...] = ()
    lost: tuple[str, ...] = field(default=())
    won: tuple[str, ...] = field(default=())

    @property
    def code(self) -> int:
        """0 fine, 1 a regression, 2 where there is nothing to compare with."""
        verdicts = {s.verdict for s in self.stages}
        return 1 if "blocked" in verdicts else 2 if "unusable" in verdicts else 0


def gate(
    now: Results,
    base: Results | None,
    accepted: Sequence[Excused],
    floors: Mapping[str, Mapping[str, float]],
    today: datetime.date,
) -> Report:
    """All stages. `base` is None where there is no baseline yet."""
    stages = [invariants(now)]
    compared: list[Compared] = []
    lost: list[str] = []
    won: list[str] = []
    if trouble := comparable(base, now):
        stages.append(Stage("baseline", "unusable", (trouble,)))
    elif base is not None:
        lost, won = changed(base, now)
        compared = compare(base, now)
        stages += [ratchet(base, now, accepted, today), statistics(base, now, compared)]
    missed = below(rates(now.items), floors)
    stages.append(Stage("floors", "blocked" if missed else "passed", tuple(missed)))
    return Report(tuple(stages), tuple(compared), tuple(lost), tuple(won))


def comparable(base: Results | None, now: Results) -> str | None:
    """Why two runs cannot be compared, or None."""
    if base is None:
        return "there is no baseline; make one: python -m evals accept --reason ..."
    if base.made.metrics != now.made.metrics:
        return (f"the baseline was counted by version {base.made.metrics} of the metrics, this run by "
                f"{now.made.metrics}; look at the figures, then: python -m evals accept --reason ...")  # fmt: skip
    if base.made.gold != now.made.gold:
        return "the gold is not that of the baseline; look at the figures, then: python -m evals accept --reason ..."
    if base.made.arbiter != now.made.arbiter:
        return (f"the arbiter of the baseline is {base.made.arbiter or 'nobody'}, of this run "
                f"{now.made.arbiter or 'nobody'}; ask the same one")  # fmt: skip
    return None


def invariants(now: Results) -> Stage:
    """Quotes are verbatim, citations resolve, nothing later is cited, nothing crashes: in no item ever."""
    found = []
    for figure in (f for f in FIGURES if f.role == "invariant"):
        for item in now.items:
            right, of = item.scores.get(figure.key, (0.0, 0.0))
            if (of - right if figure.more else right) > 0:
                found.append(
                    f"{item.id}: {figure.name}: {right:g} of {of:g}" + (f" ({item.missed[0]})" if item.missed else "")
                )
    return Stage("invariants", "blocked" if found else "passed", tuple(found), tuple(_bounds(now)))


def _bounds(now: Results) -> Iterator[str]:
    for figure in (f for f in FIGURES if f.role == "invariant"):
        counted = rate(now.items, figure)
        most = f"if none was off, at most {stats.at_most(int(counted.of)):.2%} are"
        yield f"{figure.name}: {counted.right:g} of {counted.of:g}; {most}"


def changed(base: Results, now: Results) -> tuple[list[str], list[str]]:
    """Ids of the items that do worse than in the base, and better."""
    before = base.by_id
    same = [(before[i.id], i) for i in now.items if i.id in before]
    lost = [n.id for b, n in same if _standing(n) < _standing(b)]
    return lost, [n.id for b, n in same if _standing(n) > _standing(b)]


def _standing(item: Item) -> tuple[int, float, float, float]:
    """What may not fall: right or not, then the outcome, then what was said with the right holder and borne."""
    shares = (stats.share([item.scores.get(k, (0.0, 0.0))]) for k in ("holder", "precise", "cited"))
    holder, precise, cited = shares
    return (5 if item.right else RANK[item.outcome], holder, precise, cited)


def ratchet(base: Results, now: Results, accepted: Sequence[Excused], today: datetime.date) -> Stage:
    """No item does worse than in the baseline, but those accepted until a day."""
    if base.made.arithmetic != now.made.arithmetic:
        differ = [f"{k} {a} there, {b} here" for k, a in base.made.arithmetic.model_dump().items()
                  if a != (b := getattr(now.made.arithmetic, k))]  # fmt: skip
        return Stage("ratchet", "not compared", (), (f"other arithmetic: {', '.join(differ)}",))
    if (repeats := max(base.made.repeats, now.made.repeats)) > 1:
        note = f"answers may differ each time: each was asked {repeats} times, and the means are compared"
        return Stage("ratchet", "not compared", (), (note,))
    lost, won = changed(base, now)
    excused = {e.id: e for e in accepted if e.expires >= today}
    over = {e.id: e for e in accepted if e.expires < today}
    found = []
    for identity in lost:
        if identity not in excused:
            expired = f" (accepted until {over[identity].expires})" if identity in over else ""
            found.append(f"{identity}: {_told(base.by_id[identity], now.by_id[identity])}{expired}")
    notes = [f"{i}: worse, accepted until {excused[i].expires}: {excused[i].reason}" for i in lost if i in excused]
    notes += [f"{e.id}: accepted as worse, but is not; take it out of the list" for e in accepted if e.id not in lost]
    if won:
        notes.append(
            f"{len(won)} items do better than in the baseline; lock them in: python -m evals accept --reason ..."
        )
    return Stage("ratchet", "blocked" if found else "passed", tuple(found), tuple(notes))


def _told(before: Item, after: Item) -> str:
    outcomes = f"{before.outcome} before, {after.outcome} now"
    return f"{outcomes}; {'; '.join(after.missed[:2])}" if after.missed else outcomes


def compare(base: Results, now: Results, draws: int = stats.DRAWS) -> list[Compared]:
    """Every figure that both runs have, over the items that both have."""
    before, after = _paired(base, now)
    clusters = [i.cluster for i in after]
    rows = []
    for figure in (*FIGURES, RIGHT):
        old, new = pairs(before, figure.key), pairs(after, figure.key)
        if any(n for _, n in old) and any(n for _, n in new):
            rows.append((figure, old, new, stats.difference(old, new, clusters, draws)))
    raw = {f.key: _p(old, new, f.more, gap) for f, old, new, gap in rows if f.role == "gating"}
    adjusted = stats.holm(raw)
    return [
        Compared(f, stats.share(old), stats.share(new), gap, sum(n for _, n in new), adjusted.get(f.key),
                 f.role == "gating" and adjusted[f.key] < ALPHA)
        for f, old, new, gap in rows
    ]  # fmt: skip


def _paired(base: Results, now: Results) -> tuple[list[Item], list[Item]]:
    before = {i.id: i for i in with_wordings(base.items)}
    after = [i for i in with_wordings(now.items) if i.id in before]
    return [before[i.id] for i in after], after


def _p(old: stats.Pairs, new: stats.Pairs, more: bool, gap: stats.Difference) -> float:
    """Exact McNemar where every item is right or not in both runs, else the bootstrap's."""
    if any(n not in (0, 1) or r not in (0, 1) for r, n in (*old, *new)):
        return gap.p_lower if more else gap.p_higher
    both = [(a, b) for (a, n), (b, m) in zip(old, new, strict=True) if n and m]
    lost, won = sum(a > b for a, b in both), sum(a < b for a, b in both)
    return stats.mcnemar(lost, won) if more else stats.mcnemar(won, lost)


def statistics(base: Results, now: Results, compared: Sequence[Compared]) -> Stage:
    """No gating figure is surely worse, and no slice of right answers is."""
    found = [
        f"{c.figure.name}: {c.base:.3f} before, {c.now:.3f} now ({c.gap.value:+.3f}, p {c.p:.3f})"
        for c in compared
        if c.worse
    ]
    found += _slices(base, now)
    return Stage("statistics", "blocked" if found else "passed", tuple(found))


def _slices(base: Results, now: Results) -> Iterator[str]:
    """Slices of 30 items or more that lost more than the margin and surely lost."""
    before, after = _paired(base, now)
    tests: dict[str, tuple[float, float]] = {}
    for name, of in SLICES.items():
        for value in sorted({of(i) for i in after}):
            both = [(b.right, a.right) for b, a in zip(before, after, strict=True) if of(a) == value]
            lost, won = sum(b and not a for b, a in both), sum(a and not b for b, a in both)
            if len(both) >= LEAST_OF_SLICE:
                tests[f"right, {name} {value}"] = (stats.mcnemar(lost, won), (won - lost) / len(both))
    adjusted = stats.holm({name: p for name, (p, _) in tests.items()})
    for name, p in adjusted.items():
        if p < ALPHA and tests[name][1] < -SLICE_MARGIN:
            yield f"{name}: {tests[name][1]:+.3f} (p {p:.3f})"
