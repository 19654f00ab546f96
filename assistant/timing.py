"""Times of a paraphrase beside those of its sources: the same, or less precise. Pure.

Not for: how times are read (dates.py).
"""

from collections.abc import Sequence
from decimal import Decimal

from assistant import dates, figures
from assistant.aligned import Line
from assistant.dates import Moment

# Read against this date, days without a year compare by day and month.
_NO_YEAR = "2000-12-31"


def times(text: str, published: str | None) -> tuple[Moment, ...]:
    """The times that `text` names; what has no year, and no date of its source either, gets one that means nothing."""
    return dates.moments(text, published or _NO_YEAR)


def day(published: Sequence[str | None]) -> str | None:
    """The date that the sources share, from which "last year" counts; None where they have none or several."""
    days = {p for p in published if p}
    return days.pop() if len(days) == 1 else None


def undated(claim: Line, quotes: Sequence[Line], published: Sequence[str | None]) -> list[str]:
    """Times of the claim that no quote gives, or not so precisely."""
    quoted = [m for q, p in zip(quotes, published, strict=True) for m in times(q.text, p)]
    told, missing = day(published), []
    for moment in times(claim.text, told):
        sure = moment.explicit or moment.relative
        if (
            moment.relative
            and told is None
            and claim.text[moment.start : moment.end] in " ".join(q.text for q in quotes)
        ):
            continue
        written = claim.text[moment.start : moment.end]
        if any(_dates(moment, m, sure) for m in quoted) or _both_ends(moment, quoted):
            continue
        if not (written.isdecimal() and any(Decimal(written) in a.values for q in quotes for a in figures.amounts(q))):
            missing.append(written)  # what is only digits may be an amount
    return missing


def _dates(ours: Moment, theirs: Moment, sure: bool) -> bool:
    """Whether the source's time lies in the claim's, which is one unit of the calendar; or they are the same."""
    ends = [[(m.first.month, m.first.day), (m.last.month, m.last.day)] for m in (ours, theirs)]
    if not sure and ends[0] == ends[1]:
        return True
    if (ours.first, ours.last) == (theirs.first, theirs.last):
        return True
    return ours.first <= theirs.first and theirs.last <= ours.last and _is_unit(ours)


def _is_unit(moment: Moment) -> bool:
    """Whether an interval is one unit of the calendar, up to a third of a year, a year, a decade or a century."""
    years, days = moment.last.year - moment.first.year + 1, (moment.last - moment.first).days
    whole = (moment.first.month, moment.first.day, moment.last.month, moment.last.day) == (1, 1, 12, 31)
    return days < 125 or (whole and (years == 1 or (years in (10, 100) and moment.first.year % 10 < 2)))


def _both_ends(ours: Moment, quoted: Sequence[Moment]) -> bool:
    """Whether the claim's interval runs from one time of the sources to another."""
    return (
        ours.first < ours.last
        and any(m.first == ours.first for m in quoted)
        and any(m.last == ours.last for m in quoted)
    )
