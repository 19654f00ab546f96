"""Vectors in Chroma: the only file that talks to it. One collection an encoder, in the generation's own folder or,
under the generation's name, on a Chroma server or in Chroma Cloud.

Nothing stored in a collection is trusted: Chroma would build whatever embedding function a collection names, so the
registry it builds from is emptied first (CVE-2026-45829), and a collection that names one is refused.
"""

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import chromadb
import httpx
import numpy as np
from chromadb.api import ClientAPI
from chromadb.api.collection_configuration import CreateCollectionConfiguration, CreateHNSWConfiguration
from chromadb.api.models.Collection import Collection
from chromadb.api.shared_system_client import SharedSystemClient
from chromadb.api.types import GetResult, Where
from chromadb.config import DEFAULT_DATABASE, DEFAULT_TENANT, Settings
from chromadb.errors import ChromaError, NotFoundError, error_types
from chromadb.utils import embedding_functions

from index.documents import Chunk
from index.errors import BrokenIndex, StoreUnavailable, StoreUnreachable
from index.ports import Vectors

_BATCH = 250  # records a write: Chroma's own advice is 50-250; Chroma Cloud refuses more than 300, others 5,461
_PAGE = 300  # records a read: the most that Chroma Cloud gives; larger pages were no faster
STORED = 3  # counts what is stored with a vector
ASKED = 100  # vectors a search: the most that Chroma's own quotas allow
_TIMEOUT = httpx.Timeout(30, connect=3)  # seconds; Chroma's client would wait for ever
_LITTLE = 4 << 20  # bytes; less than a batch takes with SQLite's journal of it

for _name in [n for n in embedding_functions.known_embedding_functions if n != "default"]:
    del embedding_functions.known_embedding_functions[_name]


@dataclass(frozen=True, slots=True)
class Server:
    """A Chroma server. `token` goes into `token_header`, as a bearer token where that is Authorization."""

    url: str
    token: str | None = field(default=None, repr=False)
    token_header: str = "Authorization"
    tenant: str = DEFAULT_TENANT
    database: str = DEFAULT_DATABASE

    @property
    def host(self) -> str:
        """Where it is, without what a URL may hold of a login."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks."""
        scheme = "Bearer " if self.token_header == "Authorization" else ""
        return {self.token_header: scheme + self.token} if self.token else {}


