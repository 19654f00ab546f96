"""`pytest evals`: every gold item is a test, which fails where the item does worse than in the baseline.

    pytest evals                     the dev half; asks the index in .data, brought up to date
    pytest evals -k g4-003           one item
    pytest evals --gold-split test   the other half, which has no baseline: an item that is not right fails

An item that is not right in the baseline either is an expected failure.
"""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from evals import results, session
from evals.cases import BadGold, Case, load
from evals.judge import Find, judge
from evals.reports.junit import told
from evals.results import Item, collect
from evals.run import question
from evals.targets import Target

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_OPEN: "pytest.StashKey[tuple[Target, Find]]" = pytest.StashKey()
_CLOSE = pytest.StashKey[contextlib.ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which half of the gold."""
    parser.addoption("--gold-split", choices=("dev", "test"), default="dev", help="half of the gold questions")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The gold files beside this one; those in folders below are about other documents."""
    if file_path.suffix != ".jsonl" or file_path.parent != _HERE / "gold":
        return None
    made: pytest.Collector = GoldFile.from_parent(parent, path=file_path)
    return made


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close the assistant, if any item was asked."""
    if _CLOSE in config.stash:
        config.stash[_CLOSE].close()


class GoldFile(pytest.File):
    """A gold file; its items are its tests."""

    def collect(self) -> Iterable[pytest.Item]:
        """A test an item. A bad line is an error of collection."""
        baseline = _HERE / "baseline.json"
        known = results.read(baseline).by_id if baseline.exists() else {}
        try:
            cases = load([self.path], self.config.getoption("--gold-split"))
        except BadGold as error:
            raise self.CollectError(str(error)) from error
        yield from (self._test(case, known.get(case.id)) for case in cases)

    def _test(self, case: Case, before: Item | None) -> "GoldItem":
        made: GoldItem = GoldItem.from_parent(self, name=case.id)
        made.case = case
        if before is not None and not before.right:
            known = pytest.mark.xfail(
                reason="not right in the baseline either", raises=pytest.fail.Exception, strict=False
            )
            made.add_marker(known)
        return made


class GoldItem(pytest.Item):
    """One question, asked of an assistant on this checkout's sources."""

    case: Case

    def runtest(self) -> None:
        """Ask and judge."""
        target, find = _opened(self.config)
        trial = judge(self.case, target.ask(self.case.id, question(self.case)), find)
        if not trial.right or trial.missed:
            pytest.fail(
                told(collect([trial], (), target.name).items[0]) + "\n" + "\n".join(trial.missed), pytrace=False
            )

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands, and the question."""
        return self.path, None, f"{self.name}: {self.case.question}"


def _opened(config: pytest.Config) -> tuple[Target, Find]:
    """The assistant of this run, made for the first item."""
    if _OPEN not in config.stash:
        stack = contextlib.ExitStack()
        config.stash[_CLOSE] = stack
        sources = [_ROOT / "sources"]
        target = stack.enter_context(session.target(session.Choice(), sources, _ROOT / ".data"))
        find: Find = session.documents(sources).get
        config.stash[_OPEN] = (target, find)
    return config.stash[_OPEN]
