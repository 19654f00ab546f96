"""What cannot be proven cannot be said."""

import pytest

from assistant import claims, terms
from assistant.aligned import fold
from assistant.conversation import Answer, BadQuestion, BrokenPromise, Citation, Draft, Question, Sentence, Span
from assistant.frame import Framed
from assistant.verify import Gate, mark
from index.documents import About, Block, Chunk, Document, Passage

ABOUT = About("T", "P", None, "2021-01-01", None, "en", "news", "P", None, "original")
TEXT = "The treaty was signed in 1999. It has 70 articles."
DOCUMENT = Document("d", TEXT, "digest", (Block(0, len(TEXT), "H", 2),), ABOUT)
PASSAGE = Passage(Chunk("c", "d", 0, len(TEXT), "H", 2, TEXT), ABOUT, 1.0, ("dense",))


def plain(draft: Draft, about: About) -> Framed:
    return Framed(draft.text, None, "fact")


def check(text: str, start: int, end: int) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    gate = Gate({"d": DOCUMENT}.get, plain)
    sentence = gate.admit(Draft(text, (Span(PASSAGE, start, end),)))
    return (() if sentence is None else (sentence,)), gate.citations


def test_a_quoted_sentence_passes_with_its_quote() -> None:
    sentences, citations = check("The treaty was signed in 1999.", 0, 30)
    assert sentences[0].text == "The treaty was signed in 1999 [1]."
    assert citations[0].quote == TEXT[0:30] and (citations[0].heading, citations[0].page) == ("H", 2)


@pytest.mark.parametrize(
    "text",
    ["The treaty was signed in 1998.", "The treaty was not signed in 1999.", "The pact was signed in 1999.",
     "It has 70 articles.", "The treaty was signed in l999."],
)  # fmt: skip
def test_an_altered_sentence_is_dropped(text: str) -> None:
    assert check(text, 0, 30) == ((), ())


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (0, len(TEXT) + 1), (9, 3)])
def test_a_span_outside_the_text_proves_nothing(start: int, end: int) -> None:
    assert check("The treaty was signed in 1999.", start, end) == ((), ())


def test_one_quote_has_one_number() -> None:
    draft = Draft("It has 70 articles.", (Span(PASSAGE, 31, len(TEXT)),))
    gate = Gate({"d": DOCUMENT}.get, plain)
    sentences = [gate.admit(draft), gate.admit(draft)]
    assert [s.citations for s in sentences if s] == [(1,), (1,)] and len(gate.citations) == 1


def test_a_wording_passes_only_where_it_is_proven() -> None:
    draft = Draft("It has 70 articles.", (Span(PASSAGE, 31, len(TEXT)),), wording="The treaty has seventy articles.")
    asked: list[object] = []

    def proves(*told: object) -> bool:
        asked.append(told)
        return len(asked) > 1

    gate = Gate({"d": DOCUMENT}.get, lambda d, about: Framed(d.wording or "", None, "fact"), proves)
    assert Gate({"d": DOCUMENT}.get, plain).admit(draft) is None and gate.admit(draft) is None
    admitted = gate.admit(draft)
    assert admitted is not None and admitted.text == "The treaty has seventy articles [1]."
    assert asked[0] == ("The treaty has seventy articles.", ["It has 70 articles."], ["2021-01-01"])


def test_numbers_in_brackets_of_the_source_are_no_citations() -> None:
    assert mark("Signed[3] in 1999.", [1, 2]) == "Signed(3) in 1999 [1][2]."


def test_folding_touches_typography_only() -> None:
    assert fold("«а»  – б\u00a0в") == fold('"а" - б в')
    assert fold("1999") != fold("1998") and fold("not so") != fold("so")


def answer(**changed: object) -> Answer:
    sentences, citations = check("The treaty was signed in 1999.", 0, 30)
    fields: dict[str, object] = {
        "question": Question("When?"), "language": "en", "text": sentences[0].text, "refused": False, "reason": None,
        "sentences": sentences, "citations": citations, "conflicts": (), "confidence": 0.9, "passages": (PASSAGE,),
        "model": "extractive", "index": "g", "trace": "t", "seconds": 0.1} | changed  # fmt: skip
    return Answer(**fields)  # type: ignore[arg-type]


def test_a_sound_answer_can_be_made() -> None:
    assert answer().newest_source == "2021-01-01"


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "No marker here."},
        {"text": "Two markers [1] [2]."},
        {"text": "A forged one [7]."},
        {"citations": ()},
        {"refused": True, "reason": "off_topic"},
        {"sentences": ()},
        {"sentences": (Sentence("Uncited.", (), None, "fact"),)},
        {"confidence": 1.5},
    ],
)
def test_an_answer_that_breaks_a_promise_cannot_be_made(changed: dict[str, object]) -> None:
    with pytest.raises(BrokenPromise):
        answer(**changed)


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "lone \ud800 surrogate", "nul \0"])
def test_a_question_must_be_text(text: str) -> None:
    with pytest.raises(BadQuestion):
        Question(text)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many programmes were agreed?", "number"),
        ("What share of exports goes to Russia?", "number"),
        ("When was it signed?", "date"),
        ("In which year did it enter into force?", "date"),
        ("Who signed the treaty?", "person"),
        ("Where was it signed?", "place"),
        ("Why did Yeltsin want it?", "reason"),
        ("What is the Supreme State Council?", "none"),
        ("Сколько программ согласовано?", "number"),
        ("Когда подписан договор?", "date"),
        ("Кто подписал договор?", "person"),
        ("Почему Лукашенко согласился?", "reason"),
        ("Колькі праграм?", "number"),
        ("Калі падпісаны дагавор?", "date"),
        ("Хто падпісаў дамову?", "person"),
    ],
)
def test_tells_what_a_question_asks_for(question: str, kind: str) -> None:
    assert terms.wanted(question) == kind


@pytest.mark.parametrize(
    ("kind", "sentence", "offered"),
    [
        ("number", "They agreed on 28 programmes.", True),
        ("number", "They agreed in 1999.", False),
        ("number", "They agreed on three programmes.", True),
        ("date", "It was signed on 8 December 1999.", True),
        ("date", "It has 28 programmes.", False),
        ("person", "The treaty was signed by Boris Yeltsin.", True),
        ("person", "The treaty was signed yesterday.", False),
        ("reason", "They agreed because credit was needed.", True),
    ],
)
def test_tells_what_a_sentence_offers(kind: terms.Wanted, sentence: str, offered: bool) -> None:
    assert terms.offers(kind, sentence, "") is offered


@pytest.mark.parametrize(
    ("text", "stance"),
    [
        ("The treaty was signed in 1999.", "fact"),
        ("Lukashenko said that 80% was done.", "claim"),
        ("Russia will likely tighten its grip.", "forecast"),
        ("Лукашенко заявил, что готово 80%.", "claim"),
        ("По мнению аналитиков, цель иная.", "opinion"),
        ("Паводле Лукашэнкі, гатова 80%.", "claim"),
    ],
)
def test_tells_how_a_sentence_is_put(text: str, stance: str) -> None:
    assert claims.stance(text) == stance
