"""Fits the sentence ranker and the answerability model on XQuAD and writes assistant/weights.json.

    python -m evals.fit --xquad FOLDER      FOLDER has xquad.en.json and xquad.ru.json

Questions in English and Russian are asked of paragraphs in both languages. A question whose paragraph is taken out of
the results is the negative: no difference in wording gives it away. Articles with even numbers fit, odd ones measure.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from assistant import answerability
from assistant.evidence import FEATURES, QUESTION_FEATURES, Asked, Evidence, ask, gather, question_features
from index import wire
from index.settings import IndexSettings

PAIRS = (("en", "en"), ("ru", "ru"), ("ru", "en"), ("en", "ru"))
PASSAGES = 10
WEIGHTS = Path(__file__).parent.parent / "assistant" / "weights.json"
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Item:
    """A question of one article asked of one language's paragraphs. `right` says which evidence holds the answer."""

    pair: tuple[str, str]
    article: int
    removed: bool
    asked: Asked
    evidence: list[Evidence]
    right: list[bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One XQuAD question with its paragraph's id."""

    question: str
    answer: str
    document: str
    article: int


def rows(folder: Path, language: str, sources: Path) -> list[Row]:
    """The questions of one language; its paragraphs are written below `sources` as documents."""
    sources.mkdir(parents=True)
    found = []
    for article, entry in enumerate(json.loads((folder / f"xquad.{language}.json").read_text("utf-8"))["data"]):
        for number, paragraph in enumerate(entry["paragraphs"]):
            name = f"{article:02}-{number:02}"
            text = " ".join(paragraph["context"].split())
            (sources / f"{name}.md").write_text(f"# {entry.get('title', language)}\n\n{text}\n", "utf-8")
            found += [
                Row(q["question"], " ".join(q["answers"][0]["text"].split()).casefold(), name, article)
                for q in paragraph["qas"]
            ]
    return found


def items(folder: Path, work: Path) -> Iterator[Item]:
    """Every question in every language pair, once with its paragraph and once without."""
    questions = {language: rows(folder, language, work / language) for language in ("en", "ru")}
    for language in questions:
        wire.build(_settings(work, language))
    for asked_in, answered_in in PAIRS:
        index = wire.open_index(_settings(work, answered_in))
        for row, answer in zip(questions[asked_in], questions[answered_in], strict=True):
            asked = ask(row.question, index)
            found = index.search(row.question, 2 * PASSAGES)
            for removed in (False, True):
                kept = [p for p in found if not (removed and p.chunk.document_id == row.document)][:PASSAGES]
                evidence = gather(asked, kept, index)
                yield Item(
                    (asked_in, answered_in),
                    row.article,
                    removed,
                    asked,
                    evidence,
                    [
                        not removed
                        and e.passage.chunk.document_id == row.document
                        and answer.answer in e.text.casefold()
                        for e in evidence
                    ],
                )
        index.close()


def _settings(work: Path, language: str) -> IndexSettings:
    return IndexSettings(sources=(work / language,), data=work / f"{language}.data")


def fit_rank(chosen: Sequence[Item], penalty: float = 1e-3) -> Matrix:
    """Weights that make the right sentence the likeliest of its question's: conditional logistic regression by
    gradient ascent with Newton steps (McFadden, "Conditional logit analysis of qualitative choice behavior", 1974)."""
    groups = [(np.array([e.features for e in i.evidence]), np.array(i.right)) for i in chosen if any(i.right)]
    weights = np.zeros(len(FEATURES))
    for _ in range(30):
        gradient, curvature = -2 * penalty * weights * len(groups), -2 * penalty * np.eye(len(weights)) * len(groups)
        for features, right in groups:
            share = np.exp(features @ weights - (features @ weights).max())
            share /= share.sum()
            good = share * right / (share * right).sum()
            gradient += good @ features - share @ features
            curvature -= _covariance(features, share) - _covariance(features, good)
        step = np.linalg.solve(curvature - 1e-6 * np.eye(len(weights)), gradient)
        weights = weights - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-5:
            break
    return weights


def _covariance(features: Matrix, share: Matrix) -> Matrix:
    mean = share @ features
    return (features * share[:, None]).T @ features - np.outer(mean, mean)


# Which way a feature may point: a question is no likelier to be answered for a word that is missing. Without this,
# features that say nearly the same get weights of opposite signs, which do not carry over to other corpora.
FALLING = ("missing", "lost")
FREE = ("across",)


def fit_answerable(features: Matrix, present: NDArray[np.bool_], penalty: float = 1.0) -> tuple[Matrix, float]:
    """Logistic regression with bounded signs on standardised features, given back in their own scale."""
    mean, spread = features.mean(0), features.std(0) + 1e-9
    scaled, sign = (features - mean) / spread, np.where(present, 1.0, -1.0)

    def loss(parameters: Matrix) -> tuple[float, Matrix]:
        margin = sign * (scaled @ parameters[:-1] + parameters[-1])
        wrong = sign / (1 + np.exp(margin))
        gradient = np.append(penalty * parameters[:-1] - scaled.T @ wrong, -wrong.sum())
        return float(np.logaddexp(0, -margin).sum() + penalty / 2 * parameters[:-1] @ parameters[:-1]), gradient

    bounds = [(None, None) if f in FREE else (None, 0.0) if f in FALLING else (0.0, None) for f in QUESTION_FEATURES]
    found = minimize(loss, np.zeros(len(bounds) + 1), jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    weights = found.x[:-1] / spread
    return weights, float(found.x[-1] - weights @ mean)


def best_threshold(logits: Matrix, present: NDArray[np.bool_]) -> float:
    """The probability that parts answerable from unanswerable questions best: the greatest share answered when
    present less the share answered when absent (Youden, "Index for rating diagnostic tests", 1950)."""
    candidates = np.arange(0.2, 0.81, 0.01)
    cuts = np.log(candidates / (1 - candidates))
    gains = [np.mean(logits[present] > cut) - np.mean(logits[~present] > cut) for cut in cuts]
    return round(float(candidates[int(np.argmax(gains))]), 2)


def main() -> int:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m evals.fit", description=__doc__.splitlines()[0])
    parser.add_argument("--xquad", type=Path, default=Path("../shared/data/xquad"))
    options = parser.parse_args()
    if not (options.xquad / "xquad.ru.json").is_file():
        print(f"no xquad.en.json and xquad.ru.json in {options.xquad}; give their folder with --xquad", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as work:
        everything = list(items(options.xquad, Path(work)))
    fitted = fit_rank([i for i in everything if i.article % 2 == 0])
    weights = answerability.Weights(tuple(fitted), (), 0.0, 0.5)
    ranked = [answerability.rank(i.evidence, weights) for i in everything]
    features = np.array([question_features(i.asked, r) for i, r in zip(everything, ranked, strict=True)])
    present = np.array([not i.removed for i in everything])
    even = np.array([i.article % 2 == 0 for i in everything])
    answerable, bias = fit_answerable(features[even], present[even])
    logits = features @ answerable + bias
    same = np.array([i.pair[0] == i.pair[1] for i in everything])
    threshold = best_threshold(logits[even & same], present[even & same])
    _report(everything, ranked, logits, present, ~even, threshold)
    WEIGHTS.write_text(
        json.dumps(
            {
                "about": "fitted by python -m evals.fit on XQuAD, English and Russian, articles with even numbers",
                "rank": dict(zip(FEATURES, np.round(fitted, 4).tolist(), strict=True)),
                "answerable": dict(zip(QUESTION_FEATURES, np.round(answerable, 4).tolist(), strict=True)),
                "bias": round(bias, 4),
                "threshold": threshold,
            },
            indent=1,
        )
        + "\n",
        "utf-8",
    )
    print(f"wrote {WEIGHTS.name}")
    return 0


def _report(
    everything: Sequence[Item],
    ranked: Sequence[list[tuple[float, Evidence]]],
    logits: Matrix,
    present: NDArray[np.bool_],
    held_out: NDArray[np.bool_],
    threshold: float,
) -> None:
    """Figures on the articles that were not fitted."""
    cut = np.log(threshold / (1 - threshold))
    for pair in PAIRS:
        chosen = np.array([i.pair == pair for i in everything]) & held_out
        asked = [n for n in np.flatnonzero(chosen).tolist() if present[n] and any(everything[n].right)]
        first = np.mean([everything[n].right[everything[n].evidence.index(ranked[n][0][1])] for n in asked])
        print(
            f"{pair[0]}->{pair[1]}: right sentence first {first:.3f} of {len(asked)}, answerability AUC "
            f"{roc_auc_score(present[chosen], logits[chosen]):.3f}, answered when present "
            f"{np.mean(logits[chosen & present] > cut):.3f}, when absent {np.mean(logits[chosen & ~present] > cut):.3f}"
        )


if __name__ == "__main__":
    sys.exit(main())
