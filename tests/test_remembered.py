"""What was answered once is answered again from memory: the same, of the same index, and of no other."""

from collections.abc import Callable

import pytest

from assistant import answerability
from assistant.chain import Assistant, Shown, Started
from assistant.conversation import Answer, Question
from assistant.generation import Cancel
from assistant.remembered import Remembered
from assistant.render import to_json
from assistant.trace import Traces, same
from index import search
from index.live import LiveIndex
from tests.conftest import Workshop

ASKED = Question("When do roaming fees end?")


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that the index was searched for."""
    seen: list[str] = []
    found = search.Index.search

    def watched(index: search.Index, query: str, *rest: object) -> object:
        seen.append(query)
        return found(index, query, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(search.Index, "search", watched)
    return seen


@pytest.fixture
def made(workshop: Workshop) -> Callable[[], Assistant]:
    def make() -> Assistant:
        live = LiveIndex(workshop.generations.current, workshop.open)
        return Assistant(live, answerability.load(), Traces(workshop.data / "traces"))

    return make


def write(workshop: Workshop, year: int) -> None:
    workshop.write("a.md", f"Roaming fees between both countries end in {year}.", published="2024-01-01")
    workshop.build()


def test_the_same_question_is_searched_for_once(
    workshop: Workshop, made: Callable[[], Assistant], searches: list[str]
) -> None:
    write(workshop, 2026)
    assistant = made()
    first = assistant.answer(ASKED)
    assert ASKED.text in searches and not first.refused
    searches.clear()
    events = list(assistant.stream(ASKED, Cancel(), identity="f" * 24))
    again = events[-1]
    assert searches == [] and isinstance(again, Answer)
    assert same(to_json(first), to_json(again)) == ["id", "trace"] and again.trace == "f" * 24
    assert isinstance(events[0], Started)
    assert [e.sentence for e in events if isinstance(e, Shown)] == list(first.sentences)
    assert {c for e in events if isinstance(e, Shown) for c in e.citations} == set(first.citations)
    record = Traces(workshop.data / "traces").load("f" * 24)
    assert record is not None and record["drafts"] and record["answer"]["text"] == first.text
    assert assistant.answer(Question(ASKED.text, language="ru")).text != first.text and searches


def test_another_index_is_asked_anew(workshop: Workshop, made: Callable[[], Assistant]) -> None:
    write(workshop, 2026)
    assistant = made()
    assert "2026" in assistant.answer(ASKED).text
    write(workshop, 2031)
    assert "2031" in assistant.answer(ASKED).text


def test_what_was_cancelled_is_not_remembered(
    workshop: Workshop, made: Callable[[], Assistant], searches: list[str]
) -> None:
    write(workshop, 2026)
    assistant, cancel = made(), Cancel()
    cancel.set()
    assert not [e for e in assistant.stream(ASKED, cancel) if isinstance(e, Answer)]
    searches.clear()
    assert assistant.answer(ASKED).sentences and searches


def test_only_so_many_are_kept(workshop: Workshop, made: Callable[[], Assistant]) -> None:
    write(workshop, 2026)
    answer, known, index = made().answer(ASKED), Remembered(most=2), workshop.open()
    for name in ("a", "b"):
        known.keep(index, name, answer, ())
    assert known.find(index, "a")
    known.keep(index, "c", answer, ())
    assert known.find(index, "a") and known.find(index, "c") and known.find(index, "b") is None
    index.close()
