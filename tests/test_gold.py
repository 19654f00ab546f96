"""The gold stands on the sources, its halves do not mix, and what judges answers can tell right from wrong."""

from collections import Counter
from pathlib import Path

import pytest

from evals.cases import Case, load, text_sha256
from evals.lint import lint
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


BROKEN: dict[str, dict[str, object]] = {
    "not in its language": {"lang": "ru"},
    "is no date": {"as_of": "2021-13-01"},
    "after as_of": {"as_of": "1990-01-01"},
    "claims are about unknown": {"claims": [{"nugget": "x", "speaker": ["A"], "stance": "claim"}]},
    "premise is corrected by unknown": {"premise": {"false": "x", "correction_nuggets": ["x"]}},
    "variants stand twice": {"variants": [{"id": "p", "type": "typo", "question": q} for q in ("a?", "b?")]},
    "alone stands in too many": {"nuggets": [{"id": "n", "any_of": ["7"]}]},
    "which is forbidden": {"forbidden": [{"any_of": ["2024"], "why": "stale"}]},
    "stands in none of its evidence": {"nuggets": [{"id": "n", "any_of": ["purple"]}]},
}


@pytest.mark.parametrize("finding", BROKEN)
def test_lint_names_what_is_wrong(finding: str, documents: dict[str, Document]) -> None:
    document = next(
        d for d in documents.values() if "2024" in d.text and d.about.published and d.about.language == "en"
    )
    end = document.text.index("2024") + 4
    place = {"doc": document.id, "start": 0, "end": end, "quote": document.text[:end], "sha256": text_sha256(document)}
    good = {
        "id": "x", "schema": 1, "split": "test", "lang": "en", "question": "What is it?", "kind": "fact",
        "answerability": "answerable", "cluster": "c", "nuggets": [{"id": "n", "any_of": ["2024"]}],
        "evidence": [{"group": "g", "any_of": [place], "supports": ["n"]}],
    }  # fmt: skip
    assert lint([Case.model_validate(good)], documents.get) == []
    found = lint([Case.model_validate(good | BROKEN[finding])], documents.get)
    assert any(finding in f for f in found), found


def test_lint_sees_halves_mixed_and_questions_that_were_learnt(cases: list[Case]) -> None:
    one = next(c for c in cases if c.split == "test" and not c.history)
    dev = one.model_copy(update={"split": "dev", "id": "other"})
    assert [f for f in lint([one, dev], lambda _: None) if "both halves" in f]
    learnt = {"train/x.jsonl": f'{{"question": "{one.question.upper()}"}}'}
    assert [f for f in lint([one], lambda _: None, learnt) if "train/x.jsonl" in f]
    assert [f for f in lint([dev], lambda _: None, learnt) if "train/x.jsonl" in f] == []
