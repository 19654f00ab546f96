"""The parts of the chat model port that need no server: settings, pauses, and thoughts that are left out."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.generation import Thoughts
from assistant.models import backoff, make_chat_model
from index.errors import ConfigurationError


@given(st.lists(st.sampled_from(["<", "<think>", "</think>", "<thinking>", "a ", "th", ">", "é", "[1]"])), st.data())
def test_thoughts_are_left_out_wherever_the_pieces_are_cut(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    one, many = Thoughts(), Thoughts()
    whole = one.feed(text) + one.rest()
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(map(many.feed, pieces)) + many.rest() == whole
    assert "<think>" not in whole and "</think>" not in whole


@pytest.mark.parametrize(
    ("name", "base_url", "hint"),
    [
        ("gpt-5", None, "openai:gpt-5"),
        ("openai:", None, "names no provider"),
        ("openai:gpt-5", None, "set OPENAI_API_KEY"),
        ("anthropic:claude", None, "set ANTHROPIC_API_KEY"),
        ("nobody:x", None, "openai:..."),
        ("groq:x", None, "pip install langchain-groq"),
        ("m", "http://[::1:/v1", "http://127.0.0.1:8080/v1"),
    ],
)
def test_wrong_settings_say_what_to_type(
    monkeypatch: pytest.MonkeyPatch, name: str, base_url: str | None, hint: str
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        make_chat_model(name, base_url)
    assert hint in str(caught.value) and "\n" not in str(caught.value)
    assert not any(t.name == "chat-model" for t in threading.enumerate())


@pytest.mark.parametrize("key", ["sk-pl\nanted", "sk planted", "sk-pläned"])
def test_a_key_that_is_none_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY") as caught:
        make_chat_model("openai:gpt-5", None)
    assert key not in str(caught.value)


def test_a_key_may_stand_in_the_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath(".env").write_text("ANTHROPIC_API_KEY=sk-planted\n", "utf-8")
    model = make_chat_model("anthropic:claude", None)
    model.close()
    assert model.name == "anthropic:claude"


@given(st.integers(0, 12), st.floats(0, 1))
def test_pauses_grow_and_stay_bounded(attempt: int, chance: float) -> None:
    ceiling = min(8.0, 0.5 * 2**attempt)
    assert ceiling / 2 <= backoff(attempt, None, chance) <= ceiling
    assert 7.0 <= backoff(attempt, 7.0, chance) <= 7.25
