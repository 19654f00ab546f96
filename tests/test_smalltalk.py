"""Who only says hello is told what can be asked; nothing is quoted at him."""

import pytest

from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.smalltalk import is_small_talk


@pytest.mark.parametrize(
    "text", ["Hi there!", "thanks", "What can you do?", "Привет! Как дела?", "Прывітанне, як справы?", "Добры дзень."]
)
def test_small_talk_is_answered_with_what_can_be_asked(assistant: Assistant, text: str) -> None:
    answer = assistant.answer(Question(text))
    assert answer.refused and answer.reason == "off_topic" and answer.text.count("?") == 3


@pytest.mark.parametrize(
    "text", ["Hi, who is Glazyev?", "What can you say about roaming?", "Спасибо. Кто такой Мезенцев?", "help Belarus"]
)
def test_a_question_after_a_greeting_is_a_question(text: str) -> None:
    assert not is_small_talk(text)


def test_a_word_that_is_another_s_is_told(assistant: Assistant) -> None:
    named = assistant.answer(Question("How do Minsk and Moscow define the Union State according to RANE?"))
    other = assistant.answer(Question("How do Minsk and Moscow define the Union State according to Makei?"))
    assert named.notice is None
    assert other.refused or (other.notice is not None and "Makei" in other.notice)
