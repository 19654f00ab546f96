"""python -m evals: ask the gold questions, report, and say whether a change may pass. Parses, calls, prints."""

import argparse
import datetime
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from assistant.models import make_chat_model
from assistant.settings import AssistantSettings
from evals import accepted, results, squad
from evals.ablate import ablation, edit, rate
from evals.arbiter import (
    ADMITTED,
    LEAST_KAPPA,
    LEAST_LABELS,
    Label,
    ModelArbiter,
    admit,
    agreement,
    keep,
    read_labels,
)  # fmt: skip
from evals.cases import GOLD, BadGold, load
from evals.figures import numbers, rates, slices
from evals.gate import Report, changed, comparable, compare, gate
from evals.lint import lint
from evals.run import Manner
from evals.said import BadAnswers, read_lines
from evals.selftest import selftest
from evals.session import Choice, Ran, documents, evaluate, report
from evals.stable import stability
from evals.targets import Unreachable
from index.errors import IndexingError, UnreadableSource

HERE = Path(__file__).parent
FLOORS = HERE / "floors.json"
BASELINE, ACCEPTED = HERE / "baseline.json", HERE / "accepted.toml"
LAST = Path("out/evals/results.json")
_EXAMPLES = """examples:
  python -m evals run                                   the gold on sources/
  python -m evals run --split dev --gate --report out/evals     as CI does: 1 when something got worse
  python -m evals accept --reason "dates are read better"       that run is the baseline now
  python -m evals accept --reason "..." --expires 2027-01-31    gains are; what got worse may stay until that day
  python -m evals compare A/results.json B/results.json
  python -m evals run --url http://127.0.0.1:8000       another system: a server, or --answers FILE
  python -m evals import squad FILE --sources-out DIR --gold-out FILE
  python -m evals run --repeats 3 --arbiter openai:judge        a live chat model (ASSISTANT_MODEL), asked three times
  python -m evals selftest · lint                       whether the measures and the gold can be believed
exit codes: 0 fine, 1 a regression, 2 bad gold or usage, 3 something outside failed
"""


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing in a pipe."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task(what)
        yield lambda done, of: bars.update(task, completed=done, total=of)


def run_gold(options: argparse.Namespace) -> int:
    """Ask, report, and gate where wished."""
    cases = load(options.gold, options.split)
    key = options.key_file.read_text("utf-8").strip() if options.key_file else os.environ.get("EVALS_KEY")
    with progress("asking") as told, _arbiter(options) as arbiter:
        manner = Manner(options.variants, options.repeats, arbiter)
        ran = evaluate(cases, Choice(options.answers, options.url, key), options.sources, told, manner, options.arbiter)
    if options.arbiter:
        admit(options.arbiter, ran.results.made.model.split(", "), options.arbiters)
    base = results.read(options.baseline) if options.baseline.exists() else None
    floors = json.loads(FLOORS.read_text("utf-8"))
    found = gate(ran.results, base, accepted.load(options.accepted), floors, datetime.date.today())
    print(_json(ran) if options.json else _table(ran, options.verbose))
    if options.report:
        report(ran, None if comparable(base, ran.results) else base, found, options.report)
    return _closed(found) if options.gate else 0


@contextmanager
def _arbiter(options: argparse.Namespace) -> Iterator[ModelArbiter | None]:
    """The arbiter that was asked for, once it is known to agree with people."""
    if options.arbiter is None:
        yield None
        return
    admit(options.arbiter, [AssistantSettings().model], options.arbiters)
    with closing(make_chat_model(options.arbiter, options.arbiter_base_url)) as model:
        yield ModelArbiter(model)


def try_arbiter(options: argparse.Namespace) -> int:
    """Exit code 1 when the model agrees with people too little."""
    labels = read_labels(options.labels)
    with progress("asking") as told, closing(make_chat_model(options.model, options.base_url)) as model:
        found = agreement(ModelArbiter(model), labels, told)
    keep(found, options.arbiters)
    word = "may be named with --arbiter" if found.good else f"{LEAST_KAPPA} on {LEAST_LABELS} are needed"
    print(f"{found.model}: kappa {found.kappa} on {found.told} labels, {found.untold} without a verdict; {word}")
    return 0 if found.good else 1


