"""Connecting to the database of conversations, and what its errors mean. SQLite or PostgreSQL, through SQLAlchemy."""

import re
import sqlite3
import time
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy import exc

from index.errors import ConfigurationError

_BUSY_SECONDS, _CONNECT_SECONDS = 5, 3
_POOL = {"pool_size": 5, "max_overflow": 15, "pool_timeout": _BUSY_SECONDS, "pool_pre_ping": True}

# What a driver's error code or words mean, and what to do.
_CAUSES = (
    (r"SQLITE_BUSY|SQLITE_LOCKED|55P03", "it is locked by another process; try again, or stop that process"),
    (r"SQLITE_READONLY|25006|42501", "it cannot be written; allow this user to write it"),
    (r"SQLITE_FULL|SQLITE_IOERR|53100|Errno 28\b", "the disk is full or broken; make room"),
    (r"SQLITE_CANTOPEN|SQLITE_PERM|\[Errno", "it cannot be opened; check that its folder exists and is this user's"),
    (r"SQLITE_CORRUPT|SQLITE_NOTADB", "it is damaged or no database; move it away or restore a copy"),
    (r"\b28[0P]\d\d\b|authentication failed|no password", "the login is refused; check user and password in the URL"),
    (r"3D000|database .* does not exist", "there is no such database; create it"),
    (r"53300|too many|QueuePool limit", "all its connections are in use; try again"),
    (r"57014|timeout", "it took too long; try again"),
)


def engine(url: str | Path) -> sql.Engine:
    """What connects, with the first use: `url` is one of SQLAlchemy's, or the path of an SQLite file. Raises
    ConfigurationError for one that names no usable database."""
    try:
        if isinstance(url, Path):
            parsed = sql.URL.create("sqlite", database=str(url))
        else:  # hosting services hand out both short forms
            parsed = sql.make_url(re.sub(r"^postgres(?:ql)?://", "postgresql+psycopg://", url.strip()))
        backend = parsed.get_backend_name()
        if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
            raise ValueError("a database in memory is another one in every thread")
        limits = {"sqlite": {"timeout": _BUSY_SECONDS}, "postgresql": {"connect_timeout": _CONNECT_SECONDS}}
        made = sql.create_engine(parsed, hide_parameters=True, connect_args=limits.get(backend, {}), **_POOL)
    except (exc.ArgumentError, ImportError, TypeError, ValueError):
        raise ConfigurationError(
            "ASSISTANT_DATABASE_URL has a hidden value that names no usable database; set it to "
            "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME, or unset it"
        ) from None
    if backend == "sqlite":
        sql.event.listen(made, "connect", _set_up_sqlite)
    sql.event.listen(made, "begin", _begin)
    return made


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver begins transactions late; `_begin` does it instead
    for pragma in ("foreign_keys = ON", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")
    # Changing to the write-ahead log does not wait for another process that does the same at the same time. A file
    # that cannot be written stays as it is.
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
            return
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                return
            time.sleep(0.05)


def _begin(connection: sql.Connection) -> None:
    """A writing transaction of SQLite locks at once: one that only locks when it first writes cannot wait for its
    turn. One of PostgreSQL ends by itself where a lock is never released."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
    elif connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = '10s'")


def place(url: sql.URL) -> str:
    """Which database, without the login."""
    return f"conversation database {url.database!r}" + (f" on {url.host}" if url.host else "")


def cause(error: Exception) -> str:
    """What went wrong and what to do, without the driver's text, which may hold anything."""
    original = error.orig if isinstance(error, exc.DBAPIError) else error
    code = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    for pattern, cause in _CAUSES:
        if re.search(pattern, f"{code} {original}", re.IGNORECASE):
            return cause
    if isinstance(error, exc.OperationalError | exc.InterfaceError) and not str(code).startswith("SQLITE"):
        return "it cannot be reached; start it, or check ASSISTANT_DATABASE_URL"
    return f"it refuses the work ({code or type(original).__name__}); check that it is this program's own"
