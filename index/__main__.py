"""python -m index: build, look at and search the index. Parses, calls, prints."""

import argparse
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from index import wire
from index.bars import Bars
from index.errors import IndexingError, NoIndex, UnreadableSource
from index.fetch import Fetcher
from index.generation import Generations
from index.originals import Originals, read_catalog
from index.ray_workers import LOCAL
from index.settings import IndexSettings, read
from index.sync import BuildReport

_EXAMPLES = """examples:
  python -m index build                         make the index agree with the documents
  python -m index build --ray                   the same, embedding in a process for each core
  python -m index search "customs union" -k 5   the five best passages
  python -m index status                        what is served, and what was skipped and why
  python -m index rollback                      serve the generation before
"""


def build(settings: IndexSettings, options: argparse.Namespace) -> int:
    """Exit code 2 when a document was broken: the others are indexed and served all the same."""
    if options.if_missing and any(served for _, _, served in wire.ages(settings)):
        return 0
    with Bars() as progress:
        report = wire.build(settings, progress, options.ray)
    broken = [s for s in report.skipped if s.broken]
    if options.json:
        print(json.dumps(asdict(report), ensure_ascii=False))
    else:
        print(_told(report))
    for skipped in report.skipped:
        print(f"skipped {skipped.path}: {skipped.reason}", file=sys.stderr)
    return 2 if broken else 0


def _told(report: BuildReport) -> str:
    if not report.switched:
        return f"{report.generation}: {report.documents} documents, {report.chunks} passages; nothing changed"
    plan = report.plan
    return (
        f"{report.generation} is served: {report.documents} documents ({len(plan.added)} new, {len(plan.changed)} "
        f"changed, {len(plan.removed)} removed), {report.chunks} passages, {report.embedded} embedded, "
        f"{report.seconds:.1f} s"
    )


def status(settings: IndexSettings, options: argparse.Namespace) -> int:
    """What is served."""
    index = wire.open_index(settings)
    manifest = Generations(settings.data).manifest(index.name)
    abouts = index.abouts
    counts: dict[str, Counter[str]] = {
        "language": Counter(a.language for a in abouts.values()),
        "kind": Counter(a.kind for a in abouts.values()),
        "publisher": Counter(a.publisher for a in abouts.values()),
        "year": Counter((a.published or "undated")[: 7 if a.published is None else 4] for a in abouts.values()),
    }
    index.close()
    undated = sorted(i for i, a in abouts.items() if a.published is None)
    if options.json:
        print(
            json.dumps(
                {
                    "generation": manifest.generation,
                    "created": manifest.created,
                    "documents": manifest.documents,
                    "chunks": manifest.chunks,
                    "encoders": [asdict(e) for e in manifest.encoders],
                    "counts": {k: dict(sorted(c.items())) for k, c in counts.items()},
                    "undated": undated,
                    "skipped": [{"path": p, "reason": r, "broken": b} for p, r, b in manifest.skipped],
                },
                ensure_ascii=False,
            )
        )
        return 0
    print(
        f"{manifest.generation}, built {manifest.created}: {manifest.documents} documents, {manifest.chunks} passages"
    )
    for name, counter in counts.items():
        _print_counts(name, counter)
    print(f"undated ({len(undated)}): {', '.join(undated) or 'none'}")
    for path, reason, _ in manifest.skipped:
        print(f"skipped {path}: {reason}")
    return 0


def _print_counts(name: str, counter: Counter[str]) -> None:
    table = Table("by " + name, "documents", box=None, padding=(0, 2))
    rows = sorted(counter.items()) if name == "year" else counter.most_common()
    for value, count in rows[:40]:
        table.add_row(value, f"{count:5d}")
    if len(rows) > 40:
        table.add_row(f"… and {len(rows) - 40} more", "")
    Console(highlight=False).print(table)


def verify(settings: IndexSettings, options: argparse.Namespace) -> int:
    """Exit code 1 when the served generation is not whole."""
    if options.here:
        wire.verify(settings, options.here)
        return 0
    name = Generations(settings.data).current()
    wire.verify_in_child(settings, name)
    manifest = Generations(settings.data).manifest(name)
    summary = {"generation": name, "whole": True, "documents": manifest.documents, "chunks": manifest.chunks}
    print(
        json.dumps(summary)
        if options.json
        else f"{name} is whole: {manifest.documents} documents, {manifest.chunks} passages, each finds itself"
    )
    return 0


def rollback(settings: IndexSettings, options: argparse.Namespace) -> int:
    """One generation back."""
    name = Generations(settings.data).rollback()
    print(json.dumps({"generation": name}) if options.json else f"{name} is served")
    return 0


