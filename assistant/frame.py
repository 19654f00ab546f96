"""How a proven sentence is shown: who says it and when, what its pronouns and dates stand for, in which language it is.

All that is added comes from the source's metadata, its dates and the glossary, in brackets or before the sentence; the
quoted words stay as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import prompts
from assistant import antecedents, claims, dates
from assistant.conversation import Draft, Language, Stance
from index.documents import About
from index.glossary import Glossary
from index.sentences import language_of

MOST_GLOSSES = 2
_GLOSSED = ("institution", "treaty", "document", "person", "organisation", "exercise", "programme", "event")


@dataclass(frozen=True, slots=True)
class Framed:
    """`text` is the sentence as shown, `holder` whose word it is (None for plain facts)."""

    text: str
    holder: str | None
    stance: Stance


def frame(draft: Draft, about: About, language: Language, glossary: Glossary) -> Framed:
    """The draft's sentence as a reader in `language` is shown it: in its source's words, or as a model worded it."""
    if draft.wording is not None:
        return _worded(draft.wording, draft, about, language, glossary)
    found = claims.attribute(draft.text, draft.before, about, glossary)
    foreign = language_of(draft.text) != language
    notes = dict(dates.resolved(draft.text, about.published))
    if name := antecedents.antecedent(draft.text, draft.before, glossary):
        notes.setdefault(*name)
    if foreign:
        for place, gloss in _glosses(draft.text, language, glossary):
            notes.setdefault(place, gloss)
    text = insert(draft.text, notes)
    led = _led(text, draft, about, found, language, foreign)
    return Framed(led, found.holder, found.stance)


def _worded(wording: str, draft: Draft, about: About, language: Language, glossary: Glossary) -> Framed:
    """A model's sentence, led by the holder of what it rests on where it does not name him."""
    found = claims.attribute(draft.text, draft.before, about, glossary)
    named = found.holder is None or claims.names(found.holder, wording, glossary)
    text = _led(wording, replace(draft, text=wording), about, replace(found, named=named), language, foreign=False)
    return Framed(text, found.holder, found.stance)


def insert(text: str, notes: dict[int, str]) -> str:
    """`text` with each note in square brackets at its offset.

    >>> insert("He spoke.", {2: "Putin"})
    'He [Putin] spoke.'
    """
    for place in sorted(notes, reverse=True):
        text = f"{text[:place]} [{notes[place]}]{text[place:]}"
    return text


def _led(text: str, draft: Draft, about: About, found: claims.Attribution, language: Language, foreign: bool) -> str:
    """The sentence after its holder or date, where it does not name them itself."""
    words = prompts.load(f"frame.{language}")
    dated = bool(dates.moments(draft.text, about.published)) or about.published is None
    date = "" if about.published is None else dates.published_shown(about.published, language)
    values = {"text": text} | ({} if dated else {"date": date})
    if foreign:
        spoken = words.get(language_of(draft.text), words["other"]).fill()
        holder = found.holder if found.holder and not found.named else about.publisher
        return words["foreign" if dated else "foreign_dated"].fill(holder=holder, language=spoken, **values)
    if found.holder is not None and not found.named:
        return words["according" if dated else "according_dated"].fill(holder=found.holder, **values)
    return text if dated else words["as_of"].fill(**values)


def _glosses(text: str, language: Language, glossary: Glossary) -> Sequence[tuple[int, str]]:
    """After the first mentions of known names, their name in the reader's language."""
    shown: dict[str, tuple[int, str]] = {}
    for _, end, identity in glossary.spans(text):
        entry = glossary.entries[identity]
        name = entry.names.get(language) if entry.type in _GLOSSED else None
        if name and identity not in shown and name.casefold() not in text.casefold():
            shown[identity] = (end, name)
    return list(shown.values())[:MOST_GLOSSES]
