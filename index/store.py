"""Vectors in Chroma: the only file that talks to it. One collection an encoder, in the generation's own folder or,
under the generation's name, on a Chroma server.

Nothing stored in a collection is trusted: Chroma would build whatever embedding function a collection names, so the
registry it builds from is emptied first (CVE-2026-45829), and a collection that names one is refused.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import chromadb
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.api.types import Where
from chromadb.config import Settings
from chromadb.errors import ChromaError
from chromadb.utils import embedding_functions

from index.documents import Chunk
from index.errors import BrokenIndex, StoreUnavailable
from index.ports import Vectors

_BATCH = 250  # Chroma's own advice is 50-250; it refuses more than 5,461
_PAGE = 5000
_LITTLE = 4 << 20  # bytes; less than a batch takes with SQLite's journal of it

for _name in [n for n in embedding_functions.known_embedding_functions if n != "default"]:
    del embedding_functions.known_embedding_functions[_name]


@contextmanager
def _vendor_errors(what: str, advice: str = "") -> Iterator[None]:
    try:
        yield
    except (ChromaError, ValueError, KeyError, TypeError, OSError) as error:
        raise StoreUnavailable(f"Chroma cannot {what}: {error}{advice}") from error


class VectorStore:
    """The collections of one generation. Close it: an open client holds files."""

    def __init__(self, folder: Path, prefix: str = "", url: str | None = None, token: str | None = None) -> None:
        self._prefix, self._folder = prefix, None if url else folder
        self._copy = contextlib.ExitStack()
        advice = "; start it, or check ASSISTANT_CHROMA_URL and ASSISTANT_CHROMA_TOKEN" if url else ""
        with _vendor_errors(f"open {url or folder}", advice):
            self._client = _server(url, token) if url else _embedded(self._writable(folder))

    def add(self, name: str, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Store the vectors of `chunks`, row by row, in a new collection `name`; none is made for no chunks."""
        if not chunks:
            return
        with _vendor_errors(f"write {name}"), self._room():
            collection = self._client.create_collection(
                self._named(name),
                configuration=CreateCollectionConfiguration(hnsw=_graph(len(chunks))),
                embedding_function=None,
            )
            for start in range(0, len(chunks), _BATCH):
                part = chunks[start : start + _BATCH]
                collection.add(
                    ids=[c.id for c in part],
                    embeddings=vectors[start : start + _BATCH],
                    documents=[c.text for c in part],
                    metadatas=[{"document_id": c.document_id, "start": c.start, "end": c.end} for c in part],
                )

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Of a full disk Chroma tells only which of its parts failed."""
        try:
            yield
        except ChromaError as error:
            if self._folder is not None and shutil.disk_usage(self._folder).free < _LITTLE:
                raise OSError(errno.ENOSPC, f"the disk is full: {error}") from error
            raise

    def vectors(self, name: str) -> dict[str, Vectors]:
        """Every stored vector by chunk id; none where the collection was never written."""
        rows: dict[str, Vectors] = {}
        with _vendor_errors(f"read {name}"):
            if self._named(name) not in {c.name for c in self._client.list_collections()}:
                return rows
            collection = self._collection(name)
            for offset in range(0, collection.count(), _PAGE):
                page = collection.get(include=["embeddings"], limit=_PAGE, offset=offset)
                rows.update(zip(page["ids"], np.asarray(page["embeddings"], np.float32), strict=True))
        return rows

    def documents(self, name: str) -> dict[str, str]:
        """The stored text of every chunk by id."""
        collection = self._collection(name)
        with _vendor_errors(f"read {name}"):
            found = collection.get(include=["documents"])
        return dict(zip(found["ids"], found["documents"] or [], strict=True))

    def nearest(
        self, name: str, vectors: Vectors, k: int, among: Sequence[str] | None = None
    ) -> tuple[list[list[str]], list[list[float]]]:
        """Ids of the `k` nearest chunks to each vector, nearest first, and their distances (1 - cosine).
        `among` limits the candidates to documents."""
        documents: list[str | int | float | bool] = list(among or ())
        where: Where | None = {"document_id": {"$in": documents}} if among is not None else None  # type: ignore[dict-item]
        with _vendor_errors(f"search {name}"):
            found = self._collection(name).query(
                query_embeddings=vectors, n_results=k, include=["distances"], where=where
            )
        return found["ids"], found["distances"] or []

    def drop(self) -> None:
        """Delete this generation's collections; only needed on a server."""
        with _vendor_errors("delete collections"):
            for collection in self._client.list_collections():
                if self._prefix and collection.name.startswith(self._prefix):
                    self._client.delete_collection(collection.name)

    def close(self) -> None:
        """Release files and connections."""
        self._client.close()  # type: ignore[attr-defined]
        self._copy.close()

    def _writable(self, folder: Path) -> Path:
        """Chroma writes where it reads, so what can only be read is copied."""
        if not folder.is_dir() or os.access(folder, os.W_OK):
            return folder
        copy = Path(self._copy.enter_context(tempfile.TemporaryDirectory(prefix="vectors-")))
        return shutil.copytree(folder, copy, dirs_exist_ok=True)

    def _named(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _collection(self, name: str) -> Collection:
        with _vendor_errors(f"open collection {name}"):
            collection = self._client.get_collection(self._named(name), embedding_function=None)
        if collection.configuration.get("embedding_function") is not None:
            raise BrokenIndex(
                f"collection {name} names an embedding function of its own; it was not made by this program"
            )
        return collection


def _graph(size: int) -> CreateHNSWConfiguration:
    """Settings of the HNSW graph for `size` vectors.

    Unit vectors: the inner product is the cosine, and "cosine" itself would store rounded copies. Below Chroma's
    threshold of 1,000 nothing would be written to disk until read, and reading would then change files; so a small
    collection gets a threshold that it reaches. With the default of 16 neighbours, near-duplicates get lost."""
    return CreateHNSWConfiguration(
        space="ip", max_neighbors=32, ef_construction=200, ef_search=200,
        sync_threshold=min(size, 1000), batch_size=min(size, 100),
    )  # fmt: skip


def _embedded(folder: Path) -> ClientAPI:
    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))


def _server(url: str, token: str | None) -> ClientAPI:
    parts = urlsplit(url)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return chromadb.HttpClient(
        host=parts.hostname or "localhost",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        ssl=parts.scheme == "https",
        headers=headers,
        settings=Settings(anonymized_telemetry=False),
    )