def _closed(found: Report) -> int:
    for stage in found.stages:
        print(f"{stage.name}: {stage.verdict}", file=sys.stderr)
        for line in stage.found + (stage.notes if stage.name != "invariants" else ()):
            print(f"  {line}", file=sys.stderr)
    return found.code


def _json(ran: Ran) -> str:
    items = ran.results.items
    return json.dumps(
        {
            "rates": [r.json() for r in rates(items)],
            "numbers": numbers(items) | _times(ran),
            "slices": [r.json() for r in slices(items)],
            "items": [{"id": i.id, "outcome": i.outcome, "right": i.right} for i in items],
        },
        ensure_ascii=False,
        indent=1,
    )


def _times(ran: Ran) -> dict[str, float]:
    return {"p50 ms": ran.percentile(0.5), "p95 ms": ran.percentile(0.95)}


def _table(ran: Ran, verbose: bool) -> str:
    items = ran.results.items
    lines = [str(r) for r in rates(items)]
    lines += [f"{name:42} {value}" for name, value in (numbers(items) | _times(ran)).items()]
    lines += [str(r) for r in slices(items)]
    lines += [f"unstable {i.id}: {', '.join(i.outcomes)}" for i in items if i.outcomes]
    if verbose:
        lines += [
            f"{i.outcome:9} {i.id}: {i.question}\n    {i.text}\n    {'; '.join(i.missed)}" for i in items if not i.right
        ]
    return "\n".join(lines)


def compare_runs(options: argparse.Namespace) -> int:
    """Exit code 1 when a gating figure of B is surely worse than A's, 2 when they cannot be compared."""
    base, now = results.read(options.a), results.read(options.b)
    if trouble := comparable(base, now):
        print(trouble.split(";")[0], file=sys.stderr)
        return 2
    rows = compare(base, now)
    for c in rows:
        print(f"{c.figure.name:42} {c.base:6.3f} {c.now:6.3f} {c.gap.value:+7.3f} [{c.gap.low:+.3f}, {c.gap.high:+.3f}]"
              f"  n {c.n:g}{f'  p {c.p:.3f}' if c.p is not None else ''}{'  WORSE' if c.worse else ''}")  # fmt: skip
    for word, ids in zip(("worse", "better"), changed(base, now), strict=True):
        print(f"{len(ids)} items {word}: {', '.join(ids)}")
    return 1 if any(c.worse for c in rows) else 0


def accept(options: argparse.Namespace) -> int:
    """Make a run the baseline; with a date, what got worse stays as it was and may be worse until then."""
    now, today = results.read(options.results), datetime.date.today()
    base = results.read(options.baseline) if options.baseline.exists() else None
    lost: list[str] = []
    if options.expires:
        if base is None or comparable(base, now):
            raise results.BadResults("--expires needs a baseline of the same gold; accept without it")
        if options.expires < today:
            raise results.BadResults(f"--expires {options.expires} is past")
        lost = changed(base, now)[0]
    excused = [
        e for e in accepted.load(options.accepted) if options.expires and e.id not in lost and e.expires >= today
    ]
    excused += [accepted.Excused(id=i, reason=options.reason, expires=options.expires) for i in lost]
    results.write(accepted.merged(base, now, lost, options.reason, today), options.baseline, lean=True)
    accepted.dump(excused, options.accepted)
    print(f"{options.baseline}: {len(now.items) - len(lost)} items as in {options.results}; "
          f"{len(lost)} may be worse until {options.expires or 'no day'}")  # fmt: skip
    return 0


def ablate_gold(options: argparse.Namespace) -> int:
    """Ask again with the evidence deleted, and with its numbers changed."""
    cases = load(options.gold, options.split)
    with tempfile.TemporaryDirectory() as work:
        gone = ablation(cases, options.sources[0], Path(work))
        followed = edit(cases, options.sources[0], Path(work))
    figures = [rate("refused without its evidence", gone), rate("followed a changed number or name", followed)]
    print(json.dumps([f.json() for f in figures]) if options.json else "\n".join(map(str, figures)))
    for tried in (t for t in (*gone, *followed) if options.verbose and not t.passed):
        print(f"{tried.case.id}: {tried.case.question}\n    {tried.text}")
    return 0


