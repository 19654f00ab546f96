"""Results as one page of HTML that needs nothing else. All text of questions, answers and sources is escaped, and the
page forbids itself scripts and anything from outside."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from evals.figures import SLICES, by, numbers, risk_coverage
from evals.gate import Report
from evals.metrics import Rate
from evals.reports import plots
from evals.reports.table import Row, rows
from evals.results import Item, Results

_CSS = Path(__file__).with_suffix(".css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def page(now: Results, base: Results | None, report: Report, milliseconds: Mapping[str, float]) -> str:
    """The page."""
    parts = [*_head(now, report), *_plots(now, milliseconds), *_figures(now, report), *_items(now, base, report)]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><title>Evaluation</title>'
        f"<style>\n{_CSS.read_text('utf-8')}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _head(now: Results, report: Report) -> Iterator[str]:
    items = [i for i in now.items if not i.of]
    made, right = now.made, sum(i.right for i in items)
    yield f"<h1>{right} of {len(items)} questions answered rightly</h1>"
    told = [made.target, f"model {made.model}", f"commit {(made.commit or 'unknown')[:12]}", f"gold {made.gold[:12]}",
            f"corpus {made.corpus[:12]}", f"metrics {made.metrics}", made.arithmetic.machine,
            made.arithmetic.widest]  # fmt: skip
    told += [f"each asked {made.repeats} times"] if made.repeats > 1 else []
    told += [f"arbiter {made.arbiter}"] if made.arbiter else []
    yield f'<p class="soft">{escape(" · ".join(told))}</p>'
    yield '<div class="stages">'
    for stage in report.stages:
        lines = [*stage.found[:6], *(stage.notes[:3] if stage.name != "invariants" else ())]
        listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
        sign = f'<span class="{stage.verdict.replace(" ", "-")}">{stage.verdict}</span>'
        more = f'<p class="soft">and {len(stage.found) - 6} more</p>' if len(stage.found) > 6 else ""
        yield f'<div class="card"><b>{stage.name}</b>{sign}{f"<ul>{listed}</ul>" if listed else ""}{more}</div>'
    yield "</div>"


def _plots(now: Results, milliseconds: Mapping[str, float]) -> Iterator[str]:
    sure = [i for i in now.items if i.confidence is not None and not i.of]
    drawn = [("Right by language and class", plots.whiskers(_groups(now, ("language", "class")), "Right by slice")),
             ("Right by kind of question", plots.whiskers(_groups(now, ("kind",)), "Right by kind"))]  # fmt: skip
    if sure:
        answerable = [(i.confidence or 0.0, i.answerable) for i in sure]
        drawn.append(("Reliability: is a confidence of 0.8 right in 8 of 10?", plots.reliability(answerable)))
        axes = plots.Axes("share of questions answered, surest first", "share of them not right", top=_ceiling(now))
        drawn.append(("Risk and coverage", plots.curve(risk_coverage(sure), axes, "Risk and coverage")))
    if max(milliseconds.values(), default=0.0) > 1:
        drawn.append(("Time to answer", plots.latency(list(milliseconds.values()))))
    yield '<h2>At a glance</h2><div class="plots">'
    yield from (f'<div class="card"><h3>{escape(title)}</h3>{svg}</div>' for title, svg in drawn)
    yield "</div>"


def _ceiling(now: Results) -> float:
    """The risk axis ends at a round value above the curve."""
    highest = max((risk for _, risk in risk_coverage(now.items)), default=1.0)
    return next(t for t in (0.2, 0.4, 0.6, 0.8, 1.0) if highest <= t)


def _groups(now: Results, names: Sequence[str]) -> list[tuple[str, Sequence[tuple[str, Rate]]]]:
    return [(name, list(by(now.items, SLICES[name]).items())) for name in names]


def _figures(now: Results, report: Report) -> Iterator[str]:
    yield '<h2>Figures</h2><div class="wide"><table><thead><tr><th>metric</th><th>base</th><th>now</th><th>Δ</th>'
    yield "<th>95 % interval</th><th>n</th><th>verdict</th></tr></thead><tbody>"
    yield from map(_row, rows(now, report))
    yield "</tbody></table></div>"
    yield '<p class="soft">The interval is that of Δ where there is a base, else that of the figure.</p>'
    yield f'<p class="soft">{" · ".join(f"{n} {v:g}" for n, v in numbers(now.items).items())}</p>'


def _row(row: Row) -> str:
    cells = "".join(f"<td>{escape(text)}</td>" for text in (row.name, row.base, row.now, row.gap, row.interval, row.n))
    return f'<tr>{cells}<td class="{row.verdict.split()[0]}">{row.verdict}</td></tr>'


def _items(now: Results, base: Results | None, report: Report) -> Iterator[str]:
    before, known = (base.by_id if base else {}), now.by_id
    off = [i.id for i in now.items if not i.right and i.id not in report.lost]
    right = [i.id for i in now.items if i.right and i.id not in report.won]
    for title, ids in (
        ("What got worse", report.lost),
        ("What got better", report.won),
        ("Not right", off),
        ("Right", right),
    ):
        if ids:
            yield f"<h2>{title}: {len(ids)}</h2>"
            yield from (_item(known[i], before.get(i) if i in (*report.lost, *report.won) else None) for i in ids)


def _item(item: Item, before: Item | None) -> str:
    change = f"{before.outcome} → " if before else ""
    rows = [("each time", ", ".join(item.outcomes)), ("expected", " | ".join(item.expected) or "no answer"),
            ("got", item.text), ("why", "\n".join(item.missed)), ("cited", "\n".join(item.cited)),
            ("evidence", "\n".join(item.evidence))]  # fmt: skip
    told = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in rows if text)
    word = "right" if item.right else item.outcome
    return (f'<details><summary><span class="tag {word}">{change}{item.outcome}</span> {escape(item.question)} '
            f"<code>{escape(item.id)} · {item.lang} · {item.kind}</code></summary>"
            f"<dl>{told}</dl></details>")  # fmt: skip
