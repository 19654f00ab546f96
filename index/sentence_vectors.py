"""Vectors of a generation's sentences, made when it is built: answers need no encoding but the question's, and are the
same in every process. Sentences are found by a hash of their text.

    <generation>/sentences/keys.npy    sorted hashes
    <generation>/sentences/<n>.npy     a vector a sentence, half precision; rows of NaN for what encoder n does not read
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from index.batches import Batches
from index.documents import Document
from index.ports import Encoder, Vectors
from index.sentences import split

VERSION = "sentences-1"
_FOLDER, _KEYS = "sentences", "keys.npy"
_LEAST_WORDS = 4
Row = tuple[Vectors | None, ...]


class SentenceVectors:
    """Read access to the vectors of one generation; empty where the generation has none."""

    def __init__(self, folder: Path, encoders: int) -> None:
        path = folder / _FOLDER
        stored = (path / _KEYS).is_file()
        self._keys = np.load(path / _KEYS) if stored else np.zeros(0, np.uint64)
        self._columns = [np.load(path / f"{n}.npy", mmap_mode="r") for n in range(encoders)] if stored else []

    def __len__(self) -> int:
        return len(self._keys)

    def get(self, text: str) -> Row | None:
        """The unit vectors of a sentence, one an encoder, None where that does not read it; None for an unknown one."""
        key = _key(text)
        place = int(np.searchsorted(self._keys, key))
        if place == len(self._keys) or self._keys[place] != key:
            return None
        rows = [np.asarray(column[place], dtype=np.float32) for column in self._columns]
        return tuple(None if np.isnan(row[0]) else row for row in rows)


def write(
    folder: Path, documents: Sequence[Document], encoders: Sequence[Encoder], known: Sequence[SentenceVectors | None],
    batches: Batches,
) -> None:  # fmt: skip
    """Encode every sentence of `documents` and write the files; `known` has, for each encoder, where the vectors that
    it made before are found."""
    texts = {_key(t): t for d in documents for t in _sentences(d)}
    keys = sorted(texts)
    path = folder / _FOLDER
    path.mkdir()
    np.save(path / _KEYS, np.array(keys, np.uint64))
    for number, encoder in enumerate(encoders):
        shape = (len(keys), encoder.dimension)
        rows = np.lib.format.open_memmap(path / f"{number}.npy", "w+", np.float16, shape)  # may be larger than memory
        rows[:] = np.nan
        fresh = []
        for place, text in enumerate(texts[k] for k in keys):
            before = known[number]
            found = before.get(text) if before is not None else None
            vector = found[number] if found is not None else None
            if vector is not None:
                rows[place] = vector
            elif encoder.reads(text):
                fresh.append((place, text))
        fresh.sort(key=lambda pair: (-len(pair[1]), pair[1]))
        for part, vectors in batches.encode(encoder, [text for _, text in fresh], "embedding sentences"):
            rows[[place for place, _ in fresh[part]]] = vectors
        rows.flush()


def _sentences(document: Document) -> Iterator[str]:
    for block in document.blocks:
        text = document.text[block.start : block.end]
        for start, end in split(text):
            if len(text[start:end].split()) >= _LEAST_WORDS:
                yield text[start:end]


def _key(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
