"""Conversations in a database, each its owner's alone: SQLite on one machine, PostgreSQL for several replicas.

A question and its answer are one row: neither is ever kept without the other. Nothing is found by its id alone.
A connection is held while statements run, never while an answer is made.
"""

import contextlib
import datetime
import json
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy as sql
from sqlalchemy import exc
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column

from assistant.conversation import Turn
from assistant.database import cause, engine, place
from assistant.exchanges import (
    MOST_PAIRS,
    Conversation,
    Conversations,
    Exchange,
    Json,
    Kept,
    NotFound,
    Reading,
    Verdict,
    trim,
)
from assistant.schema import STEPS, Steps
from index.errors import IndexingError

PAGE = 50
_DAY = 86_400_000_000
_MIGRATING = 0x55534131  # the advisory lock of PostgreSQL that lets one process migrate at a time


class DatabaseFailed(IndexingError):
    """Conversations cannot be read or kept just now. The message never holds a password or a statement."""

    exit_code = 3


class NewerDatabase(DatabaseFailed):
    """The database was written by a newer version of this program."""


class _Tables(DeclarativeBase):
    type_annotation_map: ClassVar = {int: sql.BigInteger}  # times do not fit the smaller one


class _Conversation(_Tables):
    """Times are microseconds since 1970, UTC."""

    __tablename__ = "conversations"
    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    title: Mapped[str]
    length: Mapped[int]
    created: Mapped[int]
    changed: Mapped[int]


class _Exchange(_Tables):
    """Numbers run from 1 without a gap in each conversation."""

    __tablename__ = "exchanges"
    conversation: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str]
    request: Mapped[str]
    question: Mapped[str]
    answer: Mapped[str]
    trace: Mapped[str]
    asked: Mapped[int]
    verdict: Mapped[Verdict | None] = mapped_column(sql.String)
    comment: Mapped[str | None]


