"""The durable queue: what was acknowledged is here, and is done once, whichever of several processes does it.

In the database of conversations. Not for: what is sent to Slack (deliver.py).
"""

import contextlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from assistant.history import History
from assistant.slack.tasks import ChannelSettings, Claimed, Done, Task, load

MOST_WAITING, LEASE = 2000, 30.0
_KEEP_DAYS = 30
_OPEN = ("waiting", "working")

_meta = sql.MetaData()
_tasks = sql.Table("slack_tasks", _meta, *(
    sql.Column(n, sql.BigInteger if n in ("attempts", "due", "lease", "received", "finished") else sql.String,
               primary_key=n == "id")
    for n in ("id", "message", "kind", "team", "channel", "asker", "thread", "place", "payload", "state", "attempts",
              "due", "worker", "lease", "sent", "trace", "received", "finished")
))  # fmt: skip
_threads = sql.Table("slack_threads", _meta, *(
    sql.Column(n, sql.BigInteger if n == "created" else sql.String)
    for n in ("team", "channel", "thread", "conversation", "created")
))  # fmt: skip
_channels = sql.Table("slack_channels", _meta, *(
    sql.Column(n, sql.BigInteger if n == "mention_only" else sql.String)
    for n in ("team", "channel", "language", "as_of", "mention_only")
))  # fmt: skip
_audit = sql.Table("slack_audit", _meta, *(
    sql.Column(n, sql.BigInteger if n == "happened" else sql.String)
    for n in ("id", "happened", "team", "channel", "asker", "action", "task", "trace", "detail")
))  # fmt: skip


class Lost(Exception):
    """Another process has taken the task over: nothing more may be done for it here."""


