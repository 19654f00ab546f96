"""Ranked passages for a query: dense similarity and keyword coverage of one generation, added.

A chunk's dense score is the mean, over the encoders that read both query and chunk, of its cosine in standard
deviations above the mean of all chunks (`channels.py`); its keyword score is the share of the query that it covers
(`keywords.py`). Up to EXACT_CHUNKS all vectors are compared, so nothing is missed. Above, those are that Chroma's
graph proposes or that cover most of the query: together they hold what all vectors would give but for a few in a
thousand.
Ties are broken by chunk id: the same question gives the same passages in every process.
"""

import datetime
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from index.channels import PROPOSED, Channel, Scores
from index.documents import About, Document, Passage, Retriever
from index.glossary import Glossary
from index.keywords import KeywordIndex
from index.ports import Encoder, Reranker
from index.sentence_vectors import SentenceVectors
from index.store import VectorStore
from index.texts import Texts

EXACT_CHUNKS = 50_000
CANDIDATES = 60
# Measured on XQuAD, English and Russian, within and across the languages: flat from 10 to 40.
COVERAGE_WEIGHT = 20.0
REMEMBERED = 20_000  # sentence vectors
_DENSE: tuple[Retriever, ...] = ("dense",)
_KEYWORDS: tuple[Retriever, ...] = ("keywords",)


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


