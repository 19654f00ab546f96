"""Makes a question stand alone, and takes it apart where it asks several things. Pure; English, Russian, Belarusian."""

import re
from collections.abc import Sequence

from assistant.conversation import MAX_QUESTION, Question
from index.glossary import Glossary, Part

_ASKING = (
    r"how|what|when|where|who|whom|whose|which|why|"
    r"(?:by|from|in|on|at|under|until|since|to|of|with|for) (?:whom|what|which)"
)
_ASKING_RU = (
    r"(?:(?:с|в|во|на|по|от|до|из|за|о|об|к|при) )?(?:как\w*|что|чего|чему|чем|когда|где|куда|откуда|кто|кого|кому|кем|"
    r"почему|зачем|сколько|скольк\w+|чья|чей|чь[её])"
)
_ASKING_BE = (
    r"(?:(?:з|у|ў|на|па|ад|да|за|аб|пра|пры|к) )?(?:як\w*|што|чаго|чаму|чым|калі|дзе|куды|адкуль|хто|каго|каму|кім|"
    r"навошта|колькі|чыя|чый|чыё)"
)
_BORDER = re.compile(
    rf"[;,]?\s+(?:and|but)\s+(?=(?:{_ASKING})\b)|[;,:]\s+(?=(?:{_ASKING})\b)|"
    rf"[;,]?\s+(?:и|а)\s+(?=(?:{_ASKING_RU})\b)|[;,]?\s+(?:і|а|ды)\s+(?=(?:{_ASKING_BE})\b)|(?<=\?)\s+(?=\w)",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(
    r"^(?:and|but|what about|how about|also|а|и|но|а что|как насчёт|і|але|а што)\b|"
    r"\b(?:he|she|they|it|him|her|them|his|its|their|that|this|those|these|there|then|same|"
    r"он|она|они|оно|его|её|ее|их|ему|ей|им|нём|нем|ней|них|это|этот|эта|эти|этого|этой|этом|там|тогда|тот|та|те|тех|"
    r"ён|яна|яны|яно|яго|яе|іх|яму|ёй|ім|гэта|гэты|гэтая|гэтыя|гэтага|гэтай|там|тады)\b",
    re.IGNORECASE,
)
# Words of a question that surely leaves something out; how many questions back it may take that from.
_SHORT, _FAR = 5, 8
MOST_PARTS = 4


def parts(question: str) -> list[str]:
    """The questions inside a question; the whole one where it asks a single thing.

    >>> parts("Who signed the treaty, and when did it enter into force?")
    ['Who signed the treaty', 'when did it enter into force?']
    >>> parts("Who signed what?")
    ['Who signed what?']
    """
    pieces = [p.strip(" ,;") for p in _BORDER.split(question)]
    pieces = [p for p in pieces if len(p.split()) >= 2]
    return pieces[:MOST_PARTS] if len(pieces) > 1 else [question]


def standalone(question: Question, glossary: Glossary) -> str:
    """The question with what it leaves out, from the user's question before it; unchanged where nothing is missing."""
    earlier = [t.text[:MAX_QUESTION] for t in question.history if t.role == "user" and t.text.strip()]
    return _alone(question.text, earlier[-_FAR:], glossary)


def _alone(text: str, earlier: Sequence[str], glossary: Glossary) -> str:
    if not earlier or not (len(text.split()) <= _SHORT or _FOLLOWS.search(text)):
        return text
    before = _alone(earlier[-1], earlier[:-1], glossary)
    return f"{_without_replaced(before, text, glossary)} {text}"


def _without_replaced(before: str, new: str, glossary: Glossary) -> str:
    """The earlier question without the names and years in whose place the new one puts others."""
    types = {_type(p, glossary) for p in glossary.parts(new)} - {None}
    kept = []
    for word in before.split():
        part = glossary.parts(word)
        replaced = any(_type(p, glossary) in types for p in part)
        kept.append("" if replaced and word not in new.split() else word)
    return " ".join(k for k in kept if k)


def _type(part: Part, glossary: Glossary) -> str | None:
    if part.entry is not None:
        return glossary.entries[part.entry].type
    year = re.fullmatch(r"(?:1[5-9]|20)\d\d", part.stems[0])
    return "year" if year else None
