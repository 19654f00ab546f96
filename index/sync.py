"""Makes the index agree with the sources: plans by digest, builds the next generation beside the served one.

The served generation is only read. Vectors of texts that it already holds are taken over, not computed again.
"""

import contextlib
import datetime
import hashlib
import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import sentence_vectors, texts
from index.batches import Batches
from index.channels import Moments
from index.chunk import VERSION as CHUNKER
from index.chunk import chunk, contextual
from index.documents import Chunk, Document, Skipped
from index.errors import BrokenIndex, NoIndex, StoreUnavailable, UnreadableSource
from index.generation import FORMAT, EncoderStamp, Generations, Manifest, file_hashes, sync_tree
from index.glossary import Glossary
from index.keywords import VERSION as TOKENIZER
from index.keywords import KeywordIndex
from index.load import Loader, find, shown
from index.ports import BulkEncoder, Encoder, Progress, Vectors
from index.search import EXACT_CHUNKS, collection_name, keyword_tokens, last_ordinal
from index.store import STORED, VectorStore
from index.texts import Texts

log = logging.getLogger(__name__)

# Three to five sentences: passages of this length measured best at finding the very place (XQuAD, English and Russian).
TARGET_TOKENS = 160
CHARACTERS_PER_TOKEN = 4.4


@dataclass(frozen=True, slots=True)
class Plan:
    """What separates the sources from the served generation, as sorted document ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. `switched` is False when the sources were already served."""

    generation: str
    switched: bool
    plan: Plan
    documents: int
    chunks: int
    embedded: int
    skipped: tuple[Skipped, ...]
    undated: tuple[str, ...]
    pruned: tuple[str, ...]
    seconds: float


def plan(wanted: dict[str, str], served: dict[str, str]) -> Plan:
    """Compare digests by document id. Pure."""
    return Plan(
        tuple(sorted(wanted.keys() - served.keys())),
        tuple(sorted(i for i in wanted.keys() & served.keys() if wanted[i] != served[i])),
        tuple(sorted(served.keys() - wanted.keys())),
        tuple(sorted(i for i in wanted.keys() & served.keys() if wanted[i] == served[i])),
    )


def load_all(folders: Sequence[Path], progress: Progress) -> tuple[list[Document], list[Skipped]]:
    """Every document below the folders, sorted by id, and what was skipped. Of two with one id the first is kept."""
    found = list(find(folders))
    documents: dict[str, tuple[Document, Path]] = {}
    with Loader(folders) as loader:
        skipped = list(loader.problems)
        for done, item in enumerate(found, 1):
            if isinstance(item, Skipped):
                skipped.append(item)
                continue
            try:
                document = loader.load(item)
                if document.id in documents:
                    raise UnreadableSource(f"its id {document.id!r} is taken by {documents[document.id][1]}")
                documents[document.id] = document, item
            except UnreadableSource as error:
                skipped.append(Skipped(shown(item), str(error)))
            progress("reading", done, len(found))
    return [documents[i][0] for i in sorted(documents)], sorted(skipped, key=lambda s: s.path)


