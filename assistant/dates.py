"""Times that a sentence names in English, Russian or Belarusian, as intervals; and what its relative ones stand for.
Not for: times counted from other events ("a year earlier", "that spring"), clock times, years outside 1500-2100.
"""

import datetime
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files

from assistant.conversation import Language
from index.search import last_day
from index.sentences import language_of, split

Span = tuple[datetime.date, datetime.date]


@dataclass(frozen=True, slots=True)
class Moment:
    """A time at `text[start:end]`, first and last day included. `explicit`: its year stands at the place itself;
    `relative`: it is counted from the publication date, like "last year"."""

    start: int
    end: int
    first: datetime.date
    last: datetime.date
    explicit: bool
    relative: bool


@lru_cache(maxsize=20_000)
def moments(text: str, published: str | None = None) -> tuple[Moment, ...]:
    """The times that `text` names, in order. What needs a year that is not there takes it from an earlier one in the
    text or from `published`, the ISO date of the source, and is left out where neither gives it.

    >>> [(m.first.isoformat(), m.last.isoformat()) for m in moments("from 2021 to 2023, then on 17 February 2024")]
    [('2021-01-01', '2023-12-31'), ('2024-02-17', '2024-02-17')]
    >>> [m.first.isoformat() for m in moments("On Feb. 17 and last year", "2023-03-13")], moments("On Feb. 17")
    (['2023-02-17', '2022-01-01'], ())
    """
    bare = _Text(text, None)
    # Days and months of a year, and "in 2021", date what follows; "the 2020 election" and "by 2030" do not.
    dating = [m for m in bare.read() if (m.last - m.first).days < 31 or bare.says("IN", m.start)]
    dated = _Text(text, published, tuple((m.end, m.first.year) for m in dating if m.first.year == m.last.year))
    return tuple(dated.joined(dated.read()))


def resolved(text: str, published: str | None) -> list[tuple[int, str]]:
    """For each time that needs `published` to be understood, where to insert what and what: the missing part only.

    >>> resolved("On Feb. 17 they met; yesterday they did not.", "2023-03-13")
    [(10, '2023'), (30, '12 March 2023')]
    >>> resolved("В прошлом месяце и 5 марта", "2023-03-13")
    [(16, 'февраль 2023 года'), (26, '2023 года')]
    """
    found = moments(text, published)
    told = (*moments(text), *(m for m in found if m.explicit))
    return [(m.end, _note(m, text)) for m in found if m not in told and not any(_tells(t, m, text) for t in told)]


def overlap(one: Moment, other: Moment) -> bool:
    """Whether the two share a day."""
    return one.first <= other.last and other.first <= one.last


def shown(first: datetime.date, last: datetime.date, language: Language) -> str:
    """The interval in words.

    >>> shown(datetime.date(2023, 3, 1), datetime.date(2023, 3, 12), "en")
    '1–12 March 2023'
    """
    of, one, many = _YEAR_WORDS[language]
    if (first.month, first.day, last.month, last.day) == (1, 1, 12, 31):
        return f"{first.year}{one}" if first.year == last.year else f"{first.year}–{last.year}{many}"
    whole = first.day == 1 and last == _months(last.year, last.month)[1]
    names = _TABLE[language if whole or language == "en" else f"{language} of"].split(";")
    left, right = (f"{'' if whole else f'{d.day} '}{names[d.month - 1]}" for d in (first, last))
    if first.year != last.year:
        return f"{left} {first.year}{of} – {right} {last.year}{of}"
    if left == right:
        return f"{right} {last.year}{of}"
    if first.month == last.month:
        left = str(first.day)
    return f"{left}{' – ' if ' ' in left else '–'}{right} {last.year}{of}"


