"""Stand-ins that implement the ports: an encoder whose vectors are counted words, so like texts get like vectors."""

import re
import zlib
from collections.abc import Sequence

import numpy as np

from index.ports import Vectors


class WordEncoder:
    """Each word adds one to a place chosen by its checksum. Deterministic, no model; counts what it encodes."""

    def __init__(self, name: str = "words", dimension: int = 256, window: int | None = 40) -> None:
        self.name, self.digest, self.dimension, self.window = name, f"digest of {name}", dimension, window
        self.encoded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.encoded += len(texts)
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            for word in re.findall(r"\w+", text.casefold()) or [""]:
                vectors[row, zlib.crc32(word.encode()) % self.dimension] += 1
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def reads(self, text: str) -> bool:
        return True

    def count(self, text: str) -> int:
        return len(re.findall(r"\w+", text))
