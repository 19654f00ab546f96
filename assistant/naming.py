"""Names of a paraphrase: whether its sources have them, who does what to whom, and letters that only look right. Pure.

Not for: which of two bearers of one name is meant.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import combinations

from assistant.aligned import Line, Word, same_name
from index.glossary import Glossary

# Letters of the two alphabets that look alike, and signs that show nothing or turn text round.
_CYRILLIC, _LATIN = "АВЕЅІЈКМНОРСТУХЬаеѕіјорсухқһԁԛԝ", "ABESIJKMHOPCTYXbaesijopcyxkhdqw"
_ALIKE = dict(zip(_CYRILLIC, _LATIN, strict=True)) | {"в": "b", "к": "k", "м": "m", "н": "h", "т": "t", "г": "r"}
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u061c\u180e\U000e0000-\U000e007f]")
_LETTERS = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r'«([^«»]{2,300})»|“([^“”]{2,300})”|„([^„“”]{2,300})[“”]|"([^"]{2,300})"')
_UNNAMED = frozenset(("concept",))
_TELLING = frozenset(f"#{c}" for c in "say statement announce claim emphasize explain believe promise warn".split())
_SUFFIXES = ("ing", "ed", "ly", "tion", "tions", "ment", "ments", "ness", "ies", "ers", "ests", "ences", "ities")
_MONTHS = re.compile(
    "(?i)(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|"
    "jul|aug|sept?|oct|nov|dec)"
)


# A passive verb and the name of who acts, in English (True) and in Russian and Belarusian (False).
_PASSIVE = {
    True: re.compile(r"(?i)\b(?:is|are|was|were|been|being|be)\s"),
    False: re.compile(r"(?i)\w(?:ан|ен|ён|ят|ыт|ся|сь|цца)[аоы]?\s"),
}
_PASSIVE_DOER = {
    True: re.compile("by .+"),
    False: re.compile("\\S*(?:ом|ем|ым|им|ой|ей|ою|ам)|.* \\S+(?:ом|ем|ым|им|ой)"),
}

# Capitalised words that act on nobody: months, and adjectives of countries.
_NO_ACTOR = re.compile(
    _MONTHS.pattern + r"|\w+(?:ian|ish|ean|ese)|\w+ск(?:ий|ая|ое|ие|ого|ой|ому|их|им|ими|ую|ом|ага|аму|ія|і|ім)"
)


def letters(claim: str, quotes: Sequence[str]) -> str | None:
    """A word with letters of two alphabets or a hidden sign, unless a quote has it as it is; None where all is well.

    >>> letters("Мoscow", ["Moscow"]), letters("Moscow", ["Moscow"]), letters("С-300", ["the S-300"])
    ('Мoscow', None, None)
    """
    said = {w for q in quotes for w in _written(q)}
    for sign in _HIDDEN.findall(claim):
        if not any(sign in q for q in quotes):
            return f"the hidden sign U+{ord(sign):04X}"
    for word in _written(claim) - said:
        twin = _twin(word)
        if len({_alphabet(c) for c in word}) > 1 or (twin and len(word) > 1 and twin in said):
            return word
    return None


@lru_cache(maxsize=20_000)
def _written(text: str) -> frozenset[str]:
    return frozenset(_LETTERS.findall(text))


def missing(claim: Line, quotes: Sequence[Line], glossary: Glossary) -> list[str]:
    """The names of the claim that no quote has, in whatever spelling or inflection."""
    keys = frozenset(k for q in quotes for k in q.keys)
    told = [(w, q.of(w)) for q in quotes for w in q.words if not w.common]
    absent = [
        n for n in _entries(claim, glossary) if f"@{n.entry}" not in keys and not _said(n, claim, quotes, glossary)
    ]
    written = [w for w in _capitalised(claim) if not w.meets(keys)]
    unknown = [w for w in written if not _known(claim.of(w), quotes, told)]
    return [claim.text[n.start : n.end] for n in absent] + [claim.of(w) for w in unknown]


def misquoted(claim: Line, quotes: Sequence[Line]) -> str | None:
    """What the claim puts in quotation marks though no quote in its language says it; None where nothing is."""
    same = [q for q in quotes if (q.language == "en") == (claim.language == "en")]
    for m in _QUOTED.finditer(claim.text):
        start = m.start(m.lastindex or 0)
        stems = [w.stem for w in claim.words if start <= w.start < m.end()]
        if same and len(stems) > 2 and not any(_runs(stems, [w.stem for w in q.words]) for q in same):
            return m[0]
    return None


def exchanged(claim: Line, source: Line, glossary: Glossary) -> tuple[str, str] | None:
    """Two names that trade places around one verb, or in an otherwise equal sentence; None where none do."""
    ours, theirs = _roles(claim, glossary), _roles(source, glossary)
    if pair := _permuted(claim, source):
        return pair
    for one, other in combinations(ours, 2):
        if one.key == other.key or _parted(claim, one, other):
            continue
        verbs = _verbs(claim, one, other)
        same = [(a, b) for a in theirs for b in theirs if a.key == one.key and b.key == other.key]
        same = [(a, b) for a, b in same if verbs & _verbs(source, *_in_order(a, b)) and not _parted(source, a, b)]
        mutual = any(
            a.key == other.key and b.key == one.key and _verbs(claim, a, b) & verbs for a, b in combinations(ours, 2)
        )
        if same and not mutual and all(_traded(one, other, a, b) for a, b in same):
            return claim.text[one.start : one.end], claim.text[other.start : other.end]
    return None


def _in_order(one: "_Role", other: "_Role") -> tuple["_Role", "_Role"]:
    return (one, other) if one.start < other.start else (other, one)


@dataclass(frozen=True, slots=True)
class _Name:
    """A glossary entry's name at `text[start:end]`."""

    start: int
    end: int
    entry: str