def published_shown(published: str, language: Language) -> str:
    """An ISO date of reduced precision in words.

    >>> published_shown("2023-03", "en"), published_shown("2023-03-13", "be")
    ('March 2023', '13 сакавіка 2023 года')
    """
    return shown(*_Text("", published).day(4), language)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text as the rules read it; `years` are (end, year) of its explicit moments, `published` is None where unknown.
    A rule takes a match of its pattern and raises ValueError where the words are no date after all."""

    text: str
    published: str | None
    years: tuple[tuple[int, int], ...] = ()

    def read(self) -> list[Moment]:
        """What the rules find; of those that lie on one another the earliest, then the longest."""
        found: list[Moment] = []
        for pattern, rule in _RULES:
            for m in pattern.finditer(self.text):
                with suppress(ValueError, OverflowError):
                    first, last = rule(self, m)
                    explicit = any(m.groupdict().get(name) for name in ("y", "sy", "age"))
                    relative = not explicit and bool(m.groupdict().get("ry", True))
                    found.append(Moment(m.start(), m.end(), first, last, explicit, relative))
        kept: list[Moment] = []
        for moment in sorted(found, key=lambda m: (m.start, -m.end)):
            if not kept or moment.start >= kept[-1].end:
                kept.append(moment)
        return kept

    def joined(self, found: list[Moment]) -> list[Moment]:
        """Neighbours such as "from March to May 2023" as one."""
        joined: list[Moment] = []
        for m in found:
            if joined and self.is_range(joined[-1], m):
                one = joined.pop()
                m = replace(m, start=one.start, first=one.first, explicit=one.explicit and m.explicit)
            joined.append(m)
        return joined

    def is_range(self, one: Moment, other: Moment) -> bool:
        """Whether what stands between and before the two makes them its ends."""
        to, opened = re.fullmatch(_TABLE["TO"], self.text[one.end : other.start]), self.says("FROM", one.start)
        if not to or one.relative or other.relative or one.last >= other.first:
            return False
        if to["both"]:
            return bool(opened and opened["both"])
        simple = re.fullmatch(r"\d{4}|\D*(?:\d{1,2}\D*)?", self.text[one.start : one.end])
        return bool(to["dash"] or ((opened or simple) and not self.says("PUT_OFF", one.start)))

    def says(self, name: str, place: int) -> re.Match[str] | None:
        """The pattern of that name where it ends at `place`."""
        return re.search(_TABLE[name], self.text[max(0, place - 80) : place])

    def day(self, precision: int) -> Span:
        """Days the publication date can mean; ValueError where it has fewer characters than `precision`."""
        if self.published is None or len(self.published) < precision:
            raise ValueError(f"published {self.published!r} is not precise to {precision} characters")
        first = self.published + "-01-01"[len(self.published) - 4 :]
        return datetime.date.fromisoformat(first), last_day(self.published)

    def told(self, place: int) -> int | None:
        """The explicit year that stands last before `place` in its sentence."""
        if not self.years or self.years[0][0] > place:
            return None
        cut = max(0, place - 1000)
        begin = cut + max((s for s, _ in split(self.text[cut : place + 20]) if s <= place - cut), default=0)
        return next((year for end, year in reversed(self.years) if begin <= end <= place), None)

    def near(self, place: int, first: tuple[int, int], last: tuple[int, int]) -> int:
        """The year of days, given as (month, day), that stand without one at `place`."""
        if told := self.told(place):
            return told
        if self.published is None:
            return max((end, year) for end, year in self.years if end <= place)[1]
        begin, end = self.day(4)
        past, ahead = end.year - (first > (end.month, end.day)), begin.year + (last < (begin.month, begin.day))
        soon = self.says("DEADLINE", place) and (ahead - end.year) * 12 + first[0] - end.month < 6
        return ahead if soon or self.says("AHEAD", place) else past

    def year(self, words: str, place: int) -> int:
        """The year of "last year"; ValueError where it seems counted from an older year in its sentence."""
        shift, year, told = _which(words, "SHIFTS") - 1, self.day(4)[0].year, self.told(place)
        if told and (shift > 0 or not words.isascii()) and told < year - (shift < 1):
            raise ValueError(f"{words!r} is counted from {told}")
        return year + shift

    def counted(self, unit: str, shift: int, word: str) -> Span:
        """The unit so many units from publication; of a weekday, month or season the nearest on that side."""
        day, days = self.day(_PRECISION[unit])[0], datetime.timedelta
        monday = day - days(day.weekday())
        if unit == "day":
            return (day + days(shift),) * 2
        if unit == "week":
            return monday + days(7 * shift), monday + days(7 * shift + 6)
        if unit == "weekday":
            there = monday + days(_which(word, "WEEKDAYS"))
            return (there + days(7 * shift * ((there - day).days * shift <= 0)),) * 2
        if size := {"month": 1, "year": 12, "decade": 120}.get(unit):
            return _months(0, ((day.year * 12 + day.month - 1) // size + shift) * size + 1, size)
        month, count = (3 * _which(word, "SEASONS"), 3) if unit == "season" else (_which(word, "MONTHS") + 1, 1)
        year = day.year + (month == 0 and day.month > 8)
        first, last = _months(year, month, count)
        away = (shift < 0 and last >= day) or (shift > 0 and first <= day)
        return _months(year + shift * away, month, count)

    def dated(self, m: re.Match[str]) -> Span:
        """A month, or days of it, with or without its year."""
        get = m.groupdict().get
        month = int(get("mm") or _which(m["m"], "MONTHS") + 1)
        d1, d = (int(get(name) or 0) for name in ("d1", "d"))
        if "0" in {(get(name) or "").lstrip("0") or "0" for name in ("d1", "d") if get(name)}:
            raise ValueError(f"{m[0]!r} has no such day")
        apart = d1 and (d1 >= d or (d1 + 1 < d and re.search(r"(?i)and|or|или|або|\b[иі]\b", m["sep"])))
        if apart or not (m["y"] or self.is_month(m)):
            raise ValueError(f"{m[0]!r} is no day or month")
        told, ry, start = m["y"] or get("sy"), get("ry"), m.start()
        year = int(told or 0) or (self.year(ry, start) if ry else self.near(start, (month, d1 or d), (month, d or 31)))
        first, last = _months(year, month)
        return (first.replace(day=d1 or d), first.replace(day=d)) if d else _part(m, first, last)

    def is_month(self, m: re.Match[str]) -> bool:
        """Whether the rule's word is a month and not a verb, Belarusian "my" or one of every year."""
        word = m["m"]
        if (word.isascii() and not word[0].isupper()) or self.says("EVERY", m.start()):
            return False
        sure = any(m.groupdict().get(name) for name in ("d", "p", "o", "ry", "sy"))
        return sure or bool(
            self.says("MAY", m.end()) if word[:2] in ("ма", "Ма", "тр") else self.says("ALONE", m.start())
        )

    def yearly(self, m: re.Match[str]) -> Span:
        """A year that is no amount or id, a part or season of it, or years like 2001-02."""
        year, short = int(m["y"] or 0), int(m["yy"] or 0)
        after = "" if m.end() > m.end("y") else self.text[m.end() : m.end() + 40]
        amount = _TABLE["AMOUNT" if year % 100 else "ROUND_AMOUNT"]
        if year and (self.says("NOT_BEFORE", m.start("y")) or re.match(amount, after)):
            raise ValueError(f"{year} is no year here")
        if short:
            return _months(year, 1, 12 * max(1, short - year % 100 + 1))
        year = year or self.year(m["ry"], m.start())
        return _months(year, 3 * _which(m["season"], "SEASONS"), 3) if m["season"] else _part(m, *_months(year, 1, 12))

    def age(self, m: re.Match[str]) -> Span:
        """A decade or a century; the 1700s are a century, the 2000s a decade."""
        if century := m.groupdict().get("c"):
            latin = century.translate(str.maketrans("хХіІ", "xXiI"))
            return _part(m, *_months(1501 + 100 * _which(latin, "CENTURIES"), 1, 1200))
        first = int(m["long"] or f"19{m['short']}")
        return _part(m, *_months(first, 1, 1200 if m["s"] and first % 100 == 0 and first < 2000 else 120))

    def ago(self, m: re.Match[str]) -> Span:
        """So many days, weeks, months or years before publication; or "yesterday"."""
        if word := m.groupdict().get("word"):
            return self.counted("day", _which(word, "DAYS") - 1, "")
        unit, count = next(name for name in _PRECISION if m[name]), m["n"] or "a"
        alone = re.fullmatch("(?i)день|дзень|неделю|тыдзень|месяц|год", m[unit])
        if unit not in ("day", "week", "month", "year") or not (m["n"] or alone) or self.says("TENS", m.start()):
            raise ValueError(f"{m[0]!r} does not say how long ago")
        return self.counted(unit, -int(count) if count.isdecimal() else -1 - _which(count, "COUNTS"), "")

    def relative(self, m: re.Match[str]) -> Span:
        """This, last or next week, month, season and the like."""
        unit, shift = next(name for name in _PRECISION if m[name]), _which(m["adjective"], "SHIFTS") - 1
        word = m[unit]
        if unit == "day" or m["plural"] or (unit == "name" and word.isascii() and not word[0].isupper()):
            raise ValueError(f"{m[0]!r} names no time")
        year = self.year(m["adjective"], m.start()) if unit == "year" else 0
        first, last = _part(m, *(_months(year, 1, 12) if year else self.counted(unit, shift, word)))
        if m["side"] and not shift:
            begin, end = self.day(4)
            return (first, min(last, end)) if m["side"][0] in "eE" else (max(first, begin), last)
        return first, last


