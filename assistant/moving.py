"""All that the database of conversations holds, copied into another, empty one: from SQLite to PostgreSQL, or back.

One transaction reads and one writes, and every row that was written is read back and compared before it counts. What is
copied stays where it is.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc

from assistant.history import DatabaseFailed, History
from index.errors import ConfigurationError
from index.ports import Progress

_ROWS = 50  # at a time: an answer may be a megabyte
_VERSION = "schema_version"
Row = dict[str, Any]


def held(history: History) -> dict[str, int]:
    """Rows of each table. Raises DatabaseFailed."""
    with history.transaction() as db:
        return {t.name: _count(db, t) for t in _tables(db)}


def copy(source: History, target: History, progress: Progress) -> dict[str, int]:
    """Copy every row; rows of each table. Raises ConfigurationError when the target holds anything already, and
    DatabaseFailed, and then the target holds nothing of it."""
    copied: dict[str, int] = {}
    try:
        with source.transaction() as here, target.transaction(writes=True) as there:
            if here.dialect.name == "postgresql":  # else each statement sees what others wrote in between
                here.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            tables = _tables(here)
            into = {t.name: t for t in _tables(there)}
            if full := {n: c for n, t in into.items() if (c := _count(there, t))}:
                raise ConfigurationError(f"the target holds {told(full)} already; give an empty database")
            for table in tables:
                copied[table.name], count = 0, _count(here, table)
                for rows in _batches(here, table):
                    _write(there, into[table.name], rows)
                    copied[table.name] += len(rows)
                    progress(table.name, copied[table.name], count)
    except exc.IntegrityError:
        raise DatabaseFailed("another process writes to the target; stop it, empty the target and try again") from None
    return copied


def told(rows: dict[str, int]) -> str:
    """Rows of each table in words.

    >>> told({"conversations": 2, "exchanges": 1200, "traces": 0})
    '2 conversations, 1,200 exchanges'
    """
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in rows.items() if count) or "nothing"


def _tables(db: sql.Connection) -> list[sql.Table]:
    """Ours, as they are in the database; those that others refer to first."""
    meta = sql.MetaData()
    meta.reflect(db)
    return [t for t in meta.sorted_tables if t.name != _VERSION]


def _count(db: sql.Connection, table: sql.Table) -> int:
    return int(db.scalar(sql.select(sql.func.count()).select_from(table)) or 0)


def _batches(db: sql.Connection, table: sql.Table) -> Iterator[list[Row]]:
    found = db.execution_options(yield_per=_ROWS).execute(sql.select(table))
    for part in found.mappings().partitions(_ROWS):
        yield [dict(row) for row in part]


def _write(db: sql.Connection, table: sql.Table, rows: Sequence[Row]) -> None:
    db.execute(sql.insert(table), rows)
    key = list(table.primary_key.columns)
    wanted = sql.tuple_(*key).in_([tuple(row[c.name] for c in key) for row in rows])
    stored = {_key(row, table): dict(row) for row in db.execute(sql.select(table).where(wanted)).mappings()}
    if stored != {_key(row, table): row for row in rows}:
        raise DatabaseFailed(f"the target gives rows of {table.name} back otherwise than they were written")


def _key(row: Any, table: sql.Table) -> tuple[Any, ...]:
    return tuple(row[c.name] for c in table.primary_key.columns)
