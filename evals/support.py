"""Whether a sentence rests on the quotes it cites: the evaluation's own check, which shares no code with the product's.

A sentence is good when it is one of its quotes in a frame (who says it, when, in which language), or when a quote has
every number with its unit, every month and name, the same denial, and most of its words. Not for: finding what is said
in other words, which is called unsure here; a person is needed for that, or a judge that agrees with people.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from assistant.conversation import MARKER
from evals.metrics import normal
from index.sentences import language_of

Verdict = Literal["borne", "unsure", "contrary"]
SHARED = 0.6  # of a reworded sentence's words that its quotes have; fitted on AttributionBench's dev half: 0.59
NEAR, _FEW = 0.75, 4  # of a quote's words that a copy of it has; words that may be swapped in it
_FRAME = 30  # words that may stand around a quote
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['-][^\W\d_]+)*|%")
_MANY = re.compile(r"thousand|million|billion|trillion|тыс\w*|млн|млрд|миллион\w*|миллиард\w*|мільён\w*|мільярд\w*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_NOTE = re.compile(r"\[[^\[\]]*\]")
_NO = re.compile(
    r"(?:no|not|never|none|neither|nor|nobody|nothing|without|cannot|\w+n't|не|нет|ни|никто|ничего|никогда|без|нельзя|"
    r"няма|ні|ніхто|нічога|ніколі|нельга|refus\w+|reject\w+|den(?:y|ied|ies)|отказ\w+|отверг\w+|адмов\w+|адхіл\w+)"
)
_PRONOUNS = frozenset(
    "he she it they his her its their him them this these that он она оно они его ее их ему ей им этот эта это эти ён "
    "яна яно яны яго яе іх яму ёй гэты гэтая гэта гэтыя".replace("ё", "е").split()
)
_MONTH = re.compile(
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december|январ\w|феврал\w|март\w?|"
    r"апрел\w|ма[йяе]|июн\w|июл\w|август\w?|сентябр\w|октябр\w|ноябр\w|декабр\w|студзен\w*|лют\w+|сакавік\w?|"
    r"красавік\w?|траўн\w|траве\w+|чэрвен\w?|чэрвн\w|ліпен\w?|ліпн\w|жні[вў]\w+|верас\w+|кастрычнік\w?|лістапад\w?|снеж\w+)"
)


# The months of a publication date as a frame may write them, by number.
_MONTHS = tuple(months.split("|") for months in (
    "january|январ|студзен", "february|феврал|лютаг", "march|март|сакаві", "april|апрел|красав", "may|мая|май|мае",
    "june|июн|чэрвен", "july|июл|ліпен", "august|август|жніў", "september|сентяб|верас", "october|октябр|кастры",
    "november|ноябр|лістап", "december|декабр|снеж",
))  # fmt: skip
_YEAR_NOTE = re.compile(r"\((?:19|20)\d\d\)")


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote with what is known of its document: words of its title, publisher, author, holder and date, which is
    `published` too. Of that date a frame may name the month, and a note the year or the one before: "On 6 March
    (2023)"."""

    text: str
    about: str
    published: str = ""

    @property
    def told(self) -> str:
        """All that a frame may say besides the quote."""
        months = _MONTHS[int(self.published[5:7]) - 1] if re.match(r"\d{4}-(?:0\d|1[0-2])", self.published) else []
        return " ".join([self.about, *months])

    @property
    def years(self) -> set[str]:
        """What a note in brackets may say."""
        year = self.published[:4]
        return {f"({year})", f"({int(year) - 1})"} if year.isdigit() else set()


def verdict(sentence: str, quotes: Sequence[Quote]) -> Verdict:
    """Whether the quotes bear the sentence, markers and bracketed notes aside. Contrary: a number, name or denial
    is not theirs, or a word was swapped; unsure: nothing is against it but that it is said in other words.

    >>> quote = Quote("The budget is 5 billion roubles and was not cut.", "TASS 2021-05-01")
    >>> verdict("TASS, in English: «The budget is 5 billion roubles and was not cut.» [1]", [quote])
    'borne'
    >>> verdict("The budget is 5 million roubles and was not cut. [1]", [quote])
    'contrary'
    >>> verdict("The budget is 5 billion roubles and was cut. [1]", [quote])
    'contrary'
    >>> verdict("Nobody shortened the ample sum of 5 billion roubles. [1]", [quote])
    'unsure'
    """
    if not any(q.text for q in quotes):
        return "contrary"
    noted = set.union(*(q.years for q in quotes))
    sentence = _YEAR_NOTE.sub(lambda m: " " if m[0] in noted else m[0], sentence)
    plain = _tokens(MARKER.sub(" ", sentence))
    bare = _tokens(_NOTE.sub(" ", MARKER.sub(" ", sentence)))
    if any(_framed(tokens, quotes) for tokens in (bare, plain)):
        return "borne"
    return _reworded(sentence, bare, quotes)