@dataclass(frozen=True, slots=True)
class _Role:
    """A name, the place of its first word, and what marks its part in the sentence: the word before it, its ending
    (None where that tells nothing), and whether a passive verb makes it the doer."""

    key: str
    start: int
    end: int
    place: int
    before: str
    subject: bool | None
    doer: bool


def _entries(line: Line, glossary: Glossary) -> Iterator[_Name]:
    for start, end, entry in glossary.spans(line.text):
        if glossary.entries[entry].type not in _UNNAMED and re.search("[A-ZА-ЯЁІЎ.]", line.text[start:end]):
            yield _Name(start, end, entry)


def _said(name: _Name, claim: Line, quotes: Sequence[Line], glossary: Glossary) -> bool:
    """Whether the words of the name are in the quotes, though not as that name; of an event's, those with capitals."""
    words = [w for w in claim.words if name.start <= w.start < name.end and not w.common]
    if glossary.entries[name.entry].type == "event":
        words = [w for w in words if claim.of(w)[0].isupper()]
    told = [(w, q.of(w)) for q in quotes for w in q.words if not w.common]
    # Concepts stand for words only where no quote could have the words themselves: "united" is not "union".
    across = all((q.language == "en") != (claim.language == "en") for q in quotes)
    return all(
        any((w.meets(o.keys) if across else w.stem == o.stem) for o, _ in told)
        or _akin(claim.of(w), [t for _, t in told])
        for w in words
    )


def _capitalised(claim: Line) -> Iterator[Word]:
    """Words of the claim that are names: capitalised, of no entry, and no ordinary ones that open it."""
    opens = True
    for place, word in enumerate(claim.words):
        written = claim.of(word)
        first, opens = opens, bool(re.match(r"[.!?…:]?[\"»”)]*\s*[.!?…:]", claim.text[word.end : word.end + 4]))
        if not written[0].isupper() or word.entry is not None or word.common or _MONTHS.fullmatch(written):
            continue
        following = claim.of(claim.words[place + 1]) if place + 1 < len(claim.words) else ""
        named = not _plain(word, written) and (following[:1].isupper() or claim.language == "en")
        if not first or written.isupper() or named:
            yield word


def _plain(word: Word, written: str) -> bool:
    """Whether a word that opens a sentence is an ordinary one."""
    return len(word.keys) > 1 + (written[0] >= "\u0400") or written.endswith(_SUFFIXES) or len(written) < 4


