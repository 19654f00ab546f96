"""Documents and chunks of one generation in a SQLite file: written once, then only read."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from index.documents import About, Block, Chunk, Document
from index.errors import BrokenIndex

_SCHEMA = """
create table document (number integer primary key, id text unique, text text, digest text, blocks text, about text);
create table chunk (position integer primary key, id text unique, document integer, start integer, end integer,
                    heading text, page integer, seal text);
"""


def write(path: Path, documents: Sequence[Document], chunks: Sequence[tuple[Chunk, str]]) -> None:
    """Write documents, and chunks in index order, each with the seal of what was encoded for it."""
    numbers = {d.id: n for n, d in enumerate(documents)}
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(_SCHEMA)
        db.executemany(
            "insert into document values (?, ?, ?, ?, ?, ?)",
            (
                (
                    n,
                    d.id,
                    d.text,
                    d.digest,
                    json.dumps([(b.start, b.end, b.heading, b.page) for b in d.blocks]),
                    json.dumps(asdict(d.about)),
                )
                for n, d in enumerate(documents)
            ),
        )
        db.executemany(
            "insert into chunk values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (n, c.id, numbers[c.document_id], c.start, c.end, c.heading, c.page, seal)
                for n, (c, seal) in enumerate(chunks)
            ),
        )


class Texts:
    """Read access, safe from several threads. Raises BrokenIndex when the file is damaged."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise BrokenIndex(f"{path} does not open; run: python -m index build") from error
        self.document = lru_cache(maxsize=2048)(self._document)
        self.chunk = lru_cache(maxsize=20_000)(self._chunk)

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._db.close()

    def document_ids(self) -> list[str]:
        """Ids of all documents, sorted."""
        return [i for (i,) in self._rows("select id from document order by id")]

    def abouts(self) -> dict[str, About]:
        """Metadata of all documents by id."""
        return {i: About(**json.loads(a)) for i, a in self._rows("select id, about from document order by id")}

    def digests(self) -> dict[str, str]:
        """Digests of all documents by id."""
        return dict(self._rows("select id, digest from document"))

    def chunk_ids(self) -> list[str]:
        """Ids of all chunks in index order."""
        return [i for (i,) in self._rows("select id from chunk order by position")]

    def chunk_documents(self) -> list[str]:
        """For every chunk in index order, the id of its document."""
        return [
            i
            for (i,) in self._rows(
                "select d.id from chunk c join document d on d.number = c.document order by position"
            )
        ]

    def seals(self) -> list[str]:
        """For every chunk in index order, the seal of the text that was encoded for it."""
        return [s for (s,) in self._rows("select seal from chunk order by position")]

    def _document(self, identity: str) -> Document | None:
        rows = self._rows("select text, digest, blocks, about from document where id = ?", (identity,))
        if not rows:
            return None
        text, digest, blocks, about = rows[0]
        return Document(
            identity, text, digest, tuple(Block(*b) for b in json.loads(blocks)), About(**json.loads(about))
        )

    def _chunk(self, position: int) -> Chunk:
        rows = self._rows(
            "select c.id, d.id, start, end, heading, page from chunk c join document d "
            "on d.number = c.document where position = ?",
            (position,),
        )
        identity, document_id, start, end, heading, page = rows[0]
        document = self.document(document_id)
        assert document is not None
        return Chunk(identity, document_id, start, end, heading, page, document.text[start:end])

    def _rows(self, query: str, values: Iterable[object] = ()) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._db.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise BrokenIndex(f"the texts of the index are damaged ({error}); run: python -m index rollback") from error
