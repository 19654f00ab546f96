"""What proves a paraphrase, rule by rule, in English, Russian and Belarusian."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assistant.aligned import same_name, sound
from assistant.support import FEATURES, Vector, check, load, verbatim
from index import glossary, lexicon
from tests.conftest import ROOT
from tests.fakes import WordEncoder

NAMES = glossary.find((ROOT / "sources",), lexicon.bundled())
ENCODER = WordEncoder()


def encode(texts: Sequence[str]) -> list[tuple[Vector | None, ...]]:
    return [(row,) for row in ENCODER.encode(texts)]


def kinds(claim: str, *quotes: str, published: str | None = None) -> set[str]:
    """The kinds of problems, but for how near the words are."""
    found = check(claim, quotes, NAMES, encode, [published] * len(quotes)).problems
    return {p.kind for p in found} - {"support"}


BUDGET = "The budget of the Union State for 2024 is 1.2 billion roubles, 5% more than in 2023, and has 28 programmes."
БЮДЖЕТ = "Бюджет Союзного государства на 2024 год составляет 1,2 млрд рублей, это на 5 % больше, чем в 2023 году."
БЮДЖЭТ = "Бюджэт Саюзнай дзяржавы на 2024 год складае 1,2 млрд рублёў, гэта на 5 % больш, чым у 2023 годзе."


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The Union State budget for 2024 is 1,200 million roubles.", BUDGET),
        ("The 2024 budget of the Union State has twenty-eight programmes.", BUDGET),
        ("The Union State budget for 2024 is 5 percent more than in 2023.", BUDGET),
        ("Бюджет Союзного государства на 2024 год — 1200 млн руб.", БЮДЖЕТ),
        ("Бюджет Союзного государства на 2024 год больше на пять процентов, чем в 2023 году.", БЮДЖЕТ),
        ("Бюджэт Саюзнай дзяржавы на 2024 год — 1 200 млн рублёў.", БЮДЖЭТ),
        ("The Union State budget for 2024 is 1.2 billion roubles.", БЮДЖЕТ),
        ("The Union State budget for 2024 is 1.2 billion roubles.", БЮДЖЭТ),
        ("Half of Belarusians were asked.", "50% of Belarusians were asked."),
        ("Loans of 5-6 million dollars were given.", "Loans of 5 million to 6 million dollars were given."),
    ],
)
def test_numbers_hold_in_any_writing(claim: str, quote: str) -> None:
    assert kinds(claim, quote) == set()


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The Union State budget for 2024 is 1.3 billion roubles.", BUDGET),
        ("The Union State budget for 2024 is 1.2 million roubles.", BUDGET),
        ("The Union State budget for 2024 is 1.2 billion dollars.", BUDGET),
        ("The Union State budget for 2024 is 5 tonnes more than in 2023.", BUDGET),
        ("The 2024 budget of the Union State has 5 programmes.", BUDGET),
        ("Бюджет Союзного государства на 2024 год составляет 1,2 млн рублей.", БЮДЖЕТ),
        ("Бюджэт Саюзнай дзяржавы на 2024 год складае 1,5 млрд рублёў.", БЮДЖЭТ),
        ("The Union State budget for 2024 is 12 billion roubles.", БЮДЖЕТ),
        ("The price is fixed in euros.", "The price is fixed in roubles."),
        ("It took three weeks to agree.", "It took three months to agree."),
    ],
)
def test_another_number_or_unit_is_a_problem(claim: str, quote: str) -> None:
    assert "number" in kinds(claim, quote)


SIGNED = "On 8 December 1999 Lukashenko and Yeltsin signed the treaty on the Union State in Moscow."
ПОДПИСАН = "8 декабря 1999 года Лукашенко и Ельцин подписали в Москве договор о Союзном государстве."


@pytest.mark.parametrize(
    ("claim", "quote", "published"),
    [
        ("Lukashenko and Yeltsin signed the treaty in 1999.", SIGNED, None),
        ("Lukashenko and Yeltsin signed the treaty in December 1999.", SIGNED, None),
        ("Lukashenko and Yeltsin signed the treaty on December 8, 1999.", SIGNED, None),
        ("Lukashenko and Yeltsin signed the treaty on 8 December 1999.", ПОДПИСАН, None),
        ("Лукашенко и Ельцин подписали договор 08.12.1999.", ПОДПИСАН, None),
        ("Lukashenko spoke on 17 February.", "Lukashenko spoke on 17 February 2023.", None),
        ("Trade grew in 2022.", "Trade grew last year.", "2023-03-13"),
    ],
)
def test_dates_may_be_less_precise(claim: str, quote: str, published: str | None) -> None:
    assert kinds(claim, quote, published=published) == set()


@pytest.mark.parametrize(
    ("claim", "quote", "published"),
    [
        ("Lukashenko and Yeltsin signed the treaty in 1998.", SIGNED, None),
        ("Lukashenko and Yeltsin signed the treaty on 9 December 1999.", SIGNED, None),
        ("Лукашенко и Ельцин подписали договор 8 ноября 1999 года.", ПОДПИСАН, None),
        ("Lukashenko spoke on 17 February 2023.", "Lukashenko spoke in February 2023.", None),
        ("Lukashenko spoke on 18 February.", "Lukashenko spoke on 17 February 2023.", None),
        ("Trade grew in 2023.", "Trade grew last year.", "2023-03-13"),
    ],
)
def test_another_or_more_precise_date_is_a_problem(claim: str, quote: str, published: str | None) -> None:
    assert "date" in kinds(claim, quote, published=published)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Lukashenka signed the treaty with Yeltsin on 8 December 1999.", SIGNED),
        ("Aleksandr Lukashenko and Yeltsin signed the treaty.", ПОДПИСАН),
        ("Лукашэнка і Ельцын падпісалі дагавор.", ПОДПИСАН),
        ("Myasnikovich spoke of integration.", "Мясникович говорил об интеграции."),
        ("Об интеграции рассказал Мясникович.", "Об интеграции Мясниковича спросили и рассказал он сам."),
        ("The ISW wrote of it.", "The Institute for the Study of War wrote of it."),
        ("A Polish newspaper wrote of it.", "A newspaper in Poland wrote of it."),
    ],
)
def test_names_hold_in_any_spelling(claim: str, quote: str) -> None:
    assert "name" not in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Putin and Yeltsin signed the treaty on 8 December 1999.", SIGNED),
        ("Lukashenko and Yeltsin signed the treaty on the Union State in Minsk.", SIGNED),
        ("Медведев и Ельцин подписали договор.", ПОДПИСАН),
        ("Пуцін і Ельцын падпісалі дагавор.", ПОДПИСАН),
        ("Lukashenko and Medvedev signed the treaty.", ПОДПИСАН),
        ("They met Petrov there.", "They met Pavlov there."),
    ],
)
def test_a_name_that_no_quote_has_is_a_problem(claim: str, quote: str) -> None:
    assert "name" in kinds(claim, quote)


@pytest.mark.parametrize(
    "claim",
    [
        "Lukashenko signed it in Мoscow.",  # a Cyrillic М
        "Lukashenko sig\u200bned it in Moscow.",
        "Lukashenko \u202esigned it in Moscow.",
        "Lukashenko signed іt in Moscow.",
    ],
)
def test_letters_that_only_look_right_are_a_problem(claim: str) -> None:
    assert "letters" in kinds(claim, "Lukashenko signed it in Moscow.")


def test_a_mixed_word_that_the_source_has_is_no_problem() -> None:
    assert kinds("На конец XХI века.", "Это было на конец XХI века, но не раньше.") == set()


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The treaty was not ratified.", "The treaty was ratified."),
        ("The treaty was ratified.", "The treaty was not ratified."),
        ("Belarus will deploy missiles.", "Belarus will never deploy missiles."),
        ("Goods cross the border with duties.", "Goods cross the border without duties."),
        ("Договор не вступил в силу.", "Договор вступил в силу."),
        ("Договор вступил в силу.", "Договор не вступил в силу."),
        ("Дагавор не ўступіў у сілу.", "Дагавор уступіў у сілу."),
        ("The treaty was ratified.", "Договор не был ратифицирован."),
        ("The treaty was not ratified.", "Договор был ратифицирован."),
    ],
)
def test_a_negation_on_one_side_is_a_problem(claim: str, quote: str) -> None:
    assert "negation" in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("The treaty was never ratified.", "The treaty was not ratified."),
        ("Lukashenko signed the treaty.", "Lukashenko signed not only the treaty but the protocol."),
        ("Лукашенко подписал договор.", "Лукашенко подписал не только договор, но и протокол."),
        ("Никто не подписал договор.", "Договор не подписал никто."),
        ("Lukashenko signed the treaty.", "Lukashenko signed the treaty, but Yeltsin did not sign the protocol."),
    ],
)
def test_negations_that_agree_or_deny_something_else_are_no_problem(claim: str, quote: str) -> None:
    assert "negation" not in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Trade between the two countries fell in 2022.", "Trade between the two countries rose in 2022."),
        ("Parliament rejected the treaty.", "Parliament approved the treaty."),
        ("Товарооборот двух стран упал в 2022 году.", "Товарооборот двух стран вырос в 2022 году."),
        ("Парламент отклонил договор.", "Парламент одобрил договор."),
        ("Гандаль паменшыўся ў 2022 годзе.", "Гандаль павялічыўся ў 2022 годзе."),
        ("Trade fell in 2022.", "Торговля в 2022 году выросла."),
        ("The talks were held before the summit.", "The talks were held after the summit."),
        ("Formal annexation of Belarus is likely.", "While formal annexation of Belarus is unlikely, pressure grows."),
        ("The election was recognised as valid by observers.", "The election was recognised as invalid by observers."),
        ("Выборы прошли при зависимых наблюдателях.", "Выборы прошли при независимых наблюдателях."),
        ("Гэта магчыма без дазволу Мінска.", "Гэта немагчыма без дазволу Мінска."),
    ],
)
def test_the_opposite_is_a_problem(claim: str, quote: str) -> None:
    assert "antonym" in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote", "kind"),
    [
        ("All programmes were completed.", "Some programmes were completed.", "quantifier"),
        ("Only Belarus signed the protocol.", "Belarus signed the protocol.", "quantifier"),
        ("Все программы выполнены.", "Многие программы выполнены.", "quantifier"),
        ("Усе праграмы выкананы.", "Некаторыя праграмы выкананы.", "quantifier"),
        ("The programmes were completed.", "The programmes were almost completed.", "quantifier"),
        ("Russia deployed missiles in Belarus.", "Russia may deploy missiles in Belarus.", "modality"),
        ("Russia will deploy missiles in Belarus.", "Russia may deploy missiles in Belarus.", "modality"),
        ("Россия разместила ракеты.", "Россия может разместить ракеты.", "modality"),
        ("Расія размесціла ракеты.", "Расія можа размясціць ракеты.", "modality"),
        ("Belarus must pay.", "Belarus will pay.", "modality"),
        ("Annexation of Belarus is likely.", "Annexation of Belarus will likely remain a backup option.", "modality"),
        ("Аннексия Белоруссии вероятна.", "Аннексия Белоруссии, вероятно, останется запасным вариантом.", "modality"),
    ],
)
def test_to_say_more_than_the_source_is_a_problem(claim: str, quote: str, kind: str) -> None:
    assert kind in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Belarus supplied Russia with gas.", "Russia supplied Belarus with gas."),
        ("Belarus supplied gas to Russia.", "Russia supplied gas to Belarus."),
        ("Gazprom was bought by Beltransgaz.", "Gazprom bought Beltransgaz."),
        ("Putin asked Lukashenko for help.", "Lukashenko asked Putin for help."),
        ("Беларусь поставила газ России.", "Россия поставила газ Беларуси."),
        ("Путин попросил Лукашенко о помощи.", "Лукашенко попросил Путина о помощи."),
        ("Расія паставіла газ Беларусі.", "Беларусь паставіла газ Расіі."),
        ("Belarus supplied gas to Russia.", "Россия поставила газ Беларуси."),
    ],
)
def test_exchanged_parts_are_a_problem(claim: str, quote: str) -> None:
    assert "order" in kinds(claim, quote)


@pytest.mark.parametrize(
    ("claim", "quote"),
    [
        ("Beltransgaz was bought by Gazprom.", "Gazprom bought Beltransgaz."),
        ("To Belarus Russia supplied gas.", "Russia supplied gas to Belarus."),
        ("Беларуси Россия поставила газ.", "Россия поставила газ Беларуси."),
        ("Belarus and Russia signed the treaty.", "Russia and Belarus signed the treaty."),
        ("Russia supplied gas to Belarus.", "Россия поставила газ Беларуси."),
        ("In Moscow the treaty was signed by Yeltsin.", "Yeltsin signed the treaty in Moscow."),
    ],
)
def test_another_order_of_the_same_parts_is_no_problem(claim: str, quote: str) -> None:
    assert "order" not in kinds(claim, quote)


def test_a_sentence_joined_of_two_is_a_problem() -> None:
    quotes = "Gazprom bought the pipelines of Beltransgaz in 2011.", "The court of the Union State meets in Minsk."
    assert "splice" in kinds("The court of the Union State bought the pipelines of Beltransgaz.", *quotes)
    assert "splice" in kinds("Gazprom bought the pipelines of Beltransgaz in Minsk.", *quotes)


def test_clauses_may_come_from_two_sentences_about_one_thing() -> None:
    quotes = "The Union State treaty was signed in 1999.", "The Union State treaty entered into force in 2000."
    assert kinds("The Union State treaty was signed in 1999 and entered into force in 2000.", *quotes) == set()


def test_what_stands_in_quotation_marks_stands_in_a_quote() -> None:
    quote = "Lukashenko called the union a good home for the two peoples."
    assert kinds("Lukashenko called the union “a good home”.", quote) == set()
    assert "quotation" in kinds("Lukashenko called the union “a home so good”.", quote)


def test_a_claim_far_from_its_quotes_is_not_supported() -> None:
    verdict = check("The court meets twice.", ["Gas prices depend on a formula."], NAMES, encode)
    assert not verdict.supported and "support" in {p.kind for p in verdict.problems}


def test_nothing_is_proven_by_nothing() -> None:
    assert not check("The treaty stood.", [], NAMES, encode).supported
    assert not check("…", ["The treaty stood."], NAMES, encode).supported
    assert not check("", [""], NAMES, encode).supported


def test_weights_are_for_these_features() -> None:
    assert all(len(m.weights) == len(FEATURES) and 0 < m.threshold < 1 for m in load().values())


def test_verbatim_folds_marks_but_not_digits_or_negations() -> None:
    assert verbatim("«Да» – сказал  он", ['"Да" - сказал он. Потом ушёл.'])
    assert not verbatim("He came at 5.", ["He came at 6."]) and not verbatim("He came.", ["He never came."])


@pytest.mark.parametrize(("one", "other"), [("Тихановская", "Tikhanovskaya"), ("Ціханоўская", "Tsikhanouskaya")])
def test_names_sound_alike_in_both_alphabets(one: str, other: str) -> None:
    assert sound(one) == sound(other) and same_name(one, other)


SENTENCES = [
    line
    for path in sorted(Path(ROOT / "sources").glob("*.md"))[::9]
    for line in path.read_text("utf-8").split("+++", 2)[2].split("\n\n")
    if len(line.split()) > 8 and not line.strip().startswith("#")
]


@given(st.sampled_from(SENTENCES), st.sampled_from(SENTENCES))
@settings(max_examples=60, deadline=None)
def test_a_sentence_always_supports_itself(sentence: str, other: str) -> None:
    assert check(sentence.strip(), [other, sentence], NAMES, encode).supported


@given(st.sampled_from(SENTENCES), st.data())
@settings(max_examples=60, deadline=None)
def test_a_digit_more_is_never_supported(sentence: str, data: st.DataObject) -> None:
    ends = [m.end() for m in re.finditer(r"(?<![\w.,-])\d+(?![\w.,-])", sentence)]
    assume(ends)
    place = data.draw(st.sampled_from(ends))
    longer = sentence[:place] + data.draw(st.sampled_from("123456789")) + sentence[place:]
    assert not check(longer.strip(), [sentence], NAMES, encode).supported


@given(st.text(max_size=80), st.lists(st.text(max_size=80), max_size=3))
@settings(max_examples=80, deadline=None)
def test_any_text_gets_a_verdict(claim: str, quotes: list[str]) -> None:
    verdict = check(claim, quotes, NAMES, encode)
    assert verdict.supported is not bool(verdict.problems) and 0 <= verdict.support <= 1