def _known(name: str, quotes: Sequence[Line], told: Sequence[tuple[Word, str]]) -> bool:
    if _akin(name, [t for _, t in told if t[0].isupper() or t.casefold() == name.casefold()]):
        return True
    return len(name) > 1 and name.isupper() and any(name in _initials(q) for q in quotes)


def _akin(name: str, others: Sequence[str]) -> bool:
    """Whether one of the others is the same name, or that of the country or people it belongs to."""
    bare = name.removesuffix("'s").removesuffix("’s")
    kin = next((k for k in _kin() if k.fullmatch(bare)), None)
    return any(same_name(bare, o) or (kin is not None and kin.fullmatch(o) is not None) for o in others)


def _initials(line: Line) -> str:
    return "".join(line.of(w)[0] for w in line.words if line.of(w)[0].isupper())


def _runs(part: Sequence[str], whole: Sequence[str]) -> bool:
    return any(list(part) == list(whole[n : n + len(part)]) for n in range(len(whole) - len(part) + 1))


def _roles(line: Line, glossary: Glossary) -> list[_Role]:
    """The names of `line` in order, each with its part in the sentence."""
    found: list[_Role] = []
    for place, word in enumerate(line.words):
        written = line.of(word)
        if not written[0].isupper() or (word.common and word.entry is None) or _NO_ACTOR.fullmatch(written):
            continue
        key = f"@{word.entry}" if word.entry else word.stem
        if found and found[-1].key == key and all(w.entry == word.entry for w in line.words[found[-1].place : place]):
            found[-1] = _role(line, key, found[-1].place, found[-1].start, word.end, glossary)
        else:
            found.append(_role(line, key, place, word.start, word.end, glossary))
    return found


def _role(line: Line, key: str, place: int, start: int, end: int, glossary: Glossary) -> _Role:
    before = line.of(line.words[place - 1]).casefold() if place else ""
    if before == "the" and place > 1:
        before = line.of(line.words[place - 2]).casefold()
    preposition = before if _patterns()["before_name"].fullmatch(before) else ""
    written = line.text[start:end]
    possessed = "'s" if written.casefold().endswith(("'s", "’s", "s'", "s’")) else ""
    subject = None if line.language == "en" else _nominative(key, written, glossary)
    doer = _PASSIVE_DOER[line.language == "en"].fullmatch(f"{preposition} {written}".strip())
    passive = doer and _PASSIVE[line.language == "en"].search(line.text[:start])
    return _Role(key, start, end, place, preposition or possessed, subject, bool(passive))


def _nominative(key: str, written: str, glossary: Glossary) -> bool | None:
    """Whether a Cyrillic name stands in the form that dictionaries give; None where all its forms may be that."""
    entry = glossary.entries.get(key.removeprefix("@"))
    last = written.split()[-1].casefold()
    if entry is None:
        return None if last.endswith("о") else not last.endswith(("у", "ю", "е", "ы", "ом", "ым", "ей", "ой"))
    if entry.type == "person" and last.endswith("о"):
        return None
    spelt = {w.casefold() for name in (*entry.names.values(), *entry.aliases) for w in re.findall(r"\w+", name)}
    names = {w.casefold() for name in entry.names.values() for w in re.findall(r"\w+", name)}
    # Aliases also give other cases.
    return last in names or (last in spelt and not last.endswith(("і", "и", "ю", "у", "ой", "ай", "ей")))


def _verbs(line: Line, one: _Role, other: _Role) -> set[str]:
    """Forms of the words between two names that may be their verb."""
    inside = [w for w in line.words if one.end <= w.start and w.end <= other.start]
    if inside and {line.of(w) for w in (inside[0], inside[-1])} & {"and", "or", "и", "і", "или", "або"}:
        return set()
    between = [w for w in inside if not w.common and w.entry is None]
    between = [w for w in between if w.keys.isdisjoint(_TELLING) and not line.of(w)[0].isupper()]
    if any(_patterns()["mutual"].fullmatch(line.of(w)) for w in inside):
        return set()
    return {k for w in between for k in w.keys if not w.stem[0].isdigit()}


