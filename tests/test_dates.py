"""Times in three languages, as intervals, and what relative ones stand for."""

import datetime
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant import dates
from assistant.dates import Language, Moment, moments, overlap, published_shown, resolved, shown

PUBLISHED = "2023-03-13"  # a Monday

# What stands in the text, and the intervals: a year, a month, a day, or "first/last" of these; nothing for a trap.
EXPLICIT = """
17 February 2023 | 2023-02-17
on 17th of February, 2023 | 2023-02-17
February 17, 2023 | 2023-02-17
On Feb. 17, 2023, they met | 2023-02-17
on Sept. 26, 2022. | 2022-09-26
Mar 13, 2023 | 21:53 GMT | 2023-03-13
17.02.2023 | 2023-02-17
2023-02-17 | 2023-02-17
17 февраля 2023 года | 2023-02-17
17-го февраля 2023 г. | 2023-02-17
17 лютага 2023 года | 2023-02-17
3 мая 2020 года | 2020-05-03
3 мая 2020 | 2020-05-03
September 2021 | 2021-09
the September 2021 agreement | 2021-09
in may 2023 | 2023-05
в сентябре 2021 года | 2021-09
у верасні 2021 года | 2021-09
у маі 2021 года | 2021-05
in 2021 | 2021
2021 года | 2021
в 2021-м году | 2021
у 2021 годзе | 2021
2021-2023 | 2021/2023
2021–2023 годы | 2021/2023
на 2021-2023 гады | 2021/2023
from 2021 to 2023 | 2021/2023
between 2021 and 2023 | 2021/2023
с 2021 по 2023 год | 2021/2023
з 2021 па 2023 год | 2021/2023
the 2007-09 crisis | 2007/2009
in 2019 and 2020 | 2019, 2020
7 to 29 December 2019 | 2019-12-07/2019-12-29
с 7 по 29 декабря 2019 года | 2019-12-07/2019-12-29
з 7 па 29 снежня 2019 года | 2019-12-07/2019-12-29
September 14–20, 2017 | 2017-09-14/2017-09-20
on 7 and 8 December 2019 | 2019-12-07/2019-12-08
on 7 and 20 December 2019 | 2019-12-07, 2019-12-20
28 January to 3 February 2023 | 2023-01-28/2023-02-03
from 28 January to 3 February 2023 | 2023-01-28/2023-02-03
March–May 2023 | 2023-03/2023-05
January to March 2024 | 2024-01/2024-03
moved from January to March 2024 | 2024-01, 2024-03
с марта по май 2023 года | 2023-03/2023-05
in March and May 2020 | 2020-03, 2020-05
the first half of 2024 | 2024-01/2024-06
first quarter of 2024 | 2024-01/2024-03
Q3 2024 | 2024-07/2024-09
the last quarter of 2024 | 2024-10/2024-12
I квартал 2024 года | 2024-01/2024-03
IV квартал 2024 | 2024-10/2024-12
во втором квартале 2024 года | 2024-04/2024-06
первое полугодие 2024 года | 2024-01/2024-06
у першым квартале 2024 года | 2024-01/2024-03
першае паўгоддзе 2024 года | 2024-01/2024-06
early 2020 | 2020-01/2020-04
mid-2021 | 2021-05/2021-08
by the end of 2023 | 2023-09/2023-12
в начале 2020 года | 2020-01/2020-04
у канцы 2020 года | 2020-09/2020-12
early September 2021 | 2021-09-01/2021-09-10
in the summer of 2020 | 2020-06/2020-08
осенью 2012 года | 2012-09/2012-11
вясной 2011 года | 2011-03/2011-05
winter 2021 | 2020-12/2021-02
1990s | 1990/1999
the late 1990s | 1996-09/1999-12
since the late 2000s | 2006-09/2009-12
in the mid-1990s | 1993-05/1996-08
1700s | 1700/1799
90-е годы | 1990/1999
в 90-х годах | 1990/1999
в 1990-х годах | 1990/1999
у 1990-я гады | 1990/1999
the 18th century | 1701/1800
the end of the 18th century | 1767-09/1800-12
in the 18th and 19th centuries | 1801/1900
лишь в XX-м веке | 1901/2000
XVIII век | 1701/1800
в XIX веке | 1801/1900
у XX стагоддзі | 1901/2000
the Zapad-2021 exercise | 2021
учения «Запад-2021» | 2021
the 1999 treaty | 1999
(1999) | 1999
until 2027-2029; | 2027/2029
postponed from 2021 to 2022-2023 | 2021, 2022/2023
in 2021 Russian troops came | 2021
in 2000 the treaty | 2000
30 February 2023 | 2023-02
"""
NEEDS_PUBLICATION = """
On Feb. 17, they met | 2023-02-17
on 6 March | 2023-03-06
on 26 November | 2022-11-26
on March 14 | 2022-03-14
they will meet on 6 April | 2023-04-06
they will meet on 6 March | 2024-03-06
in February | 2023-02
since May | 2022-05
17 февраля | 2023-02-17
в феврале | 2023-02
в мае | 2022-05
предстоит визит 6 апреля | 2023-04-06
17 лютага | 2023-02-17
у маі | 2022-05
from 6 March to 10 March | 2023-03-06/2023-03-10
today | 2023-03-13
yesterday | 2023-03-12
tomorrow | 2023-03-14
this week | 2023-03-13/2023-03-19
last week | 2023-03-06/2023-03-12
next week | 2023-03-20/2023-03-26
this month | 2023-03
last month | 2023-02
this year's plan | 2023
last year | 2022
next year | 2024
this decade | 2020/2029
last summer | 2022-06/2022-08
last winter | 2022-12/2023-02
this spring | 2023-03/2023-05
next autumn | 2023-09/2023-11
This past January, they met | 2023-01
last March | 2022-03
next May | 2023-05
last Friday | 2023-03-10
this past Monday | 2023-03-06
next Monday | 2023-03-20
two years ago | 2021
3 days ago | 2023-03-10
five months ago | 2022-10
two weeks ago | 2023-02-27/2023-03-05
earlier this year | 2023-01-01/2023-03-13
later this year | 2023-03-13/2023-12-31
earlier this month | 2023-03-01/2023-03-13
January of last year | 2022-01
in the first half of last year | 2022-01/2022-06
late last year | 2022-09/2022-12
сегодня | 2023-03-13
вчера | 2023-03-12
на прошлой неделе | 2023-03-06/2023-03-12
в прошлом месяце | 2023-02
в этом году | 2023
текущий год | 2023
минувшего года | 2022
в следующем году | 2024
в январе этого года | 2023-01
в январе прошлого года | 2022-01
летом прошлого года | 2022-06/2022-08
весной этого года | 2023-03/2023-05
в первом квартале текущего года | 2023-01/2023-03
пять лет назад | 2018
24 года назад | 1999
год назад | 2022
три дня назад | 2023-03-10
неделю тому назад | 2023-03-06/2023-03-12
сёння | 2023-03-13
учора | 2023-03-12
заўтра | 2023-03-14
на мінулым тыдні | 2023-03-06/2023-03-12
у мінулым месяцы | 2023-02
у гэтым годзе | 2023
у студзені мінулага года | 2022-01
у снежні леташняга года | 2022-12
летась | 2022
сёлета | 2023
пяць гадоў таму | 2018
тры месяцы таму | 2022-12
"""
TRAPS = """
2000 roubles
2 000 roubles
1,999 km
2025 million dollars
$2000
about 2000 Russian troops
более 2000 военнослужащих
около 2000 рублей
2000 чалавек
an S-400 battery
decree No. 2019
Resolution 1973
2,021
12345
3.1999
https://example.org/2010/01/25/news
they may march today's way
Belarus may join
they march on
from my мая родная мова
мая праграма
май гонар
Theresa May said
at 20:23
recently
the previous year
a year earlier
over the last year
the next year
several years ago
несколько лет назад
двадцать два года назад
за мінулы час, таму што
последние годы
прошлых лет
гэта год працы
this fall in exports
the day before yesterday
2023-13-45
99.99.2023
the year 1066
Article 2105
the next summit
for 20 centuries
прошлым
"""
MESSY = ("на гэта, таму што", "1" * 400, "1 year ago " * 50, "\ud800 17 March", "31 31 31 February 2023")


