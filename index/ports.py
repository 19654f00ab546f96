"""What the index asks of encoders and a reranker, so that nothing else knows which library runs them, or where."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
"""Told the name of a step, how much of it is done, and how much there is."""


class Encoder(Protocol):
    """Turns texts into unit vectors; `name`, `digest` and `dimension` go into the manifest of what it encoded."""

    name: str
    digest: str
    dimension: int
    window: int | None
    """Tokens it reads of a text; None when it reads all of it."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""

    def reads(self, text: str) -> bool:
        """Whether its vector of `text` means anything; texts that it does not read are left out of its collection."""

    def count(self, text: str) -> int:
        """Tokens of `text`, special ones included."""


class BulkEncoder(Protocol):
    """Encodes many batches of texts with any of its encoders, in as many processes as it has."""

    encoders: tuple[Encoder, ...]

    def encode(self, encoder: Encoder, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        """The place of each batch and its vectors, once each, in any order. A batch is one call of `encoder.encode`."""


class Reranker(Protocol):
    """Scores how well each text answers a query."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score a text, higher is better."""
