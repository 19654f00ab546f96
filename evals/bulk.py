"""What a second worker brings to bulk embedding on Ray: chunks a second of one worker and of two, in one run.

    python -m evals.bulk                 texts of sources/, on clusters of this machine
    python -m evals.bulk --texts 512     fewer texts: quicker, and less exact

One, two, two and one worker take turns, so that what else the machine does falls on both alike. Each cluster encodes
some batches before its time is taken. Measure where nothing else runs. Exit code 1 when the vectors differ.
"""

import argparse
import statistics
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

from index.batches import SIZE
from index.encoders import make_encoders
from index.ports import Encoder, Vectors
from index.ray_workers import LOCAL, RayWorkers, cluster
from index.sync import load_all

TURNS = (1, 2, 2, 1)


def main() -> int:
    """Encode, time, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.bulk", description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=2048, help="how many (default 2048)")
    parser.add_argument("--sources", type=Path, default=Path("sources"))
    options = parser.parse_args()
    encoders = make_encoders("bundled")
    same = True
    for number, encoder in enumerate(encoders):
        texts = corpus(options.sources, encoder, options.texts)
        rates: dict[int, list[float]] = {workers: [] for workers in TURNS}
        made = []
        for workers in TURNS:
            rate, vectors = measured(number, texts, workers)
            rates[workers].append(rate)
            made.append(vectors)
        one, two = (statistics.mean(rates[workers]) for workers in (1, 2))
        same &= all(np.array_equal(made[0], other) for other in made)
        print(f"{encoder.name}: {len(texts)} texts; {one:.1f} a second with one worker, {two:.1f} with two: "
              f"{two / one:.2f} times as many; {rates}", flush=True)  # fmt: skip
    print("all vectors are the same bytes" if same else "VECTORS DIFFER")
    return 0 if same else 1


def corpus(folder: Path, encoder: Encoder, count: int) -> list[str]:
    """Texts of about a chunk's length that `encoder` reads, like beside like; repeated until they are `count`."""
    documents, _ = load_all((folder,), lambda *_: None)
    texts = [d.text[start : start + 320] for d in documents for start in range(0, len(d.text), 320)]
    texts = [t for t in texts if len(t) > 160 and encoder.reads(t)]
    texts = (texts * (count // len(texts) + 1))[:count]
    return sorted(texts, key=lambda t: -len(t))


def measured(number: int, texts: list[str], workers: int) -> tuple[float, Vectors]:
    """Texts a second of so many workers, and the vectors."""
    batches = [texts[start : start + SIZE] for start in range(0, len(texts), SIZE)]
    encoders = make_encoders("bundled")
    with cluster(LOCAL, workers):
        bulk = RayWorkers(encoders, partial(make_encoders, "bundled"))
        list(bulk.encode(encoders[number], batches[:1] * 2 * workers))  # models are loaded
        started = time.monotonic()
        found = dict(bulk.encode(encoders[number], batches))
        seconds = time.monotonic() - started
    return len(texts) / seconds, np.concatenate([found[place] for place in range(len(batches))])


if __name__ == "__main__":
    sys.exit(main())
