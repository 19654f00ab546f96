"""How sure a figure is, and how sure a difference: intervals and tests, as pure functions of counts.

Each is checked in tests against worked examples and scipy. Not for: what is counted (judge.py) or what is decided
(gate.py).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DRAWS, SEED, LEVEL = 10_000, 20_260_101, 0.95
Pairs = Sequence[tuple[float, float]]


def wilson(successes: float, n: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """95 % interval of a rate. Source: Wilson, "Probable inference" (1927).

    >>> [round(x, 3) for x in wilson(9, 10)]
    [0.596, 0.982]
    """
    if n == 0:
        return 0.0, 1.0
    p, zz = successes / n, z * z / n
    centre, spread = p + zz / 2, z * math.sqrt(max(0.0, p * (1 - p)) / n + zz / (4 * n))
    return max(0.0, (centre - spread) / (1 + zz)), min(1.0, (centre + spread) / (1 + zz))


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that at least this share of all reach or stay below (nearest rank); 0 where there are none.

    >>> [percentile(range(1, 101), share) for share in (0, 0.5, 0.99, 1)]
    [1, 50, 99, 100]
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def at_most(n: int, level: float = LEVEL) -> float:
    """The rate of failures that `n` trials without one leave possible (Clopper and Pearson, 1934, one-sided).

    >>> [round(at_most(n), 4) for n in (30, 100, 300, 1000)]
    [0.095, 0.0295, 0.0099, 0.003]
    """
    return float(1 - (1 - level) ** (1 / n)) if n else 1.0


def mcnemar(lost: int, won: int) -> float:
    """Exact one-sided p that as many as `lost` of the changed items turn worse by chance: a sign test on the items
    that changed. Source: McNemar (1947).

    >>> [round(mcnemar(*pair), 3) for pair in ((5, 0), (7, 1), (9, 2), (10, 3), (0, 4))]
    [0.031, 0.035, 0.033, 0.046, 1.0]
    """
    n = lost + won
    return sum(math.comb(n, k) for k in range(lost, n + 1)) / 2**n if n else 1.0


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Each p adjusted so that the chance of any false alarm among them stays below the level. Source: Holm (1979).

    >>> holm({"a": 0.01, "b": 0.04, "c": 0.03})
    {'a': 0.03, 'b': 0.06, 'c': 0.06}
    """
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, name in enumerate(sorted(p_values, key=lambda n: (p_values[n], n))):
        highest = max(highest, min(1.0, p_values[name] * (len(p_values) - place)))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


@dataclass(frozen=True, slots=True)
class Difference:
    """New rate minus old: the difference, its interval, and one-sided p: that the new one is not lower, not higher."""

    value: float
    low: float
    high: float
    p_lower: float
    p_higher: float


def shares_by_draw(pairs: Pairs, clusters: Sequence[str], draws: int = DRAWS, seed: int = SEED) -> NDArray[np.float64]:
    """The share sum(right)/sum(of) in each of `draws` resamplings of whole clusters; where a draw holds nothing to
    count, the share of all. Source: Field and Welsh, "Bootstrapping clustered data" (2007)."""
    (drawn,) = _drawn(_sums([pairs], clusters), draws, seed)
    return np.asarray(drawn, dtype=np.float64)


def difference(
    old: Pairs, new: Pairs, clusters: Sequence[str], draws: int = DRAWS, seed: int = SEED, level: float = LEVEL
) -> Difference:
    """Share of `new` minus share of `old`, item by item the same questions, by a paired bootstrap of clusters.

    `p_lower` is the share of draws in which the new one is not lower, with one added to both counts, so that it is
    never 0; `p_higher` the share in which it is not higher."""
    before, after = _drawn(_sums([old, new], clusters), draws, seed)
    gaps = after - before
    low, high = np.quantile(gaps, [(1 - level) / 2, (1 + level) / 2])
    not_lower, not_higher = (min(1.0, (np.count_nonzero(s * gaps >= -1e-12) + 1) / (draws + 1)) for s in (1, -1))
    return Difference(share(new) - share(old), float(low), float(high), not_lower, not_higher)


def interval(
    pairs: Pairs, clusters: Sequence[str], draws: int = DRAWS, seed: int = SEED, level: float = LEVEL
) -> tuple[float, float]:
    """Interval of a share whose items come in clusters."""
    low, high = np.quantile(shares_by_draw(pairs, clusters, draws, seed), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def share(pairs: Pairs) -> float:
    """sum(right)/sum(of); 1 where there is nothing to get wrong.

    >>> share([(1, 2), (0, 1)]), share([])
    (0.3333333333333333, 1.0)
    """
    of = sum(n for _, n in pairs)
    return sum(r for r, _ in pairs) / of if of else 1.0


def _sums(runs: Sequence[Pairs], clusters: Sequence[str]) -> NDArray[np.float64]:
    """right and of by run and cluster: runs x 2 x clusters."""
    names = {name: n for n, name in enumerate(sorted(set(clusters)))}
    places = np.array([names[c] for c in clusters], dtype=np.intp)
    sums = np.zeros((len(runs), 2, len(names)))
    for run, pairs in enumerate(runs):
        for side in (0, 1):
            np.add.at(sums[run, side], places, np.array([p[side] for p in pairs], dtype=float))
    return sums


def _drawn(sums: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.float64]:
    """Shares by run and draw. All runs share the draws, so differences are paired."""
    clusters = sums.shape[2]
    if clusters == 0:
        return np.ones((len(sums), draws))
    drawn = (sums.reshape(-1, clusters) @ _counts(clusters, draws, seed)).reshape(len(sums), 2, draws)
    right, of = drawn[:, 0], drawn[:, 1]
    total = sums.sum(2)
    whole = np.array([r / n if n else 1.0 for r, n in total])[:, None]
    return np.where(of > 0, right / np.where(of > 0, of, 1), whole)


@lru_cache(maxsize=2)
def _counts(clusters: int, draws: int, seed: int) -> NDArray[np.float64]:
    """How often each cluster is drawn: clusters x draws."""
    drawn = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1 / clusters), size=draws)
    return np.ascontiguousarray(drawn.T, dtype=np.float64)
