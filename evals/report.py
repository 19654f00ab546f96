"""Figures of trials with their intervals, as JSON and as a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from evals.metrics import Rate, calibration_error
from evals.run import Trial


def rates(trials: Sequence[Trial]) -> list[Rate]:
    """The figures of a run."""
    asked = [t for t in trials if t.case.answerable]
    rest = [t for t in trials if not t.case.answerable]
    conflicting = [t for t in asked if t.case.answerability == "conflicting"]
    plain = [t for t in asked if t.case.answerability != "conflicting" and not t.answer.refused]
    abstained = [t for t in trials if t.outcome == "abstained"]
    return [
        _share("full answers", asked, lambda t: t.outcome == "full"),
        _share("wrong answers, of all items", trials, lambda t: t.outcome == "wrong"),
        _share("false abstention", asked, lambda t: t.outcome == "abstained"),
        _share("abstention precision", abstained, lambda t: not t.case.answerable),
        _share("abstention recall", rest, lambda t: t.outcome == "abstained"),
        _sum("quotes verbatim", trials, lambda t: t.quotes),
        _sum("citation precision", trials, lambda t: t.citations),
        _share("citation recall", [t for t in trials if not t.answer.refused],
               lambda t: all(s.citations for s in t.answer.sentences)),
        _sum("evidence groups cited", [t for t in asked if t.outcome != "abstained"], lambda t: t.evidence_found),
        _sum("right holder", trials, lambda t: t.holders),
        _share("future leaks", trials, lambda t: t.leaks > 0),
        _share("conflicts shown", conflicting, lambda t: bool(t.answer.conflicts) and t.outcome == "full"),
        _share("false conflicts", plain, lambda t: bool(t.answer.conflicts)),
    ]  # fmt: skip


def below(figures: Sequence[Rate], floors: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each figure that is worse than its floor, or missing.

    >>> below([Rate("full answers", 6, 10)], {"least": {"full answers": 0.7}, "most": {"leaks": 0.0}})
    ['full answers 0.600 is below 0.7', 'leaks was not measured']
    """
    by = {f.name: f.value for f in figures}
    lines = [f"{n} {by[n]:.3f} is below {v}" for n, v in floors["least"].items() if n in by and by[n] < v]
    lines += [f"{n} {by[n]:.3f} is above {v}" for n, v in floors["most"].items() if n in by and by[n] > v]
    return lines + [f"{n} was not measured" for side in ("least", "most") for n in floors[side] if n not in by]


def slices(trials: Sequence[Trial]) -> list[Rate]:
    """Right outcomes by language, kind and answerability."""
    found = []
    keys: dict[str, Callable[[Trial], str]] = {
        "language": lambda t: t.case.lang, "kind": lambda t: t.case.kind, "class": lambda t: t.case.answerability,
    }  # fmt: skip
    for name, key in keys.items():
        for value in sorted({key(t) for t in trials}):
            found.append(_share(f"right, {name} {value}", [t for t in trials if key(t) == value], lambda t: t.right))
    return found


def numbers(trials: Sequence[Trial]) -> dict[str, float]:
    """Figures that are no shares: F1 of abstention, calibration of `confidence`, latency."""
    by = {r.name: r.value for r in rates(trials)}
    p, r = by["abstention precision"], by["abstention recall"]
    took = sorted(t.milliseconds for t in trials)
    return {
        "abstention F1": round(2 * p * r / (p + r), 4) if p + r else 0.0,
        "expected calibration error": round(
            calibration_error([t.answer.confidence for t in trials], [t.case.answerable for t in trials]), 4
        ),
        "p50 ms": round(took[len(took) // 2], 1),
        "p95 ms": round(took[int(len(took) * 0.95)], 1),
    }


def _share(name: str, trials: Iterable[Trial], right: Callable[[Trial], bool]) -> Rate:
    found = [right(t) for t in trials]
    return Rate(name, sum(found), len(found))


def _sum(name: str, trials: Iterable[Trial], pair: Callable[[Trial], tuple[int, int]]) -> Rate:
    pairs = [pair(t) for t in trials]
    return Rate(name, sum(a for a, _ in pairs), sum(b for _, b in pairs))
