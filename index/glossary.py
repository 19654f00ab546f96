"""Names and their spellings: which known person, body, treaty or place a text mentions, in whatever language.

A glossary is TOML with `[[entry]]` tables: id, type, name and aliases by language, gloss by language.
"""

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from index.errors import ConfigurationError
from index.keywords import stem, tokenize, word_spans
from index.lexicon import Lexicon

REMEMBERED = 20_000  # texts


@dataclass(frozen=True, slots=True)
class Role:
    """An office that a person held: its title by language code; ISO dates of reduced precision, None where unknown."""

    title: dict[str, str]
    since: str | None
    until: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing with a name. `names` has the canonical name and `gloss` a short explanation by language code."""

    id: str
    type: str
    names: dict[str, str]
    aliases: tuple[str, ...]
    gloss: dict[str, str]
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A word of a text, or the words that name one entry: its stems, and the entry's id or None."""

    stems: tuple[str, ...]
    entry: str | None


class Glossary:
    """Finds entries in texts by their stemmed names, the longest name first."""

    def __init__(self, entries: Sequence[Entry] = (), source: str = "", lexicon: Lexicon | None = None) -> None:
        self.entries = {e.id: e for e in entries}
        self.source = source
        self.lexicon = lexicon or Lexicon("")
        self._parts = lru_cache(maxsize=REMEMBERED)(self._parts_of)
        self._by_stems: dict[tuple[str, ...], str] = {}
        for entry in entries:
            for name in (*entry.names.values(), *entry.aliases):
                self._by_stems.setdefault(tuple(tokenize(name, stop_words=True)), entry.id)
        self._by_stems.pop((), None)
        self._longest = max(map(len, self._by_stems), default=0)

    def mentions(self, text: str) -> list[str]:
        """Ids of the entries that `text` names, in order, repeats included."""
        return [p.entry for p in self.parts(text) if p.entry is not None]

    def parts(self, text: str) -> tuple[Part, ...]:
        """All words of `text` in order, those that name an entry together."""
        return self._parts(text)

    def _parts_of(self, text: str) -> tuple[Part, ...]:
        found: list[Part]
        stems, found, position = tokenize(text, stop_words=True), [], 0
        for start, end, entry in self._spans(stems):
            found += [Part((stem,), None) for stem in stems[position:start]]
            found.append(Part(tuple(stems[start:end]), entry))
            position = end
        return (*found, *(Part((stem,), None) for stem in stems[position:]))

    def tokens(self, text: str) -> list[str]:
        """Search tokens of `text`: its stems, one token for each entry it names, and the concepts of its words."""
        stems = tokenize(text)
        concepts = [f"#{c}" for stem in stems for c in self.lexicon.concepts(stem)]
        return stems + [f"@{entry}" for entry in self.mentions(text)] + concepts

    def places(self, text: str) -> dict[str, list[int]]:
        """Where in `text`, counted in words, each of its search tokens stands."""
        found: dict[str, list[int]] = {}
        position = 0
        for part in self.parts(text):
            forms = [] if part.entry is None else [f"@{part.entry}"]
            forms += [f for s in part.stems for f in (s, *(f"#{c}" for c in self.lexicon.concepts(s)))]
            for form in forms:
                found.setdefault(form, []).append(position)
            position += len(part.stems)
        return found

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Where `text` names entries: offsets, end exclusive, and the entry's id."""
        at = word_spans(text)
        found = self._spans([stem(text[a:b]) for a, b in at])
        return [(at[start][0], at[end - 1][1], entry) for start, end, entry in found]

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


def parse(text: str, where: str = "glossary.toml", lexicon: Lexicon | None = None) -> Glossary:
    """Read a glossary. Raises ConfigurationError naming what is wrong."""
    try:
        entries = [_entry(t) for t in tomllib.loads(text).get("entry", [])]
    except (tomllib.TOMLDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ConfigurationError(f"{where} is not a glossary: {error}") from error
    return Glossary(entries, text, lexicon)


def find(
    folders: Iterable[Path],
    lexicon: Lexicon | None = None,
    read: Callable[[Path], str] = lambda p: p.read_text("utf-8"),
) -> Glossary:
    """The glossary.toml of the first folder that has one; a glossary without entries where none has."""
    for folder in folders:
        if (path := folder / "glossary.toml").is_file():
            return parse(read(path), str(path), lexicon)
    return Glossary(lexicon=lexicon)


def _entry(table: dict[str, Any]) -> Entry:
    aliases = tuple(alias for spellings in table.get("aliases", {}).values() for alias in spellings)
    roles = tuple(Role(dict(r["title"]), r.get("since"), r.get("until")) for r in table.get("roles", []))
    return Entry(
        str(table["id"]), str(table.get("type", "term")), dict(table["name"]), aliases,
        dict(table.get("gloss", {})), roles,
    )  # fmt: skip
