"""What a real small model said (`tests/record.py`), through the whole chain: nothing unproven comes out of it."""

import json
import re

import pytest

from assistant.conversation import MARKER, Answer, Question, Turn
from assistant.settings import AssistantSettings
from assistant.tape import Played
from assistant.terms import numbers
from assistant.wire import make_assistant
from tests.record import RECORDED

LINES = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def answers(own_settings: AssistantSettings) -> list[Answer]:
    found = []
    for line in LINES:
        asked = line["question"]
        assistant = make_assistant(own_settings, model=Played("openai:recorded", line["calls"]))
        history = tuple(Turn(t["role"], t["text"]) for t in asked["history"])
        found.append(assistant.answer(Question(asked["text"], history), record=False, identity=line["trace"]))
        assistant.close()
    return found


def test_there_is_something_to_prove(answers: list[Answer]) -> None:
    assert len(answers) >= 10 and sum(a.model == "openai:recorded" for a in answers) >= len(answers) // 3


def test_every_number_of_a_sentence_stands_in_its_quotes(answers: list[Answer]) -> None:
    for answer in answers:
        quotes = {c.number: c for c in answer.citations}
        for sentence in answer.sentences:
            cited = [quotes[n] for n in sentence.citations]
            told = " ".join([c.quote for c in cited] + [c.passage.about.published or "" for c in cited])
            bare = re.sub(r"\[[^\]]*\]", "", MARKER.sub("", sentence.text))
            assert numbers(bare) <= numbers(told) | numbers(told.replace("-", " ")), sentence.text


def test_every_quote_is_verbatim_and_every_sentence_cited(
    answers: list[Answer], own_settings: AssistantSettings
) -> None:
    assistant = make_assistant(own_settings)
    for answer in answers:
        assert answer.refused or all(s.citations for s in answer.sentences)
        for cited in answer.citations:
            document = assistant.document(cited.passage.chunk.document_id)
            assert document is not None and document.text[cited.start : cited.end] == cited.quote
    assistant.close()
