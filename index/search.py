"""Ranked passages for a query: dense and keyword rankings of one generation, fused by rank.

Below EXACT_CHUNKS all vectors are compared, so nothing is missed; above, Chroma's HNSW graph proposes candidates.
Ties are broken by chunk id: the same question gives the same passages in every process.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from index.documents import About, Document, Passage, Retriever
from index.glossary import Glossary
from index.keywords import KeywordIndex
from index.ports import Encoder, Reranker, Vectors
from index.store import VectorStore
from index.texts import Texts

EXACT_CHUNKS = 50_000
CANDIDATES = 60
RANK_CONSTANT = 20
Scores = NDArray[np.float32]


def last_day(published: str) -> datetime.date:
    """The last day that a date of reduced precision can mean.

    >>> last_day("2021"), last_day("2021-02"), last_day("2021-02-03")
    (datetime.date(2021, 12, 31), datetime.date(2021, 2, 28), datetime.date(2021, 2, 3))
    """
    if len(published) == 4:
        return datetime.date(int(published), 12, 31)
    year, month = int(published[:4]), int(published[5:7])
    if len(published) == 7:
        return datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(days=1)
    return datetime.date(year, month, int(published[8:10]))


@dataclass(frozen=True, slots=True)
class Channel:
    """One encoder and its vectors: a matrix in chunk order, or None where Chroma searches."""

    encoder: Encoder
    vectors: Vectors | None
    weight: float


class Index:
    """One open generation. `search` may be called from several threads; close it when no request uses it."""

    def __init__(self, name: str, texts: Texts, store: VectorStore, channels: Sequence[Channel], keywords: KeywordIndex,
                 glossary: Glossary, reranker: Reranker | None = None) -> None:
        self.name, self.texts, self.keywords, self.glossary = name, texts, keywords, glossary
        self._store, self.channels, self._reranker = store, tuple(channels), reranker
        self._encode = lru_cache(maxsize=20_000)(lambda text: self.channels[-1].encoder.encode([text])[0])
        self.abouts: dict[str, About] = texts.abouts()
        self._ids = np.array(texts.chunk_ids())
        self._documents = texts.chunk_documents()
        self._order = np.argsort(np.argsort(self._ids))
        self._position = {i: n for n, i in enumerate(self._ids)}
        self._day = np.array([_ordinal(self.abouts[d]) for d in self._documents], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def document(self, identity: str) -> Document | None:
        """The document of that id, or None."""
        return self.texts.document(identity)

    def search(self, query: str, k: int = 10, as_of: datetime.date | None = None) -> list[Passage]:
        """The `k` best passages, best first. With `as_of`, only of documents published on or before that day."""
        allowed = None if as_of is None else self._day <= as_of.toordinal()
        if not query.strip() or not len(self) or (allowed is not None and not allowed.any()):
            return []
        fused: dict[int, float] = {}
        found: dict[int, list[Retriever]] = {}
        for retriever, weight, ranked in self._rankings(query, allowed):
            for rank, position in enumerate(ranked):
                fused[position] = fused.get(position, 0.0) + weight / (RANK_CONSTANT + rank + 1)
                if retriever not in found.setdefault(position, []):
                    found[position].append(retriever)
        best = sorted(fused, key=lambda p: (-round(fused[p], 9), self._ids[p]))
        passages = [Passage(chunk := self.texts.chunk(p), self.abouts[chunk.document_id], round(fused[p], 6),
                            tuple(found[p])) for p in best[:max(k, CANDIDATES if self._reranker else 0)]]
        return (self._rerank(query, passages) if self._reranker else passages)[:k]

    def encode(self, text: str) -> Scores:
        """The unit vector of a sentence or question by the last encoder, the one that reads most languages."""
        return self._encode(text)

    def close(self) -> None:
        """Release files."""
        self.texts.close()
        self._store.close()

    def _rankings(self, query: str, allowed: NDArray[np.bool_] | None
                  ) -> list[tuple[Retriever, float, list[int]]]:
        rankings: list[tuple[Retriever, float, list[int]]] = [
            ("dense", c.weight, self._dense(n, c, query, allowed)) for n, c in enumerate(self.channels)]
        scores = self.keywords.scores(self.glossary.tokens(query))
        rankings.append(("keywords", 1.0, [p for p in self._top(scores, allowed) if scores[p] > 0]))
        return rankings

    def _dense(self, number: int, channel: Channel, query: str, allowed: NDArray[np.bool_] | None) -> list[int]:
        vector = channel.encoder.encode([query])
        if channel.vectors is not None:
            return self._top(np.round(channel.vectors @ vector[0], 5), allowed)
        among = None if allowed is None else sorted({d for d, a in zip(self._documents, allowed, strict=True) if a})
        ids = self._store.nearest(collection_name(number), vector, min(CANDIDATES, len(self)), among)[0]
        return [self._position[i] for i in ids]

    def _top(self, scores: Scores, allowed: NDArray[np.bool_] | None) -> list[int]:
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf)
        count = min(CANDIDATES, len(scores))
        floor = np.partition(scores, len(scores) - count)[len(scores) - count]
        candidates = np.flatnonzero((scores >= floor) & (scores > -np.inf))
        return [int(p) for p in candidates[np.lexsort((self._order[candidates], -scores[candidates]))][:count]]

    def _rerank(self, query: str, passages: list[Passage]) -> list[Passage]:
        assert self._reranker is not None
        scores = self._reranker.scores(query, [p.chunk.text for p in passages])
        ranked = sorted(zip(scores, passages, strict=True), key=lambda pair: (-pair[0], pair[1].chunk.id))
        return [Passage(p.chunk, p.about, score, p.found_by) for score, p in ranked]


def collection_name(number: int) -> str:
    """The Chroma collection of the encoder at that place."""
    return f"chunks-{number}"


def keyword_tokens(about: About, contextual: str, glossary: Glossary) -> list[str]:
    """What keywords find a chunk by: its text, title and heading, its publisher, and the entries these name."""
    publisher = "" if about.publisher == "unknown publisher" else about.publisher
    return glossary.tokens(f"{contextual}\n{publisher}")


def _ordinal(about: About) -> int:
    """Undated documents are later than every day, so no `as_of` admits them."""
    return last_day(about.published).toordinal() if about.published else np.iinfo(np.int64).max
