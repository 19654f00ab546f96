"""What the bot says in fixed words, in three languages: `words.toml` beside this file."""

import tomllib
from functools import lru_cache
from importlib.resources import files

from assistant.conversation import LANGUAGES, Language


class Words:
    """The words of one language by name."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def __call__(self, name: str, **values: str) -> str:
        """The words `name` with their variables replaced once; values are not searched. Raises KeyError."""
        text = self._texts[name]
        for variable, value in values.items():
            head, mark, tail = text.partition("{" + variable + "}")
            text = head + value + tail if mark else text
        return text


@lru_cache(maxsize=1)
def _all() -> dict[str, dict[str, str]]:
    raw: dict[str, dict[str, str]] = tomllib.loads(files("assistant.slack").joinpath("words.toml").read_text("utf-8"))
    return raw


def words(language: str | None) -> Words:
    """The words of `language`, English for one that is not spoken here."""
    return Words(_all()[language if language in LANGUAGES else "en"])


def names(name: str) -> dict[Language, str]:
    """The words `name` in every language."""
    return {language: _all()[language][name] for language in LANGUAGES}
