"""A question that takes for granted what the sources contradict is set right, not answered."""

import pytest

from assistant.chain import Assistant
from assistant.conversation import Question


@pytest.mark.parametrize(
    ("question", "right"),
    [
        ("When did Ukraine join the Union State?", "none joined"),
        ("Why did Putin sign the Union State treaty in 1999?", "Yeltsin"),
    ],
)
def test_a_false_premise_gets_what_the_sources_do_say(assistant: Assistant, question: str, right: str) -> None:
    answer = assistant.answer(Question(question))
    assert right in answer.text
    assert not answer.refused or (answer.reason == "false_premise" and not answer.citations)


@pytest.mark.parametrize("question", ["Who is the prime minister of Poland?", "How do I bake bread?", "hi there"])
def test_what_the_sources_do_not_cover_is_no_false_premise(assistant: Assistant, question: str) -> None:
    answer = assistant.answer(Question(question))
    assert answer.refused and answer.reason in ("off_topic", "not_in_sources")
