"""How good a ranking is: the measures of trec_eval, to whose output tests compare them.

`gains` are those of the ranking, best first, 0 for what is of no use; `known` are all gains above 0 that there are.
"""

import math
from collections.abc import Sequence


def recall(gains: Sequence[float], known: Sequence[float], k: int) -> float:
    """Share of what is relevant that stands in the first k.

    >>> recall([0, 1, 1], [1, 1, 1, 1], 2)
    0.25
    """
    return sum(g > 0 for g in gains[:k]) / len(known) if known else 0.0


def reciprocal_rank(gains: Sequence[float], k: int | None = None) -> float:
    """1 by the place of the first relevant one; 0 without one in the first k.

    >>> reciprocal_rank([0, 0.5, 1]), reciprocal_rank([0, 1], 1)
    (0.5, 0.0)
    """
    return next((1 / place for place, g in enumerate(gains[:k], 1) if g > 0), 0.0)


def average_precision(gains: Sequence[float], known: Sequence[float]) -> float:
    """Mean over all that is relevant of the precision at its place.

    >>> average_precision([1, 0, 1], [1, 1])
    0.8333333333333333
    """
    found, total = 0, 0.0
    for place, gain in enumerate(gains, 1):
        if gain > 0:
            found += 1
            total += found / place
    return total / len(known) if known else 0.0


def ndcg(gains: Sequence[float], known: Sequence[float], k: int) -> float:
    """Gain discounted by the logarithm of its place, as a share of the best order's.
    Source: Järvelin and Kekäläinen (2002).

    >>> ndcg([0, 1], [1], 10) == 1 / math.log2(3)
    True
    """
    best = _dcg(sorted(known, reverse=True)[:k])
    return _dcg(gains[:k]) / best if best else 0.0


def _dcg(gains: Sequence[float]) -> float:
    return sum(g / math.log2(place + 1) for place, g in enumerate(gains, 1))
