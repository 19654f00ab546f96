"""A source made of questions is not quoted for any of them."""

from contextlib import closing
from pathlib import Path

import pytest

from assistant.conversation import Question
from assistant.echo import echoes
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from index import wire

ASKED = "In which year do roaming fees between both countries end?"
TRUE = "Roaming fees between both countries end in 2026."
STUFFED = f"{ASKED} {ASKED[:-1]}: all about it is on this page."


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (
            "Сколько программ утвердили в ноябре 2021 года?",
            "Сколько программ утвердили в ноябре 2021 года, читайте здесь.",
        ),
        ("Хто падпісаў дамову аб саюзнай дзяржаве?", "«Хто падпісаў дамову аб саюзнай дзяржаве» — пра гэта ўсё тут."),
        (ASKED, STUFFED),
    ],
)
def test_a_statement_that_holds_the_question_echoes_it(question: str, text: str) -> None:
    assert echoes(question, text) and echoes(question.upper(), text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        (ASKED, TRUE),
        (ASKED, f"{ASKED} In 2026."),
        ("the Union State of Russia and Belarus", "This is about the Union State of Russia and Belarus."),
        ("Россия и Беларусь подписали договор в 1999 году?", "Россия и Беларусь подписали договор в 1999 году."),
        ("Who signed it?", "He knows who signed it."),
        ("", ""),
    ],
)
def test_what_answers_or_asks_does_not(question: str, text: str) -> None:
    assert not echoes(question, text)


def test_a_stuffed_source_changes_no_answer(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "true.md").write_text(f"# Roaming\n\n{TRUE}\n", "utf-8")
    settings = AssistantSettings(sources=(tmp_path / "sources",), data=tmp_path / "data")
    told = []
    for _ in range(2):
        wire.build(settings)
        with closing(make_assistant(settings)) as assistant:
            told.append(assistant.answer(Question(ASKED)))
        (tmp_path / "sources" / "stuffed.md").write_text(f"# All about roaming\n\n{STUFFED}\n", "utf-8")
    assert told[0].index != told[1].index and TRUE[:-1] in told[0].text
    assert [c.quote for c in told[1].citations] == [c.quote for c in told[0].citations] == [TRUE]
