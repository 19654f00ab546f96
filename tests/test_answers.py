"""The whole path on the project's own sources, and on a real analysis where that lies beside the checkout."""

import datetime
import json
from pathlib import Path

import pytest

from assistant.chain import Assistant
from assistant.conversation import Answer, Question
from assistant.render import to_json, to_text
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from evals.cases import BadGold, load
from evals.figures import rates
from evals.run import Manner
from evals.session import Choice, evaluate
from index import wire
from tests.conftest import ROOT, SHARED


def proven(assistant: Assistant, answer: Answer) -> bool:
    """Every quote stands at its offsets, and every sentence in its quotes."""
    for citation in answer.citations:
        document = assistant.document(citation.passage.chunk.document_id)
        assert document is not None and document.text[citation.start : citation.end] == citation.quote
    return True


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How do Minsk and Moscow define the Union State?", "confederation"),
        ("How many integration programmes were agreed for 2021-2023?", "28"),
        ("When was the Charter of the Union of Belarus and Russia signed?", "23 May 1997"),
        ("Каков был годовой план доходов бюджета Союзного государства на 2025 год, когда его приняли?", "7 328,2"),
        ("Калі адбыўся чацвёрты пратэст у Мінску?", "21 снежня 2019"),
    ],
)
def test_answers_with_proven_quotes(assistant: Assistant, question: str, expected: str) -> None:
    answer = assistant.answer(Question(question))
    assert not answer.refused and expected in answer.text and proven(assistant, answer)


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("What is the boiling point of tungsten?", "en"),
        ("Какова температура кипения вольфрама?", "ru"),
        ("Хто выйграў чэмпіянат свету па футболе?", "be"),
    ],
)
def test_refuses_in_the_language_of_the_question(assistant: Assistant, question: str, language: str) -> None:
    answer = assistant.answer(Question(question))
    assert answer.refused and answer.reason and answer.language == language and not answer.citations
    assert question in answer.text


def test_as_of_cites_nothing_later(assistant: Assistant) -> None:
    question = "How many Union State programmes were approved?"
    for day in ("2018-12-31", "2021-12-31", "2023-12-31"):
        answer = assistant.answer(Question(question, as_of=datetime.date.fromisoformat(day)))
        assert all((c.passage.about.published or "9999") <= day for c in answer.citations)
        assert all((p.about.published or "9999")[:4] <= day[:4] for p in answer.passages)


def test_the_same_question_gets_the_same_bytes(own_settings: AssistantSettings, assistant: Assistant) -> None:
    other = make_assistant(own_settings)
    for text in ("How do Minsk and Moscow define the Union State?", "Что было в повестке 26 февраля 2026 года?"):
        one, two = (to_json(a.answer(Question(text))) | {"seconds": 0} for a in (assistant, other))
        assert json.dumps(one) == json.dumps(two)
    other.close()


def test_text_for_a_terminal_names_sources(assistant: Assistant) -> None:
    text = to_text(to_json(assistant.answer(Question("How do Minsk and Moscow define the Union State?"))))
    assert "RANE" in text and "2023-03-13" in text and "newest source used" in text


def test_a_long_running_assistant_follows_the_index(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "a.md").write_text("# Roaming\n\nRoaming fees between both countries end in 2026.\n", "utf-8")
    settings = AssistantSettings(sources=(sources,), data=tmp_path / "data")
    wire.build(settings)
    assistant = make_assistant(settings)
    first = assistant.answer(Question("When do roaming fees end?"))
    (sources / "a.md").write_text("# Roaming\n\nRoaming fees between both countries end in 2027.\n", "utf-8")
    wire.build(settings)
    second = assistant.answer(Question("When do roaming fees end?"))
    assert "2026" in first.text and "2027" in second.text and "2026" not in second.text
    assert first.index != second.index
    assistant.close()


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "documents").is_dir(), reason="the real analysis does not lie beside this checkout")
def test_a_real_analysis_is_answered_and_refused_as_promised() -> None:
    cases = load([ROOT / "evals/gold/elsewhere/analysis.jsonl"])
    ran = evaluate(cases, Choice(), [SHARED / "documents"], lambda *_: None, Manner())
    figures = {r.name: r for r in rates(ran.results.items)}
    assert figures["quotes verbatim"].value == 1 and figures["quotes verbatim"].of >= 25
    assert figures["answer in the first five passages"].value >= 0.95 and figures["full answers"].value >= 0.8
    assert figures["abstention recall"].value >= 0.8


@pytest.mark.parametrize("line", ["{}", "not json", '{"id": "a", "question": "b"}'])
def test_a_bad_gold_line_is_named(tmp_path: Path, line: str) -> None:
    gold = tmp_path / "gold.jsonl"
    good = (ROOT / "evals/gold/elsewhere/analysis.jsonl").read_text("utf-8").splitlines()[0]
    gold.write_text(good + "\n" + line, "utf-8")
    with pytest.raises(BadGold, match=r"line 2"):
        load([gold])
