"""A small run of the command that looks for words and ids of others, and that it would find them."""

from pathlib import Path

import pytest

from tests.isolation import Chat, Echo, Seen, run

pytestmark = pytest.mark.slow


def test_nobody_sees_a_word_or_an_id_of_somebody_else(tmp_path: Path) -> None:
    seen = run(tmp_path, chats=60, users=12, cancelled=0.3, seed=1)
    assert seen.leaks == [] and seen.failures == []
    assert seen.count["answers"] > 80 and seen.count["cut"] > 5 and seen.count["tried"] > 20
    assert seen.count["prompts"] > 40 and seen.count["own words"] > 500, "the model repeats what it is asked"


def test_it_sees_words_ids_and_prompts_of_others() -> None:
    seen, mine, others = Seen(), Chat(3, 1), Chat(4, 2)
    identity = "0" * 24
    seen.own(identity, 2)
    seen.look(1, 3, f"{mine.word} is all", "an answer")
    assert seen.leaks == []
    seen.look(1, 3, others.word, "an answer")
    seen.look(1, 5, mine.word, "an answer")  # the same user's other conversation
    seen.look(1, None, f"see {identity}", "the list")
    seen.own(identity, 1)
    assert len(seen.leaks) == 4
    Echo(seen).said([{"role": "user", "content": f"{mine.word} {others.word}"}])
    assert len(seen.leaks) == 5
