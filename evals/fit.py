"""Fits the sentence ranker and the answerability model and writes assistant/weights.json.

    python -m evals.fit --data FOLDER      FOLDER has xquad/, selfaware/ and falseqa/

What they learn from is described in `evals/training.py`. XQuAD's articles with even numbers fit, odd ones measure; of
the gold only the dev split is used.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from assistant import answerability
from assistant.evidence import FEATURES, QUESTION_FEATURES, Evidence, question_features
from evals.metrics import calibration_error
from evals.training import Item, own, strangers, xquad
from index import wire
from index.settings import IndexSettings

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "assistant" / "weights.json"
# How much an item of each corpus counts: XQuAD asks in its paragraphs' words, which users do not.
SHARES = {"train": 1.5, "gold": 2.0, "strangers": 0.5}
# Chosen on the dev split of the gold (`evals run`): lower, and unanswerable questions are answered; higher, and
# answerable ones are refused.
THRESHOLD = 0.65
# Of the questions that users ask about the sources, how many these answer: about the gold's share. `confidence` is
# calibrated to it, since half of what the models learn from is made unanswerable on purpose.
ANSWERED = 0.8
Matrix = NDArray[np.float64]
Bounds = tuple[float | None, float | None]
# Which way a feature may point: a question is no likelier to be answered for a word that is missing. Without this,
# features that say nearly the same get weights of opposite signs, which do not carry over to other corpora.
FALLING = ("missing", "missing_entity", "missing_number", "lost", "denied", "no_number", "other_time")
FREE = ("across", "across_coverage", "length", "first")


def fit_rank(chosen: Sequence[Item], penalty: float = 1e-3) -> Matrix:
    """Weights that make the right sentence the likeliest of its question's: conditional logistic regression by
    gradient ascent with Newton steps (McFadden, "Conditional logit analysis of qualitative choice behavior", 1974)."""
    groups = [
        (np.array([e.features for e in i.evidence]), np.array(i.right), SHARES.get(i.corpus, 1.0))
        for i in chosen
        if any(i.right)
    ]
    weights = np.zeros(len(FEATURES))
    for _ in range(30):
        gradient, curvature = -2 * penalty * weights * len(groups), -2 * penalty * np.eye(len(weights)) * len(groups)
        for features, right, counts in groups:
            share = np.exp(features @ weights - (features @ weights).max())
            share /= share.sum()
            good = share * right / max((share * right).sum(), 1e-12)
            gradient += counts * (good @ features - share @ features)
            curvature -= counts * (_covariance(features, share) - _covariance(features, good))
        step = np.linalg.solve(curvature - 1e-6 * np.eye(len(weights)), gradient)
        weights = weights - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-5:
            break
    return weights


def _covariance(features: Matrix, share: Matrix) -> Matrix:
    mean = share @ features
    return (features * share[:, None]).T @ features - np.outer(mean, mean)


def bounded_logistic(
    features: Matrix, present: NDArray[np.bool_], counts: Matrix, bounds: Sequence[Bounds], penalty: float = 1.0
) -> tuple[Matrix, float]:
    """Logistic regression with bounded signs on standardised features, given back in their own scale."""
    mean, spread = features.mean(0), features.std(0) + 1e-9
    scaled, sign = (features - mean) / spread, np.where(present, 1.0, -1.0)

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        margin = sign * (scaled @ parameters[:-1] + parameters[-1])
        wrong = counts * sign / (1 + np.exp(margin))
        gradient = np.append(penalty * parameters[:-1] - scaled.T @ wrong, -wrong.sum())
        value = (counts * np.logaddexp(0, -margin)).sum() + penalty / 2 * parameters[:-1] @ parameters[:-1]
        return float(value), gradient

    found = minimize(loss, np.zeros(len(bounds) + 1), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    weights = found.x[:-1] / spread
    return weights, float(found.x[-1] - weights @ mean)


def everything(data: Path, work: Path) -> list[Item]:
    """All items of all corpora."""
    settings = IndexSettings(sources=(HERE.parent / "sources",), data=work / "own.data")
    wire.build(settings)
    index = wire.open_index(settings)
    gold = sorted((HERE / "gold").glob("*.jsonl"))
    found = [*own(index, gold, sorted((HERE / "train").glob("*.jsonl"))), *strangers(index, data)]
    index.close()
    return [*found, *xquad(data / "xquad", work)]


def main() -> int:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m evals.fit", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    if not (options.data / "xquad" / "xquad.ru.json").is_file():
        print(f"no xquad/xquad.ru.json in {options.data}; give the folder of public sets with --data", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work:
        items = everything(options.data, Path(work))
    fitted, answerable, bias = fit(items)
    WEIGHTS.write_text(
        json.dumps(
            {
                "about": "fitted by python -m evals.fit on XQuAD (even articles), our own questions and strangers",
                "rank": dict(zip(FEATURES, np.round(fitted, 4).tolist(), strict=True)),
                "answerable": dict(zip(QUESTION_FEATURES, np.round(answerable, 4).tolist(), strict=True)),
                "bias": round(bias, 4),
                "threshold": THRESHOLD,
            },
            indent=1,
        )
        + "\n",
        "utf-8",
    )
    print(f"wrote {WEIGHTS.name}")
    return 0


def fit(items: Sequence[Item]) -> tuple[Matrix, Matrix, float]:
    """Weights of the ranker, weights of the answerability model, its bias; prints what they reach."""
    fitted = fit_rank([i for i in items if i.fits])
    weights = answerability.Weights(tuple(fitted), (), 0.0, 0.5)
    ranked = [answerability.rank(i.evidence, weights) for i in items]
    features = np.array([question_features(i.asked, r) for i, r in zip(items, ranked, strict=True)])
    present, fits = np.array([i.present for i in items]), np.array([i.fits for i in items])
    counts = np.array([SHARES.get(i.corpus, 1.0) for i in items])
    bounds: list[Bounds] = [
        (None, None) if f in FREE else (None, 0.0) if f in FALLING else (0.0, None) for f in QUESTION_FEATURES
    ]
    answerable, bias = bounded_logistic(features[fits], present[fits], counts[fits], bounds)
    _report(items, ranked, features @ answerable + bias, present, fits)
    usual = np.array([i.corpus == "gold" and i.asked_so for i in items])
    return fitted, *calibrated(answerable, bias, features[usual], present[usual])


def calibrated(weights: Matrix, bias: float, features: Matrix, present: NDArray[np.bool_]) -> tuple[Matrix, float]:
    """The weights and bias scaled so that the probability is right on these questions, of which ANSWERED are taken to
    be answerable (Platt, "Probabilistic outputs for support vector machines", 1999)."""
    share = present.mean()
    counts = np.where(present, ANSWERED / share, (1 - ANSWERED) / (1 - share))
    logits = features @ weights + bias
    slope, shift = bounded_logistic(logits[:, None], present, counts, [(0.0, None)], penalty=0.0)
    return weights * slope[0], float(bias * slope[0] + shift)


def _report(
    items: Sequence[Item],
    ranked: Sequence[list[tuple[float, Evidence]]],
    logits: Matrix,
    present: NDArray[np.bool_],
    fits: NDArray[np.bool_],
) -> None:
    """Figures by corpus; of XQuAD on the articles that were not fitted."""
    for corpus in dict.fromkeys(i.corpus for i in items):
        of = np.array([i.corpus == corpus for i in items])
        chosen = of & ~fits if (of & ~fits).any() else of
        asked = [n for n in np.flatnonzero(chosen).tolist() if any(items[n].right)]
        first = [items[n].right[items[n].evidence.index(ranked[n][0][1])] for n in asked]
        share = 1 / (1 + np.exp(-logits[chosen]))
        both = len(set(present[chosen].tolist())) == 2
        print(
            f"{corpus:10} right sentence first {np.mean(first or [False]):.3f} of {len(asked)}, answerability AUC "
            f"{roc_auc_score(present[chosen], logits[chosen]) if both else float('nan'):.3f}, answered when present "
            f"{np.mean(share[present[chosen]] > 0.5) if both else float('nan'):.3f}, when absent "
            f"{np.mean(share[~present[chosen]] > 0.5):.3f}, calibration error "
            f"{calibration_error(share.tolist(), present[chosen].tolist()):.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())