class Index:
    """One open generation. `search` may be called from several threads; close it when no request uses it."""

    def __init__(
        self,
        name: str,
        texts: Texts,
        store: VectorStore,
        channels: Sequence[Channel],
        keywords: KeywordIndex,
        glossary: Glossary,
        sentences: SentenceVectors,
        reranker: Reranker | None = None,
    ) -> None:
        self.name, self.texts, self.keywords, self.glossary = name, texts, keywords, glossary
        self._store, self._channels, self._reranker = store, tuple(channels), reranker
        self._stored = lru_cache(maxsize=REMEMBERED)(sentences.get)
        self._tokens = lru_cache(maxsize=REMEMBERED)(lambda text: frozenset(glossary.tokens(text)))
        self._places = lru_cache(maxsize=REMEMBERED)(glossary.places)
        self._encoded: dict[str, tuple[Scores | None, ...]] = {}
        self.abouts: dict[str, About] = texts.abouts()
        self._ids = np.array(texts.chunk_ids())
        self._documents = texts.chunk_documents()
        self._order = np.argsort(np.argsort(self._ids))
        self._day = np.array([last_ordinal(self.abouts[d]) for d in self._documents], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    def document(self, identity: str) -> Document | None:
        """The document of that id, or None."""
        return self.texts.document(identity)

    def tokens(self, text: str) -> frozenset[str]:
        """The search tokens of a sentence or passage: stems, entries and concepts."""
        return self._tokens(text)

    def places(self, text: str) -> dict[str, list[int]]:
        """Where in `text`, in words, each of its search tokens stands."""
        return self._places(text)

    def encode(self, texts: Sequence[str]) -> list[tuple[Scores | None, ...]]:
        """For each text its unit vectors, one an encoder; None where that encoder does not read it. Those of the
        generation's own sentences are stored, others are computed and remembered."""
        before = self._encoded
        known = {t: self._stored(t) or before.get(t) for t in texts}
        fresh = [t for t, vectors in known.items() if vectors is None]
        columns = [_read(c.encoder, fresh) for c in self._channels]
        made = {t: tuple(column.get(t) for column in columns) for t in fresh}
        if made:  # replaced as a whole: other threads may be reading it
            self._encoded = made if len(before) + len(made) > REMEMBERED else before | made
        return [known[t] or made[t] for t in texts]

    def search(self, query: str, k: int = 10, as_of: datetime.date | None = None) -> list[Passage]:
        """The `k` best passages, best first. With `as_of`, only of documents published on or before that day."""
        until = as_of.toordinal() if as_of else None
        allowed = np.ones(len(self), bool) if until is None else self._day <= until
        if not query.strip() or not allowed.any():
            return []
        coverage = self.keywords.coverage(self.glossary.tokens(query))
        dense, compared = self._dense(query, until, coverage, allowed)
        allowed &= compared
        fused = np.asarray(np.round(dense + COVERAGE_WEIGHT * coverage, 4), dtype=np.float32)
        best = self._top(fused, allowed, max(k, CANDIDATES))
        by_dense = set(self._top(dense, allowed, CANDIDATES))
        passages = []
        for position in best:
            chunk = self.texts.chunk(position)
            found: list[Retriever] = [
                *(_DENSE if position in by_dense else ()),
                *(_KEYWORDS if coverage[position] else ()),
            ]
            passages.append(
                Passage(chunk, self.abouts[chunk.document_id], round(float(fused[position]), 4), tuple(found))
            )
        return (self._rerank(query, passages) if self._reranker else passages)[:k]

    def close(self) -> None:
        """Release files."""
        self.texts.close()
        self._store.close()

    def _dense(
        self, query: str, until: int | None, coverage: Scores, allowed: NDArray[np.bool_]
    ) -> tuple[Scores, NDArray[np.bool_]]:
        """Mean standard score of every chunk over the encoders that read it and the query, and which chunks were
        compared; where not all are, those published up to the day `until`."""
        total, count = np.zeros(len(self), np.float32), np.zeros(len(self), np.float32)
        read = [(c, v) for c, v in zip(self._channels, self.encode([query])[0], strict=True) if v is not None]
        proposed = [p for c, v in read if (p := c.proposed(v, until)) is not None]
        positions = None
        if proposed:
            covering = [p for p in self._top(coverage, allowed, PROPOSED) if coverage[p]]
            positions = np.unique(np.concatenate([*proposed, np.array(covering, np.int64)]))
        for channel, vector in read:
            rows, scores = channel.scores(vector, positions)
            total[rows] += scores
            count[rows] += 1
        compared = np.zeros(len(self), bool)
        compared[positions if positions is not None else slice(None)] = True
        return np.asarray(np.round(total / np.maximum(count, 1), 4), dtype=np.float32), compared

    def _top(self, scores: Scores, allowed: NDArray[np.bool_], count: int) -> list[int]:
        scores = np.where(allowed, scores, -np.inf)
        count = min(count, len(scores))
        floor = np.partition(scores, len(scores) - count)[len(scores) - count]
        candidates = np.flatnonzero((scores >= floor) & (scores > -np.inf))
        return [int(p) for p in candidates[np.lexsort((self._order[candidates], -scores[candidates]))][:count]]

    def _rerank(self, query: str, passages: list[Passage]) -> list[Passage]:
        assert self._reranker is not None
        scores = self._reranker.scores(query, [p.chunk.text for p in passages])
        ranked = sorted(zip(scores, passages, strict=True), key=lambda pair: (-pair[0], pair[1].chunk.id))
        return [Passage(p.chunk, p.about, score, p.found_by) for score, p in ranked]


def _read(encoder: Encoder, texts: Sequence[str]) -> dict[str, Scores]:
    readable = [t for t in texts if encoder.reads(t)]
    return dict(zip(readable, encoder.encode(readable), strict=True)) if readable else {}


def collection_name(number: int) -> str:
    """The Chroma collection of the encoder at that place."""
    return f"chunks-{number}"


def keyword_tokens(about: About, contextual: str, glossary: Glossary) -> list[str]:
    """What keywords find a chunk by: its text, title and heading, its publisher, and the entries these name."""
    publisher = "" if about.publisher == "unknown publisher" else about.publisher
    return glossary.tokens(f"{contextual}\n{publisher}")


def last_ordinal(about: About) -> int:
    """The last day on which a document can have been published, counted from the year 1. An undated one is later than
    every day, so no `as_of` admits it."""
    return last_day(about.published).toordinal() if about.published else datetime.date.max.toordinal() + 1
