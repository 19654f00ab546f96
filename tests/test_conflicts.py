"""Sources that contradict each other are told from sources that add, repeat or come later."""

import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

import numpy as np
import pytest

from assistant import claims, conflicts, dates, terms
from assistant.asked import Asked, Term
from assistant.conversation import Citation, Sentence
from assistant.evidence import FEATURES, Evidence
from index.documents import About, Chunk, Passage
from index.glossary import Entry, Glossary
from index.keywords import is_common
from index.lexicon import bundled
from index.sentences import language_of

GLOSSARY = Glossary(
    [
        Entry("belarus", "place", {"en": "Belarus", "ru": "Беларусь", "be": "Беларусь"}, ("Belarusian",), {}, ()),
        Entry("russia", "place", {"en": "Russia", "ru": "Россия", "be": "Расія"}, ("Russian", "российский"), {}, ()),
        Entry("lukashenko", "person", {"en": "Alexander Lukashenko"}, ("Lukashenko",), {}, ()),
    ],
    lexicon=bundled(),
)  # fmt: skip


class Words:
    """What conflicts asks of an index: the search tokens of a text."""

    glossary = GLOSSARY

    def tokens(self, text: str) -> frozenset[str]:
        return frozenset(GLOSSARY.tokens(text))


INDEX = Words()


def asked(question: str) -> Asked:
    found = []
    for part in GLOSSARY.parts(question):
        if part.entry is not None or not is_common(part.stems[0]):
            form = f"@{part.entry}" if part.entry else part.stems[0]
            concepts = tuple((f"#{c}", 0.8) for c in GLOSSARY.lexicon.concepts(form))
            found.append(Term(((form, 1.0), *concepts), 1.0, "entity" if part.entry else "word"))
    return Asked(
        question, terms.wanted(question), frozenset(terms.focus(question)), tuple(found), (), language_of(question),
        claims.asked_holder(question, GLOSSARY), tuple(dates.moments(question)), None, terms.numbers(question),
    )  # fmt: skip


def evidence(text: str, document: str = "a", published: str | None = "2024-05-01", start: int = 0) -> Evidence:
    about = About(
        document, f"Press {document}", None, published, None, "en", "news", f"Holder {document}", None, "summary"
    )
    passage = Passage(Chunk(document, document, 0, 1000, None, None, text), about, 1.0, ("dense",))
    return Evidence(
        passage, start, start + len(text), text, (), (0.0,) * len(FEATURES), INDEX.tokens(text), frozenset(),
        tuple(dates.moments(text, published)),
    )  # fmt: skip


@lru_cache(maxsize=1)
def threshold() -> float:
    return float(json.loads(files("assistant").joinpath("conflict_weights.json").read_text("utf-8"))["threshold"])


def sure(question: str, one: str, other: str, dates_of: Sequence[str] = ("2024-05-01", "2024-05-01")) -> bool:
    pair = evidence(one, "a", dates_of[0]), evidence(other, "b", dates_of[1])
    probability = conflicts.contradicts(asked(question), *pair, INDEX)  # type: ignore[arg-type]
    mirrored = conflicts.contradicts(asked(question), *reversed(pair), INDEX)  # type: ignore[arg-type]
    assert probability == mirrored
    return probability >= threshold()