class Queue:
    """Tasks, threads, channels and the audit log. Every method raises DatabaseFailed. `lease` is how long, in seconds,
    a task is this process's before others may take it over; `clock` gives seconds since 1970."""

    def __init__(self, history: History, lease: float = LEASE, most: int = MOST_WAITING,
                 clock: Callable[[], float] = time.time) -> None:  # fmt: skip
        self._history, self.lease, self._most, self._clock = history, lease, most, clock
        self.worker = uuid.uuid4().hex
        self._writing = _Turns()

    def record(self, tasks: Sequence[Task]) -> int:
        """Store tasks, all or none; those that are known already, and follow-ups in threads that are not the bot's,
        change nothing. Returns how many were new."""
        now = self._now()
        with self._writing.first(), self._history.transaction(writes=True) as db:
            waiting = db.scalar(
                sql.select(sql.func.count()).select_from(_tasks).where(_tasks.c.state.in_(_OPEN))
            ) or 0  # fmt: skip
            numbered, new = enumerate(tasks), 0
            for follows, some in groupby(numbered, key=lambda t: t[1].follows):  # a thread may begin in the same batch
                kept = [(n, t) for n, t in some if not follows or self._owned(db, t)]
                rows = [_row(t, now + n, busy=waiting + n >= self._most) for n, t in kept]
                stored = set(db.scalars(_insert(db, _tasks).returning(_tasks.c.id), rows)) if rows else set()
                begun = [{"team": t.team, "channel": t.channel, "thread": t.thread, "created": now}
                         for _, t in kept if t.id in stored and t.kind in ("ask", "check") and t.thread]  # fmt: skip
                if begun:
                    db.execute(_insert(db, _threads), begun)
                new += len(stored)
        return new

    def claim(self, most: int) -> list[Claimed]:
        """Up to `most` tasks to do now, oldest first, at most one of each place."""
        now, other = self._now(), _tasks.alias()
        earlier = sql.exists().where(
            other.c.place == _tasks.c.place,
            other.c.state.in_(_OPEN),
            sql.tuple_(other.c.received, other.c.id) < sql.tuple_(_tasks.c.received, _tasks.c.id),
        )
        ready = sql.or_(
            sql.and_(_tasks.c.state == "waiting", _tasks.c.due <= now),
            sql.and_(_tasks.c.state == "working", _tasks.c.lease < now),
        )
        query = sql.select(_tasks).where(ready, ~earlier).order_by(_tasks.c.received, _tasks.c.id).limit(most)
        with self._writing.second(), self._history.transaction(writes=True) as db:
            rows = db.execute(query.with_for_update(skip_locked=True, of=_tasks)).all()
            for row in rows:
                values = {"state": "working", "attempts": row.attempts + 1, "worker": self.worker,
                          "lease": now + self._micro(self.lease)}  # fmt: skip
                db.execute(sql.update(_tasks).where(_tasks.c.id == row.id).values(values))
        return [_claimed(row) for row in rows]

    def renew(self) -> None:
        """Keep what this process works on for another while."""
        until = self._now() + self._micro(self.lease)
        mine = _tasks.c.worker == self.worker, _tasks.c.state == "working"
        self._write(sql.update(_tasks).where(*mine).values(lease=until))

    def sent(self, claimed: Claimed, part: str, timestamp: str) -> None:
        """Remember that a part of the reply is a message, or "?" that it is about to be. Raises Lost."""
        claimed.sent[part] = timestamp
        self._mine(claimed, sent=json.dumps(claimed.sent))

    def check(self, claimed: Claimed) -> None:
        """Raises Lost unless the task is still this process's."""
        self._mine(claimed, lease=self._now() + self._micro(self.lease))

    def later(self, claimed: Claimed, seconds: float, counts: bool) -> None:
        """Try again after `seconds`; `counts` unless the try was only put off. Raises Lost."""
        attempts = claimed.attempt if counts else claimed.attempt - 1
        self._mine(claimed, state="waiting", due=self._now() + self._micro(seconds), attempts=attempts)

    def finish(self, claimed: Claimed, state: str, trace: str = "") -> None:
        """The task is over: "done", "failed" or "ignored". What was said is kept no longer than needed. Raises Lost."""
        task = load_bare(claimed.task).dump()
        self._mine(claimed, state=state, trace=trace, finished=self._now(), payload=task)

    def requeue(self) -> None:
        """Give back what this process holds, because it ends."""
        mine = _tasks.c.worker == self.worker, _tasks.c.state == "working"
        values = {"state": "waiting", "attempts": _tasks.c.attempts - 1, "due": self._now()}
        self._write(sql.update(_tasks).where(*mine).values(values))

    def counts(self) -> dict[str, int]:
        """How many tasks there are by state."""
        query = sql.select(_tasks.c.state, sql.func.count()).group_by(_tasks.c.state)
        with self._history.transaction() as db:
            return {str(state): int(n) for state, n in db.execute(query)}

    def purge(self) -> None:
        """Delete what was finished long ago."""
        old = self._now() - self._micro(_KEEP_DAYS * 86_400)
        done = _tasks.c.state.not_in(_OPEN), _tasks.c.finished < old
        self._write(sql.delete(_tasks).where(*done))

    def conversation(self, task: Task) -> str | None:
        """The conversation of a task's thread, None before its first answer."""
        query = sql.select(_threads.c.conversation).where(*_of(_threads, task), _threads.c.thread == task.thread)
        with self._history.transaction() as db:
            return db.scalar(query)

    def converse(self, task: Task, conversation: str | None) -> None:
        """Keep which conversation a thread has."""
        change = sql.update(_threads).where(*_of(_threads, task), _threads.c.thread == task.thread)
        self._write(change.values(conversation=conversation))

    def asked_in(self, task: Task) -> bool:
        """Whether the user of `task` has asked something in its thread."""
        query = sql.select(_tasks.c.id).where(
            *_of(_tasks, task), _tasks.c.thread == task.thread, _tasks.c.asker == task.user,
            _tasks.c.kind == "ask", _tasks.c.state == "done",
        ).limit(1)  # fmt: skip
        with self._history.transaction() as db:
            return db.scalar(query) is not None

    def forget(self, task: Task) -> None:
        """Leave nothing of a thread but that it was answered: its answers are in no list any more."""
        change = sql.update(_tasks).where(*_of(_tasks, task), _tasks.c.thread == task.thread)
        self._write(change.values(trace=""))

    def recent(self, team: str, user: str, most: int) -> list[Done]:
        """The last answers that `user` got, newest first."""
        query = sql.select(_tasks.c.payload, _tasks.c.trace, _tasks.c.received).where(
            _tasks.c.team == team, _tasks.c.asker == user, _tasks.c.state == "done", _tasks.c.trace != ""
        )
        with self._history.transaction() as db:
            rows = db.execute(query.order_by(_tasks.c.received.desc()).limit(most)).all()
        return [Done(load(r.payload).owner, r.trace, r.received / 1_000_000) for r in rows]

    def channel(self, team: str, channel: str) -> ChannelSettings:
        """How a channel is answered."""
        query = sql.select(_channels).where(_channels.c.team == team, _channels.c.channel == channel)
        with self._history.transaction() as db:
            row = db.execute(query).first()
        return ChannelSettings(row.language, row.as_of, bool(row.mention_only)) if row else ChannelSettings()

    def set_channel(self, team: str, channel: str, settings: ChannelSettings) -> None:
        """Keep how a channel is answered."""
        row: dict[str, Any] = {"team": team, "channel": channel, "language": settings.language,
                               "as_of": settings.as_of, "mention_only": int(settings.mention_only)}  # fmt: skip
        with self._writing.second(), self._history.transaction(writes=True) as db:
            db.execute(sql.delete(_channels).where(_channels.c.team == team, _channels.c.channel == channel))
            db.execute(sql.insert(_channels).values(row))

    def audit(self, task: Task, action: str, trace: str = "", detail: str = "") -> None:
        """Write down who did what, never what was said."""
        row = {"id": uuid.uuid4().hex, "happened": self._now(), "team": task.team, "channel": task.channel,
               "asker": task.user, "action": action, "task": task.id, "trace": trace,
               "detail": detail[:200]}  # fmt: skip
        self._write(sql.insert(_audit).values(row))

    def log(self, most: int = 100) -> list[dict[str, Any]]:
        """The last entries of the audit log, newest first."""
        query = sql.select(_audit).order_by(_audit.c.happened.desc(), _audit.c.id).limit(most)
        with self._history.transaction() as db:
            return [dict(row._mapping) for row in db.execute(query)]

    def _owned(self, db: sql.Connection, task: Task) -> bool:
        query = sql.select(_threads.c.thread).where(*_of(_threads, task), _threads.c.thread == task.thread)
        return db.scalar(query) is not None

    def _mine(self, claimed: Claimed, **values: Any) -> None:
        mine = (_tasks.c.id == claimed.task.id, _tasks.c.worker == self.worker, _tasks.c.state == "working",
                _tasks.c.attempts == claimed.attempt)  # fmt: skip
        if not self._write(sql.update(_tasks).where(*mine).values(values)):
            raise Lost(claimed.task.id)

    def _write(self, statement: sql.Update | sql.Insert | sql.Delete) -> int:
        with self._writing.second(), self._history.transaction(writes=True) as db:
            return db.execute(statement).rowcount

    def _now(self) -> int:
        return self._micro(self._clock())

    @staticmethod
    def _micro(seconds: float) -> int:
        return int(seconds * 1_000_000)


