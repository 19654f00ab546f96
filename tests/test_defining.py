"""Questions that ask what or who something is."""

import pytest

from assistant import defining
from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.defining import Target
from index.glossary import Glossary, parse

GLOSSARY = parse("""
[[entry]]
id = "union-state"
type = "body"
name = { en = "Union State", ru = "Союзное государство", be = "Саюзная дзяржава" }

[[entry]]
id = "state-secretary"
type = "office"
name = { en = "State Secretary", ru = "Государственный секретарь" }

[[entry]]
id = "borodin"
type = "person"
name = { en = "Pavel Borodin", ru = "Павел Бородин" }
""")


@pytest.mark.parametrize(("question", "name"), [
    ("What is the Union State?", "Union State"), ("what is union state", "union state"),
    ("Please, what is meant by the Union State?", "Union State"), ("What does Union State mean?", "Union State"),
    ("Who is Pavel Borodin?", "Pavel Borodin"), ("Who was Ivan Petrov?", "Ivan Petrov"),
    ("Что такое Союзное государство?", "Союзное государство"), ("Кто такой Павел Бородин?", "Павел Бородин"),
    ("Што такое Саюзная дзяржава?", "Саюзная дзяржава"), ("What is NATO?", "NATO"),
])  # fmt: skip
def test_a_definition_is_asked_for(question: str, name: str) -> None:
    found = defining.target(question, GLOSSARY)
    assert found is not None and found.name == name


@pytest.mark.parametrize("question", [
    "What is the budget of the Union State?", "Who is the State Secretary?", "What is the share of trade in roubles?",
    "What is Minsk asking for?", "Who leads the Union State?", "Какова доля России?", "Кто возглавляет его?",
    "What is the planned revenue of the Union State budget for 2025?", "When was the Union State founded?",
])  # fmt: skip
def test_something_else_is_asked_for(question: str) -> None:
    assert defining.target(question, GLOSSARY) is None


UNION, BORODIN = Target("Union State", "union-state", False), Target("Pavel Borodin", "borodin", True)


@pytest.mark.parametrize(("of", "sentence", "level"), [
    (UNION, "The Union State is a supranational union of two countries.", 2),
    (UNION, "For Wikipedia the Union State (of Russia and Belarus) is a union.", 2),
    (UNION, "Союзное государство — межгосударственное объединение.", 2),
    (UNION, "Союзное государство является объединением двух стран.", 2),
    (UNION, "Саюзная дзяржава — гэта аб'яднанне дзвюх краін.", 2),
    (UNION, "Саюзная дзяржава з’яўляецца аб’яднаннем.", 2),
    (UNION, "The Union State is not a federation.", 0),
    (UNION, "It is unclear whether the Union State is a federation.", 0),
    (UNION, "The Union State was criticised in 2021.", 0),
    (UNION, "The budget of the Union State is a sum of two payments.", 0),
    (UNION, "Бюджет на содержание Союзного государства — это сумма двух взносов.", 0),
    (BORODIN, "Pavel Borodin is a Russian politician.", 2), (BORODIN, "Pavel Borodin, the State Secretary, agreed.", 1),
    (BORODIN, "Павел Бородин возглавлял Постоянный Комитет.", 1), (BORODIN, "Pavel Borodin agreed.", 0),
    (Target("Ivan Petrov", None, True), "In 2000 Ivan Petrov became mayor.", 1),
])  # fmt: skip
def test_how_plainly_a_sentence_defines(of: Target, sentence: str, level: int) -> None:
    assert defining.says(of, sentence, GLOSSARY) == level


def test_without_a_glossary_a_name_is_found_as_it_stands() -> None:
    of = defining.target("What is Intervision?", Glossary())
    assert of is not None and defining.queries(of, Glossary()) == ["Intervision is"]
    assert defining.is_in("It was loud. Intervision is a song contest.", of, Glossary())


@pytest.mark.slow
@pytest.mark.parametrize("question", ["What is the Union State?", "Что такое Союзное государство?",
                                      "Што такое Саюзная дзяржава?"])  # fmt: skip
def test_the_first_question_of_a_newcomer_is_answered(assistant: Assistant, question: str) -> None:
    answer = assistant.answer(Question(question))
    assert not answer.refused and "is a supranational union" in answer.citations[0].quote
