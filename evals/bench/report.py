"""docs/performance.md and the ratios, made from the kept figures alone."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from evals.bench import plots
from evals.bench.place import ENGLISH_GFLOP_A_TOKEN, REAL_CHUNKS, Told

Row = Sequence[object]
_TARGETS: tuple[tuple[str, str, Callable[[int, float], bool | None]], ...] = (
    ("index throughput", "at least 1.8 times the stock one", lambda n, v: v >= 1.8 if n <= REAL_CHUNKS else None),
    ("index throughput by work", "–", lambda n, v: None),
    ("search p50", "–", lambda n, v: None),
    ("search work", "–", lambda n, v: None),
    ("answer p50", "at most 1.0 of the stock search at 1 k, 0.5 at 100 k",
     lambda n, v: v <= 1.0 if n <= 1000 else v <= 0.5 if n >= 100_000 else None),
    ("answer work", "–", lambda n, v: None),
    ("recall at 10", "at least .99", lambda n, v: v >= 0.99),
    ("unchanged re-index, seconds", "at most 3 at 10 k", lambda n, v: v <= 3 if n == 10_000 else None),
    ("ask beside a server, seconds", "at most 3", lambda n, v: v <= 3),
    ("ask from nothing", "at most 0.6 of the stock pipeline's", lambda n, v: v <= 0.6),
    ("server memory", "at most the stock pipeline's at 100 k", lambda n, v: v <= 1.0 if n >= 100_000 else None),
    ("questions a second", "at least 100", lambda n, v: v >= 100),
)  # fmt: skip


def read(folder: Path) -> Told:
    """All kept figures: those of the machine, and by size and stage."""
    sizes: dict[int, Told] = {}
    for path in sorted(folder.glob("*-*.json")):
        stage, _, chunks = path.stem.rpartition("-")
        sizes.setdefault(int(chunks), {})[stage] = json.loads(path.read_text("utf-8"))
    machine = folder / "machine.json"
    told = json.loads(machine.read_text("utf-8"))["machine"] if machine.is_file() else {}
    return {"machine": told, "sizes": dict(sorted(sizes.items()))}


def ratios(figures: Told) -> dict[str, dict[str, float]]:
    """What the targets speak of, by size: a figure of ours through that of the stock pipeline, unless its name says
    what it is counted in."""
    return {str(chunks): _ratios(stages) for chunks, stages in figures["sizes"].items()}


def _ratios(stages: Told) -> dict[str, float]:
    told: dict[str, float] = {}
    if build := stages.get("build"):
        ours, stock = build["ours-build"], build["stock-build"]
        told["index throughput"] = ours["characters_per_second"] / stock["characters_per_second"]
        told["index throughput by work"] = _by_work(ours) / _by_work(stock)
        told["unchanged re-index, seconds"] = ours["unchanged_seconds"]
    if ask := stages.get("ask"):
        ours, stock = ask["ours-ask"], ask["stock-ask"]
        told["search p50"] = ours["search_ms"]["p50"] / stock["search_ms"]["p50"]
        told["search work"] = ours["search_ms"]["cpu"] / stock["search_ms"]["cpu"]
        told["answer work"] = ours["answer_ms"]["cpu"] / stock["search_ms"]["cpu"]
        told["answer p50"] = ours["answer_ms"]["p50"] / stock["search_ms"]["p50"]
    if recall := stages.get("recall"):
        told["recall at 10"] = recall["recall"]["search"]
    if starts := stages.get("starts"):
        told["ask beside a server, seconds"] = starts["starts"]["served_ask_seconds"]
        told["ask from nothing"] = starts["starts"]["ask_seconds"] / starts["starts"]["stock_seconds"]
        if ask:
            told["server memory"] = starts["starts"]["server_mb"]["all"] / ask["stock-ask"]["memory_mb"]["all"]
    if saturation := stages.get("saturation"):
        told["questions a second"] = max(level["a_second"] for level in saturation["saturation"]["fresh"])
    return {name: round(value, 3) for name, value in told.items()}


def _by_work(build: Told) -> float:
    """Characters a core-second."""
    return float(build["characters"] / build["core_seconds"])


def write(figures: Told, folder: Path) -> None:
    """performance.md and its pictures."""
    pictures = plots.draw(figures, folder)
    tables = (_build, _ask, _recall, _starts, _saturation, _vectors)
    sections = [_INTRODUCTION, _machine(figures), _targets(figures), _pictures(pictures), *(t(figures) for t in tables)]
    (folder / "performance.md").write_text("\n\n".join(s for s in sections if s) + "\n", "utf-8")


_INTRODUCTION = f"""# Performance

