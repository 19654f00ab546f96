"""What the index asks of an encoder and a reranker, so that nothing else knows which library runs them."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


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


class Reranker(Protocol):
    """Scores how well each text answers a query."""

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One score a text, higher is better."""
