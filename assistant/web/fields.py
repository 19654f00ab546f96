"""Kinds of values that requests hold, whichever way they come in: bodies of the HTTP API, arguments of tools."""

import contextlib
import datetime
import re
from typing import Annotated

from pydantic import BeforeValidator


def _day(value: object) -> object:
    if value is None:
        return None
    with contextlib.suppress(ValueError):
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):  # Python reads other forms too
            return datetime.date.fromisoformat(value)
    raise ValueError("must be a date such as 2021-12-31")


Day = Annotated[datetime.date | None, BeforeValidator(_day)]
