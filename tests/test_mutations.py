"""Altered sentences of the sources are told from true ones, each kind by its own rule."""

from collections import Counter
from collections.abc import Sequence

import pytest

from assistant.support import Vector, Verdict, check
from evals.alter import CONTROLS, MUTATIONS
from evals.mutate import Corpus, Draft, drafts, gather
from tests.conftest import ROOT
from tests.fakes import WordEncoder

ENCODER = WordEncoder()
Judged = list[tuple[Draft, Verdict]]
# Which rule must object to which kind of mutation. A mutation may well break more than one.
GUARDS = {
    "number": {"number", "date"},
    "date": {"date"},
    "negation added": {"negation"},
    "negation removed": {"negation"},
    "name": {"name"},
    "letters": {"letters"},
    "unit": {"number"},
    "antonym": {"antonym"},
    "certainty": {"modality", "quantifier"},
    "order": {"order"},
    "splice": {"splice"},
    "wrong passage": {"support", "number", "date", "name"},
}


def encode(texts: Sequence[str]) -> list[tuple[Vector | None, ...]]:
    return [(row,) for row in ENCODER.encode(texts)]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return gather(ROOT / "sources")


@pytest.fixture(scope="module")
def judged(corpus: Corpus) -> Judged:
    made = drafts(corpus, seed=1, each=8)
    return [(d, check(d.text, d.quotes, corpus.names, encode, d.published)) for d in made]


def test_every_kind_is_made_in_russian_and_english(judged: Judged) -> None:
    made = {(d.kind, d.language) for d, _ in judged}
    assert {(k, code) for k in (*MUTATIONS, *CONTROLS, "splice", "wrong passage") for code in ("en", "ru")} - made <= {
        ("order", "ru")
    }


def test_mutations_are_caught(judged: Judged) -> None:
    missed = [(d.kind, d.text) for d, v in judged if not d.true and v.supported]
    assert len(missed) <= 0.01 * sum(not d.true for d, _ in judged), missed


@pytest.mark.parametrize("kind", GUARDS)
def test_each_kind_is_caught_by_its_own_rule(kind: str, judged: Judged) -> None:
    verdicts = [v for d, v in judged if d.kind == kind]
    caught = sum(bool({p.kind for p in v.problems} & GUARDS[kind]) for v in verdicts)
    assert caught >= 0.9 * len(verdicts) > 0, Counter(p.kind for v in verdicts for p in v.problems)


def test_true_sentences_pass(judged: Judged) -> None:
    refused = [(d.kind, d.text, v.problems) for d, v in judged if d.true and not v.supported]
    assert len(refused) <= 0.02 * sum(d.true for d, _ in judged), refused


def test_the_same_seed_makes_the_same(corpus: Corpus, judged: Judged) -> None:
    again = [d for d in drafts(corpus, seed=1, each=2) if d.kind == "number"]
    assert again and set(again) <= {d for d, _ in judged}
