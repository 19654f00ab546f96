"""Backup and restore: one archive of the served index, the conversations and the records of answers.

    manifest.json  current  generations/<name>/…  conversations.sqlite  traces/<trace>.json

A ZIP file; its manifest has the size and the sha256 of every member. Not in it: settings, keys, sources, and
conversations that are kept by a PostgreSQL server, which pg_dump saves.
"""

import contextlib
import ctypes
import datetime
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from assistant.history import DatabaseFailed, History
from assistant.settings import AssistantSettings
from index.errors import BrokenIndex, BuildRunning, ConfigurationError, IndexingError, StoreUnavailable
from index.generation import Generations, sync_folder, sync_tree
from index.ports import Progress
from index.settings import IndexSettings
from index.wire import verify_in_child

FORMAT = 1
_MANIFEST, _DATABASE = "manifest.json", "conversations.sqlite"
_LARGEST_MANIFEST = 256 << 20
# What a data folder may hold; no part of a path is "..", starts with "/", or is a name of another kind of file.
_MEMBER = re.compile(
    r"current|conversations\.sqlite|traces/[0-9a-f]{24}\.json|generations/\d{8}-\d{6}-[0-9a-f]{8}(/(?!\.)[\w.-]+)+",
    re.ASCII,
)
_AT_ONCE = 1 << 20
_EXCHANGE, _RELATIVE_TO_HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux


class BadArchive(IndexingError):
    """The archive is damaged, or not made by `save`."""


