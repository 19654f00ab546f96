"""The served index of a long-running process: follows the pointer, and closes an old generation after its last user."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from index.errors import StoreUnreachable
from index.search import Index

log = logging.getLogger(__name__)
RETRY_SECONDS = 5.0  # between attempts: each may take some seconds, and questions wait for it


class LiveIndex:
    """Lends the current Index. A request keeps the generation it began with."""

    def __init__(
        self, current: Callable[[], str], open_index: Callable[[], Index], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._current, self._open, self._clock, self._again = current, open_index, clock, 0.0
        self._lock = threading.Lock()
        self._users: dict[str, int] = {}
        self._indexes: dict[str, Index] = {}
        self._seen = self._name = ""

    @contextmanager
    def lend(self) -> Iterator[Index]:
        """The index of the generation that the pointer names now; the one before as long as the server of its vectors
        does not answer. Raises what opening it raises."""
        with self._lock:
            self._follow()
            name = self._name
            self._users[name] = self._users.get(name, 0) + 1
        try:
            yield self._indexes[name]
        finally:
            with self._lock:
                self._users[name] -= 1
                self._close_unused()

    def close(self) -> None:
        """Close what no request uses."""
        with self._lock:
            self._seen = self._name = ""
            self._close_unused()

    def _follow(self) -> None:
        pointed = self._current()
        if pointed == self._seen or (self._name and self._clock() < self._again):
            return
        try:
            index = self._open()
        except StoreUnreachable as error:
            if not self._name:
                raise
            log.error("%s answers on, generation %s cannot be opened: %s", self._name, pointed, error)
            self._again = self._clock() + RETRY_SECONDS
            return
        if index.name in self._indexes:
            index.close()
        else:
            self._indexes[index.name] = index
        self._seen, self._name = pointed, index.name
        self._close_unused()

    def _close_unused(self) -> None:
        for name in [n for n in self._indexes if n != self._name and not self._users.get(n)]:
            self._indexes.pop(name).close()
            self._users.pop(name, None)
