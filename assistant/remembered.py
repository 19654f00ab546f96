"""Answers of the embedded engine that were given already: the same question of the same index has the same answer.

Not for: answers of a chat model, which differ each time. Kept in memory alone, and gone with the index they are of.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from assistant.conversation import Answer, Draft
from index.search import Index


@dataclass(frozen=True, slots=True)
class Given:
    """An answer, and the drafts that it was made of."""

    answer: Answer
    drafts: tuple[Draft, ...]


class Remembered:
    """The `most` latest of each index, by name. Any thread may use it."""

    def __init__(self, most: int = 512) -> None:
        self._most, self._lock = most, threading.Lock()
        self._of: WeakKeyDictionary[Index, OrderedDict[str, Given]] = WeakKeyDictionary()

    def find(self, index: Index, name: str) -> Given | None:
        """What was given under that name, None when it is new or forgotten."""
        with self._lock:
            known = self._of.get(index, OrderedDict())
            if name in known:
                known.move_to_end(name)
            return known.get(name)

    def keep(self, index: Index, name: str, answer: Answer, drafts: Sequence[Draft]) -> None:
        """Remember it; the one that was not asked for longest goes."""
        with self._lock:
            known = self._of.setdefault(index, OrderedDict())
            known[name] = Given(answer, tuple(drafts))
            if len(known) > self._most:
                known.popitem(last=False)
