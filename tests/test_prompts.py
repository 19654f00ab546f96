import pytest

from prompts import BadTemplate, Template, load

REFUSALS = {"not_in_sources", "off_topic", "false_premise", "unverified", "near", "nothing_near", "undated", "instead",
            "small_talk"}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "ru", "be"])
def test_every_language_has_every_refusal(language: str) -> None:
    assert load(f"refusal.{language}").keys() == REFUSALS


@pytest.mark.parametrize("values", [{}, {"titles": "x"}, {"question": "x", "more": "y"}])
def test_missing_and_unknown_variables_are_refused(values: dict[str, str]) -> None:
    with pytest.raises(BadTemplate):
        load("refusal.en")["off_topic"].fill(**values)


@pytest.mark.parametrize("name", ["none", "../index/errors", "refusal.en.md", ""])
def test_only_templates_can_be_loaded(name: str) -> None:
    with pytest.raises(BadTemplate):
        load(name)


def test_values_are_not_searched_for_variables() -> None:
    assert Template("t", "{a} {b}").fill(a="{b}", b="2") == "{b} 2"