def stable_gold(options: argparse.Namespace) -> int:
    """Exit code 1 when the order of the sources changes an answer; of the others the shares are told."""
    cases = load(options.gold, options.split)
    with tempfile.TemporaryDirectory() as work:
        told = (lambda name: print(name, file=sys.stderr)) if sys.stderr.isatty() else (lambda _: None)
        found = list(stability(cases, options.sources[0], Path(work), told))
    print(json.dumps([s.rate.json() for s in found]) if options.json else "\n".join(str(s.rate) for s in found))
    for change in found if options.verbose else ():
        print("".join(f"{change.name}: {i}: {before}, then {after}\n" for i, before, after in change.changed), end="")
    return 1 if found[0].changed else 0


def lint_gold(options: argparse.Namespace) -> int:
    """Exit code 2 when an item is wrong."""
    cases = load(options.gold)
    findings = lint(cases, documents(options.sources).get, _learnt())
    print("\n".join(findings) or f"{len(cases)} items, nothing wrong")
    return 2 if findings else 0


def _learnt() -> dict[str, str]:
    """What was fitted on and what a model is told, by file."""
    paths = [*sorted((HERE / "train").glob("*.jsonl")), *sorted((HERE.parent / "prompts").glob("*.md"))]
    return {f"{p.parent.name}/{p.name}": p.read_text("utf-8") for p in paths}


def test_itself(options: argparse.Namespace) -> int:
    """Exit code 1 when the measures miss their marks."""
    cases = load(options.gold)
    passing = read_lines(options.answers) if options.answers else {}
    checks = selftest(cases, documents(options.sources), passing)
    print(json.dumps([c.json() for c in checks]) if options.json else "\n".join(map(str, checks)))
    for check in checks if options.verbose else ():
        print("".join(f"{check.name}: {line}\n" for line in check.off), end="")
    return 0 if all(c.good for c in checks) else 1


def import_squad(options: argparse.Namespace) -> int:
    """Documents and gold items of a file in SQuAD's form."""
    count = squad.convert(options.file, options.sources_out, options.gold_out, options.lang, options.split)
    print(f"{count.items} items in {options.gold_out}, {count.left_out} questions left out; ask them:")
    print(f"python -m evals run --gold {options.gold_out} --sources {options.sources_out}")
    return 0


def import_labels(options: argparse.Namespace) -> int:
    """Labels of people for an arbiter, of the half that nothing of ours was fitted on."""
    from evals.fit_support import attributionbench  # late: it brings scikit-learn

    held = [i for i in attributionbench(options.file) if not i.fits]
    labels = [Label(sentence=i.claim, quotes=i.quotes, supported=i.supported) for i in held[: options.count]]
    options.labels_out.write_text("".join(x.model_dump_json() + "\n" for x in labels), "utf-8")
    print(f"{len(labels)} labels in {options.labels_out}, {sum(x.supported for x in labels)} of them supported")
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main_parser = argparse.ArgumentParser(
        prog="python -m evals",
        description="Measure the assistant on gold questions.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")
    made = {}
    for name, called, text in (("run", run_gold, "ask the gold questions and report figures with their intervals"),
                               ("ablate", ablate_gold, "ask again with the evidence deleted or changed"),
                               ("stable", stable_gold, "ask again of sources reordered, re-chunked, among others"),
                               ("selftest", test_itself, "check that the measures tell right from wrong"),
                               ("lint", lint_gold, "check the gold against the sources")):  # fmt: skip
        sub = made[name] = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--gold", type=Path, nargs="+", default=sorted(GOLD.glob("*.jsonl")), help="gold files")
        sub.add_argument("--sources", type=Path, nargs="+", default=[Path("sources")], help="folders of documents")
        sub.add_argument("--split", choices=("dev", "test"), help="only this split")
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.add_argument("-v", "--verbose", action="store_true", help="print what was not right")
        sub.set_defaults(run=called)
    made["selftest"].add_argument("--answers", type=Path, help="also alter these answers of a run (answers.jsonl)")
    _run_options(made["run"])
    _other_commands(commands)
    return main_parser