class NotReplaced(IndexingError):
    """Something is there already and was left as it is."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive: bytes, and their sha256 in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive holds. `conversations` is False where a server keeps them."""

    format: int
    created: str
    generation: str
    conversations: bool
    files: dict[str, Member]

    @classmethod
    def parse(cls, text: bytes) -> "Contents":
        """Raises BadArchive when `text` is no manifest of this format."""
        try:
            raw = json.loads(text)
            if raw["format"] != FORMAT:
                raise BadArchive(f"it has format {raw['format']}, this program reads {FORMAT}; update the program")
            raw["files"] = {str(n): Member(int(m["size"]), str(m["sha256"])) for n, m in raw["files"].items()}
            return cls(**raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadArchive(f"its manifest is damaged ({type(error).__name__}); use another backup") from error

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(m.size for m in self.files.values())


def save(settings: AssistantSettings, file: Path, progress: Progress = lambda *_: None) -> Contents:
    """Write an archive of what is served now, while others ask and write. `file` appears whole or not at all.

    Raises NotReplaced where `file` exists, BrokenIndex and DatabaseFailed where what is to be saved is damaged."""
    if settings.chroma_url:
        raise ConfigurationError("ASSISTANT_CHROMA_URL is set: that server has the vectors; save its own files instead")
    if file.exists():
        raise NotReplaced(f"{file} exists; name a new file")
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    try:
        with _disk_errors(file), _private(temporary) as stream, _aside(file) as aside:
            contents = _write(settings, stream, aside, progress)
            stream.flush()
            os.fsync(stream.fileno())
            os.link(temporary, file)  # unlike a rename, never over what came there meanwhile
            sync_folder(file.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return contents


def _private(path: Path) -> IO[bytes]:
    """A new file that only its owner reads: it is going to hold conversations."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")


@contextlib.contextmanager
def _aside(file: Path) -> Iterator[Path]:
    """A folder beside `file` for copies of databases."""
    with tempfile.TemporaryDirectory(prefix=f"{file.name}.", dir=file.parent) as folder:
        yield Path(folder)


def _write(settings: AssistantSettings, stream: IO[bytes], aside: Path, progress: Progress) -> Contents:
    generations = Generations(settings.data)
    name = generations.current()
    expected = generations.manifest(name).files
    files: dict[str, Member] = {}
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        found = sorted(p for p in generations.folder(name).rglob("*") if p.is_file())
        for done, path in enumerate(found, 1):
            relative = path.relative_to(generations.folder(name)).as_posix()
            if path.name.startswith("chroma.sqlite3-"):
                continue  # its log, which the copy of the database holds
            source = _copied(path, aside) if path.name == "chroma.sqlite3" else path
            member = files[f"generations/{name}/{relative}"] = _add(archive, f"generations/{name}/{relative}", source)
            if expected.pop(relative, member.sha256) != member.sha256:
                raise BrokenIndex(f"generation {name}: {relative} is damaged; run: python -m index rollback or build")
            progress("saving the index", done, len(found))
        if expected:
            raise BrokenIndex(f"generation {name}: {min(expected)} is missing; run: python -m index rollback or build")
        for path in _records(settings.data):
            with contextlib.suppress(FileNotFoundError):  # deleted with its conversation just now
                files[f"traces/{path.name}"] = _add(archive, f"traces/{path.name}", path)
        database = _database(settings)
        if database is not None and database.exists():
            progress("saving the conversations", 0, 1)
            files[_DATABASE] = _add(archive, _DATABASE, _copied(database, aside))
            progress("saving the conversations", 1, 1)
        (aside / "current").write_text(name, "utf-8")
        files["current"] = _add(archive, "current", aside / "current")
        created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        contents = Contents(FORMAT, created, name, _DATABASE in files, files)
        archive.writestr(_MANIFEST, json.dumps(asdict(contents), sort_keys=True))
    return contents


def _database(settings: AssistantSettings) -> Path | None:
    """The SQLite file of the conversations; None where a server keeps them."""
    if settings.database_url is None:
        return settings.data / _DATABASE
    with contextlib.closing(History(settings.database_url.get_secret_value())) as history:
        return history.file


def _records(data: Path) -> list[Path]:
    return sorted(p for p in (data / "traces").glob("*.json") if _MEMBER.fullmatch(f"traces/{p.name}"))


def _copied(database: Path, aside: Path) -> Path:
    """A copy of an SQLite database as it is at one moment, whoever writes it. Raises DatabaseFailed."""
    copy = aside / database.name
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)  # in one step: in several, each write of another process starts it anew
            found = target.execute("PRAGMA quick_check(1)").fetchone()[0]
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise DatabaseFailed(f"{database} cannot be saved ({error}); mend it or move it away") from error
    if found != "ok":
        raise DatabaseFailed(f"{database} is damaged and was not saved; restore an older backup")
    return copy


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> Member:
    """Put a file into the archive; what was put there."""
    with path.open("rb") as source:
        entry = zipfile.ZipInfo(name)  # without the day of the file: it says nothing here
        entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
        with archive.open(entry, "w", force_zip64=True) as target:
            return _pour(source, target)


def _pour(source: IO[bytes], target: IO[bytes]) -> Member:
    size, digest = 0, hashlib.sha256()
    while part := source.read(_AT_ONCE):
        target.write(part)
        digest.update(part)
        size += len(part)
    return Member(size, digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put into place. `before` is where the data of before are now, None where there were none."""

    contents: Contents
    before: Path | None


def restore(
    settings: AssistantSettings,
    file: Path,
    force: bool = False,
    progress: Progress = lambda *_: None,
    verify: Callable[[IndexSettings, str], object] = verify_in_child,
) -> Restored:
    """Put an archive in place of the data folder: all of it, once all of it is proven, or nothing.

    With `force` a folder that is not empty is kept under another name. Raises BadArchive, NotReplaced, BrokenIndex,
    DatabaseFailed and StoreUnavailable; nothing has changed then."""
    data = settings.data.resolve()
    with _refusing(file), zipfile.ZipFile(file) as archive:
        contents = _contents(archive)
        if contents.conversations and settings.database_url is not None:
            raise ConfigurationError(
                f"ASSISTANT_DATABASE_URL is set, and {file} holds conversations that go to {data / _DATABASE}; unset it"
            )
        if _filled(data) and not force:
            raise NotReplaced(f"{data} is not empty; add --force to keep it under another name and restore")
        with _disk_errors(data), _staging(data) as staging:
            free = shutil.disk_usage(staging).free
            if contents.size > free:
                raise StoreUnavailable(f"{file} needs {contents.size:,} bytes, {free:,} are free; make room")
            _extract(archive, contents, staging, progress)
            _prove(settings, contents, staging, verify, progress)
            return Restored(contents, _put(data, staging, progress))


def _contents(archive: zipfile.ZipFile) -> Contents:
    """The manifest, when it agrees with the list of members. Raises BadArchive."""
    listed = archive.infolist()
    sizes = {i.filename: i.file_size for i in listed}
    if len(sizes) != len(listed) or sizes.get(_MANIFEST, _LARGEST_MANIFEST + 1) > _LARGEST_MANIFEST:
        raise BadArchive("it has no manifest, or members of one name; use another backup")
    contents = Contents.parse(archive.read(_MANIFEST))
    del sizes[_MANIFEST]
    for name in sorted(sizes.keys() | contents.files.keys()):
        if not _MEMBER.fullmatch(name):
            raise BadArchive(f"{name!r} is no file of a data folder; use another backup")
        if name not in contents.files or sizes.get(name) != contents.files[name].size:
            raise BadArchive(f"{name} is missing, or not of the size that its manifest says; use another backup")
    return contents


def _extract(archive: zipfile.ZipFile, contents: Contents, folder: Path, progress: Progress) -> None:
    done = 0
    for name, member in contents.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(name) as source, _private(path) as target:
            if _pour(source, target) != member:
                raise BadArchive(f"{name} is not what was saved; use another backup")
        done += member.size
        progress("reading the archive", done, contents.size)


def _prove(
    settings: AssistantSettings,
    contents: Contents,
    staging: Path,
    verify: Callable[[IndexSettings, str], object],
    progress: Progress,
) -> None:
    """Raises BrokenIndex, DatabaseFailed or NewerDatabase when this program cannot use what the archive holds."""
    progress("verifying", 0, 1)
    if Generations(staging).current() != contents.generation:
        raise BadArchive("it names two generations; use another backup")
    verify(settings.model_copy(update={"data": staging}), contents.generation)
    if contents.conversations:
        with contextlib.closing(History(staging / _DATABASE)) as history:
            history.ready()
    progress("verifying", 1, 1)


def _put(data: Path, staging: Path, progress: Progress) -> Path | None:
    """Rename `staging` to `data`; where what was there is now. From here on there is no step that can fail halfway."""
    now = datetime.datetime.now(datetime.UTC)
    aside = data.with_name(f"{data.name}.before-{now:%Y%m%d-%H%M%S-%f}")
    with _unused(data) if _filled(data) else contextlib.nullcontext():
        sync_tree(staging)
        progress("switching", 0, 1)
        if _filled(data):
            os.rename(staging, aside)  # so that a crash leaves no folder of a name that the next restore clears
            try:
                _exchange(aside, data)
            except OSError:
                os.rename(aside, staging)
                raise
        else:
            os.rename(staging, data)
        sync_folder(data.parent)
        progress("switching", 1, 1)
    return aside if aside.exists() else None


@contextlib.contextmanager
def _unused(data: Path) -> Iterator[None]:
    """Raises BuildRunning where a process uses the folder: it would go on in the one put aside."""
    with Generations(data).building():
        if (data / _DATABASE).exists():
            with contextlib.closing(sqlite3.connect(data / _DATABASE, timeout=1)) as database:
                try:
                    database.execute("PRAGMA journal_mode = DELETE")  # only the last one can leave the log
                except sqlite3.DatabaseError as error:
                    if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                        raise BuildRunning(f"{data} is in use; stop the assistant, then restore") from None
        yield


def _exchange(one: Path, other: Path) -> None:
    """Swap the names of two folders in one step. Raises OSError; for a system that has no such step, too."""
    swap = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if swap is None:
        raise OSError(errno.ENOSYS, "this system cannot swap two folders in one step; move the old one away first")
    if swap(_RELATIVE_TO_HERE, os.fsencode(one), _RELATIVE_TO_HERE, os.fsencode(other), _EXCHANGE):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def _staging(data: Path) -> Iterator[Path]:
    """An empty folder beside `data`, of one process at a time, which is deleted unless it was renamed."""
    folder = data.with_name(f"{data.name}.restore.tmp")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BuildRunning(f"another process restores to {data}; wait for it") from None
        for left in folder.iterdir():  # by a process that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def _filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())


@contextlib.contextmanager
def _refusing(file: Path) -> Iterator[None]:
    """Name the archive in what is wrong with it."""
    try:
        yield
    except BadArchive as error:
        raise BadArchive(f"{file} is not restored: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"{file} cannot be read ({error.strerror or error})") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        raise BadArchive(f"{file} is damaged or no backup ({type(error).__name__}); use another one") from error


@contextlib.contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StoreUnavailable(f"{error.filename} is not there; check the path, or try again after a build") from error
    except OSError as error:
        raise StoreUnavailable(f"{place} cannot be written ({error.strerror}); nothing was changed") from error
