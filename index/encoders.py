"""The embedding models that a user names: the only file that runs sentence-transformers.

Models load on first use, because importing torch takes seconds. Only safetensors are loaded, no code of a model folder
runs. The bundled ones, which need no torch, are in `packaged.py`.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.errors import ModelUnavailable
from index.packaged import English, Multilingual, cores
from index.ports import Encoder, Reranker, Vectors

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

_BATCH = 32
# Without one of these a tokenizer of no words is made, and every text gets the same vector.
_TOKENIZERS = (
    "tokenizer.json",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
    "tokenizer.model",
)


def make_encoders(embedding: str) -> tuple[Encoder, ...]:
    """`bundled`: an English and a multilingual encoder, both from packages; else the one model named."""
    if embedding == "bundled":
        return English(), Multilingual()
    return (SentenceEncoder(embedding, embedding, _folder_digest(embedding)),)


class SentenceEncoder:
    """A sentence-transformers model, loaded when first used."""

    def __init__(self, name: str, location: str, digest: str) -> None:
        self.name, self.digest, self.location = name, digest, location
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        self.window: int | None = self._model.max_seq_length

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors; longer texts are batched together with their like, so padding costs little."""
        model = self._model
        _share_cores(len(texts))
        if len(texts) == 1 and model.default_prompt_name is None:
            raw = _one(model, texts[0])
        else:
            raw = model.encode(
                list(texts), batch_size=_BATCH, convert_to_tensor=True, show_progress_bar=False,
                normalize_embeddings=True,
            ).float().numpy()  # fmt: skip
        unit: Vectors = raw / np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-12)
        return unit

    def reads(self, text: str) -> bool:
        """Always: which languages a model knows is for who names it to see to."""
        return True

    def count(self, text: str) -> int:
        """Tokens of `text`, special ones included."""
        return len(self._model.tokenizer(text, truncation=False, verbose=False)["input_ids"])

    @cached_property
    def _model(self) -> "SentenceTransformer":
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        dtype = torch.bfloat16 if _computes_bfloat16() else torch.float32
        try:
            model = SentenceTransformer(
                self.location,
                device="cpu",
                trust_remote_code=False,
                model_kwargs={"dtype": dtype, "use_safetensors": True},
            )
        except _broken() as error:
            raise ModelUnavailable(
                f"the model {self.location!r} does not load ({_told(error)}); check ASSISTANT_EMBEDDING, or "
                "unset it to use the bundled models"
            ) from error
        model.eval()
        return model


def _one(model: "SentenceTransformer", text: str) -> Vectors:
    """What the model's own `encode` gives for one text, bit by bit, without what that does around it: it looks through
    all parts of the model for their mode and device, which takes a quarter of a question's time."""
    import torch

    with torch.inference_mode():
        vector = model(model.preprocess([text]))["sentence_embedding"]
        return np.asarray(torch.nn.functional.normalize(vector, p=2, dim=1).float().numpy(), dtype=np.float32)


def _broken() -> tuple[type[Exception], ...]:
    """What loading a broken model ends in; it depends on the file that is broken."""
    from safetensors import SafetensorError

    return OSError, ValueError, LookupError, RuntimeError, TypeError, AttributeError, SafetensorError


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _share_cores(texts: int) -> None:
    """All cores for a batch, or as many as OMP_NUM_THREADS says, and one for a question: several cores would wait for
    each other longer than they work, many times so where something else is busy."""
    import torch

    torch.set_num_threads(cores() if texts > _BATCH else 1)


class CrossEncoderReranker:
    """A sentence-transformers CrossEncoder, loaded when first used."""

    def __init__(self, location: str) -> None:
        self.location = location
        _folder_digest(location)

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """One relevance score a text."""
        found = self._model.predict([(query, t) for t in texts], show_progress_bar=False)
        return [float(s) for s in found]

    @cached_property
    def _model(self) -> "CrossEncoder":
        from sentence_transformers import CrossEncoder

        try:
            model: CrossEncoder = CrossEncoder(
                self.location, device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True}
            )
        except _broken() as error:
            raise ModelUnavailable(
                f"the reranker {self.location!r} does not load ({_told(error)}); check ASSISTANT_RERANKER"
            ) from error
        return model


def make_reranker(name: str | None) -> Reranker | None:
    """The reranker named, or None where none is."""
    return CrossEncoderReranker(name) if name else None


def _folder_digest(location: str) -> str:
    """sha256 over a model folder's files, or of the name where the model comes from a hub cache. Raises
    ModelUnavailable for a folder that could run code or is not whole."""
    folder = Path(location)
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    if folder.is_dir() and not any(p.name in _TOKENIZERS for p in paths):
        raise ModelUnavailable(f"{folder} has no tokenizer; take the model's folder as it was published")
    seal = hashlib.sha256(location.encode() if not folder.is_dir() else b"")
    for path in paths:
        if path.suffix in (".py", ".bin", ".pkl", ".pickle", ".pt"):
            raise ModelUnavailable(f"{path} can run code when it is loaded; only safetensors are taken")
        if path.name == "modules.json":
            _check_modules(path)
        if path.is_file():
            seal.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return seal.hexdigest()


def _check_modules(path: Path) -> None:
    """Only classes of the library are named: it would import any other, and run its `load`."""
    try:
        named = [str(module["type"]) for module in json.loads(path.read_text("utf-8"))]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelUnavailable(f"{path} is no list of modules; take the model's folder as it was published") from error
    if foreign := [n for n in named if not n.startswith("sentence_transformers.")]:
        raise ModelUnavailable(f"{path} names {foreign[0][:80]!r}, which is no class of sentence-transformers")


def _computes_bfloat16() -> bool:
    """Whether the processor has bfloat16 instructions; without them bfloat16 is emulated and slower."""
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text("utf-8") or "amx_bf16" in Path(
            "/proc/cpuinfo"
        ).read_text("utf-8")
    except OSError:
        return False
