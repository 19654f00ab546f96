"""How like a query the chunks of one encoder are: all compared, or those that Chroma's graph proposes.

A score is the cosine of chunk and query in standard deviations above the mean of all chunks, so those of several
encoders can be added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.errors import BrokenIndex
from index.ports import Encoder, Vectors
from index.store import VectorStore

PROPOSED = 200  # of each encoder, by Chroma's graph
_LEAST_DEVIATION = 1e-6
Scores = NDArray[np.float32]
Positions = NDArray[np.int64]


class Channel(Protocol):
    """One encoder and the chunks that it reads, by their positions in the index."""

    @property
    def encoder(self) -> Encoder:
        """What made its vectors."""

    def proposed(self, vector: Vectors, until: int | None) -> Positions | None:
        """Positions of the chunks nearest to a query, of those published up to the day `until`; None where comparing
        all costs no more."""

    def scores(self, vector: Vectors, positions: Positions | None) -> tuple[Positions, Scores]:
        """Those of `positions` that the encoder reads, all where None, and the score of each."""


@dataclass(frozen=True, slots=True)
class Exact:
    """All vectors in memory."""

    encoder: Encoder
    rows: Positions
    vectors: Vectors

    def proposed(self, vector: Vectors, until: int | None) -> Positions | None:
        """None: all are compared."""
        return None

    def scores(self, vector: Vectors, positions: Positions | None) -> tuple[Positions, Scores]:
        """Of all chunks that the encoder reads."""
        cosines = self.vectors @ vector
        if not len(self.rows):
            return self.rows, cosines
        return self.rows, (cosines - cosines.mean()) / max(float(cosines.std()), _LEAST_DEVIATION)


class Graph:
    """Vectors stay in Chroma; only their mean and covariance are in memory, which give the mean and deviation of all
    cosines to any query."""

    def __init__(
        self, encoder: Encoder, store: VectorStore, collection: str, ids: Sequence[str], moments: "Moments"
    ) -> None:
        self.encoder, self._store, self._collection, self._moments = encoder, store, collection, moments
        self._ids, self._position = ids, {i: n for n, i in enumerate(ids)}

    def proposed(self, vector: Vectors, until: int | None) -> Positions | None:
        """As many as PROPOSED."""
        found, _ = self._store.nearest(self._collection, vector[None], min(PROPOSED, len(self._ids)), until)
        return np.array([self._position[i] for i in found[0]], np.int64)

    def scores(self, vector: Vectors, positions: Positions | None) -> tuple[Positions, Scores]:
        """Of `positions`, which are given."""
        assert positions is not None
        stored = self._store.vectors_of(self._collection, [self._ids[n] for n in positions])
        rows = [int(n) for n in positions if self._ids[n] in stored]
        if not rows:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        cosines = np.array([stored[self._ids[n]] for n in rows]) @ vector
        mean, deviation = self._moments.of_cosines(vector)
        return np.array(rows, np.int64), np.asarray((cosines - mean) / max(deviation, _LEAST_DEVIATION), np.float32)


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean, shape (d,), and covariance, shape (d, d), of vectors."""

    mean: Vectors
    covariance: Vectors

    @classmethod
    def of(cls, vectors: Vectors) -> "Moments":
        """Those of `vectors`, shape (n, d); zeros where there are none."""
        wide = np.zeros((1, vectors.shape[1])) if not len(vectors) else vectors.astype(np.float64)
        mean = wide.mean(axis=0)
        return cls(mean.astype(np.float32), (wide.T @ wide / len(wide) - np.outer(mean, mean)).astype(np.float32))

    def of_cosines(self, query: Vectors) -> tuple[float, float]:
        """Mean and standard deviation of the inner products with `query`."""
        return float(self.mean @ query), max(float(query @ self.covariance @ query), 0.0) ** 0.5

    def save(self, folder: Path, number: int) -> None:
        """Write those of an encoder into a generation."""
        np.save(folder / f"moments-{number}.npy", np.vstack([self.mean, self.covariance]))

    @classmethod
    def load(cls, folder: Path, number: int) -> "Moments":
        """Read them. Raises BrokenIndex."""
        try:
            both: Vectors = np.load(folder / f"moments-{number}.npy")
        except (OSError, ValueError) as error:
            raise BrokenIndex(f"{folder.name} has no moments-{number}.npy; run: python -m index build") from error
        return cls(both[0], both[1:])
