"""Who stands behind a sentence and how firmly: fact, claim, forecast or opinion. Pure; English, Russian, Belarusian.

Who speaks in a sentence is found by speakers.py. Not for: whether a sentence is true.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from assistant import cast, cues, speakers, verbs
from assistant.conversation import Stance
from assistant.speakers import Speech
from index.documents import About
from index.glossary import Glossary
from index.keywords import is_common, tokenize

_OPINIONATED = ("analysis", "academic", "opposition")


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose word a sentence is. `holder` is None for plain facts; `named` when the sentence itself names him."""

    holder: str | None
    stance: Stance
    named: bool


@lru_cache(maxsize=20_000)
def attribute(text: str, before: tuple[str, ...], about: About, glossary: Glossary) -> Attribution:
    """Whose word `text` is; `before` are up to three sentences that stand before it in its source, nearest last.

    >>> about = About("T", "TASS", None, None, None, "en", "news", "TASS", None, "original")
    >>> attribute("Lukashenko said that 80% was done.", (), about, Glossary())
    Attribution(holder='Lukashenko', stance='claim', named=True)
    >>> attribute("He added that it was enough.", ("Lukashenko said so.",), about, Glossary())
    Attribution(holder='Lukashenko', stance='claim', named=False)
    >>> attribute("The treaty was signed in 1999.", (), about, Glossary())
    Attribution(holder=None, stance='fact', named=False)
    """
    if about.kind == "treaty":
        return Attribution(None, "fact", False)
    speech = _chosen(speakers.speeches(text, glossary), about)
    if speech is not None:
        return _attributed(speech, text, before, about, glossary)
    if outlet := _outlet(text, about, glossary):
        return Attribution(outlet, "claim", True)
    if _ruled(text, about):
        return Attribution(None, "fact", False)
    put = _hedged(text) or _plain(text, about)
    return Attribution(None, "fact", False) if put == "fact" else _sources(put, text, about, glossary)


@lru_cache(maxsize=20_000)
def names(holder: str, text: str, glossary: Glossary) -> bool:
    """Whether `text` names `holder` in any spelling: by the glossary, by surname or by initials.

    >>> names("Institute for the Study of War", "ISW said so.", Glossary())
    True
    >>> names("Sergei Lavrov", "Lavrov left.", Glossary()), names("Chatham House", "The house stood.", Glossary())
    (True, False)
    """
    return any(_named(part, text, glossary) for part in re.split(r"\s+/\s+|[()]|,\s", holder) if part.strip())


def asked_holder(question: str, glossary: Glossary) -> str | None:
    """Whose word a question asks for: a glossary id, or the name as it stands; None where nobody's.

    >>> asked_holder("What did Lavrov say about the programmes?", Glossary())
    'Lavrov'
    >>> asked_holder("When was the treaty signed?", Glossary()) is None
    True
    """
    return _authority(question, glossary) or _addressed(question, glossary)


def stance(text: str) -> Stance:
    """How the sentence puts what it says, whoever says it.

    >>> stance("Lukashenko claimed that 80% was done."), stance("The treaty was signed in 1999.")
    ('claim', 'fact')
    """
    return attribute(text, (), _ANYBODY, Glossary()).stance


def holder(text: str, about: About) -> str | None:
    """Whose statement the sentence is, as far as it tells itself."""
    return attribute(text, (), about, Glossary()).holder


_ANYBODY = About("", "", None, None, None, "en", "unknown", "", None, "original")


def _attributed(speech: Speech, text: str, before: Sequence[str], about: About, glossary: Glossary) -> Attribution:
    if _guessed(speech, about) and not names(about.holder, speech.name or " ", glossary):
        return _sources(_hedged(text) or "opinion", text, about, glossary)
    if speech.name is None:
        return _sources(speech.stance, text, about, glossary)
    if speech.name:
        return Attribution(speech.name, speech.stance, True)
    within = speakers.people(text[: speech.start], glossary)
    if within:
        return Attribution(within[0], speech.stance, True)
    meant = _meant(before, about, glossary)
    return _sources(speech.stance, text, about, glossary) if meant is None else Attribution(meant, speech.stance, False)


def _outlet(text: str, about: About, glossary: Glossary) -> str | None:
    """The outlet that a sentence names: whatever its verb, it is there because it tells."""
    actors = cast.cast(text, glossary)
    told = next((a.name for a in actors if a.type == "media"), None)
    if told is None and about.kind in ("news", *_OPINIONATED) and names(about.holder, text, glossary):
        return about.holder
    return told


def _ruled(text: str, about: About) -> bool:
    """Whether a treaty or law speaks, and nobody weighs or guesses what it says."""
    weighed = about.kind in _OPINIONATED and cues.EVALUATION.search(text)
    return bool(cues.AUTHORITY.search(text)) and not weighed and _hedged(cues.FUTURE.sub(" ", text)) is None


def _guessed(speech: Speech, about: About) -> bool:
    """Whether the source reads somebody's mind."""
    return speech.mind and not speech.outer and about.kind in _OPINIONATED and speech.type != "crowd"


def _sources(put: Stance, text: str, about: About, glossary: Glossary) -> Attribution:
    """The word of the source itself."""
    named = names(about.holder, text, glossary) or names(about.publisher, text, glossary)
    return Attribution(about.holder, put, named)


