"""Fits the model of likeness between a sentence and its quotes and writes assistant/support_weights.json.

    python -m evals.fit_support --data FOLDER     FOLDER has attributionbench/, wice/ and xquad/

Within one language it learns from the human labels of AttributionBench and WiCE (supported against the rest), across
languages from XQuAD's paragraphs, which are translations of each other sentence by sentence. Half of the items, by a
hash of their claim's document, fits and chooses thresholds; the other half measures. Vectors are kept in a folder of
the system's temporary one, so that a second run is quick.
"""

import argparse
import ast
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from assistant import support
from assistant.support import FEATURES, align, features
from evals.fit import Bounds, bounded_logistic
from index import glossary, lexicon
from index.encoders import make_encoders
from index.glossary import Glossary
from index.ports import Encoder
from index.sentences import split

HERE = Path(__file__).parent
WEIGHTS = HERE.parent / "assistant" / "support_weights.json"
DRAWS, SLICE = 1000, 512
Corpus = Literal["attributionbench", "wice", "xquad en-ru", "xquad ru-en"]
WITHIN: tuple[Corpus, ...] = ("attributionbench", "wice")
ACROSS: tuple[Corpus, ...] = ("xquad en-ru", "xquad ru-en")
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Item:
    """A sentence with quotes and whether they support it; `fits` where it is used for fitting."""

    corpus: Corpus
    claim: str
    quotes: tuple[str, ...]
    supported: bool
    fits: bool


class Vectors:
    """Encodes texts and remembers them in a folder, a file an encoder."""

    def __init__(self, encoders: Sequence[Encoder], folder: Path) -> None:
        self._encoders, self._folder = encoders, folder
        folder.mkdir(parents=True, exist_ok=True)
        self._known = [self._open(e) for e in encoders]

    def learn(self, texts: Sequence[str]) -> None:
        """Encode what is not known yet."""
        for encoder, known in zip(self._encoders, self._known, strict=True):
            fresh = sorted({t for t in texts if _key(t) not in known and encoder.reads(t)}, key=lambda t: (-len(t), t))
            for start in range(0, len(fresh), SLICE):
                part = fresh[start : start + SLICE]
                known.update(zip(map(_key, part), encoder.encode(part).astype(np.float16), strict=True))
                print(f"{encoder.name}: {start + len(part)} of {len(fresh)} texts encoded", file=sys.stderr)
            if fresh:
                np.savez(self._path(encoder), **known)  # type: ignore[arg-type]  # names are hashes, no options

    def __call__(self, texts: Sequence[str]) -> list[tuple[support.Vector | None, ...]]:
        """One row a text."""
        self.learn(texts)
        return [
            tuple(
                known[_key(t)].astype(np.float32) if e.reads(t) else None
                for e, known in zip(self._encoders, self._known, strict=True)
            )
            for t in texts
        ]

    def _open(self, encoder: Encoder) -> dict[str, support.Vector]:
        path = self._path(encoder)
        return dict(np.load(path)) if path.is_file() else {}

    def _path(self, encoder: Encoder) -> Path:
        return self._folder / f"{encoder.digest[:16]}.npz"


def attributionbench(path: Path) -> Iterator[Item]:
    """Claims with the references they cite; documents are halved by question, which claims of one answer share."""
    for line in path.read_text("utf-8").splitlines():
        raw = json.loads(line)
        quotes = tuple(_read(raw["references"]))
        yield Item(
            "attributionbench", raw["claim"], quotes, raw["attribution_label"] == "attributable", _half(raw["question"])
        )


def wice(path: Path) -> Iterator[Item]:
    """Sentences of Wikipedia with the pages they cite; partly supported ones count as not supported."""
    for line in path.read_text("utf-8").splitlines():
        raw = json.loads(line)
        evidence, title = "\n".join(_read(raw["evidence"])), _read(raw["meta"])["claim_title"]
        yield Item("wice", raw["claim"], (evidence,), raw["label"] == "supported", _half(title))


def _read(field: Any) -> Any:
    """A field that is JSON, or Python's spelling of it in a string."""
    return ast.literal_eval(field) if isinstance(field, str) else field


def xquad(folder: Path) -> Iterator[Item]:
    """A sentence with its translated paragraph, and the same without the sentence's translation."""
    texts = {code: json.loads((folder / f"xquad.{code}.json").read_text("utf-8"))["data"] for code in ("en", "ru")}
    for one, other in zip(texts["en"], texts["ru"], strict=True):
        for p, q in zip(one["paragraphs"], other["paragraphs"], strict=True):
            sides = {"en": _sentences(p["context"]), "ru": _sentences(q["context"])}
            if len(sides["en"]) == len(sides["ru"]) > 2:
                yield from _pairs(sides["en"], sides["ru"], "xquad en-ru", _half(one["title"]))
                yield from _pairs(sides["ru"], sides["en"], "xquad ru-en", _half(one["title"]))