CONFLICTS = [
    ("How large was trade between Russia and Belarus in 2023?",
     "Trade between Russia and Belarus in 2023 came to 46.5 billion dollars.",
     "Trade of Russia and Belarus in 2023 reached 54 billion dollars."),
    ("How much in kickbacks was Borodin accused of taking?",
     "Borodin was accused of taking kickbacks of close to 30 million dollars.",
     "The kickbacks that Borodin was accused of taking amounted to 25 million dollars."),
    ("What share of the guidelines had been carried out in February 2026?",
     "In February 2026 about half of the guidelines had been carried out.",
     "In February 2026 some 40% of the guidelines had been carried out."),
    ("How many people protested in Minsk on 7 December 2019?",
     "On 7 December 2019 more than 1,000 people protested in Minsk.",
     "Up to 700 people protested in Minsk on 7 December 2019."),
    ("When was the Community treaty signed?",
     "The Community treaty was signed on 2 April 1996.",
     "The Community treaty was signed on 2 April 1997."),
    ("When did the Duma ratify the protocol on local elections?",
     "On 15 July 2025 the Duma did ratify the protocol on local elections.",
     "15 June 2025 is the day when the Duma did ratify the protocol on local elections; this is probably a slip."),
    ("What was the cause of Makei's death?",
     "The cause of Makei's death was a heart attack.",
     "The cause of Makei's death was suicide."),
    ("Was the Union State to be a federation or a confederation?",
     "The Union State was to be a federation.",
     "The Union State was to be a confederation of the two."),
    ("Were there clashes at the Minsk protest?",
     "There were clashes at the Minsk protest.",
     "There were no clashes at the Minsk protest."),
    ("Сколько составил товарооборот России и Беларуси в 2024 году?",
     "Товарооборот России и Беларуси в 2024 году составил 50 млрд долларов.",
     "Товарооборот Беларуси и России за 2024 год — почти 60 млрд долларов."),
    ("Каков профицит союзного бюджета на 2026 год?",
     "Профицит союзного бюджета на 2026 год — 1 757,6 млн рублей.",
     "Профицит союзного бюджета на 2026 год он назвал в 1,727 млрд рублей."),
    ("Когда подписан договор о Сообществе?",
     "Договор о Сообществе подписан 2 апреля 1996 года.",
     "Договор о Сообществе подписан 2 апреля 1997 года."),
    ("На какие годы рассчитаны следующие направления?",
     "Следующие направления рассчитаны на 2027-2029 годы.",
     "Следующие направления рассчитаны на 2027-2030 годы."),
    ("Колькі працэнтаў галасоў атрымаў Лукашэнка?",
     "Лукашэнка атрымаў 80,1% галасоў.",
     "Лукашэнка, паводле апытання, атрымаў 20,6% галасоў."),
    ("Калі падпісаны дагавор аб Супольнасці?",
     "Дагавор аб Супольнасці падпісаны 2 красавіка 1996 года.",
     "Дагавор аб Супольнасці падпісаны 2 красавіка 1997 года."),
    ("How much was the gas price for Belarus?",
     "The gas price for Belarus was 100 dollars.",
     "Цена газа для Беларуси (gas price) — 105 долларов."),
]  # fmt: skip

AGREEMENTS = [
    # the same in other words, rounded or more exact
    ("How large was trade between Russia and Belarus in 2023?",
     "Trade between Russia and Belarus in 2023 came to 46.5 billion dollars.",
     "In 2023 trade between Russia and Belarus was worth 46,500 million dollars."),
    ("What share of the programmes had been completed in February 2023?",
     "In February 2023 almost 80% of the programmes had been completed.",
     "In February 2023 some 79% of the programmes had been completed."),
    ("What percentage voted for integration?", "83.3% voted for integration.", "83% voted for integration."),
    ("When was the treaty signed?", "The treaty was signed in December 1999.",
     "The treaty was signed on 8 December 1999."),
    ("Сколько пунктов в плане?", "В плане три пункта.", "В плане 3 пункта."),
    ("Колькі працэнтаў праграм выканана ў лютым 2023 года?", "У лютым 2023 года выканана каля 80% праграм.",
     "У лютым 2023 года выканана 80% праграм."),
    # detail that is added
    ("Where did Putin and Lukashenko meet?", "Putin and Lukashenko met in Moscow.",
     "Putin and Lukashenko met at Novo-Ogaryovo near Moscow."),
    ("What did Lukashenko say about the union?", "Lukashenko said that the union was strong.",
     "Lukashenko said that the union had 28 programmes."),
    # several values are asked for
    ("When was the treaty signed and when was it ratified?", "The treaty was signed on 6 December 2024.",
     "The treaty was ratified on 18 February 2025."),
    ("Compare the gas price for Germany with the gas price for Belarus.", "The gas price for Germany was 290 dollars.",
     "The gas price for Belarus was 46 dollars."),
    ("How did trade of Russia and Belarus change?", "Trade of Russia and Belarus was 38.5 billion dollars.",
     "Trade of Russia and Belarus was 45.8 billion dollars."),
    # ranges that overlap, and nothing that answers
    ("How many people came to the rally?", "From 600 to 2,000 people came to the rally.",
     "1,600 people came to the rally."),
    ("Who chairs the council?", "The council has nine members.", "Lukashenko chairs the council."),
]  # fmt: skip

CHANGES = [
    ("How much of the union programmes has been carried out?",
     "In December 2022 some 60% of the union programmes were carried out.",
     "In February 2023 about 80% of the union programmes were carried out.", ("2022-12-20", "2023-02-20")),
    ("Сколько процентов программ выполнено?", "В декабре 2022 года выполнено 60% программ.",
     "В феврале 2023 года выполнено 80% программ.", ("2022-12-20", "2023-02-20")),
    ("Колькі працэнтаў праграм выканана?", "У снежні 2022 года выканана 60% праграм.",
     "У лютым 2023 года выканана 80% праграм.", ("2022-12-20", "2023-02-20")),
]  # fmt: skip


