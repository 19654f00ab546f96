"""Draws the dossier from its notes' metadata: a timeline of events, and publishers by kind and year.

python -m evals.pictures [--sources FOLDER] [--out docs]
"""

import argparse
import sys
import tomllib
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KINDS = ("treaty", "official", "news", "analysis", "academic", "opposition", "reference")
COLOURS = dict(zip(KINDS, ("#8a2b2b", "#b8741a", "#2f6690", "#3a7d44", "#6a4c93", "#c2185b", "#7d8597"), strict=True))
LABELS_A_YEAR = 3


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its day as far as known, what, and the kind of source that tells it."""

    date: str
    what: str
    kind: str

    @property
    def year(self) -> float:
        """The date as a number of years."""
        parts = [int(p) for p in self.date.split("-")]
        month, day = ([*parts[1:], 15] if len(parts) > 1 else [7, 1])[:2]
        return parts[0] + (month - 1) / 12 + (day - 1) / 365


def front_matter(folder: Path) -> list[dict[str, Any]]:
    """The metadata of every note."""
    return [tomllib.loads(p.read_text("utf-8").split("+++")[1]) for p in sorted(folder.glob("*.md"))]


def events(notes: list[dict[str, Any]]) -> list[Event]:
    """Events in order of their dates; of several notes on one event of one day the first tells it."""
    found: dict[tuple[str, frozenset[str]], Event] = {}
    for note in notes:
        for event in note.get("events", []):
            words = frozenset(w for w in event["what"].casefold().split() if len(w) > 4)
            found.setdefault((event["date"], words), Event(event["date"][:10], event["what"], note["kind"]))
    return sorted(found.values(), key=lambda e: (e.date, e.what))


def draw_timeline(told: list[Event], path: Path) -> None:
    """A column of years; beside each its events as dots, and the first of them in words."""
    import matplotlib.pyplot as plt

    years = sorted({int(e.year) for e in told})
    by_year: dict[int, list[Event]] = defaultdict(list)
    for event in told:
        by_year[int(event.year)].append(event)
    heights = {year: max(1, min(LABELS_A_YEAR, len(_spread(by_year[year])))) for year in years}
    figure, axes = plt.subplots(figsize=(11, 0.21 * sum(heights.values()) + 1.2))
    top = 0
    for year in years:
        axes.text(-0.4, top, str(year), ha="right", va="center", fontsize=9, fontweight="bold")
        for place, event in enumerate(by_year[year]):
            axes.scatter(place % 12 * 0.35, top + place // 12 * 0.5, s=22, color=COLOURS[event.kind], zorder=3)
        for row, event in enumerate(_spread(by_year[year])):
            axes.text(4.6, top + row, f"{event.date}  {event.what}", va="center", fontsize=7.5, family="DejaVu Sans")
        axes.axhline(top - 0.5, color="#e3e0d8", linewidth=0.6, zorder=0)
        top += heights[year]
    axes.set(xlim=(-2, 17), ylim=(top, -1.2), xticks=[], yticks=[])
    axes.set_title("The Union State: dated events that the notes tell", loc="left", fontsize=12)
    _finish(figure, axes, {e.kind for e in told}, path)


def _spread(told: list[Event]) -> list[Event]:
    """Up to LABELS_A_YEAR events spread over the year."""
    step = max(1, -(-len(told) // LABELS_A_YEAR))
    return told[::step][:LABELS_A_YEAR]


def draw_publishers(notes: list[dict[str, Any]], path: Path) -> None:
    """Years across, kinds down; the size of a dot is the number of notes. At the right, who publishes most."""
    import matplotlib.pyplot as plt

    counts = Counter((n["kind"], str(n.get("published", "undated"))[:4]) for n in notes)
    years = [*map(str, range(min(int(y) for _, y in counts if y.isdigit()), 2027)), "unda"]
    figure, axes = plt.subplots(figsize=(12, 4.6))
    for (kind, year), count in counts.items():
        place = years.index(year), KINDS.index(kind)
        axes.scatter(*place, s=14 * count + 10, color=COLOURS[kind], alpha=0.75)
        axes.annotate(str(count), place, ha="center", va="center", fontsize=6, color="white" if count > 4 else "black")
    for row, kind in enumerate(KINDS):
        publishers = Counter(n["publisher"].split(" (")[0] for n in notes if n["kind"] == kind)
        most = ", ".join(name[:24] for name, _ in publishers.most_common(3))
        axes.text(len(years) + 0.3, row, f"{len(publishers)} publishers: {most}", va="center", fontsize=7)
    axes.set(yticks=range(len(KINDS)), yticklabels=KINDS, ylim=(len(KINDS) - 0.4, -0.7), xlim=(-1, len(years) + 14))
    axes.set_xticks(range(len(years)), [*(f"’{y[2:]}" for y in years[:-1]), "none"], fontsize=7)
    axes.set_title(f"{len(notes)} notes by kind of source and year of publication", loc="left", fontsize=12)
    _finish(figure, axes, set(), path)


def _finish(figure: Any, axes: Any, kinds: set[str], path: Path) -> None:
    import matplotlib.pyplot as plt

    for kind in [k for k in KINDS if k in kinds]:
        axes.scatter([], [], color=COLOURS[kind], label=kind)
    if kinds:
        axes.legend(ncols=len(kinds), fontsize=7, loc="upper right", frameon=False)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def main() -> int:
    """Draw both pictures."""
    import matplotlib

    matplotlib.use("Agg")
    parser = argparse.ArgumentParser(prog="python -m evals.pictures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sources", type=Path, default=Path("sources"))
    parser.add_argument("--out", type=Path, default=Path("docs"))
    options = parser.parse_args()
    notes = front_matter(options.sources)
    told = events(notes)
    draw_timeline(told, options.out / "timeline.png")
    draw_publishers(notes, options.out / "publishers.png")
    print(f"{len(told)} events and {len(notes)} notes drawn in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