def quotations(text: str) -> list[str]:
    """What stands in quotation marks, notes aside, and has three words or more.

    >>> quotations("He said: “we shall never agree” and «да».")
    ['we shall never agree']
    """
    found = re.findall(r"«([^«»]+)»|“([^“”]+)”|„([^„“”]+)[“”]", re.sub(rf"\s*{_NOTE.pattern}", "", text))
    return [q for q in map("".join, found) if len(q.split()) >= 3]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(normal(text))


def _framed(tokens: list[str], quotes: Sequence[Quote]) -> bool:
    """Each quote stands whole in the sentence, and what is left only says whose and when."""
    left = list(tokens)
    for quote in sorted(quotes, key=lambda q: -len(q.text)):
        wanted = _tokens(quote.text)
        place = _find(left, wanted)
        if place is None and _find(tokens, wanted) is None:
            return False
        if place is not None:
            left[place : place + len(wanted)] = []
    known = set(_tokens(" ".join(q.told for q in quotes)))
    numbers = {t.lstrip("0") for t in left if t[0].isdigit()}
    told = {t.lstrip("0") for k in known for t in re.findall(r"\d+", k)}
    return len(left) <= _FRAME * len(quotes) and numbers <= told and not any(_denies(t) for t in left if t not in known)


def _find(tokens: Sequence[str], wanted: Sequence[str]) -> int | None:
    if not wanted:
        return None
    return next(
        (n for n in range(len(tokens) - len(wanted) + 1) if list(tokens[n : n + len(wanted)]) == list(wanted)), None
    )


def _reworded(sentence: str, tokens: list[str], quotes: Sequence[Quote]) -> Verdict:
    """Borne: numbers with units, months, names and denial are the quotes', and most words are."""
    told = [t for q in quotes for t in _tokens(q.text)]
    about = [t for q in quotes for t in _tokens(q.told)]
    same = {language_of(sentence)} == {language_of(q.text) for q in quotes}
    figures, known = set(_figures(tokens)), set(_figures(told))
    dates = {d.lstrip("0") for t in about for d in re.findall(r"\d+", t)}
    plain = {f for f in figures if not f[1] or _YEAR.fullmatch(f[0])}
    if same and not all(f in known or (f[0], "") in known or f[0].lstrip("0") in dates for f in figures - plain):
        return "contrary"
    if not {f[0] for f in figures} <= {k[0] for k in known} | dates:
        return "contrary"
    if any(map(_denies, tokens)) is not any(map(_denies, told)) or any(
        _swapped(tokens, _tokens(q.text)) for q in quotes
    ):
        return "contrary"
    if not same:
        return "borne" if figures else "unsure"  # nothing but figures can be compared across languages
    stems = {_stem(t) for t in (*told, *about)}
    content = [_stem(t) for t in tokens if len(t) > 3 and not t[0].isdigit()]
    months = {_stem(t) for t in tokens if _MONTH.fullmatch(t)}
    names = {_stem(n) for n in _names(sentence)}
    if not (months <= stems and names <= stems):
        return "contrary"
    return "borne" if sum(s in stems for s in content) >= SHARED * len(content) else "unsure"


def _swapped(tokens: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether the sentence is the quote but for words put in the place of others, or a denial more or less. Such a
    change may be harmless; it is called unsupported because nothing here can tell."""
    matcher = SequenceMatcher(None, [_stem(t) for t in tokens], [_stem(t) for t in wanted], autojunk=False)
    kept = sum(block.size for block in matcher.get_matching_blocks())
    if kept < NEAR * len(wanted):
        return False
    for what, a, b, c, d in matcher.get_opcodes():
        gone, come = wanted[c:d], tokens[a:b]
        if what == "replace" and len(gone) <= _FEW and len(come) <= _FEW and not all(g in _PRONOUNS for g in gone):
            return True
        if what in ("insert", "delete") and len(gone) + len(come) <= _FEW and any(map(_denies, (*gone, *come))):
            return True
    return False


def _figures(tokens: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each number with the stem of the word after it, and of the one after that where the first is a million or so."""
    for place, token in enumerate(tokens):
        if token[0].isdigit():
            after = tokens[place + 1] if place + 1 < len(tokens) else ""
            yield token, "" if after[:1].isdigit() else _stem(after)
            if _MANY.fullmatch(after) and place + 2 < len(tokens):
                yield token, _stem(tokens[place + 2])


def _names(sentence: str) -> list[str]:
    """Capitalised words that do not begin the sentence."""
    found = re.findall(r"(?<=[\w,;:] )[«\"“(]?([A-ZА-ЯЁІЎ][\w'’-]+)", _NOTE.sub(" ", sentence))
    return [t for name in found for t in _tokens(name)]


def _denies(token: str) -> bool:
    return _NO.fullmatch(token) is not None


def _stem(token: str) -> str:
    """Cut short: endings change, and more of them in Russian.

    >>> _stem("roubles"), _stem("рублей")
    ('rouble', 'рубле')
    """
    return token[:6] if token.isascii() else token[:5]
