"""What a question asks for and what a sentence offers: kinds of answer, numbers, dates, names. Pure."""

import re
from functools import lru_cache
from typing import Literal

from index.keywords import is_common, number, stem
from index.sentences import language_of

Wanted = Literal["person", "date", "number", "place", "reason", "none"]

_MONTHS = (
    r"jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)|apr(?:il|\.)?|may|june?|july?|aug(?:ust|\.)?|sept?(?:ember|\.)?|"
    r"oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?|январ\w+|феврал\w+|март\w*|апрел\w+|ма[йяе]|июн\w+|июл\w+|"
    r"август\w*|сентябр\w+|октябр\w+|ноябр\w+|декабр\w+|студзен\w+|лют\w+|сакавік\w*|красавік\w*|ма[йяю]|чэрвен\w*|"
    r"ліпен\w*|жні[вў]\w+|верас\w+|кастрычнік\w*|лістапад\w*|снежа?н\w+"
)
_DATE = re.compile(
    rf"\b(?:1[5-9]|20)\d\d\b|\b(?:{_MONTHS})\s+\d{{1,2}}\b|\b\d{{1,2}}\s+(?:{_MONTHS})\b|"
    rf"\b(?:late|early|mid|since|until|before|after)[\s-]+(?:1[5-9]|20)\d\ds?\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,\u00a0 ]\d{3})*(?:[.,]\d+)?")
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
_WORDS = frozenset(
    """one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand
    million billion half third quarter several dozens none один одна два две три четыре пять шесть семь восемь девять
    десять     сто тысяча тысяч
    миллион миллиард половина треть четверть адзін адна дзве тры чатыры пяць шэсць сем восем дзевяць
    дзесяць палова чвэрць мільён мільярд тысяч""".split()
)
_REASON = re.compile(
    r"\b(because|since|due to|in order to|so that|therefore|thus|thereby|hop(?:ed|es|ing)|aim(?:s|ed|ing)?|"
    r"sought|seek(?:s|ing)?|to ensure|to counter|to give|as a way|reason|owing|caus\w+|result\w*|enabl\w+|"
    r"потому|поскольку|так как|из-за|чтобы|поэтому|благодаря|цел\w+|причин\w+|вследствие|в результате|"
    r"бо|таму што|каб|паколькі|з-за|дзякуючы|мэт\w+|прычын\w+|у выніку)\b",
    re.IGNORECASE,
)
_ASKS: tuple[tuple[Wanted, re.Pattern[str]], ...] = (
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|often|long|old|large|big|far|high)\b|\b(?:what|which) (?:\w+ )?"
            r"(?:share|percent\w*|proportion|number|amount|age|price|size|population|budget|total|figure|turnout|"
            r"(?:\w+ )?rate|fine|fee|sum|cost|capacity|volume|length|distance)\b|"
            r"\b(?:сколько|скольк\w+|как(?:ая|ой|ов\w*) (?:\w+ )?(?:доля|процент\w*|число|количество|сумма|цена|"
            r"размер|объ[её]м\w*|бюджет\w*|ставк\w+|явк\w+|стоимость|штраф\w*|мощност\w+))\b|\bколькі\b|"
            r"\bяк(?:ая|ую|і) (?:\w+ )?(?:доля|працэнт\w*|сума|цана|памер|аб'ём|стаўк\w+|яўк\w+|штраф|магутнасць)",
            re.IGNORECASE,
        ),
    ),
    (
        "date",
        re.compile(
            r"\bwhen\b|\b(?:what|which|in what|in which|on what) (?:year|date|day|month|century|decade)\b|"
            r"\bкогда\b|\bв как(?:ом|ой|ие) (?:год\w*|месяц\w*|век\w*|день|период\w*)\b|\bкакого числа\b|"
            r"\bкалі\b|\bу якім годзе\b",
            re.IGNORECASE,
        ),
    ),
    (
        "person",
        re.compile(
            r"\bwho(?:m|se)?\b|\bwhich (?:\w+ )?(?:person|politician|leader|president|minister|official)\b|"
            r"\b(?:кто|кого|кому|кем|чьи?|чья|чь[её])\b|\b(?:хто|каго|каму|кім|чый|чыя)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "place",
        re.compile(
            r"\bwhere\b|\b(?:what|which|in what|in which) (?:\w+ )?(?:city|country|place|town|region|state|location)"
            r"\b|\b(?:где|куда|откуда)\b|\bв как(?:ом|ой) (?:город\w*|стран\w*|мест\w*|регион\w*)\b|"
            r"\b(?:дзе|куды|адкуль)\b",
            re.IGNORECASE,
        ),
    ),
    (
        "reason",
        re.compile(
            r"\bwhy\b|\bwhat (?:was|were|is|are) the (?:reason|purpose|aim|goal|cause)s?\b|\bfor what\b|"
            r"\b(?:почему|зачем|отчего)\b|\bчаму\b|\bнавошта\b",
            re.IGNORECASE,
        ),
    ),
)
_CAPITALISED = re.compile(r"(?<![.!?…\n])(?<!^)[\s(«\"'“-]([A-ZА-ЯЁІЎ][\w'’ʼ-]+)")