@contextmanager
def _vendor_errors(what: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        why = str(error) or type(error).__name__
        raise StoreUnreachable(f"Chroma cannot {what}: {why}; start it, or check ASSISTANT_CHROMA_URL") from error
    except (ChromaError, ValueError, KeyError, TypeError, OSError) as error:
        raise StoreUnavailable(f"Chroma cannot {what}: {error}") from error


class VectorStore:
    """The collections of one generation. Close it: an open client holds files."""

    def __init__(self, folder: Path, prefix: str = "", server: Server | None = None) -> None:
        self._prefix, self._folder = prefix, None if server else folder
        self._copy = contextlib.ExitStack()
        with _vendor_errors(f"open {server.host if server else folder}"):
            self._client = _connect(server) if server else _embedded(self._writable(folder))

    def add(self, name: str, chunks: Sequence[Chunk], vectors: Vectors, days: Sequence[int]) -> None:
        """Store the vectors of `chunks`, row by row, in a new collection `name`; none is made for no chunks. `days` are
        those on which they were published, counted from the year 1."""
        if not chunks:
            return
        with _vendor_errors(f"write {name}"), self._room():
            collection = self._client.create_collection(
                self._named(name),
                configuration=CreateCollectionConfiguration(hnsw=_graph(len(chunks))),
                embedding_function=None,
            )
            for start in range(0, len(chunks), _BATCH):
                part, dated = chunks[start : start + _BATCH], days[start : start + _BATCH]
                collection.add(
                    ids=[c.id for c in part],
                    embeddings=vectors[start : start + _BATCH],
                    documents=[c.text for c in part],
                    metadatas=[
                        {"document_id": c.document_id, "start": c.start, "end": c.end, "day": day}
                        for c, day in zip(part, dated, strict=True)
                    ],
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

    def count(self, name: str) -> int:
        """How many vectors are stored; 0 where the collection was never written, or is lost."""
        collection = self._find(name)
        with _vendor_errors(f"count {name}"):
            return collection.count() if collection else 0

    def vectors(self, name: str) -> dict[str, Vectors]:
        """Every stored vector by chunk id; none where the collection was never written, or is lost."""
        rows: dict[str, Vectors] = {}
        for page in self._pages(name, "embeddings"):
            rows.update(zip(page["ids"], np.asarray(page["embeddings"], np.float32), strict=True))
        return rows

    def vectors_of(self, name: str, ids: Sequence[str]) -> dict[str, Vectors]:
        """The stored vectors of the chunks `ids` by id; chunks that are not in the collection are left out. Raises
        BrokenIndex where the collection is lost."""
        collection, rows = self._present(name), dict[str, Vectors]()
        with _vendor_errors(f"read {name}"):
            for start in range(0, len(ids), _PAGE):
                page = collection.get(ids=list(ids[start : start + _PAGE]), include=["embeddings"])
                rows.update(zip(page["ids"], np.asarray(page["embeddings"], np.float32), strict=True))
        return rows

    def documents(self, name: str) -> dict[str, str]:
        """The stored text of every chunk by id; none where the collection was never written, or is lost."""
        texts: dict[str, str] = {}
        for page in self._pages(name, "documents"):
            texts.update(zip(page["ids"], page["documents"] or [], strict=True))
        return texts

    def nearest(
        self, name: str, vectors: Vectors, k: int, until: int | None = None
    ) -> tuple[list[list[str]], list[list[float]]]:
        """Ids of the `k` nearest chunks to each of at most ASKED vectors, nearest first, and their distances
        (1 - cosine). With `until`, only of what was published up to that day. Raises BrokenIndex where the collection
        is lost."""
        where: Where | None = {"day": {"$lte": until}} if until is not None else None  # type: ignore[dict-item]
        collection = self._present(name)
        with _vendor_errors(f"search {name}"):
            found = collection.query(query_embeddings=vectors, n_results=k, include=["distances"], where=where)
        return found["ids"], found["distances"] or []

    def drop(self) -> None:
        """Delete this generation's collections; only needed on a server."""
        with _vendor_errors("delete collections"):
            mine = [n for n in self._names() if self._prefix and n.startswith(self._prefix)]
            for name in mine:
                self._client.delete_collection(name)

    def close(self) -> None:
        """Release files and connections."""
        close(self._client)
        self._copy.close()

    def _writable(self, folder: Path) -> Path:
        """Chroma writes where it reads, so what can only be read is copied."""
        if not folder.is_dir() or os.access(folder, os.W_OK):
            return folder
        copy = Path(self._copy.enter_context(tempfile.TemporaryDirectory(prefix="vectors-")))
        return shutil.copytree(folder, copy, dirs_exist_ok=True)

    def _named(self, name: str) -> str:
        return f"{self._prefix}{name}"

    def _names(self) -> Iterator[str]:
        """The collections of the whole database."""
        page, offset = self._client.list_collections(_PAGE, 0), 0
        while page:
            yield from (c.name for c in page)
            offset += len(page)
            page = self._client.list_collections(_PAGE, offset)

    def _pages(self, name: str, what: Literal["documents", "embeddings"]) -> Iterator[GetResult]:
        """All that is stored of `what`."""
        collection = self._find(name)
        if collection is None:
            return
        with _vendor_errors(f"read {name}"):
            for offset in range(0, collection.count(), _PAGE):
                yield collection.get(include=[what], limit=_PAGE, offset=offset)

    def _present(self, name: str) -> Collection:
        """The collection. Raises BrokenIndex where it is lost."""
        collection = self._find(name)
        if collection is None:
            raise BrokenIndex(f"collection {name} is not there; run: python -m index rollback or build")
        return collection

    def _find(self, name: str) -> Collection | None:
        """The collection, None where there is none."""
        with _vendor_errors(f"open collection {name}"):
            try:
                collection = self._client.get_collection(self._named(name), embedding_function=None)
            except NotFoundError:
                return None
            own = collection.configuration.get("embedding_function")
        if own is not None:
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
    try:
        return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    except BaseException:
        SharedSystemClient._identifier_to_system.pop(str(folder), None)  # or the next attempt gets this half of one
        raise


def _connect(server: Server) -> ClientAPI:
    """A client of that server. Asks for the database first: Chroma's client would tell less of what is wrong."""
    parts = urlsplit(server.url)
    place = f"/api/v2/tenants/{quote(server.tenant, '')}/databases/{quote(server.database, '')}"
    url = httpx.URL(server.url).copy_with(userinfo=b"", raw_path=place.encode())
    response = httpx.get(url, headers=server.headers, timeout=_TIMEOUT)
    if response.status_code == httpx.codes.NOT_FOUND:
        raise StoreUnreachable(
            f"the server at {server.host} has no database {server.database!r} of tenant {server.tenant!r}; create it, "
            "or check ASSISTANT_CHROMA_TENANT, ASSISTANT_CHROMA_DATABASE and ASSISTANT_CHROMA_URL"
        )
    _check(response)
    client = chromadb.HttpClient(
        host=parts.hostname or "localhost",
        port=parts.port or (443 if parts.scheme == "https" else 80),
        ssl=parts.scheme == "https",
        headers=server.headers,
        settings=Settings(anonymized_telemetry=False),
        tenant=server.tenant,
        database=server.database,
    )
    for session in _sessions(client):
        session.timeout, session.event_hooks = _TIMEOUT, {"response": [_check]}
    return client


def close(client: ClientAPI) -> None:
    """Release the files and connections of a client. Its own `close` leaves connections open."""
    sessions = _sessions(client)
    client.close()  # type: ignore[attr-defined]
    for session in sessions:
        session.close()


def _sessions(client: ClientAPI) -> list[httpx.Client]:
    """What it makes requests with, and for what there are no settings; nothing where it reads files."""
    apis = client._server, client._admin_client._server  # type: ignore[attr-defined]
    return [api._session for api in apis if hasattr(api, "_session")]


def _check(response: httpx.Response) -> None:
    """Raises StoreUnreachable for an error that is not Chroma's own, as a proxy's is: its client would raise a bare
    Exception with the whole page."""
    refused = response.status_code in (401, 403)
    if response.is_success or (not refused and _kind(response) in error_types):
        return
    names = "TOKEN and ASSISTANT_CHROMA_TOKEN_HEADER" if refused else "URL"
    said = f"the Chroma server at {response.url.host} answers with status {response.status_code}"
    raise StoreUnreachable(f"{said}; {'' if refused else 'start it, or '}check ASSISTANT_CHROMA_{names}")


def _kind(response: httpx.Response) -> Any:
    """The name of Chroma's own error; None for anything else."""
    try:
        said = json.loads(response.read())
    except ValueError:
        return None
    return said.get("error") if isinstance(said, dict) else None