def _run_options(sub: argparse.ArgumentParser) -> None:
    whom = sub.add_mutually_exclusive_group()
    whom.add_argument("--answers", type=Path, help="score these answers, an Answer with its id a line")
    whom.add_argument("--url", help="ask this server: POST /api/ask")
    sub.add_argument("--key-file", type=Path, help="the server's key; else EVALS_KEY")
    sub.add_argument("--variants", action="store_true", help="ask each question in its other wordings too")
    sub.add_argument("--repeats", type=_count, default=1, metavar="N", help="ask each so often, for a live chat model")
    _arbiter_options(sub)
    sub.add_argument("--gate", action="store_true", help="end with 1 when something got worse")
    sub.add_argument(
        "--report", type=Path, metavar="DIR", help="write results.json, junit.xml, summary.md, report.html"
    )
    _kept(sub)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 20:
        raise argparse.ArgumentTypeError("a number from 1 to 20")
    return int(text)


def _arbiter_options(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--arbiter", metavar="MODEL", help="a chat model that tells where only words differ: openai:NAME")
    sub.add_argument("--arbiter-base-url", metavar="URL", help="the arbiter's OpenAI-compatible server")
    sub.add_argument("--arbiters", type=Path, default=ADMITTED, metavar="FILE", help="how models agree with people")


def _kept(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--baseline", type=Path, default=BASELINE, help="the run to compare with")
    sub.add_argument("--accepted", type=Path, default=ACCEPTED, help="items that may be worse for a time")


def _other_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sub = commands.add_parser("compare", help="figures of two runs, and whether B is worse")
    sub.add_argument("a", type=Path)
    sub.add_argument("b", type=Path)
    sub.set_defaults(run=compare_runs)
    sub = commands.add_parser("accept", help="make a run the baseline")
    sub.add_argument("results", type=Path, nargs="?", default=LAST, help=f"default: {LAST}")
    sub.add_argument("--reason", required=True)
    sub.add_argument("--expires", type=datetime.date.fromisoformat, metavar="DATE")
    _kept(sub)
    sub.set_defaults(run=accept)
    sub = commands.add_parser("arbiter", help="how a chat model agrees with people on whether quotes bear a sentence")
    sub.add_argument("--model", required=True, help="provider:name, as in ASSISTANT_MODEL")
    sub.add_argument("--base-url", metavar="URL", help="its OpenAI-compatible server")
    sub.add_argument("--labels", type=Path, required=True, metavar="FILE", help="a sentence, quotes, supported a line")
    sub.add_argument("--arbiters", type=Path, default=ADMITTED, metavar="FILE", help="where to write it")
    sub.set_defaults(run=try_arbiter)
    sub = commands.add_parser("import", help="documents and gold items of a public set")
    forms = sub.add_subparsers(required=True, metavar="FORM")
    sub = forms.add_parser("squad", help="a file in SQuAD's form")
    sub.add_argument("file", type=Path)
    sub.add_argument("--sources-out", type=Path, required=True, metavar="DIR")
    sub.add_argument("--gold-out", type=Path, required=True, metavar="FILE")
    sub.add_argument("--lang", choices=("en", "ru", "be"), default="en")
    sub.add_argument("--split", choices=("dev", "test"), default="test")
    sub.set_defaults(run=import_squad)
    sub = forms.add_parser("labels", help="labels for an arbiter from a file of AttributionBench")
    sub.add_argument("file", type=Path)
    sub.add_argument("--labels-out", type=Path, required=True, metavar="FILE")
    sub.add_argument("--count", type=int, default=400)
    sub.set_defaults(run=import_labels)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (BadGold, BadAnswers, results.BadResults, UnreadableSource) as error:
        print(error, file=sys.stderr)
        code = 2
    except (IndexingError, Unreachable, OSError) as error:
        print(error, file=sys.stderr)
        code = 3
    return code


if __name__ == "__main__":
    sys.exit(main())
