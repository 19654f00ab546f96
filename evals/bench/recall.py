"""How many of the ten best passages are found: against all vectors compared one by one, in double precision.

Written apart from index/search.py, of which only the keyword scores are taken over, as those are exact there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evals.bench import corpus
from evals.bench.place import Place, Told
from index import wire
from index.encoders import make_encoders
from index.generation import Generations
from index.ports import Vectors
from index.search import COVERAGE_WEIGHT, Index, collection_name
from index.store import VectorStore
from index.sync import ordered

K, QUESTIONS = 10, 100
_STOCK_COLLECTION = "langchain"
_NEAR = 1e-3  # scores are rounded to four places there; whoever is as good as the tenth is one of the ten
Scores = NDArray[np.float64]


def share_found(exact: Scores, found: Sequence[int], k: int = K) -> float:
    """The share of the `k` best that `found` has.

    >>> share_found(np.array([3.0, 1.0, 2.0, 0.0]), [0, 3], k=2)
    0.5
    """
    k = min(k, len(exact))
    floor = np.sort(exact)[-k] - _NEAR
    return sum(bool(exact[n] >= floor) for n in found[:k]) / k


def standard(cosines: Scores) -> Scores:
    """In standard deviations above the mean."""
    scores: Scores = (cosines - cosines.mean()) / cosines.std()
    return scores


def measure(place: Place) -> Told:
    """Recall at 10 of our whole search, of the graph of each encoder, and of the stock pipeline's graph."""
    settings, encoders = place.settings(), make_encoders("bundled")
    index = wire.open_index(settings, encoders)
    generations = Generations(settings.data)
    manifest = generations.manifest(index.name)
    store = wire.open_store(settings, index.name, generations.folder(index.name))
    asked, ids = corpus.questions(min(QUESTIONS, place.questions)), index.texts.chunk_ids()
    channels = [ordered(store.vectors(collection_name(n)), ids, stamp) for n, stamp in enumerate(manifest.encoders)]
    vectors = [[e.encode([q])[0] for e in encoders] for q in asked]
    told: Told = {"search": _of_search(index, asked, channels, vectors)}
    for n, (rows, stored) in enumerate(channels):
        told[f"graph ({encoders[n].name})"] = _of_graph(
            store, collection_name(n), [ids[r] for r in rows], stored, [v[n] for v in vectors]
        )
    told["stock"] = _of_stock(place, [v[0] for v in vectors])
    store.close()
    index.close()
    return told


def _of_search(
    index: Index, asked: Sequence[str], channels: Sequence[tuple[list[int], Vectors]], vectors: list[list[Vectors]]
) -> float:
    position = {i: n for n, i in enumerate(index.texts.chunk_ids())}
    shares = []
    for question, encoded in zip(asked, vectors, strict=True):
        total, count = np.zeros(len(index)), np.zeros(len(index))
        for (rows, stored), vector in zip(channels, encoded, strict=True):
            total[rows] += standard(_cosines(stored, vector))
            count[rows] += 1
        exact = total / np.maximum(count, 1) + COVERAGE_WEIGHT * index.keywords.coverage(
            index.glossary.tokens(question)
        )
        shares.append(share_found(exact, [position[p.chunk.id] for p in index.search(question, K)]))
    return round(float(np.mean(shares)), 4)


def _of_graph(store: VectorStore, name: str, ids: Sequence[str], stored: Vectors, asked: Sequence[Vectors]) -> float:
    position = {i: n for n, i in enumerate(ids)}
    shares = []
    for vector in asked:
        found, _ = store.nearest(name, vector[None], K)
        shares.append(share_found(_cosines(stored, vector), [position[i] for i in found[0]]))
    return round(float(np.mean(shares)), 4)


def _of_stock(place: Place, asked: Sequence[Vectors]) -> float:
    store = VectorStore(place.stock)
    try:
        vectors = store.vectors(_STOCK_COLLECTION)
        return _of_graph(store, _STOCK_COLLECTION, list(vectors), np.array(list(vectors.values())), asked)
    finally:
        store.close()


def _cosines(stored: Vectors, vector: Vectors) -> Scores:
    return np.asarray(stored @ vector.astype(np.float64), dtype=np.float64)
