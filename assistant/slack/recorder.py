"""Stores tasks before their acknowledgement, many with one commit, so that a burst of events waits for few of them."""

import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from assistant.history import DatabaseFailed
from assistant.slack.queue import Queue
from assistant.slack.tasks import Task

PATIENCE = 2.5  # seconds: Slack waits three for an acknowledgement
_BATCH = 200


@dataclass(frozen=True, slots=True)
class _Order:
    task: Task
    done: "Future[None]" = field(default_factory=Future)


class Recorder:
    """One thread that writes what many bring. `stored` is set whenever there is something new."""

    def __init__(self, tasks: Queue, patience: float = PATIENCE) -> None:
        self._tasks, self._patience = tasks, patience
        self._orders: queue.Queue[_Order | None] = queue.Queue()
        self._pool = ThreadPoolExecutor(1, "slack-record")
        self.stored = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slack-recorder", daemon=True)
        self._thread.start()

    def record(self, task: Task) -> None:
        """Return when the task is stored, or was before. Raises DatabaseFailed, also where that takes too long: then
        it may still be stored, and Slack's next delivery of it finds it so."""
        order = _Order(task)
        self._orders.put(order)
        try:
            order.done.result(self._patience)
        except TimeoutError:
            raise DatabaseFailed("the conversation database is busy; try again") from None

    def close(self) -> None:
        """Write what is left and end."""
        self._orders.put(None)
        self._thread.join(10)
        self._pool.shutdown()

    def _run(self) -> None:
        ends = False
        while not ends:
            batch = [self._orders.get()]
            while len(batch) < _BATCH and not self._orders.empty():
                batch.append(self._orders.get())
            ends = None in batch
            orders = [order for order in batch if order is not None]
            if orders:
                self._store(orders)

    def _store(self, orders: list[_Order]) -> None:
        written = self._pool.submit(self._tasks.record, [order.task for order in orders])
        error = written.exception()  # whatever it is, those who wait are told, and this thread goes on
        for order in orders:
            if error is not None:
                order.done.set_exception(error)
            else:
                order.done.set_result(None)
        if error is None and written.result():
            self.stored.set()
