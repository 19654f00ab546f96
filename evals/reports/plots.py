"""Plots as SVG that stands in a page: no script, no font, no file of its own. Colours are the page's."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from evals.metrics import Rate
from evals.stats import wilson

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 420, 300, 58, 40, 12, 14


@dataclass(frozen=True, slots=True)
class Axes:
    """A square of 0..1 by 0..1, or up to `most` across."""

    across: str
    up: str
    most: float = 1.0
    top: float = 1.0

    def x(self, value: float) -> float:
        """Pixels across."""
        return round(LEFT + value / self.most * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Pixels down."""
        return round(HEIGHT - BOTTOM - value / self.top * (HEIGHT - BOTTOM - TOP), 1)

    def draw(self, title: str, parts: Iterable[str]) -> str:
        """The plot with its grid, ticks and names."""
        lines = []
        for step in range(0, 5):
            x, y = self.x(self.most * step / 4), self.y(self.top * step / 4)
            lines.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
            lines.append(f'<text class="end" x="{LEFT - 6}" y="{y + 4}">{self.top * step / 4:g}</text>')
            lines.append(f'<text class="mid" x="{x}" y="{HEIGHT - BOTTOM + 16}">{self.most * step / 4:g}</text>')
        lines.append(
            f'<text class="mid" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}">{html.escape(self.across)}</text>'
        )
        lines.append(f'<text class="mid" transform="translate(13 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">'
                     f"{html.escape(self.up)}</text>")  # fmt: skip
        return _svg(title, HEIGHT, [*lines, *parts])


def _svg(title: str, height: float, parts: Iterable[str]) -> str:
    label = html.escape(title)
    body = "\n".join(parts)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{label}"><title>{label}</title>\n{body}\n</svg>'


def reliability(pairs: Sequence[tuple[float, bool]], bins: int = 10) -> str:
    """Confidence across, share of answerable questions up, in bins of equal width; whiskers are Wilson's 95 %, the
    bars below show how many questions a bin has."""
    axes = Axes("confidence", "share that is answerable")
    parts = [f'<line class="ideal" x1="{axes.x(0)}" y1="{axes.y(0)}" x2="{axes.x(1)}" y2="{axes.y(1)}"/>']
    for number in range(bins):
        held = [(c, r) for c, r in pairs if min(bins - 1, int(c * bins)) == number]
        if not held:
            continue
        right, x = sum(r for _, r in held), axes.x(sum(c for c, _ in held) / len(held))
        low, high = wilson(right, len(held))
        tall = 40 * len(held) / len(pairs)
        parts.append(f'<rect class="bar" x="{axes.x(number / bins) + 2}" y="{axes.y(0) - tall:.1f}" '
                     f'width="{axes.x(1 / bins) - axes.x(0) - 4:.1f}" height="{tall:.1f}"/>')  # fmt: skip
        parts.append(f'<line class="whisker" x1="{x}" y1="{axes.y(low)}" x2="{x}" y2="{axes.y(high)}"/>')
        parts.append(f'<circle class="dot" cx="{x}" cy="{axes.y(right / len(held))}" r="4">'
                     f"<title>{right} of {len(held)}</title></circle>")  # fmt: skip
    return axes.draw("Reliability of confidence", parts)


def curve(points: Sequence[tuple[float, float]], axes: Axes, title: str) -> str:
    """A line through the points."""
    path = " ".join(f"{axes.x(x)},{axes.y(y)}" for x, y in points)
    return axes.draw(title, [f'<polyline class="line" points="{path}"/>'])


def latency(milliseconds: Sequence[float]) -> str:
    """Share of the answers that came within a time; the slowest hundredth is not drawn."""
    took = sorted(milliseconds)
    shown = took[: max(1, int(len(took) * 0.99))]
    slowest = max(shown[-1], 1.0) if shown else 1.0
    most = next(m * 10**e for e in range(7) for m in (1.0, 2.0, 4.0, 8.0) if m * 10**e >= min(slowest, 8e6))
    points = [(0.0, 0.0), *((t, (n + 1) / len(took)) for n, t in enumerate(shown))]
    return curve(points, Axes("milliseconds", "share answered", most), "Time to answer")


def whiskers(groups: Sequence[tuple[str, Sequence[tuple[str, Rate]]]], title: str) -> str:
    """A row a rate: its share as a dot, Wilson's 95 % as a line, and its counts."""
    left, right, row = 122, 62, 22
    parts, y = [], 18
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + value * (WIDTH - left - right)
        height = sum((len(rows) + 1) * row for _, rows in groups) + 8
        parts.append(f'<line class="grid" x1="{x}" y1="6" x2="{x}" y2="{height}"/>')
        parts.append(f'<text class="mid" x="{x}" y="{height + 14}">{value:g}</text>')
    for name, rows in groups:
        parts.append(f'<text class="head" x="0" y="{y}">{html.escape(name)}</text>')
        y += row
        for label, rate in rows:
            low, high = (left + v * (WIDTH - left - right) for v in wilson(rate.right, rate.of))
            x = left + rate.value * (WIDTH - left - right)
            parts.append(f'<text class="end" x="{left - 8}" y="{y}">{html.escape(label)}</text>')
            parts.append(f'<line class="whisker" x1="{low:.1f}" y1="{y - 4}" x2="{high:.1f}" y2="{y - 4}"/>')
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y - 4}" r="4"/>')
            parts.append(f'<text x="{WIDTH - right + 8}" y="{y}">{rate.right:g}/{rate.of:g}</text>')
            y += row
    return _svg(title, y + 12, parts)
