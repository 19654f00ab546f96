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
28 January to 3 February 2023 | 2023-01-28, 2023-02-03
from 28 January to 3 February 2023 | 2023-01-28/2023-02-03
March–May 2023 | 2023-03/2023-05
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
прошлым
"""
MESSY = ("на гэта, таму што", "1" * 400, "1 year ago " * 50, "999 years ago", "\ud800 17 March", "31 31 31 February 2023")


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
        assert moments(text) == []
    found = moments(text, PUBLISHED)
    assert [interval(m) for m in found] in ([wanted], ["2023" if wanted == "2023-01-01/2023-12-31" else wanted])
    assert not any(m.explicit for m in found)


@pytest.mark.parametrize("text", [*TRAPS.strip().splitlines(), *MESSY[:2]])
def test_what_is_no_time(text: str) -> None:
    assert [text[m.start : m.end] for m in moments(text, PUBLISHED)] == []