def wanted(question: str) -> Wanted:
    """The kind of thing that answers `question`.

    >>> wanted("How many programmes are there?"), wanted("Когда подписан договор?"), wanted("What is the VGS?")
    ('number', 'date', 'none')
    """
    return next((kind for kind, pattern in _ASKS if pattern.search(question)), "none")


# What share is asked for, how many of something, on what day: a number of another measure, or a year, is no answer.
_SHARE_ASKED = re.compile(
    r"\b(?:what|which|how (?:large|big|high|many))\b[^?]{0,25}\b"
    r"(?:share|percentage|proportion|per ?cent|interest rate)\b|"
    r"\b(?:как(?:ая|ую|ой|ов\w*)|сколько)\b[^?]{0,25}\b(?:дол[яюи]|процент\w*|ставк\w+)\b|"
    r"\b(?:як(?:ая|ую|ой|і)|колькі)\b[^?]{0,25}\b(?:дол[яюі]|частк\w+|працэнт\w*|адсот\w+|стаўк\w+)\b",
    re.IGNORECASE,
)
_COUNT_ASKED = re.compile(  # in Russian and Belarusian: of a noun, so of no verb, and not by how much
    r"\bhow many\b|\b(?<!на )(?:сколько|колькі) "
    r"(?!\w+(?:л|ла|ло|ли|ў|лі|ит|ет|ут|ют|ат|ят|іць|ець|уць|юць|ся|сь|цца)\b)\w{4,}",
    re.IGNORECASE,
)
_DAY_ASKED = re.compile(
    r"\b(?:what|which) (?:exact |calendar )?day\b|\bexact date\b|\bкакого числа\b|\bв какой день\b|"
    r"\bякога (?:чысла|дня)\b|\bу які дзень\b",
    re.IGNORECASE,
)
_SHARE = re.compile(
    r"\d\s*(?:%|per ?cent|процент|працэнт|адсот|п\. ?п\.)|"
    r"\b(?:half|(?:a|one|two)[- ](?:third|quarter|fifth|tenth)s?|three[- ]quarters|(?:one|two|three) in \w+|majority|"
    r"most|all|none|половин\w+|трет[ьи]\w*|четверт[ьи]\w*|большинств\w+|палов\w+|трэц\w+|чвэрц\w+|большасц\w+)\b",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"(\d+(?:[.,]\d+)?)(?:\s*(?:[-–]|to|до|да)\s*(\d+(?:[.,]\d+)?))?\s*(?:%|per ?cent|процент|працэнт|адсот)",
    re.IGNORECASE,
)
_DAY = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})\b|\b(?:{_MONTHS}) \d{{1,2}}(?!\d)|"
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}\.\d{1,2}\.\d{2,4}\b",
    re.IGNORECASE,
)


