"""Fits the model of conflicts between sources and writes assistant/conflict_weights.json.

    python -m evals.fit_conflicts [--pairs FILE] [--gold FOLDER]

It learns from `evals/train/conflicts/pairs.jsonl`, pairs of sentences labelled "conflict", "change" (over time) or
"none", and from the dev split of the gold: what contradicts in items about a conflict, and nothing in the others. Half
of both, by hash, fits; the other half measures.
"""

import argparse
import hashlib
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from assistant import answerability, conflicts, rewrite
from assistant.asked import Asked, ask
from assistant.compose import compose
from assistant.evidence import Evidence, gather
from evals.cases import Case, load
from evals.fit import Bounds, bounded_logistic
from evals.run import question
from index import wire
from index.search import Index
from index.settings import IndexSettings

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "assistant" / "conflict_weights.json"
PASSAGES = 20
# How much a pair of each origin counts: most pairs of the gold are far from any conflict, few are one.
SHARES = {"labelled": 1.0, "conflicting": 2.0, "quiet": 0.5}
# A feature points one way only, so that features that say nearly the same do not get weights of opposite signs.
FALLING = ("missing", "unasked", "apart", "growing")
THRESHOLDS, MARGINS = (0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7), (1.5, 2.0, 2.5, 3.0)
MOST_FALSE = 0.05  # questions of the fitting half that show a conflict where there is none
Matrix = NDArray[np.float64]
Origin = Literal["labelled", "conflicting", "quiet"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sentences for one question. `behind` is how far the second ranks behind the best, 0 where it does not matter,
    infinite for the pair of no sentences that stands for the question itself; `answered` whether it is answered."""

    origin: Origin
    question: str
    fits: bool
    right: bool
    answered: bool
    behind: float
    features: tuple[float, ...]


def labelled(path: Path, index: Index) -> Iterator[Pair]:
    """The labelled pairs of which both sentences still stand in the sources."""
    for line in path.read_text("utf-8").splitlines():
        raw = json.loads(line)
        asked = ask(raw["question"], index)
        one, other = (_stands(asked, *place, index) for place in zip(raw["notes"], raw["texts"], strict=True))
        if one is None or other is None:
            print(f"not in the sources any more: {raw['facts']}", file=sys.stderr)
            continue
        features = conflicts.features(asked, one, other, index)
        yield Pair("labelled", asked.text, raw["half"] == "fit", raw["label"] == "conflict", True, 0.0, features)


def _stands(asked: Asked, document: str, text: str, index: Index) -> Evidence | None:
    """The sentence as evidence for the question."""
    passages = [p for p in index.search(text, PASSAGES) if p.chunk.document_id == document]
    return next((e for e in gather(asked, passages, index) if e.text == text), None)


def gold(cases: Sequence[Case], known: set[frozenset[str]], index: Index) -> Iterator[Pair]:
    """Pairs of a sentence of the answer and another that ranks near it; those in `known` are labelled elsewhere."""
    weights = answerability.load()
    for case in cases:
        asked_of = question(case)
        texts = [rewrite.standalone(asked_of, index.glossary)]
        texts += [v.question for v in case.variants if not case.history]
        for text in texts:
            asked = ask(text, index, asked_of.as_of)
            parts = [ask(p, index) for p in rewrite.parts(text)]
            made = compose(asked, parts, index.search(text, PASSAGES, asked_of.as_of), index, weights)
            added = [other for _, other in made.disputes]
            ends = {(s.passage.chunk.document_id, s.end) for d in made.drafts for s in d.proposed}
            chosen = [e for _, e in made.near if (_document(e), e.end) in ends and e not in added]
            answered = made.confidence >= weights.threshold
            origin: Origin = "conflicting" if case.answerability == "conflicting" else "quiet"
            place = origin, f"{case.id} {text}", _half(case.id)
            yield Pair(*place, False, answered, math.inf, (0.0,) * len(conflicts.FEATURES))
            for one, other, behind in _rivals(chosen, made.near):
                right = _right(case, one.text, other.text)
                if right is not None and (right or frozenset((one.text, other.text)) not in known):
                    yield Pair(*place, right, answered, behind, conflicts.features(asked, one, other, index))


def _rivals(
    chosen: Sequence[Evidence], near: Sequence[tuple[float, Evidence]]
) -> Iterator[tuple[Evidence, Evidence, float]]:
    for place, one in enumerate(chosen):
        for score, other in near[: conflicts.SEEN]:
            behind = near[0][0] - score
            if behind <= MARGINS[-1] and other not in chosen[: place + 1] and _document(other) != _document(one):
                yield one, other, behind


def _document(evidence: Evidence) -> str:
    return evidence.passage.chunk.document_id


def _right(case: Case, one: str, other: str) -> bool | None:
    """Whether the two are sides of the item's conflict; None where the item does not tell."""
    if case.answerability != "conflicting":
        return False
    sides = [{n for n, g in enumerate(case.evidence) if any(p.quote == t for p in g.any_of)} for t in (one, other)]
    return None if not sides[0] or not sides[1] else not sides[0] & sides[1]


def _half(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % 2 == 0


def fit(pairs: Sequence[Pair], penalty: float = 2.0) -> tuple[Matrix, float]:
    """Logistic regression with bounded signs on standardised features, given back in their own scale."""
    chosen = [p for p in pairs if p.fits and p.behind < math.inf]
    features = np.array([p.features for p in chosen])
    counts = np.array([SHARES[p.origin] for p in chosen])
    bounds: list[Bounds] = [(None, 0.0) if f in FALLING else (0.0, None) for f in conflicts.FEATURES]
    return bounded_logistic(features, np.array([p.right for p in chosen], dtype=bool), counts, bounds, penalty)


def recall(pairs: Sequence[Pair], sure: Matrix, fits: bool, origin: Origin, threshold: float, margin: float) -> float:
    """Share of the conflicts that are seen: of labelled pairs each, of the gold each question."""
    found: dict[str, bool] = {}
    for n, p in enumerate(pairs):
        if p.origin == origin and p.fits == fits and p.right:
            key = f"{n}" if origin == "labelled" else p.question
            found[key] = found.get(key, False) or bool(sure[n] >= threshold and p.behind <= margin)
    return sum(found.values()) / max(1, len(found))


def false_share(pairs: Sequence[Pair], sure: Matrix, fits: bool, threshold: float, margin: float) -> float:
    """Share of the answered questions without a conflict that show one."""
    asked = {p.question for p in pairs if p.origin == "quiet" and p.answered and p.fits == fits}
    wrong = {
        p.question for n, p in enumerate(pairs)
        if p.question in asked and sure[n] >= threshold and p.behind <= margin
    }  # fmt: skip
    return len(wrong) / max(1, len(asked))


def choose(pairs: Sequence[Pair], sure: Matrix) -> tuple[float, float]:
    """Threshold and margin that see most of the fitting half's conflicts, less what they wrongly see in its labelled
    pairs, at no more than MOST_FALSE of the gold."""
    allowed = [(t, m) for t in THRESHOLDS for m in MARGINS if false_share(pairs, sure, True, t, m) <= MOST_FALSE]

    def worth(point: tuple[float, float]) -> tuple[float, float, float]:
        gold_share, own_share = (recall(pairs, sure, True, o, *point) for o in ("conflicting", "labelled"))
        calm = [n for n, p in enumerate(pairs) if p.fits and p.origin == "labelled" and not p.right]
        return gold_share + own_share - float(np.mean(sure[calm] >= point[0])), point[0], -point[1]

    return max(allowed, key=worth, default=(THRESHOLDS[-1], MARGINS[0]))


def report(pairs: Sequence[Pair], sure: Matrix, threshold: float, margin: float) -> None:
    """Figures of both halves."""
    for fits in (True, False):
        own = [n for n, p in enumerate(pairs) if p.fits == fits and p.origin == "labelled"]
        calm = [n for n in own if not pairs[n].right]
        print(
            f"{'fitted' if fits else 'held out'}: AUC of labelled pairs "
            f"{roc_auc_score([pairs[n].right for n in own], sure[own]):.3f}, recall "
            f"{recall(pairs, sure, fits, 'labelled', threshold, margin):.3f} of {len(own) - len(calm)}, "
            f"false {np.mean(sure[calm] >= threshold):.3f} of {len(calm)}; gold recall "
            f"{recall(pairs, sure, fits, 'conflicting', threshold, margin):.3f}, false conflicts per answered question "
            f"{false_share(pairs, sure, fits, threshold, margin):.3f}"
        )


def main() -> int:
    """Fit, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m evals.fit_conflicts", description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=Path, default=HERE / "train" / "conflicts" / "pairs.jsonl")
    parser.add_argument("--gold", type=Path, default=HERE / "gold")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.pairs.read_text("utf-8").splitlines()]
    known = {frozenset(r["texts"]) for r in rows if r["label"] == "conflict"}
    cases = [c for c in load(sorted(options.gold.glob("*.jsonl")), "dev") if c.answerable]
    with tempfile.TemporaryDirectory() as work:
        settings = IndexSettings(sources=(HERE.parent / "sources",), data=Path(work))
        wire.build(settings)
        index = wire.open_index(settings)
        pairs = [*labelled(options.pairs, index), *gold(cases, known, index)]
        index.close()
    weights, bias = fit(pairs)
    sure = 1 / (1 + np.exp(-(np.array([p.features for p in pairs]) @ weights + bias)))
    threshold, margin = choose(pairs, sure)
    report(pairs, sure, threshold, margin)
    about = "fitted by python -m evals.fit_conflicts on half of the labelled pairs and of the gold's dev questions"
    coefficients = dict(zip(conflicts.FEATURES, np.round(weights, 4).tolist(), strict=True))
    written = {
        "about": about,
        "weights": coefficients,
        "bias": round(bias, 4),
        "threshold": threshold,
        "margin": margin,
    }
    WEIGHTS.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    print(f"wrote {WEIGHTS.name}: threshold {threshold}, margin {margin}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
