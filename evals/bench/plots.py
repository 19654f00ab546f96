"""The pictures of docs/performance.md."""

from pathlib import Path
from typing import Any

from evals.bench.place import Told

_STOCK, _OURS, _ANSWER = "#7d8597", "#2f6690", "#8a2b2b"


def draw(figures: Told, folder: Path) -> list[str]:
    """Draw what there are figures for; the names of the files."""
    import matplotlib

    matplotlib.use("Agg")
    drawn = {"performance-questions.png": _questions, "performance-steps.png": _steps,
             "performance-saturation.png": _saturation}  # fmt: skip
    return [name for name, picture in drawn.items() if picture(figures, folder / name)]


def _questions(figures: Told, path: Path) -> bool:
    """p50, with p99 above it, by size."""
    import matplotlib.pyplot as plt

    asked = {n: stages["ask"] for n, stages in figures["sizes"].items() if "ask" in stages}
    if not asked:
        return False
    figure, axes = plt.subplots(figsize=(7, 4))
    series = (("stock search", "stock-ask", "search_ms", _STOCK), ("our search", "ours-ask", "search_ms", _OURS),
              ("our answer", "ours-ask", "answer_ms", _ANSWER))  # fmt: skip
    for name, step, which, colour in series:
        spread = [told[step][which] for told in asked.values()]
        axes.plot(list(asked), [s["p50"] for s in spread], "o-", color=colour, label=f"{name}: p50")
        axes.plot(list(asked), [s["p99"] for s in spread], "^:", color=colour, label="p99", alpha=0.7)
    axes.set(xscale="log", yscale="log", xlabel="chunks", ylabel="milliseconds a question")
    _finish(figure, axes, "A question, by size of the index", path)
    return True


def _steps(figures: Told, path: Path) -> bool:
    """Where an answer's and a search's time goes at each size."""
    import matplotlib.pyplot as plt

    bars: list[tuple[str, dict[str, float]]] = []
    for chunks, stages in figures["sizes"].items():
        if "ask" in stages:
            ours = stages["ask"]["ours-ask"]["answer_steps_ms"]
            bars.append((f"stock search\n{chunks:,}", stages["ask"]["stock-ask"]["steps_ms"]))
            bars.append((f"our answer\n{chunks:,}", _apart(ours)))
    if not bars:
        return False
    figure, axes = plt.subplots(figsize=(7, 4))
    names = list(dict.fromkeys(name for _, steps in bars for name in steps))
    for colour, name in enumerate(names):
        below = [sum(steps.get(n, 0.0) for n in names[:colour]) for _, steps in bars]
        axes.bar([label for label, _ in bars], [steps.get(name, 0.0) for _, steps in bars], bottom=below, label=name)
    axes.set(ylabel="mean milliseconds")
    _finish(figure, axes, "Where the time of a question goes", path)
    return True


def _apart(steps: dict[str, float]) -> dict[str, float]:
    """Encoding runs inside the search: told apart from it."""
    encoding = sum(s for name, s in steps.items() if name.startswith("encode"))
    rest = {name: s for name, s in steps.items() if not name.startswith("encode") and name != "search"}
    return {"encode": encoding, "search": max(0.0, steps.get("search", 0.0) - encoding), **rest}


def _saturation(figures: Told, path: Path) -> bool:
    """Answers a second and how long they take, as more ask at once."""
    import matplotlib.pyplot as plt

    curves = {n: stages["saturation"]["saturation"] for n, stages in figures["sizes"].items() if "saturation" in stages}
    if not curves:
        return False
    figure, (rate, wait) = plt.subplots(1, 2, figsize=(10, 4))
    for chunks, kinds in curves.items():
        for kind, levels in kinds.items():
            at, label = [level["at_once"] for level in levels], f"{kind}, {chunks:,} chunks"
            rate.plot(at, [level["a_second"] for level in levels], "o-", label=label)
            wait.plot(at, [level["ms"]["p99"] for level in levels], "o-", label=label)
    for axes, what in ((rate, "answers a second"), (wait, "p99, milliseconds")):
        axes.set(xscale="log", yscale="log", xlabel="questions at once", ylabel=what)
    _finish(figure, rate, "The server under load", path)
    return True


def _finish(figure: Any, axes: Any, title: str, path: Path) -> None:
    import matplotlib.pyplot as plt

    axes.set_title(title, loc="left", fontsize=11)
    axes.legend(fontsize=7, frameon=False)
    for each in figure.axes:
        for side in ("top", "right"):
            each.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
