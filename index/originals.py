"""The originals that the notes restate: reads `sources/catalog.toml`, fetches, keeps the last good copy of each.

Originals are kept in the data folder, never beside the notes in the repository, each with its metadata, so that the
folder can be named in ASSISTANT_SOURCES.
"""

import datetime
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from index.errors import ConfigurationError, UnreadableSource
from index.fetch import Fetched, Fetcher, vet_url

_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,120}")
_KEPT = ("title", "publisher", "author", "published", "language", "kind", "holder")


@dataclass(frozen=True, slots=True)
class Origin:
    """One entry of the catalog. `url` is None where no public address is known; `about` holds its metadata."""

    id: str
    url: str | None
    licence: str
    about: dict[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one origin. `kept` is the day of the last good copy, None where there is none."""

    id: str
    state: Literal["fetched", "unchanged", "kept", "failed", "no address"]
    reason: str | None
    kept: str | None


def read_catalog(folders: Sequence[Path]) -> list[Origin]:
    """The origins that the folders' catalogs name. Raises ConfigurationError naming the bad entry."""
    origins: dict[str, Origin] = {}
    for folder in folders:
        if not (path := folder / "catalog.toml").is_file():
            continue
        try:
            tables = tomllib.loads(path.read_text("utf-8")).get("origin", [])
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise ConfigurationError(f"{path} cannot be read: {error}") from error
        for number, table in enumerate(tables, 1):
            identity = str(table.get("id", ""))
            if not _ID.fullmatch(identity) or identity in origins:
                raise ConfigurationError(f"{path}: origin {number} has the bad or repeated id {identity!r}")
            about = {k: str(table[k]) for k in _KEPT if k in table}
            origins[identity] = Origin(identity, table.get("url") or None, str(table.get("licence", "")), about)
    return list(origins.values())


class Originals:
    """Copies of originals in one folder, with a log of what came of each."""

    def __init__(
        self, folder: Path, fetcher: Fetcher, today: Callable[[], datetime.date] = datetime.date.today
    ) -> None:
        self._folder, self._fetcher, self._today = folder, fetcher, today
        self._log = folder / "originals.json"

    def fetch(self, origins: Sequence[Origin]) -> Iterator[Outcome]:
        """Fetch each origin, one request an address, and keep what came. One failure does not stop the others."""
        self._folder.mkdir(parents=True, exist_ok=True)
        known = self.log()
        answers: dict[str, Fetched | UnreadableSource] = {}
        for origin in origins:
            outcome = self._one(origin, known.get(origin.id, {}), answers)
            known[origin.id] = asdict(outcome) | {"sha256": self._digest(origin.id), "tried": self._today().isoformat()}
            _write(self._log, json.dumps(known, ensure_ascii=False, indent=1, sort_keys=True).encode())
            yield outcome

    def log(self) -> dict[str, dict[str, str | None]]:
        """What came of each origin when it was last tried, by id; empty before the first."""
        try:
            found: dict[str, dict[str, str | None]] = json.loads(self._log.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found

    def _one(self, origin: Origin, before: dict[str, str | None],
             answers: dict[str, Fetched | UnreadableSource]) -> Outcome:  # fmt: skip
        kept = before.get("kept") if self._copy(origin.id) else None
        if origin.url is None:
            return Outcome(origin.id, "no address", None, kept)
        answer = self._answer(origin.url, answers)
        if isinstance(answer, UnreadableSource):
            return Outcome(origin.id, "kept" if kept else "failed", str(answer), kept)
        same = self._digest(origin.id) == hashlib.sha256(answer.content).hexdigest()
        self._keep(origin, answer)
        return Outcome(origin.id, "unchanged" if same else "fetched", None, self._today().isoformat())

    def _answer(self, url: str, answers: dict[str, Fetched | UnreadableSource]) -> Fetched | UnreadableSource:
        """What `url` holds; addresses that differ in their fragment only are asked once."""
        try:
            key = str(vet_url(url))
            if key not in answers:
                answers[key] = self._fetcher.fetch(url)
        except UnreadableSource as error:
            return answers.setdefault(url.partition("#")[0], error)
        return answers[key]

    def _keep(self, origin: Origin, fetched: Fetched) -> None:
        """Replace the copy: metadata first, so that a copy never lacks them; then the older kinds of it go."""
        path = self._folder / f"{origin.id}{fetched.suffix}"
        about = {"id": f"{origin.id}-original", **origin.about, "url": fetched.url, "text": "original",
                 "retrieved": self._today().isoformat()}  # fmt: skip
        lines = "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in about.items())
        _write(path.with_name(path.name + ".toml"), lines.encode())
        old = self._copy(origin.id)
        _write(path, fetched.content)
        if old is not None and old != path:
            old.unlink()
            old.with_name(old.name + ".toml").unlink(missing_ok=True)

    def _copy(self, identity: str) -> Path | None:
        """The kept copy of an origin."""
        return next((p for p in sorted(self._folder.glob(f"{identity}.*"))
                     if p.stem == identity and p.suffix not in (".toml", ".json", ".tmp")), None)  # fmt: skip

    def _digest(self, identity: str) -> str | None:
        path = self._copy(identity)
        return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)
