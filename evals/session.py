"""One evaluation from start to end: documents, index, target, questions, results and the files that report them."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assistant.chain import Assistant
from assistant.settings import AssistantSettings
from assistant.tape import Model
from assistant.wire import make_assistant
from evals import results, stats
from evals.cases import Case
from evals.gate import Report
from evals.judge import Trial
from evals.reports.junit import junit
from evals.reports.page import page
from evals.reports.summary import summary
from evals.results import Results
from evals.run import Manner, run
from evals.targets import File, Local, Server, Target
from index import wire
from index.documents import Document
from index.errors import UnreadableSource
from index.load import Loader, find


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom to ask: a file of answers, a server with its key, or neither for the assistant of this checkout."""

    answers: Path | None = None
    url: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A run's trials, the typical one of each question, its results, and milliseconds by question."""

    trials: Sequence[Trial]
    results: Results
    milliseconds: dict[str, float]

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return round(stats.percentile(self.milliseconds.values(), share), 1)


def documents(sources: Sequence[Path]) -> dict[str, Document]:
    """The documents of the folders by id, without an index; broken ones are left out, as in the index."""
    with Loader(sources) as loader:
        found = [d for p in find(sources) if isinstance(p, Path) and (d := _loaded(loader, p))]
    return {d.id: d for d in found}


def _loaded(loader: Loader, path: Path) -> Document | None:
    try:
        return loader.load(path)
    except UnreadableSource:
        return None


@contextmanager
def target(choice: Choice, sources: Sequence[Path], kept: Path | None = None) -> Iterator[Target]:
    """The one of the choice; this checkout's assistant is given an index of the sources, in a folder of its own or in
    `kept`, where only what changed is indexed again."""
    if choice.answers:
        yield File.open(choice.answers)
    elif choice.url:
        yield Server(choice.url, choice.key)
    else:
        with on_index_of(sources, kept) as assistant:
            yield Local(assistant)


@contextmanager
def on_index_of(sources: Sequence[Path], kept: Path | None = None, model: Model | None = None) -> Iterator[Assistant]:
    """The assistant of these settings on an index of `sources`, in a folder of its own or in `kept`; `model` in place
    of the settings' own."""
    with tempfile.TemporaryDirectory() as data:
        settings = AssistantSettings(sources=tuple(sources), data=kept or Path(data))
        wire.build(settings)
        assistant = make_assistant(settings, model=model)
        try:
            yield assistant
        finally:
            assistant.close()


def evaluate(
    cases: Sequence[Case], choice: Choice, sources: Sequence[Path], progress: Callable[[int, int], None],
    manner: Manner, arbiter: str | None = None,
) -> Ran:  # fmt: skip
    """Ask and judge. `arbiter` is the name of the manner's. Raises Unreachable, BadAnswers, IndexingError."""
    known = documents(sources)
    with target(choice, sources) as asked:
        trials = run(cases, asked, known.get, progress, manner)
        found = results.collect(trials, known.values(), asked.name, arbiter)
    by_item = results.grouped(trials)
    times = {t[0].identity: round(sum(one.milliseconds for one in t) / len(t), 1) for t in by_item}
    return Ran([results.typical(t) for t in by_item], found, times)


def report(ran: Ran, base: Results | None, gated: Report, folder: Path) -> None:
    """Write the files of a report into the folder: those of `reports`, times, and the answers as lines that
    --answers reads."""
    folder.mkdir(parents=True, exist_ok=True)
    results.write(ran.results, folder / "results.json")
    (folder / "junit.xml").write_text(junit(ran.results, ran.milliseconds), "utf-8")
    (folder / "summary.md").write_text(summary(ran.results, base, gated), "utf-8")
    (folder / "report.html").write_text(page(ran.results, base, gated, ran.milliseconds), "utf-8")
    timings = {"p50": ran.percentile(0.5), "p95": ran.percentile(0.95), "milliseconds": ran.milliseconds}
    (folder / "timings.json").write_text(json.dumps(timings, indent=1) + "\n", "utf-8")
    lines = [json.dumps({"id": t.identity} | t.said.model_dump(mode="json", exclude_none=True), ensure_ascii=False)
             for t in ran.trials if t.said]  # fmt: skip
    (folder / "answers.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