def offers(kind: Wanted, sentence: str, question: str) -> bool:
    """Whether `sentence` holds a thing of that kind that the question itself does not hold.

    >>> asked = "How many people were asked?"
    >>> offers("number", "Of those asked 33.3% agreed.", asked), offers("number", "1,000 people were asked.", asked)
    (False, True)
    >>> offers("date", "It was signed in May 2021.", "On what day was it signed?")
    False
    """
    if kind == "number" and _SHARE_ASKED.search(question):
        return bool(_SHARE.search(sentence)) and bool(
            numbers(sentence) - numbers(question) or _SHARE.search(question) is None
        )
    if kind == "number":
        found = {n for n in numbers(sentence) - numbers(question) if not _YEAR.fullmatch(n)}
        if _COUNT_ASKED.search(question):
            found -= {number(n) for pair in _PERCENT.findall(sentence) for n in pair if n}
        return bool(found - _days(sentence)) or _number_words(sentence) > _number_words(question)
    if kind == "date" and _DAY_ASKED.search(question):
        return bool(set(_DAY.findall(sentence.casefold())) - set(_DAY.findall(question.casefold())))
    if kind == "date":
        return bool(dates(sentence) - dates(question))
    if kind in ("person", "place"):
        return bool(names(sentence) - {w for n in names(question) for w in (n, n[:5])} - _all_words(question))
    return kind == "none" or bool(_REASON.search(sentence)) or bool(re.search(r"\bto \w+", sentence))


_FOCUS = re.compile(
    r"\b(?:how (?:many|much)|сколько|колькі|"
    r"(?:which|what)(?= (?!is|are|was|were|did|does|do|has|have|had|will|would|can)\w)"
    r"|как(?:ой|ая|ое|ие|их|им|ими|ую|ого|ому|ом)|як(?:і|ая|ое|ія|іх|ім|імі|ую|ога|ому))"
    r"\s+(?:of (?:the )?)?(\w+)(?:\s+(\w+))?",
    re.IGNORECASE,
)


def focus(question: str) -> list[str]:
    """Stems of what a question asks for by name: the word or two after "which" or "how many".

    >>> focus("How many programmes are there?"), focus("Сколько союзных программ?"), focus("Who signed it?")
    (['programm'], ['союзн', 'прогр'], [])
    """
    found = _FOCUS.search(question)
    return [form for w in (found.groups() if found else ()) if w and not is_common(form := stem(w))]


@lru_cache(maxsize=20_000)
def numbers(text: str) -> frozenset[str]:
    """Numbers of `text` in one form each.

    >>> sorted(numbers("41,1 % of 2 500 in 1999"))
    ['1999', '2500', '41.1']
    """
    return frozenset(number(n.replace("\u00a0", "").replace(" ", "")) for n in _NUMBER.findall(text))


@lru_cache(maxsize=20_000)
def dates(text: str) -> frozenset[str]:
    """Years and days of months in `text`, as written, folded."""
    return frozenset(m.casefold() for m in _DATE.findall(text))


@lru_cache(maxsize=20_000)
def names(text: str) -> frozenset[str]:
    """Capitalised words inside sentences, folded."""
    return frozenset(m.casefold() for m in _CAPITALISED.findall(text))


def language(text: str) -> Literal["en", "ru", "be"]:
    """The language to answer `text` in."""
    found = language_of(text)
    return "be" if found == "be" else "ru" if found == "ru" else "en"


@lru_cache(maxsize=20_000)
def _days(text: str) -> frozenset[str]:
    """Numbers that are days of a month in `text`."""
    return frozenset(n for d in _DATE.findall(text) if not _YEAR.fullmatch(d) for n in _NUMBER.findall(d))


@lru_cache(maxsize=20_000)
def _number_words(text: str) -> int:
    return sum(w in _WORDS for w in re.findall(r"\w+", text.casefold()))


def _all_words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w'’ʼ-]+", text.casefold()))
