"""Encodes texts in batches and keeps each that is finished until the build is, so that one that was stopped goes on
where it was. Which process encodes a batch is the bulk encoder's business.

    <data>/encoded/<digest>    sha256 of the vectors, then the vectors; named by a digest of the encoder and the texts
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from index.errors import StoreUnavailable
from index.ports import BulkEncoder, Encoder, Progress, Vectors

log = logging.getLogger(__name__)
# The last bits of a vector depend on the texts beside it, so whoever encodes has to take the same batches.
SIZE = 256
_SEAL = hashlib.sha256().digest_size


class InTurn:
    """Encodes one batch after another in this process."""

    def __init__(self, encoders: Sequence[Encoder]) -> None:
        self.encoders: tuple[Encoder, ...] = tuple(encoders)

    def encode(self, encoder: Encoder, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        """The place of each batch and its vectors."""
        for place, batch in enumerate(batches):
            yield place, encoder.encode(batch)


class Batches:
    """Has texts encoded and keeps what was finished in `folder` until it is cleared."""

    def __init__(self, bulk: BulkEncoder, folder: Path, progress: Progress) -> None:
        self._bulk, self._folder, self._progress = bulk, folder, progress

    def encode(self, encoder: Encoder, texts: Sequence[str], step: str) -> Iterator[tuple[slice, Vectors]]:
        """Vectors of `texts`, a batch at a time in any order, with the places in `texts` that they are for.

        Texts of like length should stand together: a batch takes as long as its longest asks for."""
        batches = [texts[start : start + SIZE] for start in range(0, len(texts), SIZE)]
        done = 0
        for place, vectors in self._finished(encoder, batches):
            done += len(batches[place])
            self._progress(f"{step} ({encoder.name})", done, len(texts))
            yield slice(place * SIZE, place * SIZE + len(batches[place])), vectors

    def clear(self) -> None:
        """Forget what was kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _finished(self, encoder: Encoder, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        paths = [self._folder / _name(encoder, batch) for batch in batches]
        missing = []
        for place, path in enumerate(paths):
            vectors = _read(path, (len(batches[place]), encoder.dimension))
            if vectors is None:
                missing.append(place)
            else:
                yield place, vectors
        for number, vectors in self._bulk.encode(encoder, [batches[place] for place in missing]):
            _write(paths[missing[number]], vectors)
            yield missing[number], vectors


def _name(encoder: Encoder, texts: Sequence[str]) -> str:
    told = json.dumps([encoder.digest, *texts], ensure_ascii=False)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path, shape: tuple[int, int]) -> Vectors | None:
    """The vectors kept at `path`; None where there are none or they are damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnavailable(f"cannot read {path} ({error.strerror}); remove the folder {path.parent}") from error
    rows = data[_SEAL:]
    if hashlib.sha256(rows).digest() != data[:_SEAL] or len(rows) != shape[0] * shape[1] * 4:
        log.warning("%s is damaged; its batch is encoded again", path)
        return None
    return np.frombuffer(rows, "<f4").astype(np.float32).reshape(shape)


def _write(path: Path, vectors: Vectors) -> None:
    """Whole or not at all for whoever is killed; after a loss of power the hash tells. What the disk refuses is told by
    the build around it (Generations.building)."""
    rows = np.ascontiguousarray(vectors, "<f4").tobytes()
    temporary = path.with_suffix(".tmp")
    path.parent.mkdir(exist_ok=True)
    temporary.write_bytes(hashlib.sha256(rows).digest() + rows)
    os.replace(temporary, path)