Written by `python -m evals.bench --report docs`; change [`evals/bench/`](../evals/bench/), not this file.

*Stock* is LangChain's usual pipeline with its default settings: `RecursiveCharacterTextSplitter` (1,000 characters,
200 overlap), the same all-MiniLM-L6-v2 through sentence-transformers, Chroma, similarity search for ten. It encodes
with one model and returns passages. *Ours* encodes with two models, the chunks and again every sentence of them, proves
the index whole before it is served, searches by meaning and by keywords together, and answers with proven sentences.
Both are measured one after the other on one machine, each in a process of its own.

The documents hold the English notes of `sources/`, four words of each sentence swapped so that none comes twice; the
questions are those of the gold items' dev half. Up to {REAL_CHUNKS:,} chunks both cut and encode the same documents, so
the stock pipeline has fewer, longer chunks. Above, encoding would take hours: there the vectors of documents are
**synthetic**, weighted sums of real vectors of sentences with a little noise, and the stock pipeline gets our chunks,
and vectors made the same way. Questions are always encoded by the real models."""


def table(heads: Sequence[str], rows: Sequence[Row]) -> str:
    """A Markdown table; nothing where there are no rows.

    >>> print(table(["a", "b"], [[1, 1234.5]]))
    | a | b |
    |---|---|
    | 1 | 1,234 |
    """
    if not rows:
        return ""
    lines = [heads, ["---"] * len(heads), *([_said(v) for v in row] for row in rows)]
    return "\n".join("|" + "|".join(line) + "|" if line[0] == "---" else f"| {' | '.join(line)} |" for line in lines)


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _section(title: str, figures: Told, stage: str, heads: Sequence[str], row: Callable[[int, Told], list[Row]]) -> str:
    """A table of a stage: what `row` makes of each size that was measured."""
    rows = [r for chunks, stages in figures["sizes"].items() if stage in stages for r in row(chunks, stages[stage])]
    return f"## {title}\n\n{table(heads, rows)}" if rows else ""


def _machine(figures: Told) -> str:
    told = figures["machine"]
    if not told:
        return ""
    rates = {int(k.split("_")[1]): v for k, v in told.items() if k.startswith("gflops")}
    one, most, token = rates[1], max(rates.values()), ENGLISH_GFLOP_A_TOKEN
    compared = 100_000 * (384 + 512) * 4 / 1e6 / told["read_gb_s"]
    rows = [
        ["matrix product, one core", f"{one} GFLOP/s",
         f"a question of 20 word pieces encoded in English in {20 * token / one * 1000:.1f} ms"],
        ["matrix product, all cores", f"{most} GFLOP/s",
         f"{most / token / 108:.0f} chunks of 108 word pieces encoded in English a second"],
        ["reading memory", f"{told['read_gb_s']} GB/s",
         f"100,000 vectors of both encoders compared in {compared:.0f} ms"],
        ["copying memory", f"{told['copy_gb_s']} GB/s, read and written", "–"],
    ]  # fmt: skip
    where = f"{told['processor']}, {told['cores']} cores, {told['memory_gb']} GiB, Python {told['python']}."
    limits = table(["limit", "measured", "so at best"], rows)
    return f"## The machine and what it allows\n\n{where}\n\n{limits}"


_HOW = """Figures without a unit are ours through the stock pipeline's. *Work* is what processors worked, of all threads
together; it hardly changes where something else keeps the machine busy."""


def _targets(figures: Told) -> str:
    told = ratios(figures)
    sizes = [s for s in told if any(name in told[s] for name, _, _ in _TARGETS)]
    rows = [[name, wished, *(_judged(told[s].get(name), int(s), met) for s in sizes)] for name, wished, met in _TARGETS]
    return "## Targets\n\n" + _HOW + "\n\n" + table(["figure", "target", *(f"{int(s):,} chunks" for s in sizes)], rows)


def _judged(value: float | None, chunks: int, met: Callable[[int, float], bool | None]) -> str:
    if value is None:
        return "–"
    verdict = {True: " ✓", False: " missed", None: ""}[met(chunks, value)]
    return f"{_said(value)}{verdict}"


def _pictures(names: Sequence[str]) -> str:
    return "\n\n".join(f"![{name.removesuffix('.png').replace('-', ' ')}]({name})" for name in names)


def _build(figures: Told) -> str:
    def row(chunks: int, told: Told) -> list[Row]:
        both = (("stock", told["stock-build"]), ("ours", told["ours-build"]))
        names = ("chunks", "seconds", "core_seconds", "characters_per_second", "peak_mb", "disk_mb")
        return [[chunks, whose, *(b[name] for name in names), _steps(b["steps"], "s")] for whose, b in both]

    heads = [
        "size",
        "",
        "chunks",
        "seconds",
        "core-seconds",
        "characters a second",
        "peak memory, MB",
        "disk, MB",
        "by step",
    ]
    return _section("Index", figures, "build", heads, row)


def _ask(figures: Told) -> str:
    def row(chunks: int, told: Told) -> list[Row]:
        stock, ours = told["stock-ask"], told["ours-ask"]
        found: list[tuple[str, Any, Any, Any]] = [
            ("stock search", stock["search_ms"], stock["steps_ms"], stock["memory_mb"]),
            ("our search", ours["search_ms"], ours["search_steps_ms"], "–"),
            ("our answer", ours["answer_ms"], ours["answer_steps_ms"], ours["memory_mb"]),
        ]
        return [[chunks, what, *ms.values(), _steps(steps, "ms"), memory if memory == "–" else memory["all"]]
                for what, ms, steps, memory in found]  # fmt: skip

    heads = ["size", "", "p50, ms", "p95", "p99", "worked, p50", "mean by step", "memory afterwards, MB"]
    return _section("Questions", figures, "ask", heads, row)


def _steps(seconds: dict[str, float], unit: str) -> str:
    named = sorted(((s, n) for n, s in seconds.items() if n != "all"), reverse=True)
    return ", ".join(f"{name} {_said(s)} {unit}" for s, name in named)


def _recall(figures: Told) -> str:
    return _section("Recall at 10 against exact search", figures, "recall", ["size", "what", "recall"],
                    lambda chunks, told: [[chunks, name, v] for name, v in told["recall"].items()])  # fmt: skip


def _starts(figures: Told) -> str:
    heads = ["size", "`ask`, s", "stock query, s", "`ask` beside a server, s", "server start, s", "server, MB"]
    names = ("ask_seconds", "stock_seconds", "served_ask_seconds", "server_start_seconds")
    return _section(
        "From nothing", figures, "starts", heads,
        lambda n, t: [[n, *(t["starts"][name] for name in names), t["starts"]["server_mb"]["all"]]],
    )  # fmt: skip


def _saturation(figures: Told) -> str:
    def row(chunks: int, told: Told) -> list[Row]:
        return [[chunks, kind, level["at_once"], level["a_second"], *level["ms"].values(), level["errors"]]
                for kind, levels in told["saturation"].items() for level in levels]  # fmt: skip

    heads = ["size", "questions", "at once", "answers a second", "p50, ms", "p95", "p99", "errors"]
    text = _section("The server under load", figures, "saturation", heads, row)
    return text and text + "\n\n*fresh*: each asked for the first time; *again*: twenty, asked over and over."


def _vectors(figures: Told) -> str:
    def row(chunks: int, told: Told) -> list[Row]:
        both = (("stock", told["vectors-stock"]), ("ours", told["vectors-ours"]))
        return [[chunks, whose, v["seconds"], v["a_second"], *v["search_ms"].values(), v["recall"],
                 v["memory_mb"]["all"]] for whose, v in both]  # fmt: skip

    heads = [
        "vectors",
        "",
        "insertion, s",
        "a second",
        "p50, ms",
        "p95",
        "p99",
        "worked, p50",
        "recall at 10",
        "memory, MB",
    ]
    text = _section("Vectors alone", figures, "vectors", heads, row)
    return text and text + "\n\nOne encoder's synthetic vectors in Chroma, no documents; without encoding the question."