def _meant(before: Sequence[str], about: About, glossary: Glossary) -> str | None:
    """Whom a pronoun or bare role means: the last speaker before it, else the only person of the last sentence that
    names any."""
    for number in range(len(before) - 1, -1, -1):
        speech = _chosen(speakers.speeches(before[number], glossary), about)
        if speech is not None and speech.name and speech.type != "crowd" and not speech.mind:
            return speech.name
        people = list(dict.fromkeys(speakers.people(before[number], glossary)))
        # A name that nothing is known of may be a person's: better the source's word than somebody further away.
        people = people or list(dict.fromkeys(speakers.strangers(before[number], glossary)))
        if people:
            return people[0] if len(people) == 1 else None
    return None


def _hedged(text: str) -> Stance | None:
    for pattern, put in _HEDGES:
        if pattern.search(text):
            return put
    return None


_HEDGES: tuple[tuple[re.Pattern[str], Stance], ...] = (
    (cues.HEDGED_CLAIM, "claim"),
    (cues.HEDGED_FORECAST, "forecast"),
    (cues.HEDGED_OPINION, "opinion"),
)


def _plain(text: str, about: About) -> Stance:
    """Of a sentence without speaker or hedge: an analyst's is an opinion unless it dates or counts something."""
    if about.kind in ("reference", "official"):
        return "fact"
    if cues.MODAL.search(text):
        return "opinion"
    if about.kind not in _OPINIONATED:
        return "fact"
    return "fact" if re.search(r"\d", text) and not cues.EVALUATION.search(text) else "opinion"


def _chosen(speeches: Sequence[Speech], about: About) -> Speech | None:
    """Under whose name a reader would put the sentence."""
    inner = [s for s in speeches if not s.outer and not s.loose]
    outer = [s for s in speeches if s.outer]
    source = next((s for s in outer if s.name), outer[0] if outer else None)
    if source is not None:
        told = [s for s in inner if s.name and not s.subordinate and s.quotes and s.clause == source.clause]
        return told[0] if told and source.type != "person" else source
    if not inner:
        return speeches[0] if speeches else None
    first = next((s for s in inner if not s.subordinate), inner[0])
    following = inner[inner.index(first) + 1 :]
    if following and first.type != "person" and verbs.PASSES_ON.fullmatch(first.word):
        return following[0] if _passed_on(following[0]) else first
    return first


def _passed_on(speech: Speech) -> bool:
    """Whether what a source reports is somebody's statement."""
    return speech.direct and (speech.quotes or not speech.word) and bool(speech.name) and speech.type != "crowd"


def _named(holder: str, text: str, glossary: Glossary) -> bool:
    """Whether `text` has the glossary entries and the other words of `holder`; of a person, the surname will do."""
    name = _name(holder, glossary)
    mentioned = _mentioned(text, glossary)
    if name.quoted & mentioned:
        return True
    if name.is_entry:
        return bool(name.entries & mentioned)
    if name.stems and name.stems <= _said(text):
        return True
    return len(name.initials) > 2 and bool(re.search(rf"\b{name.initials}\b", text))


@dataclass(frozen=True, slots=True)
class _Name:
    """What tells that a text names a holder: entries of the glossary, those whose name in quotation marks it has,
    whether an entry is all there is to it, and else stems or initials."""

    entries: frozenset[str]
    quoted: frozenset[str]
    is_entry: bool
    stems: frozenset[str]
    initials: str


@lru_cache(maxsize=2_000)
def _name(holder: str, glossary: Glossary) -> _Name:
    parts = glossary.parts(holder)
    entries = frozenset(p.entry for p in parts if p.entry is not None)
    words = [s for p in parts if p.entry is None for s in p.stems if not is_common(s) and s not in _ROLE_STEMS]
    is_entry = bool(entries) and (not words or any(glossary.entries[e].type == "person" for e in entries))
    needed = [s for s in tokenize(holder) if s not in _ROLE_STEMS]
    stems = frozenset(needed[-1:] if cast.is_person(holder) else needed)
    initials = "".join(w[0] for w in holder.split() if w[0].isupper())
    return _Name(entries, frozenset(cast.mentions(holder, glossary)) - entries, is_entry, stems, initials)


@lru_cache(maxsize=20_000)
def _mentioned(text: str, glossary: Glossary) -> frozenset[str]:
    return frozenset(cast.mentions(text, glossary))


@lru_cache(maxsize=20_000)
def _said(text: str) -> frozenset[str]:
    return frozenset(tokenize(text, stop_words=True))


_ROLE_STEMS = frozenset(tokenize("the president minister premier analysts editors text report website www com"))


def _authority(question: str, glossary: Glossary) -> str | None:
    """The treaty or law that a question asks for the word of."""
    found = cues.ASKED_LAW.search(question)
    if found is None:
        return None
    known = [e for e in glossary.mentions(found["name"]) if glossary.entries[e].type in cast.NOBODY]
    return known[-1] if known else found["name"].strip()


def _addressed(question: str, glossary: Glossary) -> str | None:
    """The speaker that a question asks for the word of."""
    plain, actors = cast.blank(question), cast.cast(question, glossary)
    asked = [m.span(m.lastgroup or 0) for p in (cues.ASKED, cues.ASKED_VIEW) for m in p.finditer(plain)]
    told = [s for span in asked if (s := speakers.speaker(plain, *span, actors))] + sorted(
        speakers.speeches(question, glossary), key=lambda s: s.loose
    )
    for speech in told:
        if speech.name:
            return next((a.entry for a in actors if a.entry and a.name == speech.name), speech.name)
    return None
