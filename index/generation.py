"""Generations: finished, immutable indexes side by side, and the pointer that says which one is served.

    <data>/generations/<name>/   manifest.json  texts.sqlite  keywords/  chroma/  glossary.toml
    <data>/current               the name of the generation that is served

A generation is never changed once its pointer is set. The pointer moves by one atomic rename.
"""

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index.errors import BrokenIndex, BuildRunning, NoIndex, StoreUnavailable

log = logging.getLogger(__name__)
FORMAT = 1
KEPT = 2  # the served generation and the last good one
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
# Chroma rewrites bookkeeping in these on every opening; what they hold is checked row by row instead.
_CHANGES_WHEN_READ = re.compile(r"chroma/(chroma\.sqlite3(-\w+)?|[^/]+/length\.bin)")


@dataclass(frozen=True, slots=True)
class EncoderStamp:
    """Which model made the vectors of one collection, how many, and the sha256 of ids and vectors in chunk order."""

    name: str
    digest: str
    dimension: int
    count: int
    seal: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of. Two generations with one `corpus` and one `recipe` answer alike."""

    format: int
    generation: str
    created: str
    corpus: str
    recipe: str
    documents: int
    chunks: int
    ids: str
    encoders: tuple[EncoderStamp, ...]
    files: dict[str, str]
    skipped: tuple[tuple[str, str, bool], ...]

    @classmethod
    def parse(cls, text: str) -> "Manifest":
        """Raises BrokenIndex when `text` is not a manifest of this format."""
        try:
            raw: dict[str, Any] = json.loads(text)
            if raw["format"] != FORMAT:
                raise BrokenIndex(f"format {raw['format']}, this program reads {FORMAT}; run: python -m index build")
            raw["encoders"] = tuple(EncoderStamp(**e) for e in raw["encoders"])
            raw["skipped"] = tuple((str(p), str(r), bool(b)) for p, r, b in raw["skipped"])
            return cls(**raw)
        except (ValueError, KeyError, TypeError) as error:
            raise BrokenIndex(
                f"its manifest is damaged ({type(error).__name__}); run: python -m index build"
            ) from error

    def json(self) -> str:
        """The manifest as the file holds it."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)


