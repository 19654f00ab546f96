"""Which sentences make an answer: what is so now, and of the time that is asked for."""

import datetime
from collections.abc import Iterator

import pytest

from assistant import answerability
from assistant.chain import Assistant
from assistant.conversation import Answer, Question
from assistant.trace import Traces
from index.live import LiveIndex
from tests.conftest import Workshop


@pytest.fixture
def plant(workshop: Workshop) -> Iterator[Assistant]:
    workshop.write(
        "a.md", "On 3 May 2019 Ivanov was the general director of the Borisov plant.", published="2019-05-04"
    )
    workshop.write(
        "b.md", "On 4 June 2023 Petrov was the general director of the Borisov plant.", published="2023-06-05"
    )
    workshop.write("c.md", "In 2015 the Borisov plant had 300 workers.", published="2016-01-01")
    workshop.build()
    live = LiveIndex(workshop.generations.current, workshop.open)
    assistant = Assistant(live, answerability.load(), Traces(workshop.data / "traces"))
    yield assistant
    assistant.close()


def asked(assistant: Assistant, question: str, as_of: str | None = None) -> Answer:
    return assistant.answer(Question(question, as_of=datetime.date.fromisoformat(as_of) if as_of else None))


@pytest.mark.parametrize(
    ("question", "as_of", "named", "left_out"),
    [
        ("Who is the general director of the Borisov plant?", None, "Petrov", "Ivanov"),
        ("Who is the general director of the Borisov plant?", "2020-01-01", "Ivanov", "Petrov"),
        ("Who was the general director of the Borisov plant in 2019?", None, "Ivanov", None),
        ("Who was the general director of the Borisov plant in 2023?", None, "Petrov", None),
    ],
)
def test_what_is_so_now_is_told_by_the_newest(
    plant: Assistant, question: str, as_of: str | None, named: str, left_out: str | None
) -> None:
    answer = asked(plant, question, as_of)
    assert not answer.refused and named in answer.text
    assert left_out is None or left_out not in answer.text


@pytest.mark.parametrize(("year", "refused"), [("2015", False), ("2021", True)])
def test_what_is_told_of_another_time_is_no_answer(plant: Assistant, year: str, refused: bool) -> None:
    answer = asked(plant, f"How many workers did the Borisov plant have in {year}?")
    assert answer.refused is refused
    assert refused or "300" in answer.text