def _pairs(ours: Sequence[str], theirs: Sequence[str], corpus: Corpus, fits: bool) -> Iterator[Item]:
    for n, claim in enumerate(ours):
        near = theirs[max(0, n - 1) : n + 2]
        rest = [*theirs[max(0, n - 2) : n], *theirs[n + 1 : n + 3]]
        yield Item(corpus, claim, (" ".join(near),), True, fits)
        yield Item(corpus, claim, (" ".join(rest),), False, fits)


def _sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in split(text)]


def _half(document: str) -> bool:
    return hashlib.sha256(document.encode()).digest()[0] % 2 == 0


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def macro_f1(found: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """The mean of F1 for "supported" and F1 for "not supported".

    >>> macro_f1(np.array([True, False]), np.array([True, False]))
    1.0
    """
    scores = []
    for side in (True, False):
        both = float(((found == side) & (right == side)).sum())
        scores.append(2 * both / max(1.0, float((found == side).sum() + (right == side).sum())))
    return sum(scores) / 2


def interval(found: NDArray[np.bool_], right: NDArray[np.bool_], seed: int = 0) -> tuple[float, float]:
    """95 % bootstrap interval of macro-F1, by percentiles (Efron, "Bootstrap methods", 1979)."""
    rng = np.random.default_rng(seed)
    draws = [macro_f1(found[n], right[n]) for n in rng.integers(0, len(right), (DRAWS, len(right)))]
    return float(np.quantile(draws, 0.025)), float(np.quantile(draws, 0.975))


def measured(items: Sequence[Item], names: Glossary, vectors: Vectors) -> tuple[list[Item], Matrix]:
    """The items that have words, and their features."""
    found = [(i, a) for i in items if (a := align(i.claim, i.quotes, names)) is not None]
    vectors.learn([t for _, a in found for t in (a.claim.text, *(p.line.text for p in a.ranked))])
    return [i for i, _ in found], np.array([features(a, vectors) for _, a in found])


def fit(items: Sequence[Item], measures: Matrix, corpora: Sequence[Corpus]) -> tuple[Matrix, float, float]:
    """Weights, bias and threshold from the fitting half of `corpora`, each of which counts the same."""
    of = {c: np.array([i.corpus == c and i.fits for i in items]) for c in corpora}
    chosen = np.any(list(of.values()), axis=0)
    right = np.array([i.supported for i in items])
    counts = sum((np.where(rows, 1000 / max(1, rows.sum()), 0.0) for rows in of.values()), np.zeros(len(items)))
    bounds: list[Bounds] = [(None, None) if name == "brief" else (0.0, None) for name in FEATURES]
    weights, bias = bounded_logistic(measures[chosen], right[chosen], counts[chosen], bounds)
    share = 1 / (1 + np.exp(-(measures @ weights + bias)))
    threshold = max(
        np.arange(0.2, 0.8, 0.01), key=lambda t: sum(macro_f1(share[r] >= t, right[r]) for r in of.values())
    )
    return weights, bias, round(float(threshold), 2)


def report(items: Sequence[Item], share: Matrix, threshold: float, corpora: Sequence[Corpus]) -> None:
    """Macro-F1 and area under the curve on the half that was not fitted, with what the fitted half reaches."""
    right = np.array([i.supported for i in items])
    for corpus in corpora:
        rows = {fits: np.array([i.corpus == corpus and i.fits is fits for i in items]) for fits in (False, True)}
        held = rows[False]
        low, high = interval(share[held] >= threshold, right[held])
        print(
            f"{corpus:18} macro-F1 {macro_f1(share[held] >= threshold, right[held]):.3f} [{low:.3f}, {high:.3f}], AUC "
            f"{roc_auc_score(right[held], share[held]):.3f} of {held.sum()} held out; fitted half "
            f"{macro_f1(share[rows[True]] >= threshold, right[rows[True]]):.3f}"
        )


def main() -> int:
    """Read, fit, measure, write."""
    parser = argparse.ArgumentParser(prog="python -m evals.fit_support", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    paths = [options.data / p for p in ("attributionbench/dev.jsonl", "wice/claim_dev.jsonl", "xquad/xquad.ru.json")]
    if absent := [p for p in paths if not p.is_file()]:
        print(f"no {absent[0]}; give the folder of public sets with --data", file=sys.stderr)
        return 2
    names = glossary.find((HERE.parent / "sources",), lexicon.bundled())
    vectors = Vectors(make_encoders("bundled"), Path(tempfile.gettempdir()) / "support-vectors")
    items, measures = measured([*attributionbench(paths[0]), *wice(paths[1]), *xquad(paths[2].parent)], names, vectors)
    written: dict[str, object] = {"about": "fitted by python -m evals.fit_support on AttributionBench, WiCE and XQuAD"}
    for name, corpora in (("within", WITHIN), ("across", ACROSS)):
        weights, bias, threshold = fit(items, measures, corpora)
        report(items, 1 / (1 + np.exp(-(measures @ weights + bias))), threshold, corpora)
        fitted = dict(zip(FEATURES, np.round(weights, 4).tolist(), strict=True))
        written[name] = {"weights": fitted, "bias": round(bias, 4), "threshold": threshold}
    WEIGHTS.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    print(f"wrote {WEIGHTS.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