def rows(table: str) -> list[tuple[str, str]]:
    lines = (line.rpartition(" | ") for line in table.strip().splitlines())
    return [(text or last, last if text else "") for text, _, last in lines]


def interval(m: Moment) -> str:
    """The shortest way to write it, as in the tables."""
    first, last = m.first.isoformat(), m.last.isoformat()
    year = first.endswith("-01-01") and last.endswith("-12-31")
    month = m.first.day == 1 and (m.last + datetime.timedelta(days=1)).day == 1
    length = 4 if year else 7 if month else 10
    return first[:length] if first[:length] == last[:length] else f"{first[:length]}/{last[:length]}"


@pytest.mark.parametrize(("text", "wanted"), rows(EXPLICIT))
def test_times_with_their_year(text: str, wanted: str) -> None:
    for published in (None, PUBLISHED):
        found = moments(text, published)
        assert ", ".join(interval(m) for m in found) == wanted
        assert all(m.explicit and not m.relative for m in found)
        assert resolved(text, published) == []


@pytest.mark.parametrize(("text", "wanted"), rows(NEEDS_PUBLICATION))
def test_times_counted_from_publication(text: str, wanted: str) -> None:
    if "this year" not in wanted:
        assert moments(text) == ()
    found = moments(text, PUBLISHED)
    assert [interval(m) for m in found] in ([wanted], ["2023" if wanted == "2023-01-01/2023-12-31" else wanted])
    assert not any(m.explicit for m in found)


