"""The figures of a run: which there are, which way is better, and their values with intervals. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evals.metrics import Rate, calibration_error
from evals.results import Item

Role = Literal["invariant", "gating", "shown"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A share of items or of what they hold. An invariant may never be off; a gating one may not get worse; the rest
    are shown. `more` tells whether more is better."""

    key: str
    name: str
    more: bool
    role: Role


FIGURES = (
    Figure("full", "full answers", True, "gating"),
    Figure("wrong", "wrong answers, of all items", False, "gating"),
    Figure("over_refused", "false abstention", False, "gating"),
    Figure("refused_rightly", "abstention precision", True, "shown"),
    Figure("refused", "abstention recall", True, "gating"),
    Figure("nuggets", "nuggets told", True, "gating"),
    Figure("quotes", "quotes verbatim", True, "invariant"),
    Figure("resolve", "citations resolve", True, "invariant"),
    Figure("precise", "citation precision", True, "gating"),
    Figure("unjudged", "sentences without a verdict", False, "shown"),
    Figure("cited", "citation recall", True, "gating"),
    Figure("spoken", "quotation marks verbatim", True, "shown"),
    Figure("evidence", "evidence groups cited", True, "gating"),
    Figure("holder", "right holder", True, "gating"),
    Figure("leaks", "future leaks", False, "invariant"),
    Figure("crashed", "crashes", False, "invariant"),
    Figure("conflict", "conflicts shown", True, "shown"),
    Figure("false_conflict", "false conflicts", False, "shown"),
    Figure("found", "answer in the first five passages", True, "gating"),
    Figure("recall_10", "evidence in the first ten passages", True, "shown"),
    Figure("ndcg_10", "nDCG@10 of passages", True, "shown"),
    Figure("mrr_10", "MRR@10 of passages", True, "shown"),
    Figure("worst", "right in every wording", True, "shown"),
    Figure("same", "the same outcome in every wording", True, "shown"),
)
_WHERE_ASKED = ("worst", "same", "spoken", "unjudged")  # shown only where something counts for them
RIGHT = Figure("right", "right", True, "shown")


def pairs(items: Iterable[Item], key: str) -> list[tuple[float, float]]:
    """What the items count for a figure; (0, 0) for those to which it does not apply."""
    return [item.scores.get(key, (0.0, 0.0)) for item in items]


def rate(items: Sequence[Item], figure: Figure) -> Rate:
    """One figure of some items."""
    counted = pairs(items, figure.key)
    return Rate(figure.name, sum(r for r, _ in counted), sum(n for _, n in counted))


def rates(items: Sequence[Item]) -> list[Rate]:
    """The figures of a run. Variants count only in the two figures of wordings."""
    asked = with_wordings(items)
    return [r for f in FIGURES if (r := rate(asked, f)).of or f.key not in _WHERE_ASKED]


def with_wordings(items: Sequence[Item]) -> list[Item]:
    """The items without their variants, which are counted in `worst` and `same` of the item they belong to."""
    variants: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.of:
            variants[item.of].append(item)
    return [_worded(i, variants[i.id]) if i.id in variants else i for i in items if not i.of]


def _worded(item: Item, variants: Sequence[Item]) -> Item:
    every = [item, *variants]
    found = {
        "worst": (float(all(i.right for i in every)), 1.0),
        "same": (float(all((i.outcome, i.hits) == (item.outcome, item.hits) for i in every)), 1.0),
    }
    return item.model_copy(update={"scores": item.scores | found})


def slices(items: Sequence[Item]) -> list[Rate]:
    """Right outcomes by language, kind and answerability."""
    return [Rate(f"right, {name} {value}", r.right, r.of)
            for name, of in SLICES.items() for value, r in by(items, of).items()]  # fmt: skip


SLICES: Mapping[str, Callable[[Item], str]] = {
    "language": lambda i: i.lang, "kind": lambda i: i.kind, "class": lambda i: i.answerability,
}  # fmt: skip


def by(items: Sequence[Item], key: Callable[[Item], str]) -> dict[str, Rate]:
    """Right outcomes of the items without variants, by something."""
    base = [i for i in items if not i.of]
    return {value: rate([i for i in base if key(i) == value], RIGHT) for value in sorted({key(i) for i in base})}


def numbers(items: Sequence[Item]) -> dict[str, float]:
    """Figures that are no shares: F1 of abstention, truth score (CRAG), utility where a wrong answer costs three
    right ones, calibration of `confidence`."""
    base = [i for i in items if not i.of]
    by_name = {r.name: r.value for r in rates(base)}
    p, r = by_name["abstention precision"], by_name["abstention recall"]
    right, wrong = sum(i.right for i in base), sum(i.outcome in ("wrong", "crashed") for i in base)
    sure = [i for i in base if i.confidence is not None]
    found = {
        "abstention F1": 2 * p * r / (p + r) if p + r else 0.0,
        "truth score": (right - wrong) / len(base) if base else 0.0,
        "utility, wrong costs three": (right - 3 * wrong) / len(base) if base else 0.0,
    }
    if sure:
        answerable = [i.answerable for i in sure]
        found["expected calibration error"] = calibration_error([i.confidence or 0.0 for i in sure], answerable)
        found["area under risk and coverage"] = _mean([risk for _, risk in risk_coverage(sure)])
    return {name: round(value, 4) for name, value in found.items()}


def risk_coverage(items: Sequence[Item]) -> list[tuple[float, float]]:
    """Share of the questions answered, surest first, and the share of those that is not right.
    Source: El-Yaniv and Wiener (2010). Items without a confidence are left out."""
    sure = sorted(
        (i for i in items if i.confidence is not None and not i.of), key=lambda i: (-(i.confidence or 0), i.id)
    )
    points, off = [], 0
    for place, item in enumerate(sure, 1):
        off += not item.right
        points.append((place / len(sure), off / place))
    return points


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def below(figures: Sequence[Rate], floors: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line for each figure that is worse than its floor, or missing.

    >>> below([Rate("full answers", 6, 10)], {"least": {"full answers": 0.7}, "most": {"leaks": 0.0}})
    ['full answers 0.600 is below 0.7', 'leaks was not measured']
    """
    known = {f.name: f.value for f in figures}
    lines = [f"{n} {known[n]:.3f} is below {v}" for n, v in floors["least"].items() if n in known and known[n] < v]
    lines += [f"{n} {known[n]:.3f} is above {v}" for n, v in floors["most"].items() if n in known and known[n] > v]
    return lines + [f"{n} was not measured" for side in ("least", "most") for n in floors[side] if n not in known]
