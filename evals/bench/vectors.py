"""Vectors alone, for sizes at which documents would take days to encode: our store and the stock settings of Chroma,
each given the same synthetic vectors of the English encoder, asked with real questions.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from langchain_chroma import Chroma

from evals.bench import corpus
from evals.bench.clock import peak_mb, resident_mb, timed
from evals.bench.place import Place, Told
from evals.bench.recall import QUESTIONS, K, share_found
from index.channels import PROPOSED
from index.documents import Chunk
from index.packaged import English
from index.ports import Vectors
from index.store import VectorStore

_SLICE = 5000


def ours(place: Place) -> Told:
    """Chroma as index/store.py sets it up, asked for as many candidates as search takes."""
    store = VectorStore(_emptied(place.work / "vectors-ours"))
    chunks = [Chunk(str(n), "d", 0, 1, None, None, "t") for n in range(place.chunks)]
    vectors = np.concatenate(list(_slices(place)))
    started = time.perf_counter()
    store.add("vectors", chunks, vectors, [0] * len(chunks))
    seconds = time.perf_counter() - started
    return _asked(place, lambda v: store.nearest("vectors", v[None], PROPOSED)[0][0], seconds)


def stock(place: Place) -> Told:
    """Chroma as langchain-chroma sets it up."""
    store = Chroma(persist_directory=str(_emptied(place.work / "vectors-stock")))
    collection, done = store._collection, 0
    started = time.perf_counter()
    for part in _slices(place):
        ids = [str(n) for n in range(done, done + len(part))]
        collection.add(ids=ids, embeddings=part, documents=["t"] * len(part))
        done += len(part)
    seconds = time.perf_counter() - started
    return _asked(place, lambda v: collection.query(query_embeddings=v[None], n_results=K)["ids"][0], seconds)


def _emptied(folder: Path) -> Path:
    """Without what an earlier run left there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _slices(place: Place) -> Iterator[Vectors]:
    (encoder,) = corpus.derived((English(),), place.base)
    for start in range(0, place.chunks, _SLICE):
        yield encoder.encode([f"Text {n}" for n in range(start, min(start + _SLICE, place.chunks))])


def _asked(place: Place, nearest: Callable[[Vectors], list[str]], seconds: float) -> Told:
    encoder = English()
    asked = [encoder.encode([q])[0] for q in corpus.questions(min(QUESTIONS, place.questions))]
    nearest(asked[0])
    number = iter(range(len(asked)))
    took = timed(lambda _: nearest(asked[next(number)]), [""] * len(asked))
    memory = resident_mb()
    found = [[int(i) for i in nearest(v)] for v in asked]
    cosines = np.concatenate([part @ np.array(asked).T for part in _slices(place)])
    recall = np.mean([share_found(cosines[:, n].astype(np.float64), f) for n, f in enumerate(found)])
    return {"seconds": round(seconds, 1), "a_second": round(place.chunks / seconds), "search_ms": took.told(),
            "recall": round(float(recall), 4), "memory_mb": memory, "peak_mb": peak_mb()}  # fmt: skip