@pytest.mark.parametrize("text", [*TRAPS.strip().splitlines(), *MESSY[:2]])
def test_what_is_no_time(text: str) -> None:
    assert [text[m.start : m.end] for m in moments(text, PUBLISHED)] == []


@pytest.mark.parametrize(
    ("text", "published", "wanted"),
    [
        ("in 2019 the sides met on 8 December", PUBLISHED, ["2019", "2019-12-08"]),
        ("On 8 December 1999 it was signed, on 26 December ratified", None, ["1999-12-08", "1999-12-26"]),
        ("the winner of the 2020 election left on Feb. 17", PUBLISHED, ["2020", "2023-02-17"]),
        ("by 2030 they will, he said on Feb. 17", PUBLISHED, ["2030", "2023-02-17"]),
        ("It began in 2022. On Feb. 17 they met", PUBLISHED, ["2022", "2023-02-17"]),
        ("It began in 2022. On Feb. 17 they met", None, ["2022", "2022-02-17"]),
        ("на 18 декабря 2012 года; 5 марта", None, ["2012-12-18", "2012-03-05"]),
        ("В 1999 году, 8 декабря этого года", PUBLISHED, ["1999"]),
        ("settled by 1 December", "2019-11", ["2019-12-01"]),
        ("Belarus to approve roadmaps in November", "2021-09-10", ["2021-11"]),
        ("отнесено к 26 марта", "2026-02-24", ["2026-03-26"]),
        ("каждый год до 1 февраля", "2022", []),
        ("on Feb. 17", "2023", ["2023-02-17"]),
        ("on Nov. 26", "2023-03", ["2022-11-26"]),
        ("on 29 February", PUBLISHED, []),
        ("yesterday and last month", "2023-03", ["2023-02"]),
        ("yesterday, last month and last year", "2023", ["2022"]),
        ("SB Belarus Today reports", PUBLISHED, []),
        ("100000000 years ago", PUBLISHED, []),
        ("999 years ago", PUBLISHED, ["1024"]),
    ],
)  # fmt: skip
def test_where_a_year_comes_from(text: str, published: str | None, wanted: list[str]) -> None:
    assert [interval(m) for m in moments(text, published)] == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("On Feb. 17 they met", "On Feb. 17 [2023] they met"),
        ("This past January, Lukashenko", "This past January [2023], Lukashenko"),
        ("He said so yesterday.", "He said so yesterday [12 March 2023]."),
        ("last year it fell", "last year [2022] it fell"),
        ("last month it fell", "last month [February 2023] it fell"),
        ("last week it fell", "last week [6–12 March 2023] it fell"),
        ("two weeks ago", "two weeks ago [27 February – 5 March 2023]"),
        ("last Friday", "last Friday [10 March 2023]"),
        ("last winter", "last winter [2022–2023]"),
        ("later this year", "later this year [2023]"),
        ("earlier this month", "earlier this month [March 2023]"),
        ("January of last year", "January of last year [2022]"),
        ("this year's plan", "this year's [2023] plan"),
        ("from 6 March to 10 March", "from 6 March to 10 March [2023]"),
        ("вчера он приехал", "вчера [12 марта 2023 года] он приехал"),
        ("в прошлом году он приехал", "в прошлом году [2022] он приехал"),
        ("17 февраля он приехал", "17 февраля [2023 года] он приехал"),
        ("учора ён прыехаў", "учора [12 сакавіка 2023 года] ён прыехаў"),
        ("летась ён прыехаў", "летась [2022] ён прыехаў"),
        ("17 лютага ён прыехаў", "17 лютага [2023 года] ён прыехаў"),
        ("на мінулым тыдні ў Мінску", "на мінулым тыдні [6–12 сакавіка 2023 года] ў Мінску"),
        ("in 2019 they met on 8 December", "in 2019 they met on 8 December"),
        ("last year, in 2022, it fell", "last year, in 2022, it fell"),
        ("on Feb. 17 and in 2023", "on Feb. 17 and in 2023"),
        ("on Feb. 17. In 2023", "on Feb. 17 [2023]. In 2023"),
        ("signed in 1999", "signed in 1999"),
    ],
)  # fmt: skip
def test_only_what_is_missing_is_added(text: str, wanted: str) -> None:
    shown_text = text
    for place, note in reversed(resolved(text, PUBLISHED)):
        shown_text = f"{shown_text[:place]} [{note}]{shown_text[place:]}"
    assert shown_text == wanted
    assert resolved(text, None) == []


