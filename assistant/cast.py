"""Who is named in a text: people, bodies and outlets that could speak, by the glossary or by capital letters. Pure.

Not for: who of them does speak (speakers.py).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from assistant import cues
from index.glossary import Glossary
from index.keywords import tokenize
from index.sentences import language_of

UPPER = "[A-ZÀ-ÖØ-ÞĀ-ŽА-ЯЁІЎЄЇҐ]"


DEMONYM = re.compile(
    r"^(?:(?:\w+(?:ian|ish|ese|can|jani|akh|ech|eek)|German|French|Swiss|Western|Eastern|Dutch|Independent|State|"
    r"Human|Swedish|"
    r"Former|Initial|Some|Many|Most|Several|Few|Other|All|Both|Official|Local|Foreign|Military|Senior|Pro-\w+)\b|"
    r"\w+(?:ский|ская|ское|ские|ских|скі|ская|скае|скія)\b)",
    re.IGNORECASE,
)


TITLE = re.compile(
    r"^(?:The|An?|President|Prime|Minister|Premier|Foreign|Defen[cs]e|Interior|Finance|Secretary|State|General|"
    r"Ambassador|"
    r"Chairman|Chairwoman|Deputy|Leader|Chancellor|Senator|Governor|Mr\.?|Mrs\.?|Ms\.?|Dr\.?|Professor|King|Pope|"
    r"Former|Head|"
    r"Speaker|Spokes\w+|Президент\w*|Премьер\w*|Министр\w*|Государственн\w+ секретар\w+|Госсекретар\w+|Посол\w*|Глава|"
    r"Председател\w+|Прэзідэнт\w*|Міністр\w*|Старшын\w+|US|U\.S\.|UN|EU)\s+(?=\S)"
)


# Capitals that only start a sentence.
OPENERS = frozenset(
    """a an the in on at by as but and for from to of with after before during since until under while when
    where if then however still also yet this that these those his her its their he she it they there once so
    what which who according per both within between among because although though despite given therefore thus
    instead moreover meanwhile earlier later ahead following like unlike such our my all some many most several
    other each every nor next only even not no yes or i we you в во на с со к ко по о об от до из у и а но же за
    при для над под после как что это этот эта эти он она они его её их когда если так также однако затем потом
    между тем тогда согласно ещё уже не ни или мы вы я там здесь во-первых ў ва з са да па аб ад пра пры і ды
    але як што гэта гэты гэтая ён яна яны яго яе іх калі паводле згодна таксама аднак потым тады яшчэ ужо пасля
    перад""".split()
)


_MONTHS = (
    "Jan(?:uary|\\.)?|Feb(?:ruary|\\.)?|March|Mar\\.|April|Apr\\.|May|June|July|Aug(?:ust|\\.)?|Sept?(?:ember|\\.)?|"
    "Oct(?:ober|\\.)?|Nov(?:ember|\\.)?|Dec(?:ember|\\.)?|январ[ьяе]|феврал[ьяе]|марта?е?|апрел[ьяе]|ма[йяе]|июн[ьяе]|июл[ьяе]|августа?е?|"
    "сентябр[ьяе]|октябр[ьяе]|ноябр[ьяе]|декабр[ьяе]|студзен[ья]?|студзені|лют(?:ага|ым|ы)|сакавік[ау]?|красавік[ау]?|"
    "ма[йяі]|чэрвен[ья]?|чэрвені|ліпен[ья]?|ліпені|жні(?:вень|ўня|ўні)|верас(?:ень|ня|ні)|кастрычнік[ау]?|лістапад[ае]?|"
    "снеж(?:ань|ня|ні)"
)


DATE = re.compile(
    rf"(?P<by>\b(?:on|in|at|of|from|since|by|during|for|until|as of|в|во|с|от|к|на|до|за|у|ў|з|ад|да|в конце|"
    rf"в начале|в середине|у канцы|у пачатку|осенью|весной|летом|зимой|увосень|летам)\s+)?"
    rf"(?:(?:early|late|mid|spring|summer|autumn|winter|the (?:start|end|beginning|middle) of|конца|начала)[\s-]+)*"
    rf"(?:(?:\d{{1,2}}(?:[-–]\d{{1,2}})?\s+)?\b(?:{_MONTHS})\b\.?(?:\s+\d{{1,2}}\b(?:,(?=\s+\d{{4}}))?)?(?:\s*\d{{4}}\b)?|"
    rf"\b(?:19|20)\d\d\b|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b)(?:[-–]\d{{2,4}})?(?:\s+(?:год[уа]?х?|годзе|"
    rf"гг?\.))?",
    re.IGNORECASE,
)


COUNTRY = re.compile(
    r"^(?:Росси[яию]|Расі[яіюй]+|Белору?с+и[яию]|Белорусси[яию]|Беларус[ьиі]|Украин[аыу]|Украін[аыу]|Литв[аы]|Літв[аы]|"
    r"Польш[аи]|Польшч[аы]|США|ЗША|ЕС|Китая?|Казахстана?|Russia|Belarus|Ukraine|Lithuania|Poland|China|Kazakhstan)$"
)


_ADJECTIVE = re.compile(
    r"(?:[сц]к(?:ий|ая|ое|ие|ого|ому|ой|ом|им|ими|их|ую|і|ае|ія|ага|аму|ай|іх|імі)|(?<=[a-z])(?:ian|ish))$"
)
NOBODY = frozenset(
    "treaty document term event concept programme program law currency exercise weapon date symbol agreement".split()
)


_PLACES = frozenset("place country city state region".split())


_WORD = rf"(?<!\w)(?:[a-z](?={UPPER}))?(?:{UPPER}\.[\s\u00a0]?)*{UPPER}[\w\-]*(?:['’](?!s\b)\w+)*"


_NAME = re.compile(
    rf"\b[\w-]+(?:\.[\w-]+)*\.(?:[a-z]{{2,}}|Ru|NET)\b|«[^»]{{2,40}}»|"
    rf"{_WORD}(?:[\s\u00a0](?:(?:of the|for the|of|for|de|von|van|для)\s)?(?:{_WORD}|«[^»]{{2,40}}»))*"
)


_QUOTED = re.compile(r"''[^']{15,}''|\"[^\"]{15,}\"|“[^”]{15,}”|«[^»]{40,}»|„[^“”]{15,}[“”]")


_INSTITUTION = re.compile(
    r"\b(?:Cent(?:er|re)|Institute|Council|House|Bank|Ministry|Department|Federation|Union|Board|Committee|"
    r"Foundation|Academy|"
    r"University|Party|Agency|Office|Court|Assembly|Organi[sz]ation|Times|Post|News|Group|Commission|Service|"
    r"Association|"
    r"Federation|Endowment|Authority|Parliament|Duma|Report|Index|Treaty|Society|Movement|Front|Network|Review|"
    r"Journal|Forum)\b|"
    r"Совет|Комитет|Палат|Дум[аы]|Собрани|Суд|Министерств|Банк|Центр|Институт|Союз|Парти|Агентств|Академи|Фонд|"
    r"Федераци|Государств|Республик|Камітэт|Сход|Цэнтр|Інстытут|Саюз|Парты|Агенцтв|Акадэмі|Дзяржа|Рэспублік"
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody named in a text; `entry` is "" for those that the glossary does not know."""

    start: int
    end: int
    name: str
    entry: str = ""
    type: str = ""