def _tells(told: Moment, m: Moment, text: str) -> bool:
    """Whether `told` stands soon after `m` in its sentence and has its year."""
    near = told.start >= m.end and re.fullmatch("[^.!?]{0,25}", text[m.end : told.start])
    return bool(near) and told.first.year <= m.first.year <= told.last.year


def _note(m: Moment, text: str) -> str:
    language: Language = "be" if (found := language_of(text)) == "be" else "ru" if found == "ru" else "en"
    words, first, last = text[m.start : m.end], m.first, m.last
    if m.relative and re.search(r"(?i)\b(?:months?|месяц\w*)\b", words):
        return shown(*_months(first.year, first.month), language)
    if m.relative and re.search(_TABLE["A_DAY"], words):
        return shown(first, last, language)
    years = str(first.year) if first.year == last.year else f"{first.year}–{last.year}"
    return years if m.relative else years + _YEAR_WORDS[language][0]


def _months(year: int, month: int, count: int = 1) -> Span:
    """The days of so many months; a month under 1 or over 12 lies in another year."""
    ends = [(year + (n - 1) // 12, (n - 1) % 12 + 1) for n in (month, month + count - 1)]
    return datetime.date(*ends[0], 1), last_day("{:04}-{:02}".format(*ends[1]))


def _which(word: str, forms: str) -> int:
    """The place among the forms of the one that `word` has; ValueError where it has none."""
    found = [re.fullmatch(form, word, re.IGNORECASE | re.DOTALL) for form in _TABLE[forms].split(";")]
    return [form is not None for form in found].index(True)


def _part(m: re.Match[str], first: datetime.date, last: datetime.date) -> Span:
    """The third, half or quarter of the interval that the rule's words before it name, or all of it."""
    if not (m["p"] or m["o"] or m["q"]):
        return first, last
    of = 3 if m["p"] else 4 if re.match("(?i)q", m["q"] or m["f"]) or "вартал" in (m["f"] or "") else 2
    place = _which(m["p"] or m["o"] or m["q"][1], "THIRDS" if m["p"] else "ORDINALS")
    place = of - 1 if place == 4 else place  # the last one
    if place >= of:
        raise ValueError(f"{m[0]!r} is no part")
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if months == 1:
        return first.replace(day=last.day * place // of + 1), first.replace(day=last.day * (place + 1) // of)
    return _months(first.year, first.month + months * place // of, months // of)


def _table(text: str) -> dict[str, str]:
    """Named patterns. Each may use those above it as <NAME>; ";" parts alternatives that are numbered."""
    table: dict[str, str] = {}
    for line in re.sub(r"\n +", "", text).strip().splitlines():
        name, _, pattern = line.partition(" = ")
        table[name] = re.sub("<([A-Z_]+)>", lambda m: table[m[1]].replace(";", "|"), pattern)
    return table


_TABLE = _table(files("assistant").joinpath("date_words.txt").read_text("utf-8"))
_PRECISION = {"year": 4, "decade": 4, "month": 7, "season": 7, "day": 10, "week": 10, "weekday": 10, "name": 7}
_YEAR_WORDS = {"en": ("", "", ""), "ru": (" года", " год", " годы"), "be": (" года", " год", " гады")}
_FINDS = {"dated": _Text.dated, "yearly": _Text.yearly, "age": _Text.age, "ago": _Text.ago, "relative": _Text.relative}
_RULES = [(re.compile(f"(?i){p}"), _FINDS[name.split()[0]]) for name, p in _TABLE.items() if name.split()[0] in _FINDS]
