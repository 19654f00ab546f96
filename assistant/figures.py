"""Amounts that a text states in English, Russian or Belarusian: value, unit, and the things they count.

Not for: times (dates.py), arithmetic on amounts, exchange of one unit into another.
"""

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from assistant.aligned import Line, Word
from assistant.dates import Moment

_GROUPED = (
    r"\d{1,3}(?:[ \u00a0\u202f\u2009'’]\d{3})+(?!\d)(?:[.,]\d+)?|"
    r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?"
)
_DIGITS = re.compile(rf"(?:{_GROUPED}|\d+(?:[.,]\d+)?)")
_NEAR, _ROUND, _FEW, _LARGE = 6, 3, 3, 100
_TIMES = frozenset(("=minute", "=hour", "=day", "=week", "=month"))


@dataclass(frozen=True, slots=True)
class Amount:
    """What `text[start:end]` of a line counts. `values` has more than one where the writing is open to two readings,
    like 1,200 in Russian; `unit` is None where none is written; `thing` are the keys of the word after it, `counted`
    of up to three words, `around` of all words near it; `spelt` where it is a word, not digits."""

    start: int
    end: int
    values: frozenset[Decimal]
    unit: str | None
    thing: frozenset[str]
    counted: frozenset[str]
    around: frozenset[str]
    spelt: bool


@lru_cache(maxsize=20_000)
def amounts(line: Line, moments: tuple[Moment, ...] = ()) -> tuple[Amount, ...]:
    """The amounts of `line` in order, without the digits of its `moments`.

    >>> from assistant.aligned import read
    >>> from index.glossary import Glossary
    >>> [(float(min(a.values)), a.unit) for a in amounts(read("1.2 billion dollars and 41,1 %", Glossary()))]
    [(1200000000.0, 'dollar'), (41.1, 'percent')]
    """
    found = [_amount(line, *place) for place in _numerals(line.text) if not _within(place[0], moments)]
    return tuple(_ranges(line.text, found))


def unproven(claim: Sequence[Amount], quoted: Sequence[Amount], keys: frozenset[str], across: bool) -> list[Amount]:
    """The amounts of a claim that no amount of its quotes proves. `keys` are those of all words of the quotes; `across`
    tells that claim and quotes are in different languages, so that the counted things need not share words."""
    return [a for a in claim if not _proven(a, quoted, keys, across)]


def _proven(amount: Amount, quoted: Sequence[Amount], keys: frozenset[str], across: bool) -> bool:
    same = [q for q in quoted if not q.values.isdisjoint(amount.values)]
    if not same:
        # "The two governments": who counts so few needs no number in the source, unless that has another.
        return amount.spelt and max(amount.values) <= _FEW and not _counted_otherwise(amount, quoted)
    same = [q for q in same if _same_unit(amount, q, keys, across)]
    if not same or across or amount.unit is not None:
        return bool(same)
    if not amount.counted or any(_same_things(amount, q) for q in same):
        return True
    # A large number is seldom there twice by chance; a small one may count anything.
    return min(amount.values) >= _LARGE and not _counted_otherwise(amount, [q for q in quoted if q not in same])


def _same_unit(amount: Amount, quoted: Amount, keys: frozenset[str], across: bool) -> bool:
    if amount.unit == quoted.unit or {amount.unit, quoted.unit} == {"percent", "share"}:
        return True
    if amount.unit is None:
        return across or not (amount.counted - quoted.around) or bool(amount.counted & quoted.around)
    return quoted.unit is None and f"={amount.unit}" in keys


def _same_things(amount: Amount, quoted: Amount) -> bool:
    return bool(amount.counted & quoted.around) or bool(quoted.counted & amount.around)


def _counted_otherwise(amount: Amount, quoted: Sequence[Amount]) -> bool:
    return any(amount.thing & q.thing for q in quoted)


@lru_cache(maxsize=20_000)
def unit_keys(line: Line) -> frozenset[str]:
    """A key for each unit that `line` names anywhere, with an amount or without."""
    return frozenset(
        f"={name}"
        for name, p in _words().units
        if any(len(m[0]) > 2 or not m[0].isalpha() for m in p.finditer(line.text))
    )


def unknown_units(claim: Line, keys: frozenset[str]) -> list[str]:
    """The units that the claim names and no quote does. Of times only those that stand in place of another; years are
    in too many dates, and metres in too many other units."""
    ours = unit_keys(claim) - keys - {"=year", "=metre", "=point", "=tonne", "=second"}
    instead = (keys & _TIMES) - unit_keys(claim)
    return sorted(u for u in ours if u not in _TIMES or instead)


