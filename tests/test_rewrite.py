"""Follow-ups are made to stand alone, and questions with several parts are taken apart."""

import pytest

from assistant.conversation import Question, Turn
from assistant.rewrite import parts, standalone
from index.glossary import parse

GLOSSARY = parse(
    """
[[entry]]
id = "russia"
type = "place"
name = {en = "Russia", ru = "Россия", be = "Расія"}
[[entry]]
id = "belarus"
type = "place"
name = {en = "Belarus", ru = "Белоруссия", be = "Беларусь"}
"""
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who signed it and when?", ["Who signed it and when?"]),
        ("Who proposed the company, and when was it founded?", ["Who proposed the company", "when was it founded?"]),
        ("Кто парафировал карты и когда это было сделано?", ["Кто парафировал карты", "когда это было сделано?"]),
        ("Хто стаў сакратаром і з якога дня ён працуе?", ["Хто стаў сакратаром", "з якога дня ён працуе?"]),
        ("Russia and Belarus signed what?", ["Russia and Belarus signed what?"]),
    ],
)
def test_parts(question: str, expected: list[str]) -> None:
    assert parts(question) == expected


def follow(earlier: str, new: str) -> str:
    return standalone(Question(new, (Turn("user", earlier), Turn("assistant", "…"))), GLOSSARY)


def test_a_follow_up_takes_over_what_it_leaves_out() -> None:
    text = follow("How much did Russia pay in 2021?", "And Belarus?")
    assert "Belarus" in text and "pay in 2021" in text and "Russia" not in text


def test_another_year_takes_the_place_of_the_first() -> None:
    text = follow("How large was trade in 2021?", "And in 2022?")
    assert "2022" in text and "2021" not in text and "trade" in text


@pytest.mark.parametrize("new", ["When was the Charter of the Union of Belarus and Russia adopted in Moscow?"])
def test_a_whole_question_stays_as_it_is(new: str) -> None:
    assert follow("How large was trade in 2021?", new) == new
    assert standalone(Question(new), GLOSSARY) == new


@pytest.mark.parametrize("before", ["", "  ", "x" * 5000, "lone \ud800 surrogate"])
def test_a_strange_turn_before_is_no_error(before: str) -> None:
    asked = Question("And in 2021?", (Turn("user", before),))
    assert standalone(asked, parse("")).endswith("And in 2021?")
