"""What both pipelines are given: documents, questions, and for large sizes vectors that stand in for encoding.

The documents hold the English sentences of sources/, four words of each swapped for others, so that no sentence comes
twice and nothing is saved by knowing it already. Everything is made from fixed seeds.
"""

import hashlib
import random
import shutil
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from evals.cases import GOLD, load
from index.ports import Encoder, Vectors

SOURCES = Path(__file__).parents[2] / "sources"
SENTENCES, SWAPPED = 12, 4  # a document; words a sentence
CHUNKS_A_DOCUMENT = 3.7  # measured; sizes are given in chunks
# What was said of a question does not change what it asks; so there are as many questions as are wished for.
_OPENERS = ("", "Please tell me: ", "Tell me, ", "I ask: ", "Please: ", "Say, ", "Now: ", "Well, ", "So, ", "Do tell: ")
_ENDINGS = ("?", "??", "???", " please?", "?!")
_WEIGHTS = np.array([1.0, 0.7, 0.5, 0.4], np.float32)
_NOISE, _TABLE = 0.3, 4096


def lines() -> list[str]:
    """The paragraphs of the English notes, in order of their files."""
    found = []
    for path in sorted(SOURCES.glob("*.md")):
        _, front, text = path.read_text("utf-8").split("+++", 2)
        if tomllib.loads(front)["language"] == "en":
            found += [line for line in text.splitlines() if line and not line.startswith("#")]
    return found


def documents(chunks: int) -> list[str]:
    """Texts that our chunker cuts into about so many chunks."""
    told, chance = lines(), random.Random(5)
    words = sorted({w for line in told for w in line.split() if _is_plain(w)})
    return [
        "\n\n".join(_swapped(chance.choice(told), words, chance) for _ in range(SENTENCES))
        for _ in range(max(1, round(chunks / CHUNKS_A_DOCUMENT)))
    ]


def _is_plain(word: str) -> bool:
    """No name and no number: those are what questions and answers turn on."""
    return len(word) > 4 and word.isalpha() and word.islower()


def _swapped(line: str, words: Sequence[str], chance: random.Random) -> str:
    said = line.split(" ")
    plain = [n for n, w in enumerate(said) if _is_plain(w)]
    for place in chance.sample(plain, min(SWAPPED, len(plain))):
        said[place] = chance.choice(words)
    return " ".join(said)


def questions(count: int) -> list[str]:
    """So many English questions of the gold items' dev half, no two alike, shuffled."""
    cases = [c for c in load(sorted(GOLD.glob("*.jsonl")), "dev") if c.lang == "en" and not c.history]
    gold = list(dict.fromkeys(c.question.rstrip("?") for c in cases))
    varied = [opener + asked + ending for ending in _ENDINGS for opener in _OPENERS for asked in gold]
    if count > len(varied):
        raise SystemExit(f"{count} questions are more than the {len(varied)} there are")
    chosen = varied[:count]
    random.Random(6).shuffle(chosen)
    return chosen


class Derived:
    """Stands in for an encoder when documents are encoded: the vector of a text is a weighted sum of real vectors of
    sentences and a little noise, all chosen by the text's hash, so equal for equal texts in every process. An index
    made with it passes for the encoder's own, so that questions are put to it with the real one."""

    def __init__(self, real: Encoder, base: Vectors) -> None:
        self.name, self.digest, self.dimension, self.window = real.name, real.digest, real.dimension, real.window
        self.reads: Callable[[str], bool] = real.reads
        self.count: Callable[[str], int] = real.count
        self._base = base
        noise = np.random.default_rng(7).standard_normal((_TABLE, real.dimension), np.float32)
        self._noise = noise * (_NOISE / np.linalg.norm(noise, axis=1, keepdims=True))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""
        digests = b"".join(hashlib.sha256(t.encode()).digest()[:24] for t in texts)
        picks = np.frombuffer(digests, np.uint32).reshape(len(texts), 6)
        mixed = np.einsum("tkd,k->td", self._base[picks[:, :4] % len(self._base)], _WEIGHTS)
        mixed += self._noise[picks[:, 4] % _TABLE] + self._noise[picks[:, 5] % _TABLE]
        unit: Vectors = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
        return unit


def derived(encoders: Sequence[Encoder], folder: Path) -> tuple[Derived, ...]:
    """A stand-in for each of `encoders`; the real vectors they are made of are kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for encoder in encoders:
        path = folder / f"{encoder.name}.npy"
        if not path.is_file():
            np.save(path, encoder.encode(lines()))
        made.append(Derived(encoder, np.load(path)))
    return tuple(made)


def write(texts: Sequence[str], folder: Path) -> None:
    """A Markdown file a text, and the glossary of sources/, so that names are looked for as ever."""
    folder.mkdir(parents=True)
    shutil.copy(SOURCES / "glossary.toml", folder)
    for number, text in enumerate(texts):
        (folder / f"{number:06}.md").write_text(f"# Note {number}\n\n{text}\n", "utf-8")
