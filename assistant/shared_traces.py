"""Records of answers in the database of conversations, so that each replica makes again and deletes what any answered.

Not for: what a record holds, and the files that are enough for one machine (trace.py).
"""

import json
import logging
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sql
from sqlalchemy import exc

from assistant.conversation import Answer, Draft
from assistant.history import DatabaseFailed, History
from assistant.trace import Traces, record

log = logging.getLogger(__name__)
_table = sql.Table("traces", sql.MetaData(), sql.Column("trace", sql.String, primary_key=True),
                   sql.Column("record", sql.Text), sql.Column("recorded", sql.BigInteger))  # fmt: skip


class SharedTraces:
    """Records in the database of `history`. `files` are those that were kept in the data folder before."""

    def __init__(self, history: History, files: Traces) -> None:
        self._history, self._files = history, files

    def save(self, answer: Answer, drafts: Sequence[Draft], calls: Sequence[dict[str, Any]] = ()) -> None:
        """Keep a record. A database that does not work does not stop the answer."""
        # Escapes alone: PostgreSQL takes neither NUL nor halves of surrogate pairs.
        row = {"record": json.dumps(record(answer, drafts, calls), sort_keys=True), "recorded": int(time.time())}
        try:
            with self._history.transaction(writes=True) as db:
                if not db.execute(sql.update(_table).where(_table.c.trace == answer.trace).values(row)).rowcount:
                    db.execute(sql.insert(_table).values(row | {"trace": answer.trace}))
        except exc.IntegrityError:
            return  # another replica has just kept the same
        except DatabaseFailed as error:
            log.warning("the answer leaves no record: %s", error)

    def load(self, trace: str) -> dict[str, Any] | None:
        """The record, or None where there is none. Raises DatabaseFailed."""
        with self._history.transaction() as db:
            found = db.scalar(sql.select(_table.c.record).where(_table.c.trace == trace))
        return self._files.load(trace) if found is None else dict(json.loads(found))

    def forget(self, trace: str) -> None:
        """Delete the record."""
        self._files.forget(trace)
        try:
            with self._history.transaction(writes=True) as db:
                db.execute(sql.delete(_table).where(_table.c.trace == trace))
        except DatabaseFailed as error:
            log.error("the record %s cannot be deleted: %s; delete it from the table traces", trace, error)

    def close(self) -> None:
        """Close the connections."""
        self._history.close()
