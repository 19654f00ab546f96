"""Results and the gate's report as Markdown: for a pull request, a job's summary, a release's notes."""

import re
from collections.abc import Iterator

from evals import stats
from evals.figures import numbers, slices
from evals.gate import Report
from evals.reports.table import Row, rows
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
    return "\n".join([*_head(now, report), *_changes(now, base, report), *_unstable(now),
                      *_figures(now, report), *_foot(now)]) + "\n"  # fmt: skip


def _head(now: Results, report: Report) -> Iterator[str]:
    items = [i for i in now.items if not i.of]
    word = "Nothing got worse" if report.code == 0 else "The gate is closed"
    yield f"## Evaluation: {word}\n"
    whom = f"{escape(now.made.target)} · model {escape(now.made.model)}"
    whom += f" · each asked {now.made.repeats} times" if now.made.repeats > 1 else ""
    whom += f" · arbiter {escape(now.made.arbiter)}" if now.made.arbiter else ""
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


def _unstable(now: Results) -> Iterator[str]:
    """Questions that were answered differently from one time to the next."""
    items = [i for i in now.items if i.outcomes]
    if items:
        yield f"### Unstable: {len(items)}\n"
        yield from (f"- **{escape(i.id)}** {', '.join(i.outcomes)}: {escape(i.question)}" for i in items[:MOST])
        yield from [f"\nand {len(items) - MOST} more"] if len(items) > MOST else []
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
    yield "| metric | base | now | Δ | 95 % CI | n | verdict |"
    yield "|---|---:|---:|---:|---|---:|---|"
    yield from map(_row, rows(now, report))
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


def _row(row: Row) -> str:
    verdict = f"**{row.verdict}**" if row.worse else row.verdict
    return f"| {row.name} | {row.base} | {row.now} | {row.gap} | {row.interval} | {row.n} | {verdict} |"


def _foot(now: Results) -> Iterator[str]:
    made = now.made
    yield (f"<sub>metrics version {made.metrics} · gold {made.gold[:12]} · corpus {made.corpus[:12]} · "
           f"commit {(made.commit or 'unknown')[:12]} · {made.arithmetic.machine}, "
           f"{made.arithmetic.widest}, ONNX Runtime {made.arithmetic.onnxruntime}</sub>")  # fmt: skip


def escape(text: str) -> str:
    """Text that shows as itself in Markdown: no HTML, links, pictures, mentions or tables.

    >>> escape("a|b <i> [x](y) @me #1")
    'a\\\\|b &lt;i&gt; \\\\[x\\\\](y) @\\u200bme #\\u200b1'
    """
    plain = re.sub(r"\s+", " ", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"([\\`*_|\[\]~])", r"\\\1", plain)
    return re.sub(r"(?<!&)([@#])(?=\w)", "\\1\u200b", plain).replace("://", ":\u200b//")
