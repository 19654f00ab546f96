"""Questions that ask what or who something is, and sentences that say so. Pure; English, Russian, Belarusian.

Not for: what is so at a time ("Who is the State Secretary?"), which has another answer each time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from index.glossary import Glossary
from index.keywords import stem, word_spans
from index.sentences import language_of, split

_ASKS = re.compile(
    r"^\W*(?:(?:so|and|well|please|briefly)\W+)*(?:"
    r"(?P<who>who) (?:is|was|are|were)|(?P<what>what) (?:is|was|are|were)(?: meant by)?|"
    r"what does(?= .+ (?:mean|stand for)\W*$)|"
    r"(?:define|explain what)|(?P<кто>кто такой|кто такая|кто такие)|что такое|что (?:означает|представляет собой)|"
    r"(?P<хто>хто такі|хто такая|хто такія)|што такое|што (?:азначае|уяўляе сабой)"
    r")\s+(?:(?:the|an?)\s+)?(?P<name>.+?)(?:\s+(?:is|are|mean|stand for))?\W*$",
    re.IGNORECASE,
)
_CAPITAL = re.compile(r"[A-ZА-ЯЁІЎ]")
_SMALL_WORDS = frozenset("of the and for in on и по в на для а і ў у з па".split())
_ASIDE = r"^(?:\s*\([^)]{1,80}\))?"
_IS = {
    "en": re.compile(
        _ASIDE + r",?\s+(?:which )?(?:is|are|was|were|means|stands for|refers to|denotes)\s+"
        r"(?:an?|the|one of|called|known as|defined|made up|composed|\w+['’]s)\b"
    ),
    "ru": re.compile(
        _ASIDE + r"\s*(?:[—–-]\s*(?:это\s)?\w|"
        r",?\s*(?:является|являются|представляет собой|означает|называ\w+|был[аио]? \w+(?:ом|ой|ым))\b)"
    ),
    "be": re.compile(
        _ASIDE + r"\s*(?:[—–-]\s*(?:гэта\s)?\w|"
        r",?\s*(?:з['’ʼ]яўля\w+|уяўляе сабой|азначае|называ\w+|(?:быў|была|было) \w+(?:ам|ом|ой|ым))\b)"
    ),
}
_HOLDS = {  # of a person
    "en": re.compile(_ASIDE + r"(?:,\s+(?:an?|the|then|former)\s+\w|\s+(?:became|served as|headed|led|chaired)\s)"),
    "ru": re.compile(
        _ASIDE + r"(?:,\s+(?!котор|что)\w+|\s+(?:был[аи]?|стал[аи]?|возглав\w+|занима\w+|руковод\w+|назначен\w*)\s)"
    ),
    "be": re.compile(
        _ASIDE + r"(?:,\s+(?!які|якая|што)\w+|\s+(?:быў|была|стаў|стала|узначал\w+|займа\w+|кіра\w+|прызначан\w*)\s)"
    ),
}
_DOUBTED = re.compile(r"\b(?:whether|if|ли|ці)\b", re.IGNORECASE)
# What stands in another's place is not what the sentence is about: "the budget of the Union State is ...".
_OF_ANOTHER = re.compile(
    r"\b(?:in|of|by|with|to|from|at|on|into|within|between|about|и|в|во|на|с|со|о|об|по|из|от|для|у|при|к|ў|з|аб|па|да|паміж)"
    r"\s+(?:the\s+|an?\s+)?$",
    re.IGNORECASE,
)
_PHRASES = {"en": "{} is", "ru": "{} — это", "be": "{} — гэта"}
_SUBJECT = 90  # characters before which a sentence names what it is about


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be defined; `entry` is the glossary entry of that name, if there is one."""

    name: str
    entry: str | None
    is_person: bool


def target(question: str, glossary: Glossary) -> Target | None:
    """What a question asks the definition of, None where it asks for something else.

    >>> target("What is the Union State?", Glossary())
    Target(name='Union State', entry=None, is_person=False)
    >>> target("Кто такой Павел Бородин?", Glossary())
    Target(name='Павел Бородин', entry=None, is_person=True)
    >>> target("What is the share of trade in roubles?", Glossary()) is None
    True
    """
    asked = _ASKS.match(question.strip())
    if asked is None:
        return None
    name, entry = asked["name"], _entry(asked["name"], glossary)
    if entry is None and not _is_name(name):
        return None
    is_person = bool(asked["who"] or asked["кто"] or asked["хто"])
    if is_person and entry is not None and glossary.entries[entry].type != "person":  # "Who is the State Secretary?"
        return None
    return Target(name, entry, is_person)


def says(of: Target, sentence: str, glossary: Glossary) -> int:
    """How plainly `sentence` says what something is: 2 as a definition, 1 of a person by what he did or held, else 0.

    >>> union = Target("Union State", None, False)
    >>> says(union, "The Union State is a union of two countries.", Glossary())
    2
    >>> says(union, "It is unclear whether the Union State is a federation.", Glossary())
    0
    """
    language, best = language_of(sentence), 0
    for start, end in _mentions(of, sentence, glossary):
        before = sentence[:start]
        is_subject = start < _SUBJECT and not _OF_ANOTHER.search(before)
        if language != "en" and sentence[start:end].casefold() not in _nominatives(of, glossary):
            is_subject = False
        if is_subject and not _DOUBTED.search(before):
            is_said, is_held = _IS[language].match(sentence[end:]), _HOLDS[language].match(sentence[end:])
            best = max(best, 2 if is_said else 1 if is_held and of.is_person else 0)
    return best


def queries(of: Target, glossary: Glossary) -> list[str]:
    """What to search for to find a definition, in each language in which the glossary has the name."""
    names = glossary.entries[of.entry].names if of.entry is not None else {language_of(of.name): of.name}
    return [_PHRASES[language].format(name) for language, name in names.items() if language in _PHRASES]


def is_in(text: str, of: Target, glossary: Glossary) -> bool:
    """Whether a sentence of `text` says what something is."""
    return any(says(of, text[start:end], glossary) for start, end in split(text))


def _entry(name: str, glossary: Glossary) -> str | None:
    """The glossary entry that is all of `name`."""
    parts = glossary.parts(name)
    return parts[0].entry if len(parts) == 1 else None


def _nominatives(of: Target, glossary: Glossary) -> set[str]:
    """How it is called as a subject: questions and glossary name it so."""
    entry = glossary.entries[of.entry] if of.entry is not None else None
    return {
        n.casefold() for n in (of.name, *(entry.names.values() if entry else ()), *(entry.aliases if entry else ()))
    }


def _is_name(name: str) -> bool:
    words = [w for w in re.findall(r"[\w'’-]+", name) if w not in _SMALL_WORDS]
    return 0 < len(words) <= 6 and all(_CAPITAL.match(w) or w[0].isdigit() for w in words)


def _mentions(of: Target, sentence: str, glossary: Glossary) -> Sequence[tuple[int, int]]:
    if of.entry is not None:
        return [(start, end) for start, end, found in glossary.spans(sentence) if found == of.entry]
    at = word_spans(sentence)
    wanted, stems = [stem(of.name[a:b]) for a, b in word_spans(of.name)], [stem(sentence[a:b]) for a, b in at]
    long = len(wanted)
    return [
        (at[n][0], at[n + long - 1][1]) for n in range(len(stems) - long + 1) if long and stems[n : n + long] == wanted
    ]
