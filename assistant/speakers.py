"""Who speaks in a sentence: the subjects of verbs of saying and thinking, and the names after "according to". Pure.

English, Russian and Belarusian, by the patterns of cues.py. Not for: who stands behind a sentence that names nobody.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from assistant import cast, cues, verbs
from assistant.cast import Actor
from assistant.conversation import Stance
from index.glossary import Glossary

_GROUPS: tuple[tuple[re.Pattern[str], Stance, bool], ...] = (
    (verbs.SAY, "claim", False),
    (verbs.SAYING, "claim", False),
    (verbs.JUDGE, "opinion", False),
    (verbs.FORESEE, "forecast", False),
    (verbs.EXPECT, "forecast", True),
    (verbs.MIND, "opinion", True),
)


_BORDER = re.compile(
    r"[;:!?()\[\]]|[\"“”„](?=\S)|\b(?:that|which|who|whom|whose|what|where|whether|because|while|whereas|when|if|"
    r"although|"
    r"что|котор\w+|чтобы|поскольку|так как|где|когда|если|хотя|тогда как|што|як(?:і|ая|ое|ія|ога|ой|іх)|каб|бо|дзе|"
    r"калі)\b",
    re.IGNORECASE,
)


_ASIDES = re.compile(
    r"[—–][^—–;:.]{3,200}[—–]|\([^()]{2,200}\)|,\s(?:who|which|whose|whom|котор\w+|як(?:і|ая|ое|ія))\b(?:[^,;:.]|"
    r"\.(?=\w)){2,150},",
    re.IGNORECASE,
)


_COMMA = re.compile(r",|[—–]|\s-\s")


_ADVERBS = re.compile(
    r"(?:\s*\b(?:also|has|have|had|then|later|once more|again|still|already|publicly|therefore|himself|herself|now|"
    r"too|\w+ly|"
    r"по-прежнему|also|также|тоже|ранее|позже|потом|затем|уже|вновь|снова|ещё|не|ни|таксама|раней|пазней|потым|ужо|"
    r"зноў|яшчэ|сам|сама|would|"
    r"even|recently|once|often|did|never|not|long|и|і|ещё раз|прямо|публично|неоднократно))+\s*$",
    re.IGNORECASE,
)


_QUOTE_ENDS = re.compile(r"[»”\"'][,.!?]?\s*(?:[—–-]\s*|(?<=[,!?]\s))$")


_JOINED = r",?\s+(?:and|и|і|да|ды)\s+(?:the\s+)?|,\s+"


@dataclass(frozen=True, slots=True)
class Speech:
    """One speaker with his verb. `name` is "" where a pronoun or role points to a name elsewhere, and None where a
    nameless publication speaks for its publisher. `outer` are sources of what the rest of the sentence tells."""

    name: str | None
    start: int
    end: int
    stance: Stance
    mind: bool = False
    outer: bool = False
    loose: bool = False
    direct: bool = False
    subordinate: bool = False
    quotes: bool = False
    clause: int = 0
    at: int = 0
    type: str = ""
    word: str = ""


@lru_cache(maxsize=4096)
def speeches(text: str, glossary: Glossary) -> tuple[Speech, ...]:
    """All who speak in `text`, in order."""
    plain, actors = cast.blank(text), cast.cast(text, glossary)
    short = _ASIDES.sub(lambda m: "," + " " * (len(m[0]) - 2) + ",", plain)
    for told in dict.fromkeys((short, plain)):
        if found := [*_by_verb(told, actors), *_by_phrase(plain, actors)]:
            told_in = (replace(s, at=s.at or s.start, clause=len(re.findall("[;:]", told[: s.start]))) for s in found)
            return tuple(sorted(told_in, key=lambda s: s.at))
    return ()


def people(text: str, glossary: Glossary) -> list[str]:
    """Persons whom `text` names other than after a preposition or in the possessive."""
    plain = cast.blank(text)
    free = [a for a in cast.cast(text, glossary) if cast.free(plain, a, 0, len(plain))]
    known = [a.name for a in free if a.type == "person"]
    return known or [a.name for a in free if not a.entry and cast.is_person(a.name)]


def strangers(text: str, glossary: Glossary) -> list[str]:
    """Names of one word that the glossary does not know, but for those after a preposition or in the possessive."""
    plain = cast.blank(text)
    free = [a for a in cast.cast(text, glossary) if cast.free(plain, a, 0, len(plain))]
    return [a.name for a in free if not a.entry and not a.type and a.name.isalpha() and not a.name.isupper()]


def _by_phrase(plain: str, actors: Sequence[Actor]) -> Iterator[Speech]:
    """Sources that phrases such as "according to" name."""
    for found in cues.ACCORDING.finditer(plain):
        end = _phrase_end(plain, found.end())
        if cues.LAW.search(plain[found.end() : end]) and cues.AUTHORITY.search(plain[found.start() : end]):
            continue
        if speech := speaker(plain, found.end(), end, actors) or _anybody(plain, found.end(), end):
            opinion = re.search(r"view|opinion|eyes|reading|мнени|думку|погляд|меркаванн|взгляд|трактов", found[0])
            carrier = bool(cues.CARRIED.fullmatch(found[0]))
            yield replace(speech, stance="opinion" if opinion else "claim", outer=not carrier, loose=carrier)
    for pattern in (cues.VIEWED, cues.PUBLISHED, cues.FOR, cues.OWN):
        for found in pattern.finditer(plain):
            if speech := speaker(plain, *found.span("name"), actors):
                yield replace(speech, stance="claim" if pattern is not cues.FOR else "opinion", outer=True)
    yield from _by_passive(plain, actors)
    for found in cues.QUOTING.finditer(plain):
        if speech := speaker(plain, *found.span("name"), actors):
            yield replace(speech, stance="claim", direct=True)


def _by_passive(plain: str, actors: Sequence[Actor]) -> Iterator[Speech]:
    """Speakers after "was called … by"."""
    for found in cues.PASSIVE.finditer(plain):
        acting = any(group.search(found[0][: found.start("name") - found.start()]) for group, _, _ in _GROUPS)
        if acting and (speech := speaker(plain, *found.span("name"), actors)):
            yield replace(speech, stance="claim", outer=True)


def _phrase_end(plain: str, start: int) -> int:
    ends = [m.start() for p in (_COMMA, _BORDER) if (m := p.search(plain, start))]
    return min([*ends, len(plain)])


def _by_verb(plain: str, actors: Sequence[Actor]) -> Iterator[Speech]:
    """Speakers that are subjects of verbs of saying, judging, expecting or thinking."""
    taken: set[int] = set()
    for group, put, mind in _GROUPS:
        for verb in group.finditer(plain):
            if verb.start() in taken or cues.BE.search(plain[: verb.start()]) or _is_name(verb, actors):
                continue
            speech = _of_verb(plain, verb, actors)
            if speech is not None and not (speech.loose and put != "claim" and not verbs.STATES.fullmatch(verb[0])):
                taken.add(verb.start())
                if group is verbs.SAYING:
                    speech = replace(speech, loose=False)
                quotes = bool(verbs.STATES.fullmatch(verb[0]) and cues.CONTENT.match(plain, verb.end()))
                yield replace(speech, stance=put, mind=mind, word=verb[0], quotes=quotes, at=verb.start())


def _is_name(verb: re.Match[str], actors: Sequence[Actor]) -> bool:
    return any(a.start <= verb.start() < a.end for a in actors)


def _of_verb(plain: str, verb: re.Match[str], actors: Sequence[Actor]) -> Speech | None:
    """The subject of one verb: before it, or after it where the order is turned round."""
    start = _clause(plain, verb.start())
    parts = _parts(plain, start, _ADVERBS.sub("", plain[start : verb.start()]))
    if cues.AS.match(plain[slice(*parts[-1])].lstrip()):
        parts = parts[-1:]
    tail = not plain[verb.end() :].strip(" .,!?\"”»'…") and start + len(parts) > 0 and len(parts) > 1
    speech = None if _QUOTE_ENDS.search(plain[: verb.start()]) else _before(plain, parts, actors)
    if speech is None and cues.LAW.search(plain[slice(*parts[-1])]):
        return None
    if speech is None or speech.loose:
        speech = _after(plain, verb, parts, actors) or speech
    if speech is None and verbs.SPEAKS.fullmatch(verb[0]):
        speech = _anybody(plain, *parts[-1])
    if speech is None or (speech.loose and speech.type != "person" and not verbs.STATES.fullmatch(verb[0])):
        return None
    opened = plain[start : verb.start()].lstrip(" ,—–")
    as_told = bool(cues.AS.match(plain[parts[-1][0] : verb.end()].lstrip())) or bool(cues.AS.match(opened))
    opening = all(not plain[a:b].strip() or _aside(plain, (a, b)) for a, b in parts if b <= speech.start)
    under = re.search(r"(\w+)\W*$", plain[:start]) if opening and plain[start - 1 : start].isalpha() else None
    direct = under is not None and under[1].casefold() in ("that", "что", "што")
    return replace(speech, outer=as_told or tail, direct=direct, subordinate=under is not None)


def _clause(plain: str, end: int) -> int:
    """Where the clause begins that a verb at `end` stands in."""
    return max([m.end() for m in _BORDER.finditer(plain, 0, end)], default=0)


def _parts(plain: str, start: int, clause: str) -> list[tuple[int, int]]:
    """The clause cut at commas and dashes: offsets of its parts, the last one next to the verb."""
    cuts = [m.span() for m in _COMMA.finditer(clause)]
    begins = [0, *(b for _, b in cuts)]
    ends = [*(a for a, _ in cuts), len(clause)]
    return [(start + a, start + b) for a, b in zip(begins, ends, strict=True)]


def _before(plain: str, parts: Sequence[tuple[int, int]], actors: Sequence[Actor]) -> Speech | None:
    """The subject in the part next to the verb; past an apposition, in the nearest part with a name."""
    near = next((n for n in range(len(parts) - 1, -1, -1) if plain[slice(*parts[n])].strip()), None)
    if near is None:
        return None
    adjacent = speaker(plain, *parts[near], actors)
    if near == len(parts) - 1 and adjacent is not None:
        return adjacent
    further = (speaker(plain, *parts[n], actors) for n in range(near, -1, -1) if not _aside(plain, parts[n]))
    named = [s for s in further if s is not None]
    if plain[slice(*parts[-1])].strip().casefold() in cues.JOINING:
        named.reverse()
    beside = plain[slice(*parts[-1])].strip()
    if near == len(parts) - 1 and (not _aside(plain, parts[near]) or (" " in beside and _joins(beside))):
        return replace(named[0], loose=True) if named and not _joins(beside) else None
    by_name = sorted((s for s in named if s.name and s.type != "crowd"), key=lambda s: s.loose)
    return next(iter([*by_name, *reversed(named)]), None)


def _joins(part: str) -> bool:
    """Whether a part opens with a conjunction, so that its subject may stand before it."""
    return part.split(" ")[0].casefold() in cues.JOINING


def _anybody(plain: str, start: int, end: int) -> Speech | None:
    """Whoever a short phrase next to a verb of speech tells of."""
    name = _unopened(plain[start:end].strip())
    if not 2 < len(name) < 60 or cues.LAW.search(name) or _aside(plain, (start, end)) or name[:1].isdigit():
        return None
    return Speech(name, start, end, "claim", type="crowd")


def _aside(plain: str, part: tuple[int, int]) -> bool:
    return bool(cues.ASIDE.match(plain[slice(*part)].strip()))


def _after(plain: str, verb: re.Match[str], parts: Sequence[tuple[int, int]], actors: Sequence[Actor]) -> Speech | None:
    """The subject after the verb: usual in Russian and Belarusian, in English only after a quote."""
    cyrillic = verb[0][0] >= "\u0400"
    if not cyrillic and plain[: verb.start()].rstrip()[-1:] not in (",", '"', "”", "'", "’", "»"):
        return None
    near = parts[-1]
    if cyrillic and re.match(r"\s*(?:в|во|у|ва)\s", plain[slice(*near)], re.IGNORECASE) and verb[0][-1] in "иі":
        speech = speaker(plain, near[0] + 3, near[1], actors)
        if speech is not None:
            return speech
    following = plain[verb.end() :]
    start = verb.end() + len(following) - len(following.lstrip(" ,"))
    return speaker(plain, start, _phrase_end(plain, start), actors)


def speaker(plain: str, start: int, end: int, actors: Sequence[Actor]) -> Speech | None:
    """Who is named between two offsets: a name, unnamed people, or a pronoun that points to a name elsewhere."""
    phrase = plain[start:end].strip(" \u00a0.\"'“”")
    inside = [a for a in actors if start <= a.start and a.end <= end]
    free = [a for a in inside if cast.free(plain, a, start, end)]
    if phrase >= "\u0400" and inside and inside[-1] not in free and not any(cast.is_human(a) for a in free):
        free += [inside[-1]] * (cast.is_human(inside[-1]) and not plain[inside[-1].end : end].strip())
    if free and not (cast.COUNTRY.match(free[-1].name) and cues.ROLE_BEFORE.search(plain[start : free[-1].start])):
        return _of_names(plain, free, end)
    if cues.PRONOUN.fullmatch(_unopened(phrase)) or cues.BARE_ROLE.match(phrase):
        return Speech("", start, end, "claim")
    return _nameless(plain, phrase, start, end, inside)


def _unopened(phrase: str) -> str:
    """`phrase` without conjunctions and articles at its start."""
    words = phrase.split()
    while len(words) > 1 and words[0].casefold() in cast.OPENERS and not cues.PRONOUN.fullmatch(" ".join(words)):
        words = words[1:]
    return " ".join(words)


def _nameless(plain: str, phrase: str, start: int, end: int, inside: Sequence[Actor]) -> Speech | None:
    """People or publications without a name of their own, such as "observers" or "a report on x.com"."""
    head = re.split(
        rf"\s(?={cues.PREPOSITION.pattern}\s)|\s(?:cited|quoted|asked)\b", phrase, maxsplit=1, flags=re.IGNORECASE
    )[0]
    if _ends(cues.PUBLICATIONS, head):
        if inside:
            return Speech(inside[0].name, start, end, "claim", type=inside[0].type or "media")
        return Speech(None, start, end, "claim", type="media")
    if _ends(cues.SPEAKERS, head) or (phrase >= "\u0400" and cues.SPEAKERS.search(head)):
        name = re.split(r"\s(?:cited|quoted|asked|speaking)\b", _unopened(phrase), maxsplit=1)[0].strip()
        return Speech(name, start, end, "claim", type="crowd")
    if inside and inside[-1].end == start + len(plain[start:end].rstrip()) and inside[-1].type:
        return Speech(inside[-1].name, start, end, "claim", loose=True, type=inside[-1].type)
    return None


def _ends(pattern: re.Pattern[str], phrase: str) -> bool:
    """Whether the last word of `phrase` is one of `pattern`."""
    return any(m.end() == len(phrase.rstrip()) for m in pattern.finditer(phrase))


def _of_names(plain: str, free: Sequence[Actor], end: int) -> Speech:
    """The speech of one of the names, or of several that stand joined."""
    states = [n for n, a in enumerate(free) if not cast.COUNTRY.match(a.name)]
    first = next((n for n, a in enumerate(free) if a.type == "person"), states[-1] if states else len(free) - 1)
    group = [free[first]]
    for near in reversed(free[:first]):
        if re.fullmatch(_JOINED, plain[near.end : group[0].start]):
            group.insert(0, near)
    for near in free[first + 1 :]:
        if re.fullmatch(_JOINED, plain[group[-1].end : near.start]):
            group.append(near)
    rest = plain[group[-1].end : end].strip(" .\u00a0")
    loose = bool(rest) and not cues.AFTER_NAME.match(rest)
    word = plain[group[0].end : group[1].start].strip(" ,") if len(group) > 1 else ""
    name = f" {word} ".join(a.name for a in group) if word else ", ".join(a.name for a in group)
    return Speech(name, group[0].start, group[-1].end, "claim", loose=loose, type=group[0].type)
