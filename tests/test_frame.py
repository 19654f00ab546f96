"""What is added to a quoted sentence is true to its source, and the quoted words stay as they are."""

import pytest

from assistant.conversation import Draft, Language
from assistant.frame import frame, insert
from index.documents import About
from index.glossary import parse

GLOSSARY = parse(
    """
[[entry]]
id = "lukashenko"
type = "person"
name = {en = "Alexander Lukashenko", ru = "Александр Лукашенко", be = "Аляксандр Лукашэнка"}
[entry.aliases]
en = ["Lukashenko"]
ru = ["Лукашенко"]
be = ["Лукашэнка"]
"""
)


def about(kind: str = "analysis", language: str = "en", published: str | None = "2023-03-13") -> About:
    return About("T", "RANE", None, published, None, language, kind, "RANE", None, "original")  # type: ignore[arg-type]


def shown(text: str, language: Language = "en", before: tuple[str, ...] = (), **metadata: str) -> str:
    return frame(Draft(text, (), before), about(**metadata), language, GLOSSARY).text


def test_an_opinion_without_its_holder_gets_it() -> None:
    framed = frame(Draft("Moscow will probably tighten its grip.", ()), about(), "en", GLOSSARY)
    assert framed.holder == "RANE" and framed.text.startswith("According to RANE, 13 March 2023: Moscow")
    assert framed.stance != "fact"


def test_a_named_holder_is_not_named_twice() -> None:
    assert shown("On 17 February 2023 Lukashenko said that 80% was done.") == (
        "On 17 February 2023 Lukashenko said that 80% was done."
    )


def test_a_pronoun_gets_its_name_where_one_person_was_named() -> None:
    text = shown("He said that it was done.", before=("On 17 February 2023 Lukashenko spoke.",))
    assert "He [Alexander Lukashenko] said that it was done." in text


def test_a_relative_date_is_resolved_against_the_source() -> None:
    assert "[2023]" in shown("Lukashenko said this past January that nothing was lost.")


@pytest.mark.parametrize(("language", "word"), [("en", "in Russian"), ("be", "па-руску")])
def test_a_foreign_quote_says_its_language_and_publisher(language: Language, word: str) -> None:
    text = shown("Лукашенко приехал в Москву.", language, kind="news", published="2023-03-13")
    assert word in text and "RANE" in text and "Лукашенко" in text
    name = {"en": "Alexander Lukashenko", "be": "Аляксандр Лукашэнка"}[language]
    assert name in text


def test_insertions_do_not_touch_the_words() -> None:
    text = "He came on Feb. 17 with her."
    assert insert(text, {2: "A", 17: "2023"}).replace(" [A]", "").replace(" [2023]", "") == text
