"""The table of figures, as text, whatever draws it: each figure now, in the base, and how sure the change is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals import stats
from evals.figures import FIGURES, pairs, rates, with_wordings
from evals.gate import Compared, Report
from evals.metrics import Rate
from evals.results import Results


@dataclass(frozen=True, slots=True)
class Row:
    """A figure. The interval is that of the change where there is a base, else that of the figure."""

    name: str
    base: str
    now: str
    gap: str
    interval: str
    n: str
    verdict: str
    worse: bool


def rows(now: Results, report: Report) -> Iterator[Row]:
    """One for each figure of `rates`, in their order."""
    known = {c.figure.name: c for c in report.compared}
    for rate, interval in zip(rates(now.items), _intervals(now), strict=True):
        yield _row(rate, interval, known.get(rate.name))


def _row(rate: Rate, interval: tuple[float, float], compared: Compared | None) -> Row:
    value, n = f"{rate.value:.3f}", f"{rate.of:g}"
    if compared is None:
        low, high = interval
        return Row(rate.name, "–", value, "–", f"{low:.3f} … {high:.3f}", n, "new", worse=False)
    gap = compared.gap
    return Row(rate.name, f"{compared.base:.3f}", value, f"{gap.value:+.3f}", f"{gap.low:+.3f} … {gap.high:+.3f}", n,
               compared.verdict, compared.worse)  # fmt: skip


def _intervals(now: Results) -> Iterator[tuple[float, float]]:
    """Wilson's where an item is right or not, else of a bootstrap of clusters."""
    items = with_wordings(now.items)
    keys = {f.name: f.key for f in FIGURES}
    for rate in rates(now.items):
        counted = pairs(items, keys[rate.name])
        plain = stats.wilson(rate.right, rate.of)
        whole = all(r in (0, 1) and n in (0, 1) for r, n in counted)
        yield plain if whole else _clustered(counted, [i.cluster for i in items], plain)


def _clustered(counted: stats.Pairs, clusters: Sequence[str], plain: tuple[float, float]) -> tuple[float, float]:
    """A bootstrap of what is never off has no width; Wilson's interval then says what may be."""
    low, high = stats.interval(counted, clusters)
    return (low, high) if low < high else plain
