"""Sentence borders in English, Russian and Belarusian text, by its letters.

sentencex finds candidate borders; a border is then dropped where an abbreviation of any of the three languages
precedes it, because English and Russian names stand in one another's texts. Not for: other scripts' full stops.
"""

import re
from functools import lru_cache

from sentencex import get_sentence_boundaries

ABBREVIATIONS = frozenset(
    """jan feb mar apr jun jul aug sep sept oct nov dec mr mrs ms dr prof gen col lt sen gov rep st no vs etc inc ltd co
    e.g i.e u.s u.k u.n art par pp vol fig ed approx est dept
    г гг в вв руб коп тыс млн млрд трлн ст п пп ч стр тов им ул пр д обл р с т.е т.к т.д т.п т.н и.о см напр др проф
    акад гр кв янв февр апр авг сент окт нояб дек
    гг стст руб тыс млн млрд трлн арт ст вул г.зн напр праф акад студз лют сак
    крас чэрв ліп жн вер кастр ліст снеж""".split()
)
# After these a sentence often does end, so the next word decides: a capital starts a new sentence.
_MAY_END = frozenset("etc г гг руб коп тыс млн млрд трлн др т.д т.п u.s u.k u.n inc ltd co".split())
# These are abbreviations before a number only: "No. 5", but "She said no. He left."
_BEFORE_NUMBERS = frozenset("no art vol fig pp par ст арт".split())
_LAST_WORD = re.compile(r"(?:^|[\s(«\"'“])((?:\w+\.)*\w+)\.[\"»”')\]]*\s*$")
_INITIAL = re.compile(r"(?:^|[\s(«\"'“.])[A-ZА-ЯЁІЎ]\.\s*$")
_DOMAIN = re.compile(r"(?:ru|by|com|org|net|info|news|eu|ua|pl|de|рф)\b", re.IGNORECASE)
_OPENING = re.compile(r"[\s\"«“'(\[]*")


def split(text: str) -> list[tuple[int, int]]:
    """Spans of the sentences of `text`, without the white space around them, in order."""
    spans: list[tuple[int, int]] = []
    start = 0
    for border in _borders(text):
        if border < len(text) and _continues(text[start:border], text[border:]):
            continue
        left = len(text[start:border]) - len(text[start:border].lstrip())
        right = len(text[start:border].rstrip())
        if right > left:
            spans.append((start + left, start + right))
        start = border
    return spans


@lru_cache(maxsize=20_000)
def language_of(text: str) -> str:
    """ "be", "ru" or "en", by the letters; for text that does not say."""
    cyrillic = len(re.findall(r"[а-яёіў]", text, re.IGNORECASE))
    if not cyrillic or cyrillic * 2 < len(re.findall(r"[^\W\d_]", text)):
        return "en"
    if re.search(r"[ўі]", text, re.IGNORECASE):
        return "be"
    return "be" if _belarusian_words(text) else "ru"


@lru_cache(maxsize=2048)
def _belarusian_words(text: str) -> bool:
    return bool(
        re.search(r"\b(калі|хто|гэта|дзе|яго|як|але|быў|была|былі|якая|якое|якія|што|аб|ад)\b", text.casefold())
    ) and not re.search(r"[ищъ]", text.casefold())


def _borders(text: str) -> list[int]:
    rules = "en" if language_of(text) == "en" else "ru"
    return [border["end_index"] for border in get_sentence_boundaries(rules, text)] if text else []


def _continues(before: str, after: str) -> bool:
    if before[-1:].strip() and _DOMAIN.match(after):  # "Pravda.Ru"
        return True
    following = after[_OPENING.match(after).end() :][:1]  # type: ignore[union-attr]
    if not following:
        return False
    if not re.search(r"[.!?…][\"»”')\]]*\s*$", before):
        return "\n" not in before[-2:]
    if not before.rstrip().endswith((".", '."', ".»", ".”", ".'", ".)")):
        return following.islower()
    if _INITIAL.search(before):
        return True
    word = _LAST_WORD.search(before)
    last = word.group(1).casefold() if word else ""
    if last in _BEFORE_NUMBERS and not following.isdigit():
        return following.islower()
    if last in ABBREVIATIONS:
        return not (last in _MAY_END and following.isupper())
    return following.islower()
