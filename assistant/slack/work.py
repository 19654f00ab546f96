"""Does the tasks of the queue, several at a time, one after another in each thread; whatever fails is told there."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from assistant import checking
from assistant.chain import Assistant
from assistant.conversation import LANGUAGES, MAX_QUESTION, BadQuestion, Question
from assistant.dialogue import Begun, Dialogue, Reply, Said
from assistant.exchanges import Json, NotFound
from assistant.generation import Cancel
from assistant.history import DatabaseFailed
from assistant.slack import blocks, limits, questions, views
from assistant.slack.api import Limited, Refused, SlackApi, SlackFailed, TooLong
from assistant.slack.blocks import Message
from assistant.slack.deliver import Delivery
from assistant.slack.errands import Errands
from assistant.slack.queue import Lost, Queue
from assistant.slack.scope import Scope
from assistant.slack.tasks import Claimed, Task
from assistant.slack.words import words
from assistant.terms import language

log = logging.getLogger(__name__)
_TRIES, _POLL, _PURGE = 3, 1.0, 3600.0
_AUTHORITY = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope")
_LONGEST_WAIT = 900.0  # seconds that a rate limit may put a reply off at a time


@dataclass(frozen=True, slots=True)
class Parts:
    """What a worker works with; `pace` as in `Delivery`."""

    assistant: Assistant
    dialogue: Dialogue
    queue: Queue
    api: SlackApi
    scope: Scope
    admins: frozenset[str] = frozenset()
    pace: float = 1.5


class Worker:
    """One process's share of the work. `stored` wakes it when there is something new; tasks of other processes it
    sees within a second. `most` tasks are done at once."""

    def __init__(self, parts: Parts, stored: threading.Event, most: int = 4) -> None:
        self._parts, self._stored, self._most = parts, stored, most
        self._errands = Errands(parts.dialogue, parts.queue, parts.api, parts.admins)
        self._pool = ThreadPoolExecutor(most, "slack-answer")
        self._stopping = threading.Event()
        self._cancels: dict[str, Cancel] = {}
        self._lock, self._busy = threading.Lock(), 0
        self._thread = threading.Thread(target=self._run, name="slack-worker", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        """Take nothing new; give what is being done `seconds` to end, then leave it to the next process."""
        self._stopping.set()
        self._stored.set()
        self._thread.join(5)
        until = time.monotonic() + seconds
        while self._busy and time.monotonic() < until:
            time.sleep(0.02)
        for cancel in list(self._cancels.values()):
            cancel.set()
        self._pool.shutdown(wait=not self._busy, cancel_futures=True)
        try:
            self._parts.queue.requeue()
        except DatabaseFailed as error:
            log.error("tasks in hand are done after their lease ends: %s", error)

    def wait(self, seconds: float) -> None:
        """Sleep, but not when the process ends."""
        self._stopping.wait(seconds)

    def _run(self) -> None:
        renewed = purged = 0.0
        while not self._stopping.is_set():
            self._stored.wait(min(_POLL, self._parts.queue.lease / 8))
            self._stored.clear()
            now = time.monotonic()
            try:
                if now - renewed > self._parts.queue.lease / 4:
                    self._parts.queue.renew()
                    renewed = now
                if now - purged > _PURGE:
                    self._parts.queue.purge()
                    purged = now
                self._take()
            except DatabaseFailed as error:
                log.error("the queue cannot be read: %s", error)
                self._stopping.wait(_POLL)

    def _take(self) -> None:
        """Begin what there is a free place for. A task that ends wakes the thread again."""
        free = self._most - self._busy
        if free <= 0 or self._stopping.is_set():
            return
        for claimed in self._parts.queue.claim(free):
            with self._lock:
                self._busy += 1
            self._pool.submit(self._work, claimed).add_done_callback(lambda _: self._ended())

    def _ended(self) -> None:
        with self._lock:
            self._busy -= 1
        self._stored.set()

    def _work(self, claimed: Claimed) -> None:
        """Do a task. Whatever happens, the task is over, put off, or somebody else's afterwards."""
        parts, task = self._parts, claimed.task
        cancel = self._cancels[task.id] = Cancel()
        delivery = Delivery(parts.api, parts.queue, claimed, self.wait, parts.scope.bot, parts.pace)
        try:
            self._do(claimed, delivery, cancel)
        except Lost:
            log.warning("task %s: another process does it", task.id)
        except Limited as limited:
            self._put_off(claimed, min(limited.seconds, _LONGEST_WAIT), counts=False)
        except TooLong as error:
            log.error("task %s, error id %s: %s", task.id, task.id, error)
            self._fail(claimed, delivery, task.id)
        except Refused as refused:
            self._refused(claimed, refused)
        except Exception:  # the boundary: the asker gets an id and no trace
            identity = uuid.uuid4().hex[:12]
            log.exception("task %s, try %d, failed; error id %s", task.id, claimed.attempt, identity)
            self._fail(claimed, delivery, identity)
        finally:
            del self._cancels[task.id]

    def _do(self, claimed: Claimed, delivery: Delivery, cancel: Cancel) -> None:
        task, queue = claimed.task, self._parts.queue
        say = words(self._language(task))
        if claimed.attempt > _TRIES + 1:  # it has taken whole processes with it
            self._apologise(claimed, delivery, uuid.uuid4().hex[:12])
        elif task.follows and queue.channel(task.team, task.channel).mention_only:
            self._settle(claimed, "ignored", detail="mention only")
        elif claimed.busy and task.kind in ("ask", "check"):
            delivery.finish(lambda _: blocks.told(say("busy")))
            self._settle(claimed, "failed", detail="queue full")
        elif task.kind in ("ask", "check") and self._is_guest(task):
            self._errands.whisper(task, say("not_you"))
            self._settle(claimed, "ignored", detail="guest")
        elif task.kind == "ask":
            self._answer(claimed, delivery, cancel)
        elif task.kind == "check":
            self._check(claimed, delivery)
        else:
            detail = self._errands.run(claimed, delivery, say)
            self._settle(claimed, "done", detail=detail)

    def _answer(self, claimed: Claimed, delivery: Delivery, cancel: Cancel) -> None:
        task, queue = claimed.task, self._parts.queue
        channel = queue.channel(task.team, task.channel)
        say = words(channel.language or self._language(task))
        delivery.begin(Message(say("looking"), blocks.told(say("looking"))[0].blocks), say("looking"))
        try:
            asked = questions.question(task.text, channel)
        except (questions.BadDate, BadQuestion) as error:
            bad_date = isinstance(error, questions.BadDate)
            text = say("bad_date") if bad_date else say("bad_question", most=str(MAX_QUESTION))
            delivery.finish(lambda _: blocks.told(text))
            self._settle(claimed, "done", detail="bad date" if bad_date else "bad question")
            return
        reply = self._asked(claimed, asked, delivery, cancel)
        if reply is None:
            self._put_off(claimed, 0.0, counts=False)
            return
        answer, owner = reply.answer, task.owner
        delivery.finish(lambda size: blocks.answered(
            answer, owner, not task.thread, reply.trouble is not None, size or limits.MESSAGE
        ))  # fmt: skip
        if task.thread and reply.conversation is not None:
            queue.converse(task, reply.conversation)
        self._settle(claimed, "done", answer["trace"], "refused" if answer["refused"] else "answered")

    def _asked(self, claimed: Claimed, asked: Question, delivery: Delivery, cancel: Cancel) -> Reply | None:
        """The reply, None where the process ends before it is there. Shows what is verified meanwhile."""
        sentences: list[tuple[str, tuple[Json, ...]]] = []
        for event in self._events(claimed.task, asked, cancel):
            if isinstance(event, Said):
                sentences.append((event.text, event.citations))
                shown = blocks.said(sentences, asked.language or language(asked.text))
                delivery.progress([text for text, _ in sentences], shown)
            elif isinstance(event, Reply):
                return event
        return None

    def _events(self, task: Task, asked: Question, cancel: Cancel) -> Iterator[Begun | Said | Reply]:
        """The answer in the thread's conversation; in a new one where that was deleted meanwhile."""
        parts = self._parts
        known = parts.queue.conversation(task) if task.thread else None
        request = f"slack:{task.id}"[:80]
        try:
            yield from parts.dialogue.events(task.owner, known, asked, request, cancel, parts.assistant.stream)
        except NotFound:
            yield from parts.dialogue.events(task.owner, None, asked, request, cancel, parts.assistant.stream)

    def _check(self, claimed: Claimed, delivery: Delivery) -> None:
        task = claimed.task
        tongue = self._parts.queue.channel(task.team, task.channel).language or self._language(task)
        say = words(tongue)
        delivery.begin(Message(say("checking"), blocks.told(say("checking"))[0].blocks), say("checking"))
        many = len(checking.sentences(task.text)) > limits.CLAIM_SENTENCES
        found = self._parts.assistant.check(task.text, limits.CLAIM_SENTENCES)
        shown = views.verdicts(found, many, tongue)
        text = " · ".join(f"{say(c.outcome)}: {c.text}" for c in found) or say("check_none")
        delivery.finish(lambda size: tuple(blocks.packed(shown, [], text, size or limits.MESSAGE)))
        self._settle(claimed, "done", detail=", ".join(c.outcome for c in found))

    def _is_guest(self, task: Task) -> bool:
        """Guests are answered only where they are named."""
        if task.user in self._parts.scope.users:
            return False
        try:
            person = self._parts.api.person(task.user)
        except Refused as refused:
            log.error("users.info is refused (%s): run python -m assistant doctor slack", refused.error)
            return True
        return any(person.get(n) for n in ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted"))

    def _fail(self, claimed: Claimed, delivery: Delivery, identity: str) -> None:
        """Try again, or say with an id that it failed. The id is in the log beside what happened."""
        if claimed.attempt < _TRIES:
            self._put_off(claimed, 0.5 * 4**claimed.attempt, counts=True)
            return
        try:
            self._apologise(claimed, delivery, identity)
        except Lost:
            return
        except (SlackFailed, DatabaseFailed) as error:  # Slack itself is down: the task waits for it
            log.error("task %s: could not say so: %s", claimed.task.id, error)
            self._put_off(claimed, 60.0, counts=False)

    def _refused(self, claimed: Claimed, refused: Refused) -> None:
        """The channel is gone or the bot was removed from it: there is nobody to tell. A bad token is mended some time,
        and then what was asked is answered."""
        log.error("task %s: Slack refuses: %s", claimed.task.id, refused)
        if refused.error in _AUTHORITY:
            self._put_off(claimed, 60.0, counts=False)
        else:
            self._settle(claimed, "failed", detail=str(refused))

    def _apologise(self, claimed: Claimed, delivery: Delivery, identity: str) -> None:
        task = claimed.task
        text = words(self._language(task))("failed", id=identity)
        if task.kind in ("ask", "check", "forget"):
            delivery.finish(lambda _: blocks.told(text))
        elif task.kind in ("share", "export", "settings"):
            self._errands.whisper(task, text)
        self._settle(claimed, "failed", detail=f"error {identity}")

    def _settle(self, claimed: Claimed, state: str, trace: str = "", detail: str = "") -> None:
        """The task is over. The audit log has a line before it is, so that none is missing."""
        self._guarded(lambda: self._parts.queue.audit(claimed.task, f"{claimed.task.kind} {state}", trace, detail))
        self._guarded(lambda: self._parts.queue.finish(claimed, state, trace))

    def _put_off(self, claimed: Claimed, seconds: float, counts: bool) -> None:
        self._guarded(lambda: self._parts.queue.later(claimed, seconds, counts))

    def _guarded(self, write: Callable[[], None]) -> None:
        """What cannot be written now: the lease ends, and the task is taken up again."""
        try:
            write()
        except (Lost, DatabaseFailed) as error:
            log.warning("not written: %s", error)

    @staticmethod
    def _language(task: Task) -> str:
        found = language(task.text) if task.text else "en"
        return found if found in LANGUAGES else "en"