class History:
    """The conversations of all owners. Every method raises DatabaseFailed when the database does not do its work, and
    NotFound for what is unknown or not the owner's. `clock` gives seconds since 1970."""

    def __init__(self, url: str | Path, clock: Callable[[], float] = time.time, steps: Steps = STEPS) -> None:
        """`url` is one of SQLAlchemy's, or the path of an SQLite file. Connects with the first use. Raises
        ConfigurationError for a URL that names no usable database."""
        self._engine = engine(url)
        self._clock, self._steps, self._opened = clock, steps, False
        self._sqlite = self._engine.dialect.name == "sqlite"

    def open(self) -> None:
        """Bring the tables to this program's version; later calls do nothing. Raises NewerDatabase."""
        if self._opened:  # two threads may both get past here: the database lets one migrate and the other see it
            return
        with self._failing():
            if self.file is not None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._engine.connect() as db, db.begin():
                version = self._version(db)
            if version < len(self._steps):
                with self._engine.connect().execution_options(writes=True) as db, db.begin():
                    self._migrate(db)
        self._opened = True

    def exists(self) -> bool:
        """Whether the database has this program's tables; unlike all else this makes none."""
        with self._failing():
            if self.file is not None and not self.file.exists():
                return False
            with self._engine.connect() as db, db.begin():
                return self._version(db) > 0

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database, None for a server."""
        return Path((self._engine.url.database or "").removeprefix("file:")) if self._sqlite else None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def ready(self) -> None:
        """Prove that the database answers."""
        with self.transaction() as db:
            db.scalar(sql.select(sql.func.count()).select_from(sql.table("schema_version")))

    def start(self, owner: str, title: str) -> str:
        """The id of a new, empty conversation. It is not listed until something is appended."""
        identity, now = str(uuid.uuid4()), self._now()
        left = _Conversation.owner == owner, _Conversation.length == 0, _Conversation.changed < now - _DAY
        row = {"id": identity, "owner": owner, "title": _plain(title), "length": 0, "created": now, "changed": now}
        with self.transaction(writes=True) as db:
            db.execute(sql.delete(_Conversation).where(*left))  # those whose answer never came
            db.execute(sql.insert(_Conversation).values(row))
        return identity

    def append(self, conversation: str, owner: str, question: str, answer: Json, request: str) -> Kept:
        """Keep an exchange and return it; for a request that was kept before, return that and change nothing."""
        now = self._now()
        row = {
            "conversation": conversation, "owner": owner, "request": request, "question": _plain(question),
            "answer": _plain(json.dumps(answer, ensure_ascii=False)), "trace": str(answer["trace"]), "asked": now,
        }  # fmt: skip
        try:
            with self.transaction(writes=True) as db:
                longer = sql.update(_Conversation).values(length=_Conversation.length + 1, changed=now)
                if not db.execute(longer.where(*_mine(conversation, owner))).rowcount:  # this also locks the row
                    raise NotFound("conversation")
                number = self._own(db, conversation, owner).length
                db.execute(sql.insert(_Exchange).values(row | {"number": number}))
            return Kept(conversation, question, answer)
        except exc.IntegrityError:  # the request was kept before; nothing of the above has happened
            if kept := self.kept(owner, request):
                return kept
            raise NotFound("conversation") from None

    def kept(self, owner: str, request: str) -> Kept | None:
        """What is stored for a request of `owner`, None where nothing is."""
        query = sql.select(_Exchange.conversation, _Exchange.question, _Exchange.answer)
        with self.transaction() as db:
            row = db.execute(query.where(_Exchange.owner == owner, _Exchange.request == request)).first()
        return Kept(row.conversation, row.question, json.loads(row.answer)) if row else None

    def turns(self, conversation: str, owner: str, limit: int = MOST_PAIRS) -> tuple[Turn, ...]:
        """What to remind a model of: see `trim`."""
        query = sql.select(_Exchange.question, _Exchange.answer).where(*_of(conversation, owner))
        with self.transaction() as db:
            length = self._own(db, conversation, owner).length
            near = sql.or_(_Exchange.number == 1, _Exchange.number > length - limit)
            rows = db.execute(query.where(near).order_by(_Exchange.number)).all()
        return trim([(r.question, str(json.loads(r.answer)["text"])) for r in rows], limit)

    def list(self, owner: str, limit: int = PAGE, before: str | None = None) -> Conversations:
        """Conversations that have an answer, the last changed first; `before` is the `next` of the page before."""
        query = sql.select(_Conversation.__table__).where(_Conversation.owner == owner, _Conversation.length > 0)
        place = sql.tuple_(_Conversation.changed, _Conversation.id)
        if before is not None:
            changed, _, identity = before.partition(".")
            query = query.where(place < sql.tuple_(int(changed), identity))
        order = _Conversation.changed.desc(), _Conversation.id.desc()
        with self.transaction() as db:
            rows = db.execute(query.order_by(*order).limit(limit + 1)).all()
        after = f"{rows[limit - 1].changed}.{rows[limit - 1].id}" if len(rows) > limit else None
        return Conversations(tuple(map(_conversation, rows[:limit])), after)

    def get(self, conversation: str, owner: str, limit: int = PAGE, before: int | None = None) -> Reading:
        """The newest exchanges of a conversation, or the newest before number `before`."""
        with self.transaction() as db:
            found = self._own(db, conversation, owner)
            end = found.length + 1 if before is None else min(before, found.length + 1)
            exchanges = self._between(db, conversation, owner, end - limit, end)
        older = exchanges[0].number if exchanges and exchanges[0].number > 1 else None
        return Reading(found, exchanges, older)

    def exchanges(self, conversation: str, owner: str) -> Iterator[Exchange]:
        """All exchanges from the first on, read a page at a time."""
        for start in range(1, self.get(conversation, owner, 1).conversation.length + 1, PAGE):
            with self.transaction() as db:
                page = self._between(db, conversation, owner, start, start + PAGE)
            yield from page

    def rename(self, conversation: str, owner: str, title: str) -> None:
        """Give a conversation another title."""
        with self.transaction(writes=True) as db:
            change = sql.update(_Conversation).where(*_mine(conversation, owner)).values(title=_plain(title))
            if not db.execute(change).rowcount:
                raise NotFound("conversation")

    def delete(self, conversation: str, owner: str) -> tuple[str, ...]:
        """Delete a conversation for good. Returns the traces of its answers that no other conversation holds."""
        other = aliased(_Exchange)
        shared = sql.exists().where(other.trace == _Exchange.trace, other.conversation != _Exchange.conversation)
        query = sql.select(_Exchange.trace).distinct().where(*_of(conversation, owner), ~shared)
        with self.transaction(writes=True) as db:
            traces = db.scalars(query).all()
            if not db.execute(sql.delete(_Conversation).where(*_mine(conversation, owner))).rowcount:
                raise NotFound("conversation")
        self._forget()
        return tuple(traces)

    def abandon(self, conversation: str, owner: str) -> None:
        """Delete a conversation that is still empty."""
        with self.transaction(writes=True) as db:
            db.execute(sql.delete(_Conversation).where(*_mine(conversation, owner), _Conversation.length == 0))

    def answer(self, owner: str, trace: str) -> Json:
        """The recorded answer with this trace in a conversation of `owner`."""
        query = sql.select(_Exchange.answer).where(*_answered(trace, owner))
        with self.transaction() as db:
            found = db.scalar(query.order_by(_Exchange.asked.desc()).limit(1))
        if found is None:
            raise NotFound("answer")
        answer: Json = json.loads(found)
        return answer

    def judge(self, owner: str, trace: str, verdict: Verdict, comment: str | None = None) -> None:
        """Keep the reader's verdict on an answer, in place of an earlier one."""
        change = sql.update(_Exchange).values(verdict=verdict, comment=None if comment is None else _plain(comment))
        with self.transaction(writes=True) as db:
            if not db.execute(change.where(*_answered(trace, owner))).rowcount:
                raise NotFound("answer")

    def _own(self, db: sql.Connection, conversation: str, owner: str) -> Conversation:
        row = db.execute(sql.select(_Conversation.__table__).where(*_mine(conversation, owner))).first()
        if row is None:
            raise NotFound("conversation")
        return _conversation(row)

    def _between(self, db: sql.Connection, conversation: str, owner: str, start: int, end: int) -> tuple[Exchange, ...]:
        """Exchanges with numbers from `start`, before `end`."""
        query = sql.select(_Exchange.__table__).where(_Exchange.number >= start, _Exchange.number < end)
        rows = db.execute(query.where(*_of(conversation, owner)).order_by(_Exchange.number))
        return tuple(
            Exchange(r.number, r.question, json.loads(r.answer), _time(r.asked), r.verdict, r.comment) for r in rows
        )

    def _version(self, db: sql.Connection) -> int:
        """The version of the tables, 0 before there are any."""
        there = sql.inspect(db).has_table("schema_version")
        version = int(db.exec_driver_sql("SELECT version FROM schema_version").scalar_one()) if there else 0
        if version > len(self._steps):
            raise NewerDatabase(
                f"the {place(self._engine.url)} has version {version} of the tables, newer than the "
                f"{len(self._steps)} of this program; update the program, or set ASSISTANT_DATABASE_URL to another one"
            )
        return version

    def _migrate(self, db: sql.Connection) -> None:
        if db.dialect.name == "postgresql":
            db.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        for statement in (s for step in self._steps[self._version(db) :] for s in step):
            db.exec_driver_sql(statement)
        db.exec_driver_sql("DELETE FROM schema_version")
        db.exec_driver_sql(f"INSERT INTO schema_version VALUES ({len(self._steps)})")

    def _forget(self) -> None:
        """SQLite keeps what was deleted in its log until that is written back. Where a reader hinders it now, the next
        deletion or the end of the process does it."""
        if self._sqlite:
            with self._failing(), contextlib.closing(self._engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def transaction(self, writes: bool = False) -> Iterator[sql.Connection]:
        """All that is done within it happens, or nothing. For other tables of this database, too."""
        self.open()
        with self._failing(), self._engine.connect().execution_options(writes=writes) as db, db.begin():
            yield db

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except exc.IntegrityError:
            raise
        except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise DatabaseFailed(f"the {place(self._engine.url)} does not work: {cause(error)}") from error

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _mine(conversation: str, owner: str) -> tuple[sql.ColumnElement[bool], ...]:
    return _Conversation.id == _plain(conversation), _Conversation.owner == owner


def _of(conversation: str, owner: str) -> tuple[sql.ColumnElement[bool], ...]:
    return _Exchange.conversation == _plain(conversation), _Exchange.owner == owner


def _answered(trace: str, owner: str) -> tuple[sql.ColumnElement[bool], ...]:
    return _Exchange.trace == _plain(trace), _Exchange.owner == owner


def _conversation(row: sql.Row[Any]) -> Conversation:
    return Conversation(row.id, row.title, row.length, _time(row.created), _time(row.changed))


def _time(microseconds: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(microseconds / 1_000_000, datetime.UTC)


def _plain(text: str) -> str:
    """`text` without the two things that databases refuse: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
