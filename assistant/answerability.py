"""Ranks sentences and tells whether the sources answer at all: two small models whose weights are data.

`weights.json` is written by `python -m evals.fit`; nothing is learnt while the assistant runs.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from assistant.asked import Asked
from assistant.evidence import FEATURES, QUESTION_FEATURES, Evidence, question_features


@dataclass(frozen=True, slots=True)
class Weights:
    """`rank` weighs FEATURES, `answerable` QUESTION_FEATURES after `bias`; answers below `threshold` are refused."""

    rank: tuple[float, ...]
    answerable: tuple[float, ...]
    bias: float
    threshold: float


@lru_cache(maxsize=1)
def load() -> Weights:
    """The fitted weights. Raises ValueError when they were fitted for other features."""
    raw = json.loads(files("assistant").joinpath("weights.json").read_text("utf-8"))
    if list(raw["rank"]) != list(FEATURES) or list(raw["answerable"]) != list(QUESTION_FEATURES):
        raise ValueError("assistant/weights.json was fitted for other features; run: python -m evals.fit")
    return Weights(tuple(raw["rank"].values()), tuple(raw["answerable"].values()), raw["bias"], raw["threshold"])


def rank(evidence: Sequence[Evidence], weights: Weights) -> list[tuple[float, Evidence]]:
    """Evidence with its score, best first; ties by document and place."""
    scored = [(round(_dot(weights.rank, e.features), 4), e) for e in evidence]
    return sorted(scored, key=lambda pair: (-pair[0], pair[1].passage.chunk.document_id, pair[1].start))


def confidence(asked: Asked, ranked: Sequence[tuple[float, Evidence]], weights: Weights) -> float:
    """Probability, 0 to 1, that the sources hold an answer to the question."""
    if not ranked:
        return 0.0
    logit = weights.bias + _dot(weights.answerable, question_features(asked, ranked))
    return round(1 / (1 + math.exp(-max(-30.0, min(30.0, logit)))), 4)


def _dot(weights: Sequence[float], features: Sequence[float]) -> float:
    return sum(w * f for w, f in zip(weights, features, strict=True))
