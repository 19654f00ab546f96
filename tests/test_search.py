import datetime

import pytest

from index.glossary import parse
from index.keywords import KeywordIndex, number, stem, tokenize
from tests.conftest import Workshop

GLOSSARY = """
[[entry]]
id = "lukashenko"
type = "person"
name = { en = "Alexander Lukashenko", ru = "Александр Лукашенко", be = "Аляксандр Лукашэнка" }
aliases = { en = ["Lukashenko", "Lukashenka"], ru = ["Лукашенко"], be = ["Лукашэнка"] }
"""


def test_ties_are_broken_by_id_and_repeat(workshop: Workshop) -> None:
    for name in "abcdef":
        (workshop.sources / f"{name}.txt").write_text("The very same sentence stands in every document.", "utf-8")
    workshop.build()
    index = workshop.open()
    once = [p.chunk.id for p in index.search("same sentence", 6)]
    index.close()
    again = workshop.open()
    assert [p.chunk.id for p in again.search("same sentence", 6)] == once == sorted(once)
    again.close()


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2019-12-31", {"old"}), ("2021-06-30", {"old", "month"}), ("2021-12-30", {"old", "month"}),
     ("2021-12-31", {"old", "month", "year"})],
)  # fmt: skip
def test_as_of_admits_nothing_published_later(workshop: Workshop, as_of: str, expected: set[str]) -> None:
    for name, published in (("old", "2019-05-01"), ("month", "2021-06"), ("year", "2021"), ("undated", "")):
        workshop.write(
            f"{name}.md", "The programmes were discussed.", **({"published": published} if published else {})
        )
    workshop.build()
    index = workshop.open()
    found = index.search("programmes", 10, datetime.date.fromisoformat(as_of))
    assert {p.chunk.document_id for p in found} == expected
    assert len(index.search("programmes", 10)) == 4
    index.close()


def test_says_which_retriever_found_a_passage(workshop: Workshop) -> None:
    workshop.write("a.md", "Pipelines carry gas.")
    workshop.write("b.md", "Roaming fees were abolished.")
    workshop.build()
    index = workshop.open()
    found = {p.chunk.document_id: p.found_by for p in index.search("pipelines", 2)}
    assert "keywords" in found["a"] and "keywords" not in found["b"]
    index.close()


@pytest.mark.parametrize("query", ["", "   ", "?!", "\u200b", "x" * 5000, "'; drop table chunk; --", "{'$ne': 1}"])
def test_odd_queries_do_no_harm(workshop: Workshop, query: str) -> None:
    workshop.write("a.md", "Pipelines carry gas.")
    workshop.build()
    index = workshop.open()
    assert len(index.search(query, 5)) <= 1
    index.close()


def test_names_are_found_in_every_spelling(workshop: Workshop) -> None:
    (workshop.sources / "glossary.toml").write_text(GLOSSARY, "utf-8")
    workshop.write("a.md", "Лукашэнка падпісаў дамову аб граніцы.")
    workshop.write("b.md", "Посол рассказал о границе и торговле.")
    workshop.build()
    index = workshop.open()
    assert index.search("Lukashenko", 1)[0].chunk.document_id == "a"
    index.close()


def test_glossary_finds_inflected_and_longest_names() -> None:
    glossary = parse(GLOSSARY)
    assert glossary.mentions("Встреча с Александром Лукашенко и Lukashenka's aide") == ["lukashenko", "lukashenko"]
    assert glossary.mentions("Nobody here") == []


def test_keyword_coverage_is_the_share_of_the_query_that_a_chunk_covers() -> None:
    index = KeywordIndex.build([tokenize("customs union treaty"), tokenize("roaming fees"), tokenize("customs duty")])
    scores = index.coverage(tokenize("customs union"))
    assert 0 < scores[2] < scores[0] <= 1 and scores[1] == 0
    assert index.coverage(["unknown"]).tolist() == [0, 0, 0]
    assert index.frequency("custom") == 2 and index.weight("custom") < index.weight("fee")


@pytest.mark.parametrize(
    ("one", "other"), [("Programmes", "programme"), ("договора", "договору"), ("дамовы", "дамове"),
     ("ещё", "еще"), ("1,000", "1000")],
)  # fmt: skip
def test_forms_of_a_word_share_a_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_numbers_have_one_form() -> None:
    assert tokenize("7 328,2 млн") == tokenize("7,328.2 млн") == ["7328.2", "млн"]
    assert number("41,1") == "41.1"