def miscopied(claim: Line, ours: Sequence[Amount], source: Line, theirs: Sequence[Amount]) -> list[str]:
    """Of a claim that nearly copies `source`, the amounts it has more often and the units it has instead."""
    left, found = [a.values for a in theirs], []
    for amount in ours:
        same = next((v for v in left if not v.isdisjoint(amount.values)), None)
        if same is None:
            found.append(claim.text[amount.start : amount.end])
        else:
            left.remove(same)
    swapped = [sorted(unit_keys(a) - unit_keys(b)) for a, b in ((claim, source), (source, claim))]
    return [*found, *(u for u in swapped[0] if swapped[1])]


def _within(place: int, moments: Iterable[Moment]) -> bool:
    return any(m.start <= place < m.end for m in moments)


def _numerals(text: str) -> list[tuple[int, int, frozenset[Decimal], bool]]:
    """Numbers in digits and in words, with magnitudes: start, end, readings, whether spelt."""
    found, idioms = [], [m.span() for m in _words().idiom.finditer(text)]
    for m in _DIGITS.finditer(text):
        end, times = _times(text, m.end())
        found.append((m.start(), end, frozenset(r * times for r in _readings(m[0], text, times > 1)), False))
    covered = [*((start, end) for start, end, _, _ in found), *idioms]
    for start, end in _spelt(text):
        if not any(a < end and start < b for a, b in covered):
            found.append((start, end, frozenset([_value(text[start:end])]), True))
    return sorted(found, key=lambda f: f[0])


def _spelt(text: str) -> list[tuple[int, int]]:
    """Where numerals in words stand, those of one number together."""
    found: list[tuple[int, int]] = []
    for m in re.finditer(r"[^\W\d_]+", text):
        if not is_numeral(m[0].casefold()):
            continue
        joint = found and re.fullmatch(r"\s|-|\s(?:and|и|і)\s", text[found[-1][1] : m.start()])
        if joint and _adds(re.findall(r"[^\W\d_]+", text[slice(*found[-1])])[-1], m[0]):
            found[-1] = (found[-1][0], m.end())
        else:
            found.append(m.span())
    return found


@lru_cache(maxsize=4096)
def _adds(before: str, word: str) -> bool:
    """Whether two numerals make one number: "twenty eight" and "two hundred" do, "first eleven" does not."""
    (left, scaled), (right, scales) = _numeral(before.casefold()), _numeral(word.casefold())
    return scales or (scaled and right < left) or (left >= 20 and right < 10) or (left >= 100 and right < 100)


def _numeral(word: str) -> tuple[Decimal, bool]:
    return next((value, scales) for value, pattern, scales in _words().values if pattern.fullmatch(word))


@lru_cache(maxsize=50_000)
def is_numeral(word: str) -> bool:
    """Whether a word in small letters is a numeral or a magnitude."""
    return any(pattern.fullmatch(word) for _, pattern, _ in _words().values)


def _readings(digits: str, text: str, scaled: bool) -> list[Decimal]:
    """What the digits can mean: 1,200 may be a decimal in Russian and Belarusian, and is one there before "million"."""
    plain = re.sub(r"[ \u00a0\u202f\u2009'’]", "", digits)
    if re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", plain):
        grouped = Decimal(plain.replace(",", ""))
        if plain.count(",") > 1 or not _cyrillic(text):
            return [grouped]
        return [Decimal(plain.replace(",", ".")), *([] if scaled else [grouped])]
    if re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+", plain):
        grouped = Decimal(plain.replace(".", ""))
        if plain.count(".") > 1:
            return [grouped]
        return [Decimal(plain), *([grouped] if _cyrillic(text) and not scaled else [])]
    if plain.count(",") > 1 or ("," in plain and "." in plain):
        last = max(plain.rfind(","), plain.rfind("."))
        return [Decimal(re.sub("[.,]", "", plain[:last]) + "." + plain[last + 1 :])]
    return [Decimal(plain.replace(",", "."))]


@lru_cache(maxsize=2048)
def _cyrillic(text: str) -> bool:
    return bool(re.search("[а-яіў]", text))


def _times(text: str, end: int) -> tuple[int, Decimal]:
    m = _words().times.match(text, end)
    return (m.end(), _value(m[0].strip(" -\u00a0\u202f"))) if m else (end, Decimal(1))


@lru_cache(maxsize=4096)
def _value(words: str) -> Decimal:
    """The value of numerals in words, such as "two hundred and fifty thousand"."""
    total, part = Decimal(0), Decimal(0)
    for word in re.findall(r"[^\W\d_]+", words):
        for value, pattern, scales in _words().values:
            if pattern.fullmatch(word):
                if not scales:
                    part += value
                elif value == 100:
                    part = (part or Decimal(1)) * value
                else:
                    total, part = total + (part or Decimal(1)) * value, Decimal(0)
                break
    return total + part


