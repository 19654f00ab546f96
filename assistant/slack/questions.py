"""A question as it is put in Slack, with the date and the channel's settings it may carry. Pure."""

import datetime
import re

from assistant.conversation import Question
from assistant.slack.tasks import ChannelSettings
from index.search import last_day

_AS_OF = re.compile(
    r"\s*(?:as of|по состоянию на|на|станам на|на дату)\s+(?P<date>[\w./-]+)(?:\s*(?:год\w*|г\.))?\s*:\s*",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-\d{2})?)?")


class BadDate(ValueError):
    """The date before the colon is none."""


def question(text: str, channel: ChannelSettings) -> Question:
    """The question in `text`; "as of 2021:" before it means the last day of that year. Raises BadDate and BadQuestion.

    >>> question("as of 2021: Who heads it?", ChannelSettings()).as_of
    datetime.date(2021, 12, 31)
    """
    match, as_of = _AS_OF.match(text), channel.as_of
    if match:
        as_of, text = match["date"], text[match.end() :]
    return Question(text, (), None if as_of is None else day(as_of), channel.language)


def day(text: str) -> datetime.date:
    """The last day that a date means. Raises BadDate.

    >>> day("2021-02")
    datetime.date(2021, 2, 28)
    """
    if not _DATE.fullmatch(text):
        raise BadDate(text)
    try:
        return last_day(text)
    except ValueError:
        raise BadDate(text) from None