def cast(text: str, glossary: Glossary) -> list[Actor]:
    """Everybody whom `text` names, in order: glossary entries that may speak, and other capitalised names."""
    language = language_of(text)
    spans = [(a, b - 2 * (text[b - 2 : b] in ("'s", "’s")), entry) for a, b, entry in glossary.spans(text)]
    known = [_known(start, end, entry, language, glossary) for start, end, entry in spans]
    known = [a for a in known if not text[a.start].islower() and not _adjective(a, text)]
    found = [a for a in known if a.type not in NOBODY]
    for match in _NAME.finditer(blank(text)):
        inside = [a for a in known if a.start < match.end() and match.start() < a.end]
        if any(a.type == "person" or a.type in NOBODY or _fills(a, match[0]) for a in inside):
            continue
        if name := _trimmed(match[0], text, match.start()):
            found = [a for a in found if a not in inside]
            start = match.start() + match[0].index(name)
            entry = _in_quotes(glossary).get(tuple(tokenize(name.split("«")[-1].strip("»"))))
            unknown = Actor(start, start + len(name), _bare(name))
            found.append(_known(start, unknown.end, entry, language, glossary) if entry else unknown)
    return sorted(found, key=lambda a: a.start)


def blank(text: str) -> str:
    """`text` with long quotes and dates blanked, so that no word of theirs counts; offsets stay."""
    text = _QUOTED.sub(lambda m: m[0][:1] + " " * (len(m[0]) - 2) + m[0][-1:], text)
    return DATE.sub(_as_border, text)


