"""Results and the gate's report as Markdown: for a pull request, a job's summary, a release's notes."""

import re
from collections.abc import Iterator, Sequence

from evals import stats
from evals.figures import FIGURES, numbers, pairs, rates, slices, with_wordings
from evals.gate import Compared, Report
from evals.metrics import Rate
from evals.results import Item, Results

MOST = 25  # items told at length; the rest are in results.json
_SIGNS = {
    "passed": "✅ passed",
    "blocked": "❌ blocked",
    "not compared": "➖ not compared",
    "unusable": "⚠️ no comparison",
}


def summary(now: Results, base: Results | None, report: Report) -> str:
    """The Markdown: verdicts of the stages, what got worse and better, figures, provenance."""
    return "\n".join([*_head(now, report), *_changes(now, base, report), *_figures(now, report), *_foot(now)]) + "\n"


def _head(now: Results, report: Report) -> Iterator[str]:
    items = [i for i in now.items if not i.of]
    word = "Nothing got worse" if report.code == 0 else "The gate is closed"
    yield f"## Evaluation: {word}\n"
    whom = f"{escape(now.made.target)} · model {escape(now.made.model)}"
    yield f"{sum(i.right for i in items)} of {len(items)} items right · {whom}\n"
    yield "| stage | verdict | |"
    yield "|---|---|---|"
    for stage in report.stages:
        lines = [escape(line) for line in (*stage.found[:8], *stage.notes[:4])]
        lines += [f"and {len(stage.found) - 8} more"] if len(stage.found) > 8 else []
        yield f"| {stage.name} | {_SIGNS[stage.verdict]} | {'<br>'.join(lines)} |"
    yield ""


def _changes(now: Results, base: Results | None, report: Report) -> Iterator[str]:
    for title, ids in (("What got worse", report.lost), ("What got better", report.won)):
        if ids:
            yield f"### {title}: {len(ids)}\n"
            for identity in ids[:MOST]:
                yield from _item(now.by_id[identity], base.by_id[identity] if base else None)
            if len(ids) > MOST:
                yield f"\nand {len(ids) - MOST} more: {', '.join(ids[MOST:])}"
            yield ""


def _item(item: Item, before: Item | None) -> Iterator[str]:
    change = f"{before.outcome} → {item.outcome}" if before else item.outcome
    yield f"- **{escape(item.id)}** {change}: {escape(item.question)}"
    yield f"  - expected: {escape(' | '.join(item.expected) or 'no answer')}"
    yield f"  - got: {escape(item.text[:400])}"
    for name, lines in (("why", item.missed), ("cited", item.cited), ("evidence", item.evidence)):
        if lines:
            yield f"  - {name}: {escape('; '.join(lines[:2])[:400])}"


def _figures(now: Results, report: Report) -> Iterator[str]:
    yield "### Figures\n"
    known = {c.figure.name: c for c in report.compared}
    yield "| metric | base | now | Δ | 95 % CI | n | verdict |"
    yield "|---|---:|---:|---:|---|---:|---|"
    for rate, (low, high) in zip(rates(now.items), intervals(now), strict=True):
        yield _row(rate, low, high, known.get(rate.name))
    yield ""
    yield "The interval is that of Δ where there is a base, else that of the figure.\n"
    yield "<details><summary>Right by language, kind and class; other numbers</summary>\n"
    yield "| slice | right | of | share | 95 % CI |"
    yield "|---|---:|---:|---:|---|"
    for rate in slices(now.items):
        low, high = stats.wilson(rate.right, rate.of)
        name = rate.name.removeprefix("right, ")
        yield f"| {name} | {rate.right:g} | {rate.of:g} | {rate.value:.3f} | {low:.3f} … {high:.3f} |"
    yield ""
    yield from (f"- {name}: {value:g}" for name, value in numbers(now.items).items())
    yield "\n</details>\n"


def _row(rate: Rate, low: float, high: float, compared: Compared | None) -> str:
    if compared is None:
        return f"| {rate.name} | – | {rate.value:.3f} | – | {low:.3f} … {high:.3f} | {rate.of:g} | new |"
    gap = compared.gap
    verdict = f"**{compared.verdict}**" if compared.worse else compared.verdict
    interval = f"{gap.low:+.3f} … {gap.high:+.3f}"
    return (f"| {rate.name} | {compared.base:.3f} | {rate.value:.3f} | {gap.value:+.3f} | {interval} "
            f"| {rate.of:g} | {verdict} |")  # fmt: skip


def intervals(now: Results) -> list[tuple[float, float]]:
    """Of each figure of `rates`: Wilson's where an item is right or not, else of a bootstrap of clusters."""
    items = with_wordings(now.items)
    keys = {f.name: f.key for f in FIGURES}
    found = []
    for rate in rates(now.items):
        counted = pairs(items, keys[rate.name])
        whole = all(r in (0, 1) and n in (0, 1) for r, n in counted)
        plain = stats.wilson(rate.right, rate.of)
        found.append(plain if whole else _clustered(counted, [i.cluster for i in items], plain))
    return found


def _clustered(counted: stats.Pairs, clusters: Sequence[str], plain: tuple[float, float]) -> tuple[float, float]:
    """A bootstrap of what is never off has no width; Wilson's interval then says what may be."""
    low, high = stats.interval(counted, clusters)
    return (low, high) if low < high else plain


def _foot(now: Results) -> Iterator[str]:
    made = now.made
    yield (f"<sub>metrics version {made.metrics} · gold {made.gold[:12]} · corpus {made.corpus[:12]} · "
           f"commit {(made.commit or 'unknown')[:12]} · {made.arithmetic.machine}, bfloat16 "
           f"{'yes' if made.arithmetic.bfloat16 else 'no'}, torch {made.arithmetic.torch}</sub>")  # fmt: skip


def escape(text: str) -> str:
    """Text that shows as itself in Markdown: no HTML, links, pictures, mentions or tables.

    >>> escape("a|b <i> [x](y) @me #1")
    'a\\\\|b &lt;i&gt; \\\\[x\\\\](y) @\\u200bme #\\u200b1'
    """
    plain = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"([\\`*_|\[\]~])", r"\\\1", plain)
    return re.sub(r"(?<!&)([@#])(?=\w)", "\\1\u200b", plain).replace("://", ":\u200b//")