def _amount(line: Line, start: int, end: int, values: frozenset[Decimal], spelt: bool) -> Amount:
    words = _words()
    before, after = (
        words.unit_before.search(line.text[max(0, start - 12) : start]),
        words.unit_after.match(line.text, end),
    )
    unit = _unit(after[1] or after[2]) if after else _unit(before[1]) if before else None
    if spelt and unit is None and re.search("(?i)hal[fv]|половин|палов", line.text[start:end]):
        unit = "percent"
    stop = after.end() if after and unit else end
    place = bisect_left([w.start for w in line.words], stop)
    counted = [w for w in _same_clause(line, stop, line.words[place : place + 5]) if not w.common][:_ROUND]
    near = [
        w for w in line.words[max(0, place - _NEAR - 1) : place + _NEAR] if not w.common and not w.stem[0].isdigit()
    ]
    return Amount(start, stop, values, unit, _keys(counted[:1]), _keys(counted), _keys(near) | _keys(counted), spelt)


def _same_clause(line: Line, start: int, words: Sequence[Word]) -> list[Word]:
    """Words up to the next stop, bracket or number."""
    kept: list[Word] = []
    for word in words:
        if re.search("[,;:.!?()—–]", line.text[start : word.start]) or word.stem[0].isdigit():
            break
        kept.append(word)
        start = word.end
    return kept


def _keys(words: Iterable[Word]) -> frozenset[str]:
    return frozenset(k for w in words for k in w.keys)


def _unit(written: str) -> str:
    return next(name for name, pattern in _words().units_whole if pattern.fullmatch(written))


def _ranges(text: str, found: list[Amount]) -> list[Amount]:
    """The first amount of "5-6 million dollars" gets unit and magnitude of the second; that of "5 to 6" it may."""
    for n in range(len(found) - 1):
        one, other = found[n], found[n + 1]
        to = re.fullmatch(
            r"\s?(?P<dash>[-–—])\s?|\s(?:to|or|and|of(?: the)?|до|или|и|из|да|або|і|з)\s", text[one.end : other.start]
        )
        if one.unit is None and to:
            raised = frozenset(v * _scale(text[other.start : other.end]) for v in one.values)
            found[n] = replace(
                one, values=raised if to["dash"] else raised | one.values, unit=other.unit,
                counted=one.counted | other.counted, around=one.around | other.around,
            )  # fmt: skip
    return found


def _scale(written: str) -> Decimal:
    """The magnitude that a written amount ends with; 1 where it has none."""
    for m in re.finditer(r"[^\W\d_]+", written):
        for value, pattern, scales in _words().values:
            if scales and pattern.fullmatch(m[0]):
                return value
    return Decimal(1)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The word lists of the package as patterns."""

    times: re.Pattern[str]
    idiom: re.Pattern[str]
    unit_before: re.Pattern[str]
    unit_after: re.Pattern[str]
    units: tuple[tuple[str, re.Pattern[str]], ...]
    units_whole: tuple[tuple[str, re.Pattern[str]], ...]
    values: tuple[tuple[Decimal, re.Pattern[str], bool], ...]


@lru_cache(maxsize=1)
def _words() -> _Patterns:
    table = tomllib.loads(files("assistant").joinpath("support_words.toml").read_text("utf-8"))
    scales, numerals, units = table["magnitudes"], table["numerals"], table["units"]
    scale = "|".join(scales.values())
    unit, i = "|".join(units.values()), re.IGNORECASE
    return _Patterns(
        re.compile(rf"[\s\u00a0-]?(?:{scale})(?:\s(?:{scale}))?(?!\w)", i),
        re.compile(rf"(?<!\w)(?:{table['patterns']['idiom']})(?!\w)", i),
        re.compile(r"(?<!\w)((?:US)?\$|€|£|₽|USD|EUR|RUB|BYN|CNY)\s?$", i),
        re.compile(rf"(?:[\s\u00a0\u202f-]|\s?\.\s?)?(?:({unit})|(?:(?:US|[^\W\d_]{{4,}})\s){{1,2}}({unit}))(?!\w)", i),
        tuple((name, re.compile(rf"(?<![^\W\d])(?:{pattern})(?!\w)", i)) for name, pattern in units.items()),
        tuple((name, re.compile(pattern, i)) for name, pattern in units.items()),
        tuple(
            (Decimal(value), re.compile(pattern, i), scaled)
            for part, scaled in ((scales, True), (numerals, False))
            for value, pattern in part.items()
        ),
    )  # fmt: skip
