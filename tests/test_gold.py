"""The gold stands on the sources, its halves do not mix, and what judges answers can tell right from wrong."""

from collections import Counter
from pathlib import Path

import pytest

from evals.cases import Case, lint, load
from evals.metrics import says
from index.documents import Document
from index.load import Loader, find
from tests.conftest import ROOT

GOLD = sorted((ROOT / "evals/gold").glob("*.jsonl"))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load(GOLD)


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    with Loader((ROOT / "sources",)) as loader:
        found = [loader.load(p) for p in find((ROOT / "sources",)) if isinstance(p, Path)]
    return {d.id: d for d in found}


def test_every_item_stands_on_the_sources(cases: list[Case], documents: dict[str, Document]) -> None:
    assert lint(cases, documents.get) == []


def test_lint_sees_a_quote_that_moved(cases: list[Case], documents: dict[str, Document]) -> None:
    case = next(c for c in cases if c.evidence)
    first = case.evidence[0].any_of[0]
    place = first.model_copy(update={"start": first.start + 1})
    group = case.evidence[0].model_copy(update={"any_of": (place,)})
    assert lint([case.model_copy(update={"evidence": (group,)})], documents.get)


def test_there_are_enough_of_each_kind(cases: list[Case]) -> None:
    languages, classes = Counter(c.lang for c in cases), Counter(c.answerability for c in cases)
    assert len(cases) >= 400 and languages["ru"] >= 100 and languages["be"] >= 40
    assert classes["conflicting"] >= 20 and classes["false_premise"] >= 20 and classes["unanswerable"] >= 20
    assert sum(c.as_of is not None for c in cases) >= 30


def test_no_cluster_stands_in_both_halves(cases: list[Case]) -> None:
    halves: dict[str, set[str]] = {}
    for case in cases:
        halves.setdefault(case.cluster, set()).add(case.split)
    assert [c for c, splits in halves.items() if len(splits) > 1] == []


@pytest.mark.parametrize(
    ("text", "wording", "holds"),
    [("28 programmes", "28", True), ("1,280 of them", "28", False), ("7 328,2 млн", "7328,2", True),
     ("федерация", "федерац", True), ("конфедерация", "федерац", False), ("80 %", "80%", False),
     ("On 17 February", "7 February", False)],
)  # fmt: skip
def test_wordings_are_found_at_borders(text: str, wording: str, holds: bool) -> None:
    assert says(text, [wording]) is holds
