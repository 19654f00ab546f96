"""Names and their spellings: which known person, body, treaty or place a text mentions, in whatever language.

A glossary is TOML with `[[entry]]` tables: id, type, name and aliases by language, gloss by language.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from index.errors import ConfigurationError
from index.keywords import tokenize


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing with a name. `names` has the canonical name and `gloss` a short explanation by language code."""

    id: str
    type: str
    names: dict[str, str]
    aliases: tuple[str, ...]
    gloss: dict[str, str]


class Glossary:
    """Finds entries in texts by their stemmed names, the longest name first."""

    def __init__(self, entries: Sequence[Entry] = (), source: str = "") -> None:
        self.entries = {e.id: e for e in entries}
        self.source = source
        self._by_stems: dict[tuple[str, ...], str] = {}
        for entry in entries:
            for name in (*entry.names.values(), *entry.aliases):
                self._by_stems.setdefault(tuple(tokenize(name, stop_words=True)), entry.id)
        self._by_stems.pop((), None)
        self._longest = max(map(len, self._by_stems), default=0)

    def mentions(self, text: str) -> list[str]:
        """Ids of the entries that `text` names, in order, repeats included."""
        return [entry for _, _, entry in self._spans(tokenize(text, stop_words=True))]

    def tokens(self, text: str) -> list[str]:
        """Search tokens of `text`: its stems and one token for each entry it names."""
        return tokenize(text) + [f"@{entry}" for entry in self.mentions(text)]

    def _spans(self, stems: Sequence[str]) -> Iterable[tuple[int, int, str]]:
        position = 0
        while position < len(stems):
            for length in range(min(self._longest, len(stems) - position), 0, -1):
                entry = self._by_stems.get(tuple(stems[position : position + length]))
                if entry is not None:
                    yield position, position + length, entry
                    position += length
                    break
            else:
                position += 1


def parse(text: str, where: str = "glossary.toml") -> Glossary:
    """Read a glossary. Raises ConfigurationError naming the entry that is wrong."""
    try:
        tables = tomllib.loads(text).get("entry", [])
        entries = [_entry(t) for t in tables]
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"{where} is not a glossary: {error}") from error
    return Glossary(entries, text)


def find(folders: Iterable[Path], read: Callable[[Path], str] = lambda p: p.read_text("utf-8")) -> Glossary:
    """The glossary.toml of the first folder that has one; an empty glossary where none has."""
    for folder in folders:
        if (path := folder / "glossary.toml").is_file():
            return parse(read(path), str(path))
    return Glossary()


def _entry(table: dict[str, Any]) -> Entry:
    aliases = tuple(alias for spellings in table.get("aliases", {}).values() for alias in spellings)
    return Entry(
        str(table["id"]), str(table.get("type", "term")), dict(table["name"]), aliases, dict(table.get("gloss", {}))
    )