class Builder:
    """Builds generations in one data folder with the encoders of `bulk`. `verify` raises BrokenIndex for a bad one."""

    def __init__(
        self,
        generations: Generations,
        bulk: BulkEncoder,
        glossary: Glossary,
        open_store: Callable[[str, Path], VectorStore],
        verify: Callable[[str], None],
        progress: Progress,
    ) -> None:
        self._generations, self._encoders, self._glossary = generations, bulk.encoders, glossary
        self._batches = Batches(bulk, generations.data / "encoded", progress)
        self._open_store, self._verify, self._progress = open_store, verify, progress

    def build(self, folders: Sequence[Path]) -> BuildReport:
        """Read the sources and, where they differ from what is served, build, verify and switch.

        Raises UnreadableSource when no document at all can be read: nothing changes then."""
        started = time.monotonic()
        with self._generations.building():
            documents, skipped = load_all(folders, self._progress)
            if not documents:
                raise UnreadableSource(
                    f"no readable document in {', '.join(map(str, folders))}; the index stays as it is"
                    + "".join(f"\n{s.path}: {s.reason}" for s in skipped)
                )
            served = self._served()
            before = self._texts(served).digests() if served else {}
            corpus = seal(sorted((d.id, d.digest) for d in documents) + sorted((s.path, s.reason) for s in skipped))
            made, embedded = served, 0
            if served is None or (served.corpus, served.recipe) != (corpus, self._recipe()) or not self._holds(served):
                made, embedded = self._make(served, documents, skipped, corpus)
                self._generations.switch(made.generation)
            self._batches.clear()
            assert made is not None
            return BuildReport(
                made.generation,
                made is not served,
                plan({d.id: d.digest for d in documents}, before),
                len(documents),
                made.chunks,
                embedded,
                tuple(skipped),
                tuple(d.id for d in documents if d.about.published is None),
                tuple(self._generations.prune()),
                round(time.monotonic() - started, 3),
            )

    def _served(self) -> Manifest | None:
        """The served generation if there is one and its files are whole; a damaged one is built anew."""
        try:
            return self._generations.check_files(self._generations.current())
        except NoIndex:
            return None
        except BrokenIndex as error:
            log.warning("the served index is not used for this build: %s", error)
            return None

    def _holds(self, served: Manifest) -> bool:
        """Whether the vectors of the served generation are where they would be searched: not so where they are
        damaged, or where they are to be kept somewhere else from now on."""
        folder = self._generations.folder(served.generation)
        try:
            with contextlib.closing(self._open_store(served.generation, folder)) as store:
                for number in range(len(served.encoders)):
                    held(store, number, served, self._texts(served).chunk_ids())
        except (BrokenIndex, StoreUnavailable) as error:
            log.warning("the served index is built anew: %s", error)
            return False
        return True

    def _texts(self, manifest: Manifest) -> Texts:
        return Texts(self._generations.folder(manifest.generation) / "texts.sqlite")

    def _recipe(self) -> str:
        made = [CHUNKER, sentence_vectors.VERSION, STORED, EXACT_CHUNKS, TOKENIZER]
        words = [self._glossary.source, self._glossary.lexicon.source]
        return seal([*made, *words, [(e.name, e.digest) for e in self._encoders]])

    def _make(
        self, served: Manifest | None, documents: list[Document], skipped: list[Skipped], corpus: str
    ) -> tuple[Manifest, int]:
        """Write and verify a generation under a temporary name, then give it its own. How many chunks were encoded."""
        created = datetime.datetime.now(datetime.UTC)
        name = f"{created:%Y%m%d-%H%M%S}-{seal([corpus, self._recipe(), created.isoformat()])[:8]}"
        folder = self._generations.folder(f"{name}.tmp")
        folder.mkdir()
        try:
            chunks = list(self._chunks(documents))
            texts.write(folder / "texts.sqlite", documents, chunks)
            (folder / "glossary.toml").write_text(self._glossary.source, "utf-8")
            self._write_keywords(folder, documents, chunks)
            stamps, embedded = self._write_vectors(name, folder, documents, chunks, served)
            sentence_vectors.write(folder, documents, self._encoders, self._sentences(served), self._batches)
            manifest = Manifest(
                FORMAT,
                name,
                created.isoformat(timespec="seconds"),
                corpus,
                self._recipe(),
                len(documents),
                len(chunks),
                seal([c.id for c, _ in chunks]),
                stamps,
                file_hashes(folder),
                tuple((s.path, s.reason, s.broken) for s in skipped),
            )
            (folder / "manifest.json").write_text(manifest.json(), "utf-8")
            sync_tree(folder)
            folder.rename(self._generations.folder(name))
            self._progress("verifying", 0, 1)
            self._verify(name)
            self._progress("verifying", 1, 1)
        except BaseException:
            self._generations.discard(name)
            raise
        return manifest, embedded

    def _chunks(self, documents: Sequence[Document]) -> Iterator[tuple[Chunk, str]]:
        """Chunks in index order, each with the seal of the text that is encoded for it."""
        for done, document in enumerate(documents, 1):
            for part in chunk(document, self._size, TARGET_TOKENS):
                yield part, seal(contextual(document.about, part.heading, part.text))
            self._progress("chunking", done, len(documents))

    def _size(self, text: str) -> int:
        """Tokens of `text` in the encoder that reads least at once of those that read it; never over TARGET_TOKENS
        in a chunk, nor over that encoder's window."""
        sizes = [
            e.count(text) * max(1.0, TARGET_TOKENS / e.window)
            for e in self._encoders
            if e.window is not None and e.reads(text)
        ]
        return math.ceil(max(sizes, default=len(text) / CHARACTERS_PER_TOKEN))

    def _write_keywords(self, folder: Path, documents: Sequence[Document], chunks: Sequence[tuple[Chunk, str]]) -> None:
        about = {d.id: d.about for d in documents}
        KeywordIndex.build(
            keyword_tokens(about[c.document_id], contextual(about[c.document_id], c.heading, c.text), self._glossary)
            for c, _ in chunks
        ).save(folder / "keywords")

    def _write_vectors(
        self,
        name: str,
        folder: Path,
        documents: Sequence[Document],
        chunks: Sequence[tuple[Chunk, str]],
        served: Manifest | None,
    ) -> tuple[tuple[EncoderStamp, ...], int]:
        about = {d.id: d.about for d in documents}
        sources = [contextual(about[c.document_id], c.heading, c.text) for c, _ in chunks]
        store = self._open_store(name, folder)
        stamps, embedded = [], set()
        try:
            for number, encoder in enumerate(self._encoders):
                rows = [n for n, (c, _) in enumerate(chunks) if encoder.reads(c.text)]
                known = self._known(served, number, encoder)
                fresh = [n for n in rows if chunks[n][1] not in known]
                vectors = np.zeros((len(chunks), encoder.dimension), np.float32)
                for n in rows:
                    vectors[n] = known.get(chunks[n][1], vectors[n])
                self._encode(encoder, sources, fresh, vectors)
                stored = vectors[rows]
                days = [last_ordinal(about[chunks[n][0].document_id]) for n in rows]
                store.add(collection_name(number), [chunks[n][0] for n in rows], stored, days)
                if len(chunks) > EXACT_CHUNKS:
                    Moments.of(stored).save(folder, number)
                stamps.append(
                    EncoderStamp(
                        encoder.name,
                        encoder.digest,
                        encoder.dimension,
                        len(rows),
                        vector_seal([chunks[n][0].id for n in rows], stored),
                    )
                )
                embedded.update(fresh)
        finally:
            store.close()
        return tuple(stamps), len(embedded)

    def _encode(self, encoder: Encoder, sources: Sequence[str], fresh: Sequence[int], vectors: Vectors) -> None:
        """Fill the rows `fresh`, longest texts first so that batches hold texts of like length."""
        order = sorted(fresh, key=lambda n: -len(sources[n]))
        for part, found in self._batches.encode(encoder, [sources[n] for n in order], "embedding"):
            vectors[order[part]] = found

    def _sentences(self, served: Manifest | None) -> list[sentence_vectors.SentenceVectors | None]:
        """For each encoder the sentence vectors of the served generation, None where that was made by another."""
        if served is None:
            return [None] * len(self._encoders)
        old = sentence_vectors.SentenceVectors(self._generations.folder(served.generation), len(served.encoders))
        before = [e.digest for e in served.encoders]
        return [old if before[n : n + 1] == [e.digest] else None for n, e in enumerate(self._encoders)]

    def _known(self, served: Manifest | None, number: int, encoder: Encoder) -> dict[str, Vectors]:
        """Vectors of the served generation by the seal of their text, where the same encoder made them."""
        if served is None or number >= len(served.encoders) or served.encoders[number].digest != encoder.digest:
            return {}
        old = self._texts(served)
        folder = self._generations.folder(served.generation)
        try:
            with contextlib.closing(self._open_store(served.generation, folder)) as store:
                stored = store.vectors(collection_name(number))
            rows, vectors = ordered(stored, old.chunk_ids(), served.encoders[number])
        except (BrokenIndex, StoreUnavailable) as error:
            log.warning("the served vectors are not used for this build: %s", error)
            return {}
        seals = old.seals()
        return {seals[n]: vector for n, vector in zip(rows, vectors, strict=True)}


