"""What a sentence's opening pronoun stands for, where the sentences before it leave no doubt. Pure.

"He signed it" becomes "He [Alexander Lukashenko] signed it" only when exactly one person was named just before; else
the caller shows the sentence before as well.
"""

import re
from collections.abc import Sequence

from index.glossary import Glossary
from index.sentences import language_of

_START = (
    r"^(?:(?:and|but|yet|however|then|also|still|meanwhile|instead|но|а|и|однако|затем|але|і|аднак|потым)[, ]+)?"
    r"(?:in [\w ]{4,20}, |в \d{4} году,? |у \d{4} годзе,? )?"
)
_PERSON = re.compile(_START + r"(he|she|his|her|он|она|его|её|ее|ему|ей|ён|яна|яго|яе|яму|ёй)\b", re.IGNORECASE)
_OTHER = re.compile(
    _START
    + r"(they|it|their|its|this|that|these|those|such|both|the (?:document|plan|paper|agreement|proposal|decision|"
    r"report|deal|move|figure|former|latter|two|same)|они|оно|их|это|этот|эта|эти|такой|такая|такие|оба|обе|"
    r"(?:этот |данный )?(?:документ|план|доклад|договор)|яны|яно|іх|гэта|гэты|гэтая|гэтыя|такі|такая|такія|абодва)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b([A-ZА-ЯЁІЎ][\w'’-]+(?: (?:[A-ZА-ЯЁІЎ][\w'’-]+))+)")


def pronoun(text: str) -> re.Match[str] | None:
    """The pronoun at the start of a sentence that points to a person before it."""
    return _PERSON.match(text)


def dangles(text: str) -> bool:
    """Whether the sentence opens with a word that only the sentences before it explain.

    >>> dangles("He signed it."), dangles("This plan failed."), dangles("Lukashenko signed it.")
    (True, True, False)
    """
    return bool(_PERSON.match(text) or _OTHER.match(text))


def antecedent(text: str, before: Sequence[str], glossary: Glossary) -> tuple[int, str] | None:
    """Where to insert, and the name that the opening pronoun stands for; None where that is not certain."""
    found = pronoun(text)
    if found is None or not before:
        return None
    people = _people(before[-1], glossary)
    return (found.end(1), people[0]) if len(people) == 1 else None


def _people(sentence: str, glossary: Glossary) -> list[str]:
    """Names of the persons in a sentence: those the glossary knows, else capitalised words that stand together."""
    language = language_of(sentence)
    known = [glossary.entries[e] for e in dict.fromkeys(glossary.mentions(sentence))]
    people = [e.names.get(language, e.id) for e in known if e.type == "person"]
    if people:
        return people
    others = " ".join(n for e in known for n in (*e.names.values(), *e.aliases)).casefold()
    return [n for n in dict.fromkeys(_NAME.findall(sentence)) if n.casefold() not in others]
