"""Intervals and tests are those of the books and of scipy."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy

from evals import stats


@given(st.integers(1, 400), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    successes = data.draw(st.integers(0, n))
    expected = scipy.binomtest(successes, n).proportion_ci(method="wilson")
    assert stats.wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_scipys_sign_test(lost: int, won: int) -> None:
    expected = scipy.binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    assert stats.mcnemar(lost, won) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 2000))
def test_the_bound_without_failures_is_clopper_and_pearsons(n: int) -> None:
    expected = scipy.binomtest(0, n, alternative="less").proportion_ci(0.95, method="exact").high
    assert stats.at_most(n) == pytest.approx(expected, abs=1e-9)


def test_holm_on_a_worked_example() -> None:
    # Wikipedia, "Holm-Bonferroni method": of 0.01, 0.04, 0.03, 0.005 the 1st and 4th are rejected at 0.05.
    adjusted = stats.holm({"H1": 0.01, "H2": 0.04, "H3": 0.03, "H4": 0.005})
    assert adjusted == pytest.approx({"H1": 0.03, "H2": 0.06, "H3": 0.06, "H4": 0.02})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_the_p_and_bonferroni(values: list[float]) -> None:
    named = {str(n): v for n, v in enumerate(values)}
    adjusted = stats.holm(named)
    assert all(named[n] <= adjusted[n] <= min(1.0, named[n] * len(named)) + 1e-12 for n in named)
    ranked = sorted(named, key=lambda n: named[n])
    assert [adjusted[n] for n in ranked] == sorted(adjusted.values())


def test_the_bootstrap_of_single_items_is_scipys() -> None:
    rng = random.Random(3)
    values = [float(rng.random() < 0.7) for _ in range(150)]
    low, high = stats.interval([(v, 1) for v in values], [str(n) for n in range(150)])
    expected = scipy.bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_clusters_widen_the_interval() -> None:
    pairs = [(float(n % 20 < 10), 1.0) for n in range(100)]
    alone = stats.interval(pairs, [str(n) for n in range(100)])
    together = stats.interval(pairs, [str(n // 10) for n in range(100)])
    assert together[1] - together[0] > 2 * (alone[1] - alone[0])


def test_a_difference_is_paired() -> None:
    rng = random.Random(4)
    old = [(float(rng.random() < 0.5), 1.0) for _ in range(200)]
    new = [(1.0, 1.0) if n < 10 else pair for n, pair in enumerate(old)]
    clusters = [str(n) for n in range(200)]
    found = stats.difference(old, new, clusters)
    # Unpaired, a difference of a few points of 200 has an interval of +-10 points.
    assert 0 < found.value < 0.05 and found.low >= 0 and found.high < 0.07
    assert found.p_lower > 0.9 and found.p_higher < 0.06
    back = stats.difference(new, old, clusters)
    assert back.value == pytest.approx(-found.value) and back.high <= 0 and back.p_lower < 0.06


def test_a_ratio_counts_what_items_hold() -> None:
    assert stats.share([(8, 10), (0, 1)]) == pytest.approx(8 / 11)
    drawn = stats.shares_by_draw([(8, 10), (0, 1)], ["a", "b"], draws=2000)
    assert set(np.round(drawn, 4)) == {0.8, round(8 / 11, 4), 0.0}


def test_draws_are_the_same_every_time() -> None:
    pairs, clusters = [(n % 3 == 0, 1.0) for n in range(60)], [str(n // 2) for n in range(60)]
    assert stats.interval(pairs, clusters) == stats.interval(pairs, clusters)


def test_nothing_to_count_is_not_an_error() -> None:
    assert stats.interval([], []) == (1.0, 1.0)
    assert stats.difference([], [], []).value == 0.0