def _as_border(date: re.Match[str]) -> str:
    inside = (date["by"] or "").strip().casefold() in ("of", "from", "от", "ад", "", "until", "since", "за")
    return " " * len(date[0]) if inside and date.start() > 0 else " " * (len(date[0]) - 1) + ","


def _adjective(actor: Actor, text: str) -> bool:
    """Whether a place is only where somebody comes from, as in "Russian"."""
    return actor.type in _PLACES and bool(_ADJECTIVE.search(text[actor.start : actor.end]))


def _bare(name: str) -> str:
    return name.strip("«»") if name.count("«") == name.startswith("«") else name


@lru_cache(maxsize=4)
def _in_quotes(glossary: Glossary) -> dict[tuple[str, ...], str]:
    """Entries by the stems of what their names have in quotation marks, since texts use it alone."""
    quoted = [(e.id, q) for e in glossary.entries.values() for n in e.names.values() for q in re.findall("«(.+?)»", n)]
    return {tuple(tokenize(q)): identity for identity, q in reversed(quoted)}


def mentions(text: str, glossary: Glossary) -> set[str]:
    """Ids of the glossary entries that `text` names, those by a name in quotation marks too."""
    quoted = (tuple(tokenize(q)) for q in re.findall("«(.+?)»", text))
    return set(glossary.mentions(text)) | {e for q in quoted if (e := _in_quotes(glossary).get(q))}


def _known(start: int, end: int, identity: str, language: str, glossary: Glossary) -> Actor:
    entry = glossary.entries[identity]
    return Actor(start, end, entry.names.get(language) or entry.names.get("en", identity), identity, entry.type)


def _fills(actor: Actor, name: str) -> bool:
    """Whether a glossary entry is all that matters of a capitalised name; a country in it is not."""
    return actor.type not in _PLACES or actor.end - actor.start >= len(name.strip("«»")) - 4


def _trimmed(name: str, text: str, start: int) -> str:
    """`name` without titles, nationalities and words that are capitals only because a sentence starts there."""
    while (title := TITLE.match(name)) or (title := DEMONYM.match(name)):
        name = name[title.end() :].lstrip()
    words = name.split()
    while words and words[0].casefold() in OPENERS:
        words = words[1:]
    if not words:
        return ""
    name = name[name.index(words[0]) :]
    if cues.LAW.search(name):
        return ""
    if start == 0 and cues.SPEAKERS.fullmatch(words[0]) and is_person(" ".join(words[1:])):
        return " ".join(words[1:])
    if len(words) > 3 and words[0].isupper() and is_person(" ".join(words[-2:])):
        return " ".join(words[-2:])
    if (office := re.match(r"(.+?)\s(?:of|for)\s", name)) and is_person(office[1]):
        return office[1]
    opens = start == 0 and len(words) == 1
    return "" if opens and (cues.SPEAKERS.fullmatch(name) or cues.PUBLICATIONS.fullmatch(name)) else name


def free(plain: str, actor: Actor, start: int, end: int) -> bool:
    """Whether a name stands on its own, neither after a preposition nor in the possessive."""
    if actor.end < end and re.match(r"['’](?:s\b|(?=\s))", plain[actor.end :]):
        return False
    leading = re.search(r"(?:(?:[^\W\dA-ZА-ЯЁІЎ]+|\w+['’]s)[^\S,]{1,2}){0,5}$", plain[start : actor.start])
    return leading is None or not cues.PREPOSITION.search(leading[0])


def is_human(actor: Actor) -> bool:
    """Whether a name is a person's, as far as the glossary or its form tells."""
    return actor.type == "person" or (not actor.entry and is_person(actor.name))


def is_person(name: str) -> bool:
    """Whether `name` looks like a person's: two to four capitalised words and none of an institution."""
    words = name.split()
    return 2 <= len(words) <= 4 and not _INSTITUTION.search(name) and all(w[:1].isupper() for w in words)
