"""The measures tell right answers from wrong ones, and the selftest would notice if they did not."""

from collections.abc import Mapping

import pytest

from evals import session
from evals.cases import Case, load
from evals.judge import judge
from evals.said import Said, Sentence
from evals.selftest import Check, selftest, spoken
from evals.support import Quote, quotations, verdict
from index.documents import Document
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return load(sorted((ROOT / "evals/gold").glob("*.jsonl")))


@pytest.fixture(scope="module")
def documents() -> dict[str, Document]:
    return session.documents([ROOT / "sources"])


@pytest.fixture(scope="module")
def checks(cases: list[Case], documents: dict[str, Document]) -> dict[str, Check]:
    return {c.name: c for c in selftest(cases, documents, {})}


def test_all_marks_are_kept(checks: Mapping[str, Check]) -> None:
    assert [str(c) for c in checks.values() if not c.good] == []
    assert checks["answers made from the gold are right"].of >= 350
    assert checks["caught, all wrongs"].of >= 3000 and checks["false alarms, all harmless edits"].of >= 1500


@pytest.mark.parametrize("kind", [
    "number", "unit", "date", "negation", "speaker", "dropped citation", "wrong document", "shifted span",
    "changed quote word", "spliced quotes", "word in quotation marks",
])  # fmt: skip
def test_each_kind_of_wrong_is_made_often_enough_to_count(checks: Mapping[str, Check], kind: str) -> None:
    assert checks[f"caught: {kind}"].of >= 30


def test_a_check_that_never_ran_is_off() -> None:
    assert not Check("none", 0, 0, 0.99, True).good and not Check("none", 0, 0, 0.01, False).good
    assert not Check("low", 98, 100, 0.99, True).good and not Check("high", 2, 100, 0.01, False).good


def test_a_dump_and_another_sentence_are_not_full(cases: list[Case], documents: dict[str, Document]) -> None:
    case = next(c for c in cases if c.evidence and c.answerability == "answerable")
    said = spoken(case)
    assert judge(case, said, documents.get).outcome == "full"
    long = said.model_copy(update={"sentences": said.sentences + (Sentence(text="Yes."),) * 7})
    assert judge(case, long, documents.get).outcome == "partial"
    assert judge(case, Said(text="", refused=True), documents.get).outcome == "abstained"
    trial = judge(case, said.model_copy(update={"sentences": (Sentence(text=said.text),)}), documents.get)
    assert trial.scores["cited"] == (0.0, 1.0) and "no cited quote bears" in trial.missed[0]


ROSE = "In 2025 the budget rose by 15.2 % to 7.3 billion roubles, which Minsk did not welcome."
BUDGET = Quote(ROSE, "BelTA 2024-12-05")
MEETING = Quote("Президент не подписал договор 5 мая 2021 года.", "ТАСС 2021-05-06")


DEATH = Quote("On Nov. 26, the minister died at the age of 64.", "RANE 2023-03-13", "2023-03-13")


@pytest.mark.parametrize(("sentence", "quote", "holds"), [
    (f"{ROSE} [1]", BUDGET, True),
    (f"BelTA, 5 December 2024: «{ROSE}» [1]", BUDGET, True),
    (ROSE.replace("billion", "billion [thousand million]"), BUDGET, True),
    ("Minsk did not welcome the rise of the budget by 15.2 % to 7.3 billion roubles in 2025.", BUDGET, True),
    ("Minsk did not welcome the rise of the budget by 15.2 % to 7.3 billion euros in 2025.", BUDGET, False),
    ("In 2025 the budget rose by 15.3 % to 7.3 billion roubles, which Minsk did not welcome.", BUDGET, False),
    ("In 2025 the budget fell by 15.2 % to 7.3 billion roubles, which Minsk did not welcome.", BUDGET, False),
    ("In 2025 the budget rose by 15.2 % to 7.3 million roubles, which Minsk did not welcome.", BUDGET, False),
    ("In 2025 the budget rose by 15.2 % to 7.3 billion roubles, which Minsk did welcome.", BUDGET, False),
    ("In 2025 the budget rose by 15.2 % to 7.3 billion roubles, which Moscow did not welcome.", BUDGET, False),
    (f"It is not true: {ROSE}", BUDGET, False),
    (f"BelTA, 7 December 2021: «{ROSE}»", BUDGET, False),
    ("Президент не подписал договор 5 мая 2021 года.", MEETING, True),
    ("Президент подписал договор 5 мая 2021 года.", MEETING, False),
    ("Президент не подписал договор 5 июня 2021 года.", MEETING, False),
    ("The president did not sign on 5 May 2021.", MEETING, True),
    ("The president did not sign on 6 May 2022.", MEETING, False),
    ("Anything at all.", Quote("", ""), False),
    ("According to RANE, 13 March 2023: On Nov. 26 (2022), the minister died at the age of 64.", DEATH, True),
    ("According to RANE, 13 March 2023: The minister died at the age of 64 on Nov. 26.", DEATH, True),
    ("According to RANE, 13 April 2023: The minister died at the age of 64 on Nov. 26.", DEATH, False),
    ("According to RANE, 13 March 2023: On Nov. 26 (2021), the minister died at the age of 64.", DEATH, False),
    ("Паводле RANE, 13 сакавіка 2023: «On Nov. 26 (2022), the minister died at the age of 64.»", DEATH, True),
])  # fmt: skip
def test_a_sentence_rests_on_its_quote_or_does_not(sentence: str, quote: Quote, holds: bool) -> None:
    assert (verdict(sentence, [quote]) == "borne") is holds


def test_quotation_marks_of_all_kinds_are_seen() -> None:
    text = "«раз два три» “one two three” „eins zwei drei“ «one word» «a [note «in it»] b c»"
    assert quotations(text) == ["раз два три", "one two three", "eins zwei drei", "a b c"]