class _Turns:
    """Lets one write at a time: SQLite does so too, but without a queue. Those whom Slack waits for go first."""

    def __init__(self) -> None:
        self._changed, self._taken, self._first = threading.Condition(), False, 0

    @contextlib.contextmanager
    def first(self) -> Iterator[None]:
        """A turn before all of the second kind."""
        with self._changed:
            self._first += 1
            self._changed.wait_for(lambda: not self._taken)
            self._first, self._taken = self._first - 1, True
        yield from self._turn()

    @contextlib.contextmanager
    def second(self) -> Iterator[None]:
        """A turn when nobody of the first kind waits."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken and not self._first)
            self._taken = True
        yield from self._turn()

    def _turn(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()


def load_bare(task: Task) -> Task:
    """The task without what was said: enough to know whose it was."""
    return Task(task.id, task.kind, task.team, task.channel, task.user, task.thread, task.message, direct=task.direct)


def _row(task: Task, now: int, busy: bool) -> dict[str, Any]:
    return {"id": task.id, "message": task.message, "kind": task.kind, "team": task.team, "channel": task.channel,
            "asker": task.user, "thread": task.thread, "place": task.place, "payload": task.dump(),
            "state": "waiting", "attempts": 0, "due": 0, "worker": "", "lease": 0,
            "sent": json.dumps({"busy": "1"} if busy else {}), "trace": "", "received": now, "finished": 0}  # fmt: skip


def _insert(db: sql.Connection, table: sql.Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that does nothing where the row is there already. Made once for many rows, as it takes longer than
    the database does."""
    if db.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _of(table: sql.Table, task: Task) -> tuple[sql.ColumnElement[bool], ...]:
    return table.c.team == task.team, table.c.channel == task.channel


def _claimed(row: sql.Row[Any]) -> Claimed:
    sent = json.loads(row.sent)
    busy = sent.pop("busy", None) is not None
    return Claimed(load(row.payload), row.attempts + 1, row.received / 1_000_000, sent, busy)
