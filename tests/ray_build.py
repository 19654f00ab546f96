"""A build on a Ray cluster with an encoder that leaves a file for each batch that it begins, for test_ray.py. It is a
process of its own, since one that has opened Chroma must not fork.

    python -m tests.ray_build SOURCES DATA RECORDS HOST:PORT [NAME]    NAME: what the workers take their encoder for
"""

import logging
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from index import glossary, wire
from index.generation import Generations
from index.ports import Vectors
from index.ray_workers import RayWorkers, cluster
from index.settings import IndexSettings
from index.sync import Builder
from tests.fakes import WordEncoder

SECONDS = 0.2


class Recorded(WordEncoder):
    """Leaves <pid>-<nanoseconds> in a folder at the beginning of each batch, which takes SECONDS."""

    def __init__(self, folder: Path, name: str = "words") -> None:
        super().__init__(name)
        self._folder = folder

    def encode(self, texts: Sequence[str]) -> Vectors:
        (self._folder / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        time.sleep(SECONDS)
        return super().encode(texts)


def encoders(records: Path, *name: str) -> tuple[Recorded]:
    """What a worker makes."""
    return (Recorded(records, *name),)


def main() -> None:
    sources, data, records = map(Path, sys.argv[1:4])
    settings = IndexSettings(sources=(sources,), data=data)
    with cluster(sys.argv[4]):
        Builder(
            Generations(data), RayWorkers(encoders(records), partial(encoders, records, *sys.argv[5:])),
            glossary.find((sources,)), lambda name, folder: wire.open_store(settings, name, folder),
            lambda name: wire.verify(settings, name), lambda *_: None,
        ).build((sources,))  # fmt: skip


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    main()