def held(
    store: VectorStore, number: int, manifest: Manifest, ids: Sequence[str]
) -> tuple[NDArray[np.int64], Vectors] | None:
    """Positions and vectors of the chunks that an encoder reads; above EXACT_CHUNKS, where Chroma searches, None, and
    only their number is looked at. Raises BrokenIndex where they are not those of the manifest."""
    name, stamp = collection_name(number), manifest.encoders[number]
    if manifest.chunks <= EXACT_CHUNKS:
        rows, vectors = ordered(store.vectors(name), ids, stamp)
        return np.asarray(rows, dtype=np.int64), vectors
    if (count := store.count(name)) != stamp.count:
        raise BrokenIndex(f"{count} vectors of {stamp.name} are left of {stamp.count}; run: python -m index build")
    return None


def ordered(stored: dict[str, Vectors], ids: Sequence[str], stamp: EncoderStamp) -> tuple[list[int], Vectors]:
    """Positions and vectors of the stored chunks in chunk order. Raises BrokenIndex unless they match the stamp."""
    rows = [n for n, i in enumerate(ids) if i in stored]
    vectors = np.asarray([stored[ids[n]] for n in rows], dtype=np.float32).reshape(len(rows), stamp.dimension)
    if len(rows) != len(stored) or vector_seal([ids[n] for n in rows], vectors) != stamp.seal:
        raise BrokenIndex(
            f"the vectors of {stamp.name} are not those that were written; run: python -m index rollback or build"
        )
    return rows, vectors


def vector_seal(ids: Sequence[str], vectors: Vectors) -> str:
    """sha256 of chunk ids and their vectors, in chunk order."""
    return hashlib.sha256("\0".join(ids).encode() + np.ascontiguousarray(vectors).tobytes()).hexdigest()


def seal(value: object) -> str:
    """sha256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()
