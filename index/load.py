"""From folders to Documents: finds the files, has a child process parse them, adds their metadata.

A file that cannot be used becomes a Skipped with its reason; the others go on.
"""

import contextlib
import datetime
import hashlib
import json
import os
import re
import select
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, Self, cast

from index.documents import About, Block, Document, Kind, Skipped
from index.errors import UnreadableSource
from index.parsers import MAX_FILE_BYTES, MEMORY_BYTES, PARSERS
from index.sentences import language_of

WALL_SECONDS = 60
FORMS = ("summary", "original")
KINDS = ("treaty", "official", "news", "analysis", "academic", "opposition", "reference")
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


def find(folders: Sequence[Path]) -> Iterator[Path | Skipped]:
    """Files of known suffixes below the folders, in a stable order; anything odd as Skipped. Never leaves a folder.

    Raises UnreadableSource when a folder itself is missing."""
    for folder in folders:
        if not folder.is_dir():
            raise UnreadableSource(f"{folder} is not a folder; set ASSISTANT_SOURCES to folders of documents")
        for parent, below, names in os.walk(folder):
            below[:] = sorted(d for d in below if not d.startswith("."))
            for name in sorted(n for n in names if not n.startswith(".")):
                path = Path(parent, name)
                if path.suffix.lower() != ".toml":
                    yield _vet(path)


def _vet(path: Path) -> Path | Skipped:
    try:
        status = path.lstat()
    except OSError as error:
        return Skipped(shown(path), error.strerror or "cannot be read")
    if not stat.S_ISREG(status.st_mode):
        return Skipped(shown(path), "not a regular file (links are not followed)")
    if path.suffix.lower() not in PARSERS:
        return Skipped(
            shown(path),
            f"unsupported type {path.suffix or 'without suffix'}; known: {', '.join(PARSERS)}",
            broken=False,
        )
    if status.st_size > MAX_FILE_BYTES:
        return Skipped(shown(path), f"larger than {MAX_FILE_BYTES >> 20} MB")
    return path


def shown(path: Path) -> str:
    """The path as it can be printed."""
    return "".join(c if c.isprintable() else "�" for c in str(path))


class Loader:
    """Loads files one by one through a child process that is replaced when it dies or hangs."""

    def __init__(
        self, folders: Sequence[Path], wall_seconds: float = WALL_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._wall_seconds, self._memory_bytes = wall_seconds, memory_bytes
        self._child: subprocess.Popen[str] | None = None
        self._catalog, self.problems = _catalog(folders)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def load(self, path: Path) -> Document:
        """The document in `path`. Raises UnreadableSource with the reason."""
        parsed = self._parse(path)
        if error := parsed.get("error"):
            raise UnreadableSource(str(error))
        about = dict(self._catalog.get(path.resolve(), {}))
        about |= _toml(path.with_name(path.name + ".toml"))
        if parsed["front"] is not None:
            about |= _loads(parsed["front"], "its front matter")
        return _document(path, parsed, about)

    def _parse(self, path: Path) -> dict[str, Any]:
        child = self._child = self._child or _start(self._memory_bytes)
        assert child.stdin is not None and child.stdout is not None
        in_time, line = True, ""
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps({"path": os.fspath(path.resolve())}) + "\n")
            child.stdin.flush()
            in_time = bool(select.select([child.stdout], [], [], self._wall_seconds)[0])
            line = child.stdout.readline() if in_time else ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        self._stop()
        ended = "ended early" if in_time else "took too long"
        limits = f"{self._wall_seconds:g} s, {self._memory_bytes >> 20} MB"
        return {"error": f"its parser {ended} (limits: {limits}); split the file or save it anew"}

    def _stop(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _start(memory_bytes: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "index.parsers", str(memory_bytes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )


def _catalog(folders: Sequence[Path]) -> tuple[dict[Path, dict[str, Any]], list[Skipped]]:
    """Metadata by file from each folder's catalog.toml, whose tables name a `file`; and broken catalogs."""
    entries: dict[Path, dict[str, Any]] = {}
    problems: list[Skipped] = []
    for folder in folders:
        try:
            tables = _toml(folder / "catalog.toml").get("document", [])
            entries |= {
                (folder / str(t["file"])).resolve(): {k: v for k, v in t.items() if k != "file"}
                for t in tables
                if "file" in t
            }
        except (UnreadableSource, AttributeError, TypeError) as error:
            problems.append(Skipped(str(folder / "catalog.toml"), str(error)))
    return entries, problems


def _toml(path: Path) -> dict[str, Any]:
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError:  # there is none, or its name would be too long
        return {}
    try:
        if not regular:
            raise UnreadableSource(f"{path.name} is not a regular file")
        return _loads(path.read_text("utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableSource(f"{path.name} cannot be read ({type(error).__name__})") from error


def _loads(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UnreadableSource(f"{where} is not valid TOML: {error}") from error


def _document(path: Path, parsed: dict[str, Any], given: dict[str, Any]) -> Document:
    text = parsed["text"]
    about = _about(path, parsed, given)
    identity = _text(given, "id") or shown(Path(path.stem))
    if "/" in identity or not identity.isprintable():
        raise UnreadableSource(f"its id {identity!r} holds a slash or control characters")
    blocks = tuple(Block(*b) for b in parsed["blocks"])
    seal = json.dumps([identity, text, blocks and parsed["blocks"], asdict(about)], ensure_ascii=False, sort_keys=True)
    return Document(identity, text, hashlib.sha256(seal.encode("utf-8")).hexdigest(), blocks, about)


def _about(path: Path, parsed: dict[str, Any], given: dict[str, Any]) -> About:
    publisher = _text(given, "publisher") or "unknown publisher"
    kind = _text(given, "kind")
    if kind is not None and kind not in KINDS:
        raise UnreadableSource(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    form = _text(given, "text") or "original"
    if form not in FORMS:
        raise UnreadableSource(f'text {form!r} is neither "summary" nor "original"')
    url = _text(given, "url")
    if url is not None and not re.match(r"https?://[^\s]+$", url):
        raise UnreadableSource(f"url {url!r} is not an http or https address")
    return About(
        title=_text(given, "title") or parsed["title"] or shown(Path(path.stem)),
        publisher=publisher,
        author=_text(given, "author"),
        published=_day(given, "published"),
        url=url,
        language=_text(given, "language") or language_of(parsed["text"]),
        kind=cast(Kind, kind or "unknown"),
        holder=_text(given, "holder") or _text(given, "author") or publisher,
        retrieved=_day(given, "retrieved"),
        text=cast(Literal["summary", "original"], form),
    )


def _text(given: dict[str, Any], key: str) -> str | None:
    value = given.get(key)
    if value is not None and not isinstance(value, str):
        raise UnreadableSource(f"{key} must be text in quotes, found {value!r}")
    return value.strip() or None if value else None


def _day(given: dict[str, Any], key: str) -> str | None:
    """An ISO date; a TOML date, or text of reduced precision such as "2021-09"."""
    value = given.get(key)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise UnreadableSource(f'{key} must be a date such as 2021-12-01 or "2021-12", found {value!r}')
    return value