def _parted(line: Line, one: _Role, other: _Role) -> bool:
    """Whether the two stand in different clauses."""
    first, last = _in_order(one, other)
    between = line.text[first.end : last.start]
    return bool(re.search(r"[,;:()—–]|\b(?:that|which|who|что|котор\w+|што|як\w{1,2})\b", between))


def _traded(one: _Role, other: _Role, here: _Role, there: _Role) -> bool:
    """Whether the doer among `one` and `other` of the claim is another than among `here` and `there`, the same names in
    the source; or each stands where the other did, as in "from one to the other"."""
    ours, theirs = _doer(one, other), _doer(*_in_order(here, there))
    if ours is not None and theirs is not None:
        told = any(r.doer or r.subject is not None for r in (one, other, here, there))
        return ours != theirs and (told or here.place > there.place)
    marks = [(r.before, r.subject) for r in (one, other, there, here)]
    return marks[:2] == marks[2:] and marks[0] != marks[1]


def _doer(first: _Role, last: _Role) -> str | None:
    """The one of two names around a verb that acts, by its marks; None where they do not tell."""
    if first.doer != last.doer:
        return first.key if first.doer else last.key
    if first.subject is not None or last.subject is not None:  # Cyrillic: the ending tells
        ranks = [0 if r.before else {True: 3, None: 2, False: 1}[r.subject] for r in (first, last)]
        return None if ranks[0] == ranks[1] or max(ranks) < 2 else first.key if ranks[0] > ranks[1] else last.key
    return next((r.key for mark in ("", "'s") for r in (first, last) if r.before == mark), None)


def _permuted(claim: Line, source: Line) -> tuple[str, str] | None:
    """Names that stand in another order in a sentence that is else the same, in the same forms."""
    if claim.language != "en" or source.language != "en" or len(claim.words) != len(source.words):
        return None
    ours, theirs = ([w for w in line.words if line.of(w)[0].isupper()] for line in (claim, source))
    rest = [[w.stem for w in line.words if not line.of(w)[0].isupper()] for line in (claim, source)]
    if rest[0] != rest[1] or sorted(w.stem for w in ours) != sorted(w.stem for w in theirs):
        return None
    moved = [w for w, other in zip(ours, theirs, strict=True) if w.stem != other.stem]
    if not moved or _listing(claim, moved[0], moved[-1]):
        return None
    return claim.of(moved[0]), claim.of(moved[-1])


def _listing(line: Line, first: Word, last: Word) -> bool:
    """Whether the names from one to the other are a list, whose order says nothing."""
    between = [line.of(w) for w in line.words if first.start <= w.start <= last.start]
    return all(w[0].isupper() or w in ("and", "or", "the") for w in between)


@lru_cache(maxsize=10_000)
def _alphabet(letter: str) -> str:
    if letter.isascii():
        return "latin"
    name = unicodedata.name(letter, "")
    return "cyrillic" if name.startswith("CYRILLIC") else "latin" if name.startswith("LATIN") else "greek"


def _twin(word: str) -> str | None:
    """The word in the other alphabet's letters where all of its letters have a twin there."""
    to_latin = all(c in _ALIKE for c in word)
    if to_latin:
        return "".join(_ALIKE[c] for c in word)
    back = _back()
    return "".join(back[c] for c in word) if all(c in back for c in word) else None


@lru_cache(maxsize=1)
def _back() -> dict[str, str]:
    return {latin: cyrillic for cyrillic, latin in _ALIKE.items()}


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    return {n: re.compile(_table()["patterns"][n], re.IGNORECASE) for n in ("before_name", "mutual")}


@lru_cache(maxsize=1)
def _table() -> dict[str, dict[str, str]]:
    return tomllib.loads(files("assistant").joinpath("support_words.toml").read_text("utf-8"))


@lru_cache(maxsize=1)
def _kin() -> tuple[re.Pattern[str], ...]:
    """Countries and their peoples whose English names share no stem."""
    return tuple(re.compile(k, re.IGNORECASE) for k in _table()["kin"].values())
