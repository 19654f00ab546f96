"""python -m evals: ask the gold questions and report. Parses, calls, prints."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from evals.ablate import ablation, edit, rate
from evals.cases import BadGold, lint, load
from evals.report import below, numbers, rates, slices
from evals.run import Trial, passages_hold, run
from index import wire
from index.errors import IndexingError

GOLD = Path(__file__).parent / "gold"
FLOORS = Path(__file__).parent / "floors.json"
_EXAMPLES = """examples:
  python -m evals run                                   the gold on sources/
  python -m evals run --split test                      its held-out half
  python -m evals run --split dev --gate                as CI does: exit code 1 below the floors
  python -m evals run --gold evals/gold/elsewhere/analysis.jsonl --sources FOLDER
  python -m evals lint                                  check the gold against sources/
"""


def run_gold(options: argparse.Namespace) -> int:
    """Index the sources in a folder of its own, ask, report."""
    cases = load(options.gold, options.split)
    with (
        tempfile.TemporaryDirectory() as data,
        Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars,
    ):
        settings = AssistantSettings(sources=tuple(options.sources), data=Path(data))
        wire.build(settings)
        assistant = make_assistant(settings)
        task = bars.add_task("asking", total=len(cases))
        trials = run(cases, assistant, lambda done, _: bars.update(task, completed=done))
        assistant.close()
    print(_json(trials) if options.json else _table(trials, options.verbose))
    missed = (
        below([*rates(trials), passages_hold(trials)], json.loads(FLOORS.read_text("utf-8"))) if options.gate else []
    )
    for line in missed:
        print(line, file=sys.stderr)
    return 1 if missed else 0


def _json(trials: list[Trial]) -> str:
    return json.dumps(
        {
            "rates": [r.json() for r in (*rates(trials), passages_hold(trials))],
            "numbers": numbers(trials),
            "slices": [r.json() for r in slices(trials)],
            "items": [{"id": t.case.id, "outcome": t.outcome, "right": t.right} for t in trials],
        },
        ensure_ascii=False,
        indent=1,
    )


def _table(trials: list[Trial], verbose: bool) -> str:
    lines = [str(r) for r in (*rates(trials), passages_hold(trials))]
    lines += [f"{name:42} {value}" for name, value in numbers(trials).items()]
    lines += [str(r) for r in slices(trials)]
    if verbose:
        lines += [f"{t.outcome:9} {t.case.id}: {t.case.question}\n    {t.answer.text}" for t in trials if not t.right]
    return "\n".join(lines)


def ablate_gold(options: argparse.Namespace) -> int:
    """Ask again with the evidence deleted, and with its numbers changed."""
    cases = load(options.gold, options.split)
    with tempfile.TemporaryDirectory() as work:
        gone = ablation(cases, options.sources[0], Path(work))
        followed = edit(cases, options.sources[0], Path(work))
    figures = [rate("refused without its evidence", gone), rate("followed a changed number", followed)]
    print(json.dumps([f.json() for f in figures]) if options.json else "\n".join(map(str, figures)))
    for tried in (t for t in (*gone, *followed) if options.verbose and not t.passed):
        print(f"{tried.case.id}: {tried.case.question}\n    {tried.text}")
    return 0


def lint_gold(options: argparse.Namespace) -> int:
    """Exit code 2 when an item is wrong."""
    cases = load(options.gold)
    with tempfile.TemporaryDirectory() as data:
        settings = AssistantSettings(sources=tuple(options.sources), data=Path(data))
        wire.build(settings)
        index = wire.open_index(settings)
        findings = lint(cases, index.document)
        index.close()
    print("\n".join(findings) or f"{len(cases)} items, nothing wrong")
    return 2 if findings else 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main_parser = argparse.ArgumentParser(
        prog="python -m evals",
        description="Measure the assistant on gold questions.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")
    for name, called, text in (("run", run_gold, "ask the gold questions and report figures with their intervals"),
                               ("ablate", ablate_gold, "ask again with the evidence deleted or changed"),
                               ("lint", lint_gold, "check the gold against the sources")):  # fmt: skip
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--gold", type=Path, nargs="+", default=sorted(GOLD.glob("*.jsonl")), help="gold files")
        sub.add_argument("--sources", type=Path, nargs="+", default=[Path("sources")], help="folders of documents")
        sub.add_argument("--split", choices=("dev", "test"), help="only this split")
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.add_argument("-v", "--verbose", action="store_true", help="print what was not right")
        if called is run_gold:
            sub.add_argument("--gate", action="store_true", help="end with 1 when a figure is below evals/floors.json")
        sub.set_defaults(run=called)
    return main_parser


def main() -> int:
    """Run one command; its exit code."""
    options = parser().parse_args()
    try:
        code: int = options.run(options)
    except BadGold as error:
        print(error, file=sys.stderr)
        code = 2
    except IndexingError as error:
        print(error, file=sys.stderr)
        code = 3
    return code


if __name__ == "__main__":
    sys.exit(main())
