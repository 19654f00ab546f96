"""Seconds spent waiting for a model are told apart from our own."""

import time
from collections.abc import Iterator, Sequence

import pytest

from assistant import answerability
from assistant.chain import Assistant
from assistant.generation import Cancel, Message, Usage
from assistant.trace import Traces
from evals.cases import Case
from evals.pace import Watched, pace, report
from index.live import LiveIndex
from tests.conftest import Workshop

WAIT = 0.05
CASE = {
    "id": "x", "schema": 1, "split": "dev", "lang": "en", "kind": "fact", "answerability": "answerable",
    "question": "When do roaming fees between both countries end?", "nuggets": [{"id": "n", "any_of": ["2026"]}],
    "cluster": "a",
}  # fmt: skip


class Slow:
    """A model that takes its time over each of three pieces."""

    name, truncated, usage = "slow", False, Usage()

    def stream(self, messages: Sequence[Message], cancel: Cancel) -> "Slow":
        return self

    def close(self) -> None:
        """Nothing runs."""

    def __enter__(self) -> Iterator[str]:
        for piece in ("Roaming fees between both countries ", "end in 2026 [1].", "\n"):
            time.sleep(WAIT)
            yield piece

    def __exit__(self, *_: object) -> None:
        return None


def test_waiting_is_counted_and_nothing_else(workshop: Workshop) -> None:
    workshop.write("a.md", "Roaming fees between both countries end in 2026.", published="2024-01-01")
    workshop.build()
    model = Watched(Slow())
    live = LiveIndex(workshop.generations.current, workshop.open)
    assistant = Assistant(live, answerability.load(), Traces(workshop.data / "traces"), model)
    case = Case.model_validate(CASE)
    ((first, waited, whole, waited_whole),) = pace([case], assistant, model)
    assert 2 * WAIT <= waited < first <= whole and 3 * WAIT <= waited_whole < whole
    assert whole - waited_whole < 2 * WAIT  # what is ours is short here
    assistant.close()


def test_overhead_is_our_share_of_the_waiting() -> None:
    told = report([(2.2, 2.0, 4.4, 4.0), (1.1, 1.0, 2.1, 2.0)], asked=3)
    assert told["overhead until the first sentence"] == pytest.approx(0.3 / 3.0)
    assert told["overhead of the whole answer"] == pytest.approx(0.5 / 6.0, abs=1e-4)
    assert told["asked"] == 3 and told["worded by the model"] == 2 and told["first sentence max"] == 2.2
