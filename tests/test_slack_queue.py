"""The durable queue of the Slack bot, on SQLite and PostgreSQL."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from assistant.history import History
from assistant.slack.doctor import SCOPES
from assistant.slack.queue import Lost, Queue
from assistant.slack.tasks import ChannelSettings, Task
from tests.conftest import ROOT


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(url: str, clock: Clock) -> Iterator[Queue]:
    with contextlib.closing(History(url)) as history:
        yield Queue(history, 30.0, 5, clock)


def ask(identity: str, thread: str = "", follows: bool = False, text: str = "Who \0 \ud800?") -> Task:
    thread = thread or identity
    return Task(identity, "ask", "T1", "C1", "U1", thread, f"m {identity}", text, follows=follows)


def test_an_event_is_stored_once(queue: Queue) -> None:
    twin = Task("other id", "ask", "T1", "C1", "U1", "a", "m a")
    assert queue.record([ask("a"), ask("a"), twin, ask("b")]) == 2
    assert queue.record([ask("a")]) == 0
    assert [c.task for c in queue.claim(9)] == [ask("a"), ask("b")] and queue.claim(9) == []


def test_only_threads_of_its_own_are_followed(queue: Queue) -> None:
    assert queue.record([ask("a", "t", follows=True), ask("b", "t"), ask("c", "t", follows=True)]) == 2


def test_a_thread_is_done_in_its_order(queue: Queue) -> None:
    queue.record([ask("a", "t"), ask("b", "t"), ask("c", "u")])
    first, other = queue.claim(9)
    assert (first.task.id, other.task.id) == ("a", "c")
    queue.finish(first, "done", "x" * 24)
    assert [c.task.id for c in queue.claim(9)] == ["b"]
    assert [(d.owner, d.trace) for d in queue.recent("T1", "U1", 9)] == [("slack:T1:C1", "x" * 24)]


def test_what_a_dead_process_held_is_taken_over_and_it_may_do_nothing_more(
    url: str, queue: Queue, clock: Clock
) -> None:
    queue.record([ask("a")])
    (mine,) = queue.claim(1)
    queue.sent(mine, "0", "?")
    with contextlib.closing(History(url)) as history:
        other = Queue(history, 30.0, 5, clock)
        assert other.claim(1) == []
        clock.now += 20
        queue.renew()
        clock.now += 20
        assert other.claim(1) == []
        clock.now += 20
        (taken,) = other.claim(1)
        assert (taken.attempt, taken.sent) == (2, {"0": "?"})
        for act in (
            lambda: queue.check(mine),
            lambda: queue.sent(mine, "0", "1.1"),
            lambda: queue.finish(mine, "done"),
        ):
            with pytest.raises(Lost):
                act()
        other.finish(taken, "done")


def test_what_is_put_off_waits(queue: Queue, clock: Clock) -> None:
    queue.record([ask("a")])
    (claimed,) = queue.claim(1)
    queue.later(claimed, 10, counts=False)
    assert queue.claim(1) == []
    clock.now += 11
    (again,) = queue.claim(1)
    assert again.attempt == 1
    queue.later(again, 0, counts=True)
    assert queue.claim(1)[0].attempt == 2


def test_beyond_its_bound_tasks_are_marked(queue: Queue) -> None:
    queue.record([ask(str(n)) for n in range(7)])
    assert [c.busy for c in queue.claim(9)] == [False] * 5 + [True] * 2


def test_many_processes_take_each_task_once(url: str, queue: Queue) -> None:
    queue.record([ask(str(n)) for n in range(60)])
    taken, lock = list[str](), threading.Lock()

    def work(_: int) -> None:
        with contextlib.closing(History(url)) as history:
            own = Queue(history, 30.0, 5, Clock())
            while claimed := own.claim(3):
                for c in claimed:
                    own.finish(c, "done")
                with lock:
                    taken.extend(c.task.id for c in claimed)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    while claimed := queue.claim(9):  # what another held when a process looked
        taken.extend(c.task.id for c in claimed)
    assert sorted(taken) == sorted(str(n) for n in range(60))


def test_what_was_said_does_not_stay_in_the_queue(queue: Queue, clock: Clock) -> None:
    queue.record([ask("a", text="My secret")])
    (claimed,) = queue.claim(1)
    queue.audit(claimed.task, "ask done")
    queue.finish(claimed, "done", "t" * 24)
    with queue._history.transaction() as db:
        assert "secret" not in str(db.exec_driver_sql("SELECT * FROM slack_tasks").all())
    assert queue.record([ask("a")]) == 0
    clock.now += 40 * 86_400
    queue.purge()
    assert queue.counts() == {} and len(queue.log()) == 1


def test_channels_and_threads_keep_what_they_are_told(queue: Queue) -> None:
    assert queue.channel("T1", "C1") == ChannelSettings()
    for settings in (ChannelSettings("be", "2021-12-31", True), ChannelSettings()):
        queue.set_channel("T1", "C1", settings)
        assert queue.channel("T1", "C1") == settings
    queue.record([ask("a", "t")])
    assert queue.conversation(ask("a", "t")) is None
    queue.converse(ask("a", "t"), "c1")
    assert queue.conversation(ask("a", "t")) == "c1" and queue.conversation(ask("a", "u")) is None


def test_the_manifest_has_the_scopes_that_the_doctor_asks_for() -> None:
    manifest = yaml.safe_load((ROOT / "docs/slack-manifest.yaml").read_text("utf-8"))
    assert manifest["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
    assert manifest["features"]["shortcuts"][0]["callback_id"] == "check_claim"
