"""Checks a generation exhaustively. Runs in a child process: damaged HNSW files can kill the one that opens them.

Proves: files match their hashes, every chunk's text stands at its offsets, Chroma holds exactly the chunks with
exactly the vectors and texts that were written, every chunk finds itself, keywords cover the same chunks.
"""

import numpy as np

from index.errors import BrokenIndex
from index.generation import EncoderStamp, Generations, Manifest
from index.keywords import KeywordIndex
from index.ports import Vectors
from index.search import EXACT_CHUNKS, collection_name
from index.store import ASKED, VectorStore
from index.sync import ordered, seal
from index.texts import Texts

# Where all vectors are compared, the graph answers nothing; a corpus full of near-duplicates must still be indexable.
TOLERATED = 0.01


def check(generations: Generations, name: str, store: VectorStore) -> Manifest:
    """The manifest of generation `name` when all of it is whole. Raises BrokenIndex saying what is not."""
    manifest = generations.check_files(name)
    folder = generations.folder(name)
    texts = Texts(folder / "texts.sqlite")
    try:
        ids = texts.chunk_ids()
        if seal(ids) != manifest.ids or len(ids) != manifest.chunks or len(texts.document_ids()) != manifest.documents:
            raise BrokenIndex(f"generation {name}: its texts are not those of its manifest")
        chunk_texts = {c.id: c.text for c in map(texts.chunk, range(len(ids)))}
        KeywordIndex.open(folder / "keywords", len(ids))
        for number, stamp in enumerate(manifest.encoders):
            _check_collection(store, collection_name(number), stamp, ids, chunk_texts)
    finally:
        texts.close()
    return manifest


def _check_collection(
    store: VectorStore, name: str, stamp: EncoderStamp, ids: list[str], texts: dict[str, str]
) -> None:
    rows, vectors = ordered(store.vectors(name), ids, stamp)
    if len(rows) != stamp.count:
        raise BrokenIndex(f"collection {name} holds {len(rows)} chunks, {stamp.count} were written")
    if not rows:
        return
    part = [ids[n] for n in rows]
    if store.documents(name) != {i: texts[i] for i in part}:
        raise BrokenIndex(f"collection {name}: its texts are not those that were written")
    lost = _unfindable(store, name, part, vectors)
    if len(lost) > (len(part) * TOLERATED if len(ids) <= EXACT_CHUNKS else 0):
        raise BrokenIndex(
            f"collection {name}: {len(lost)} of {len(part)} chunks do not find themselves, first {lost[0]}"
        )


def _unfindable(store: VectorStore, name: str, ids: list[str], vectors: Vectors) -> list[str]:
    """Chunks whose own vector does not find them, nor a chunk with an equal vector."""
    lost = []
    row = {i: n for n, i in enumerate(ids)}
    for start in range(0, len(ids), ASKED):
        part = ids[start : start + ASKED]
        for identity, found in zip(part, store.nearest(name, vectors[start : start + ASKED], 1)[0], strict=True):
            if not found or not np.allclose(vectors[row[found[0]]], vectors[row[identity]], atol=1e-6):
                lost.append(identity)
    return lost
