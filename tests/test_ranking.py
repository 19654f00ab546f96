"""Ranking measures equal trec_eval's own output."""

from collections import defaultdict
from pathlib import Path

import pytest

from evals import ranking
from tests.conftest import SHARED

DATA = SHARED / "data" / "trec_eval"
NAMES = ("map", "recip_rank", "recall_10", "recall_100", "ndcg_cut_10", "ndcg_cut_100")


def judged() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for line in (DATA / "qrels.test").read_text("utf-8").splitlines():
        topic, _, document, grade = line.split()
        found[topic][document] = float(grade)
    return found


def ranked() -> dict[str, list[str]]:
    """trec_eval ranks by score, and what ties by document number, both descending; it ignores the ranks given."""
    rows: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for line in (DATA / "results.test").read_text("utf-8").splitlines():
        topic, _, document, _, score, _ = line.split()
        rows[topic].append((float(score), document))
    return {topic: [document for _, document in sorted(found, reverse=True)] for topic, found in rows.items()}


def expected(path: Path) -> dict[tuple[str, str], float]:
    return {(topic, name): float(value) for name, topic, value in map(str.split, path.read_text("utf-8").splitlines())
            if name in NAMES and topic != "all"}  # fmt: skip


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_dir(), reason="trec_eval's test data does not lie beside this checkout")
def test_measures_are_trec_evals() -> None:
    grades, order, told = judged(), ranked(), expected(DATA / "out.test.aq")
    assert len(told) == 3 * len(NAMES)
    for (topic, name), value in told.items():
        gains = [grades[topic].get(d, 0.0) for d in order[topic]]
        known = [g for g in grades[topic].values() if g > 0]
        ours = {
            "map": lambda g=gains, k=known: ranking.average_precision(g, k),
            "recip_rank": lambda g=gains: ranking.reciprocal_rank(g),
            "recall_10": lambda g=gains, k=known: ranking.recall(g, k, 10),
            "recall_100": lambda g=gains, k=known: ranking.recall(g, k, 100),
            "ndcg_cut_10": lambda g=gains, k=known: ranking.ndcg(g, k, 10),
            "ndcg_cut_100": lambda g=gains, k=known: ranking.ndcg(g, k, 100),
        }[name]()
        assert round(ours, 4) == pytest.approx(value, abs=1e-9), (topic, name)


def test_a_worked_example() -> None:
    gains, known = [3.0, 2.0, 3.0, 0.0, 1.0, 2.0], [3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 1.0]
    assert ranking.ndcg(gains, known, 6) == pytest.approx(6.861 / 8.740, abs=1e-3)  # Wikipedia's, with gain 3 added
    assert ranking.recall(gains, known, 3) == pytest.approx(3 / 7)
    assert ranking.reciprocal_rank([0.0, 0.0, 1.0]) == pytest.approx(1 / 3)


def test_nothing_relevant_scores_nothing() -> None:
    assert ranking.ndcg([0.0], [], 10) == ranking.recall([0.0], [], 10) == ranking.average_precision([], []) == 0
