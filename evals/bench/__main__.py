"""python -m evals.bench: measures this project beside the stock LangChain pipeline. Parses, starts, reports."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from evals.bench.place import REAL_CHUNKS, Place, Told

# What a stage runs, in this order, each in a process of its own. Ours comes first: above REAL_CHUNKS the stock
# pipeline is given our chunks.
STAGES: dict[str, tuple[str, ...]] = {
    "machine": ("machine",),
    "build": ("ours-build", "stock-build"),
    "ask": ("stock-ask", "ours-ask"),
    "recall": ("recall",),
    "starts": ("starts",),
    "saturation": ("saturation",),
    "vectors": ("vectors-stock", "vectors-ours"),
}
USUAL = tuple(name for name in STAGES if name != "vectors")
_EXAMPLES = f"""stages:
  machine      floating-point operations and bytes a second: the physical limits
  build        index the documents: seconds, seconds by step, memory
  ask          milliseconds of a search and of a whole answer, by step; memory
  recall       share of the ten best passages that search finds
  starts       `ask` from nothing with and without a server; the start of the server
  saturation   questions a second of the server, by how many ask at once
  vectors      vectors alone, for a million of them; hours, so only when it is asked for

Figures are kept in the folder of --out, one file a stage and size; those that are there already are not measured again
unless --again is given. Above {REAL_CHUNKS:,} chunks vectors are synthetic: made from real ones by the hash of a text.

examples:
  python -m evals.bench                                        1,000 chunks, some minutes
  python -m evals.bench --sizes 1000,10000,100000 --report docs  an hour or two, and docs/performance.md
  python -m evals.bench --only vectors --sizes 1000000
  python -m evals.bench --only ask --sizes 1000 --again        once more, with the index that is there
"""


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(
        prog="python -m evals.bench", description="Measures this project beside the stock LangChain pipeline.",
        epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    made.add_argument("--sizes", type=_sizes, default=(1000,), metavar="N,N", help="sizes in chunks (default: 1000)")
    made.add_argument("--only", action="append", choices=STAGES, metavar="STAGE", help="this stage; may be repeated")
    made.add_argument("--questions", type=int, default=200, help="how many are timed (default: 200)")
    made.add_argument("--out", type=Path, default=Path("out/bench"), help="figures and indexes (default: out/bench)")
    made.add_argument("--again", action="store_true", help="measure what was measured already")
    made.add_argument("--report", type=Path, metavar="FOLDER", help="write performance.md and its pictures there")
    return made


def _sizes(text: str) -> tuple[int, ...]:
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1000,10000") from None
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError("a size is at least 1")
    return sizes


def run(stage: str, place: Place, again: bool) -> None:
    """Measure a stage and keep its figures, unless they are kept already."""
    file = kept(place.folder, stage, place.chunks)
    if file.is_file() and not again:
        return
    told = {step: _child(step, place) for step in STAGES[stage]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, indent=1), "utf-8")


def kept(folder: Path, stage: str, chunks: int) -> Path:
    """The file of a stage's figures; those of the machine have no size."""
    return folder / (f"{stage}.json" if stage == "machine" else f"{stage}-{chunks}.json")


def _child(step: str, place: Place) -> Told:
    """What a step tells; what it says besides goes into the file `log`. Raises SystemExit when it failed."""
    started, log = time.monotonic(), place.folder / "log"
    print(f"{place.chunks} chunks: {step} …", file=sys.stderr, end="", flush=True)
    place.folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "evals.bench.child", step, str(place.folder), str(place.chunks)]
    with log.open("ab") as said:
        done = subprocess.run([*command, str(place.questions)], stdout=subprocess.PIPE, stderr=said, encoding="utf-8")
    if done.returncode != 0:
        raise SystemExit(f" ended with {done.returncode}; its last words are in {log}")
    print(f" {time.monotonic() - started:.0f} s", file=sys.stderr)
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def main(arguments: Sequence[str]) -> int:
    """Measure, print the ratios, and write the report where one is wished."""
    from evals.bench import report

    options = parser().parse_args(arguments)
    for chunks in options.sizes:
        for stage in options.only or USUAL:
            run(stage, Place(options.out, chunks, options.questions), options.again)
    figures = report.read(options.out)
    print(json.dumps(report.ratios(figures), indent=1))
    if options.report:
        report.write(figures, options.report)
        print(f"wrote {options.report / 'performance.md'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
