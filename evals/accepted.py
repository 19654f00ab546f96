"""What was accepted on purpose: the baseline, and the items that may do worse than it until a day.

`accepted.toml` is written by hand or by `python -m evals accept --expires`.
"""

import datetime
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evals.results import Accepted, BadResults, Results


class Excused(BaseModel):
    """An item that may do worse than in the baseline, why, and the last day on which it may."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    reason: str = Field(min_length=3)
    expires: datetime.date


def load(path: Path) -> list[Excused]:
    """Those of a file; none where there is no file. Raises BadResults."""
    try:
        raw = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        found = [Excused.model_validate(entry) for entry in raw.pop("accepted", [])]
    except (tomllib.TOMLDecodeError, ValidationError, TypeError) as error:
        raise BadResults(f"{path}: each [[accepted]] needs id, reason and expires (a date): {error}") from error
    if raw:
        raise BadResults(f"{path} knows only [[accepted]], not {', '.join(raw)}")
    return found


def dump(entries: Sequence[Excused], path: Path) -> None:
    """Write them, sorted by id."""
    lines = ["# Items that may do worse than evals/baseline.json until a day: see docs/evals.md.\n"]
    for e in sorted(entries, key=lambda e: e.id):
        quoted = json.dumps(e.reason, ensure_ascii=False)
        lines.append(f'[[accepted]]\nid = "{e.id}"\nreason = {quoted}\nexpires = {e.expires}\n')
    path.write_text("\n".join(lines), "utf-8")


def merged(base: Results | None, now: Results, lost: Sequence[str], reason: str, on: datetime.date) -> Results:
    """The next baseline: this run, but for the items of `lost`, which keep what the base has of them."""
    kept = {i: base.by_id[i] for i in lost} if base else {}
    items = tuple(kept.get(i.id, i) for i in now.items)
    return now.model_copy(update={"items": items, "accepted": Accepted(reason=reason, on=on.isoformat())})