@pytest.mark.parametrize(("question", "one", "other"), CONFLICTS)
def test_different_values_and_framings_contradict(question: str, one: str, other: str) -> None:
    assert sure(question, one, other)


@pytest.mark.parametrize(("question", "one", "other"), AGREEMENTS)
def test_the_same_in_other_words_and_what_is_added_do_not(question: str, one: str, other: str) -> None:
    assert not sure(question, one, other)


@pytest.mark.parametrize(("question", "one", "other", "published"), CHANGES)
def test_what_was_done_later_is_no_contradiction(
    question: str, one: str, other: str, published: tuple[str, str]
) -> None:
    assert not sure(question, one, other, published)


QUESTION, ONE, OTHER = CONFLICTS[0]


def opposing(chosen: list[Evidence], ranked: list[tuple[float, Evidence]]) -> list[conflicts.Dispute]:
    return conflicts.opposing(asked(QUESTION), chosen, ranked, INDEX)  # type: ignore[arg-type]


def test_a_close_rival_of_another_document_opposes() -> None:
    one, other = evidence(ONE, "a"), evidence(OTHER, "b")
    assert opposing([one], [(2.0, one), (1.5, other)]) == [(one, other)]


def test_a_rival_far_behind_or_of_the_same_document_does_not() -> None:
    one = evidence(ONE, "a")
    assert opposing([one], [(9.0, one), (1.0, evidence(OTHER, "b"))]) == []
    assert opposing([one], [(2.0, one), (1.9, evidence(OTHER, "a", start=300))]) == []


def test_two_chosen_sentences_are_paired_once() -> None:
    one, other = evidence(ONE, "a"), evidence(OTHER, "b")
    assert opposing([one, other], [(2.0, one), (1.9, other)]) == [(one, other)]


def test_no_more_than_two_disputes() -> None:
    one = evidence(ONE, "a")
    others = [evidence(OTHER.replace("54", str(n)), f"b{n}") for n in (60, 70, 80, 90)]
    assert len(opposing([one], [(2.0, one), *((1.9, o) for o in others)])) == 2


def test_nothing_ranked_nothing_disputed() -> None:
    assert opposing([], []) == []


def cited(one: Evidence, other: Evidence) -> tuple[list[Sentence], list[Citation]]:
    citations = [
        Citation(n, e.passage, e.text, e.start, e.end, None, None) for n, e in ((1, one), (2, other))
    ]  # fmt: skip
    return [
        Sentence(f"{one.text} [1]", (1,), "The Kremlin", "claim"),
        Sentence(f"{other.text} [2]", (2,), None, "fact"),
    ], citations


def test_both_sides_are_shown_with_holder_date_and_numbers() -> None:
    one, other = evidence(ONE, "a", "2024-05-24"), evidence(OTHER, "b", None)
    (conflict,) = conflicts.shown([(one, other)], *cited(one, other), "en", GLOSSARY)
    assert [(p.holder, p.published, p.citations) for p in conflict.positions] == [
        ("The Kremlin", "2024-05-24", (1,)), ("Holder b", None, (2,))
    ]  # fmt: skip
    assert conflict.positions[0].text.endswith("[1]") and conflict.about == "Russia, Belarus"


def test_a_side_that_was_dropped_hides_the_conflict() -> None:
    one, other = evidence(ONE, "a"), evidence(OTHER, "b")
    sentences, citations = cited(one, other)
    assert conflicts.shown([(one, other)], sentences[:1], citations[:1], "en", GLOSSARY) == ()


@pytest.mark.parametrize(
    ("language", "one", "other", "about"),
    [
        ("ru", ONE, OTHER, "Россия, Беларусь"),
        ("be", ONE, OTHER, "Расія, Беларусь"),
        ("en", "The gas price rose.", "No gas price fell.", "gas, price"),
        ("en", "Yes.", "Никогда.", "Yes"),
    ],
)
def test_what_a_conflict_is_about_is_never_empty(language: str, one: str, other: str, about: str) -> None:
    pair = evidence(one, "a"), evidence(other, "b")
    (conflict,) = conflicts.shown([pair], *cited(*pair), language, GLOSSARY)  # type: ignore[arg-type]
    assert conflict.about == about


def test_features_stay_within_one() -> None:
    for question, one, other in CONFLICTS + AGREEMENTS:
        found = conflicts.features(asked(question), evidence(one), evidence(other, "b"), INDEX)  # type: ignore[arg-type]
        assert len(found) == len(conflicts.FEATURES) and np.abs(found).max() <= 1.0