class Generations:
    """The generations of one data folder. `drop` deletes what is kept of one elsewhere, before its folder goes."""

    def __init__(self, data: Path, drop: Callable[[str], None] = lambda _: None) -> None:
        self.data, self._root, self._pointer, self._drop = data, data / "generations", data / "current", drop

    def folder(self, name: str) -> Path:
        """Where generation `name` is kept."""
        return self._root / name

    def names(self) -> list[str]:
        """All finished generations, oldest first."""
        if not self._root.is_dir():
            return []
        return sorted(p.name for p in self._root.iterdir() if _NAME.fullmatch(p.name) and p.is_dir())

    def current(self) -> str:
        """The name of the served generation. Raises NoIndex before the first build, BrokenIndex for a bad pointer."""
        try:
            name = self._pointer.read_text("utf-8").strip()
        except FileNotFoundError:
            raise NoIndex(f"no index in {self.data}; run: python -m index build") from None
        except (OSError, UnicodeDecodeError) as error:
            raise BrokenIndex(
                f"{self._pointer} cannot be read ({type(error).__name__}); run: python -m index build"
            ) from error
        if not _NAME.fullmatch(name) or not self.folder(name).is_dir():
            raise BrokenIndex(f"{self._pointer} names no generation; run: python -m index rollback or build")
        return name

    def manifest(self, name: str) -> Manifest:
        """The manifest of generation `name`. Raises BrokenIndex."""
        try:
            text = (self.folder(name) / "manifest.json").read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BrokenIndex(f"generation {name} has no readable manifest; run: python -m index build") from error
        return Manifest.parse(text)

    def check_files(self, name: str) -> Manifest:
        """Compare every file of the generation with its hash. Raises BrokenIndex naming the first that differs."""
        manifest = self.manifest(name)
        found = file_hashes(self.folder(name))
        for path in sorted(manifest.files.keys() | found.keys()):
            if manifest.files.get(path) != found.get(path):
                state = "damaged" if path in found else "missing"
                raise BrokenIndex(f"generation {name}: {path} is {state}; run: python -m index rollback or build")
        return manifest

    def switch(self, name: str) -> None:
        """Serve generation `name` from now on: one atomic rename, on disk before this returns."""
        temporary = self._pointer.with_name(f"current.{os.getpid()}.tmp")
        with temporary.open("w", encoding="utf-8") as stream:
            stream.write(name)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, self._pointer)
        sync_folder(self.data)

    def rollback(self) -> str:
        """Serve the generation before the current one; its name. Raises NoIndex where there is none."""
        names = self.names()
        try:
            older = [n for n in names if n < self.current()]
        except BrokenIndex:
            older = names
        for name in reversed(older):
            try:
                self.check_files(name)
            except BrokenIndex:
                continue
            self.switch(name)
            return name
        raise NoIndex("there is no older generation to go back to; run: python -m index build")

    def prune(self) -> list[str]:
        """Delete what a finished build leaves behind: unfinished folders and all but the KEPT newest generations."""
        current = self.current()
        older = [n for n in self.names() if n != current]
        doomed = older[: max(0, len(older) - (KEPT - 1))]
        for path in self.data.glob("current.*.tmp"):
            path.unlink(missing_ok=True)
        for path in self._root.glob("*.tmp"):
            self._delete(path)
        return [n for n in doomed if self._delete(self.folder(n))]

    def discard(self, name: str) -> None:
        """Delete a generation whose build failed."""
        unfinished = self.folder(f"{name}.tmp")
        if self.folder(name).exists():
            self.folder(name).rename(unfinished)  # what cannot be deleted now must not be taken for a whole one
        self._delete(unfinished)

    def _delete(self, folder: Path) -> bool:
        """False where what is kept elsewhere cannot be deleted now; the folder stays then, so that the next build does
        it."""
        try:
            self._drop(folder.name.removesuffix(".tmp"))
        except StoreUnavailable as error:
            log.warning("%s is kept until the next build: %s", folder, error)
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return True

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the build lock. Raises BuildRunning when another process has it (a dead one holds none), and
        StoreUnavailable for what the disk refuses meanwhile."""
        with self._disk_errors(), self._locked():
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = (self.data / "build.lock").open("a+", encoding="utf-8")
        except OSError as error:
            raise StoreUnavailable(
                f"cannot write to {self.data} ({error.strerror}); set ASSISTANT_DATA to a folder of your own"
            ) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                raise BuildRunning(
                    f"process {lock.read().strip() or 'unknown'} is building in {self.data}; wait for it"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, StoreUnavailable) as error:
            # SQLite and Chroma tell of a full disk in words only.
            if getattr(error, "errno", None) in _FULL or "disk is full" in str(error):
                free = shutil.disk_usage(self.data).free >> 20
                raise StoreUnavailable(
                    f"the disk of {self.data} is full: {self._needed()}{free} MB are free; make room and build again; "
                    "the index stays as it is"
                ) from error
            if isinstance(error, StoreUnavailable):
                raise
            raise StoreUnavailable(f"{self.data} cannot be written ({error}); the index stays as it is") from error

    def _needed(self) -> str:
        """What another generation takes, judged by the newest; nothing before the first."""
        if not (names := self.names()):
            return ""
        size = sum(p.stat().st_size for p in self.folder(names[-1]).rglob("*") if p.is_file())
        return f"a build needs about {(size >> 20) + 1} MB, "


def file_hashes(folder: Path) -> dict[str, str]:
    """sha256 of every file below `folder` that does not change when it is read, by relative path."""
    hashes = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "manifest.json" and not _CHANGES_WHEN_READ.fullmatch(name):
            with path.open("rb") as stream:
                hashes[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashes


def sync_tree(folder: Path) -> None:
    """Make every file below `folder` durable."""
    for path in [folder, *folder.rglob("*")]:
        sync_folder(path)


def sync_folder(folder: Path) -> None:
    """Make a file, or renames inside a folder, durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