@pytest.mark.parametrize(
    ("first", "last", "language", "wanted"),
    [
        ("2023-03-13", "2023-03-13", "en", "13 March 2023"),
        ("2023-03-13", "2023-03-13", "ru", "13 марта 2023 года"),
        ("2023-03-13", "2023-03-13", "be", "13 сакавіка 2023 года"),
        ("2023-03-01", "2023-03-31", "en", "March 2023"),
        ("2023-03-01", "2023-03-31", "be", "сакавік 2023 года"),
        ("2023-01-01", "2023-12-31", "en", "2023"),
        ("2023-01-01", "2023-12-31", "ru", "2023 год"),
        ("2021-01-01", "2023-12-31", "en", "2021–2023"),
        ("2021-01-01", "2023-12-31", "be", "2021–2023 гады"),
        ("2023-03-01", "2023-03-12", "ru", "1–12 марта 2023 года"),
        ("2023-03-01", "2023-05-31", "en", "March–May 2023"),
        ("2023-02-27", "2023-03-05", "en", "27 February – 5 March 2023"),
        ("2022-12-01", "2023-02-28", "ru", "декабрь 2022 года – февраль 2023 года"),
        ("2022-03-01", "2023-03-31", "en", "March 2022 – March 2023"),
    ],
)  # fmt: skip
def test_intervals_in_words(first: str, last: str, language: Language, wanted: str) -> None:
    assert shown(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last), language) == wanted


def test_publication_dates_in_words() -> None:
    assert [published_shown(p, "ru") for p in ("2023", "2023-03", "2023-03-13")] == [
        "2023 год", "март 2023 года", "13 марта 2023 года"]  # fmt: skip


def test_moments_overlap_where_they_share_a_day() -> None:
    year, month, other = moments("2021, September 2021, 2022")
    assert overlap(year, month) and overlap(month, year)
    assert not overlap(year, other) and not overlap(other, month)


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(dates).failed == 0


WORDS = st.sampled_from(
    """this last next past the year month week January May Feb. 17 17, 2023 2021-2023 1990s first half of quarter by
    Monday ago two 31 from to and early . в прошлом этого года году месяце мая 29 февраля назад пять квартал I XVIII век
    90-х годов у мінулым тыдні гэтага студзені летась таму 99.99.2023 12.12.2022 2024-02-29 will 9999 зимой""".split()
)


@given(
    st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.sampled_from(MESSY)),
    st.sampled_from([None, "2023", "2024-02", PUBLISHED, "2024-02-29", "1500-01-01"]),
)
def test_any_text_gives_moments_in_order(text: str, published: str | None) -> None:
    found = moments(text, published)
    edges = [edge for m in found for edge in (m.start, m.end)]
    assert edges == sorted(edges) and all(0 <= m.start < m.end <= len(text) and m.first <= m.last for m in found)
    assert {place for place, _ in resolved(text, published)} <= {m.end for m in found}


@pytest.mark.parametrize("text", ["on 00.05.2020", "2020-05-00", "June 0, 2020", "0 мая 2020 года", "00.00.0000"])
def test_a_day_that_is_none_is_no_error(text: str) -> None:
    assert all(m.first.year == 2020 for m in moments(text))