def show_list(settings: IndexSettings, options: argparse.Namespace) -> int:
    """All generations, oldest first."""
    rows = [
        {
            "generation": name,
            "served": served,
            "created": m.created if m else None,
            "documents": m.documents if m else None,
            "chunks": m.chunks if m else None,
        }
        for name, m, served in wire.ages(settings)
    ]
    if options.json:
        print(json.dumps(rows))
        return 0
    if not rows:
        raise NoIndex(f"no index in {settings.data}; run: python -m index build")
    for row in rows:
        print(
            f"{'*' if row['served'] else ' '} {row['generation']}  {row['documents']} documents"
            f", {row['chunks']} passages"
        )
    return 0


def search(settings: IndexSettings, options: argparse.Namespace) -> int:
    """Ranked passages."""
    index = wire.open_index(settings)
    passages = index.search(options.query, options.k)
    index.close()
    if options.json:
        print(
            json.dumps(
                [
                    {
                        "document_id": p.chunk.document_id,
                        "chunk_id": p.chunk.id,
                        "start": p.chunk.start,
                        "end": p.chunk.end,
                        "score": p.score,
                        "found_by": list(p.found_by),
                        "heading": p.chunk.heading,
                        "page": p.chunk.page,
                        "title": p.about.title,
                        "publisher": p.about.publisher,
                        "published": p.about.published,
                        "text": p.chunk.text,
                    }
                    for p in passages
                ],
                ensure_ascii=False,
            )
        )
        return 0
    for rank, p in enumerate(passages, 1):
        print(
            f"{rank:2d}. {p.score:.4f} {'+'.join(p.found_by)}  {p.about.title} · {p.about.publisher} · "
            f"{p.about.published or 'undated'}\n    {p.chunk.text[:300]}"
        )
    return 0


def fetch(settings: IndexSettings, options: argparse.Namespace) -> int:
    """Exit code 3 when an original could not be fetched; copies that are kept stay as they are."""
    origins = {o.id: o for o in read_catalog(settings.sources)}
    unknown = [i for i in options.ids if i not in origins]
    if unknown:
        raise UnreadableSource(f"not in the catalog: {', '.join(unknown)}; see sources/catalog.toml")
    wanted = [origins[i] for i in options.ids] or list(origins.values())
    fetcher, outcomes = Fetcher(), []
    with Bars() as progress:
        for outcome in Originals(settings.data / "originals", fetcher).fetch(wanted):
            outcomes.append(outcome)
            progress("fetching", len(outcomes), len(wanted))
            if not options.json:
                kept = f"; the copy of {outcome.kept} stays" if outcome.state == "kept" else ""
                print(f"{outcome.state:10} {outcome.id}{': ' + outcome.reason if outcome.reason else ''}{kept}")
    fetcher.close()
    if options.json:
        print(json.dumps([asdict(o) for o in outcomes], ensure_ascii=False))
    return 3 if any(o.state in ("kept", "failed") for o in outcomes) else 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main_parser = argparse.ArgumentParser(
        prog="python -m index",
        description="Build, look at and search the index of the source documents.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[IndexSettings, argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("--json", action="store_true", help="print JSON")
        sub.set_defaults(run=run)
        return sub

    sub = command("build", build, "make the index agree with the sources; unchanged passages are not embedded again")
    sub.add_argument("--if-missing", action="store_true", help="do nothing when an index is already served")
    sub.add_argument(
        "--ray",
        nargs="?",
        const=LOCAL,
        metavar="HOST:PORT",
        help="embed on a Ray cluster, with a worker for each of its CPUs: on the one at HOST:PORT, or without an "
        "address on one that runs on this machine until the build ends. The index is the same to the last bit. "
        "Needs Ray: pip install 'union-state-assistant[ray]'",
    )
    command("status", status, "what is served: counts, undated documents, skipped files")
    command("verify", verify, "check the served generation exhaustively").add_argument(
        "--here", metavar="GENERATION", help=argparse.SUPPRESS
    )
    command("rollback", rollback, "serve the generation before the current one")
    command("list", show_list, "all generations, the served one marked *")
    command("fetch", fetch, "fetch the originals that sources/catalog.toml names into the data folder").add_argument(
        "ids", nargs="*", metavar="ID", help="origins to fetch (default: all)"
    )
    sub = command("search", search, "the ranked passages for a query")
    sub.add_argument("query")
    sub.add_argument("-k", type=_positive, default=10, help="how many passages (default 10)")
    return main_parser


def _positive(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000")
    return int(text)


def main() -> int:
    """Run one command; its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options = parser().parse_args()
    try:
        code: int = options.run(read(IndexSettings), options)
    except IndexingError as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("stopped; the served index is unchanged", file=sys.stderr)
        code = 130
    return code


if __name__ == "__main__":
    sys.exit(main())
