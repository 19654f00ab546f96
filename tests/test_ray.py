"""Embedding on a Ray cluster makes the same index, through the loss of workers and of the build itself.

The cluster runs in a process of its own, and so does every build on it: whoever has opened Chroma must not fork."""

import contextlib
import math
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from index import wire
from index.__main__ import main
from index.batches import SIZE
from index.errors import NoIndex
from index.generation import Generations, Manifest
from index.sentence_vectors import SentenceVectors
from index.settings import IndexSettings
from tests.conftest import ROOT, Workshop

pytestmark = pytest.mark.slow
RUN = """import sys; from index.ray_workers import cluster
with cluster("local", 2) as address:
    print(address, flush=True)
    sys.stdin.read()
"""
ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@dataclass(frozen=True, slots=True)
class Cluster:
    address: str
    pid: int


@pytest.fixture(scope="module")
def ray() -> Iterator[Cluster]:
    """A cluster with two workers."""
    with subprocess.Popen([sys.executable, "-c", RUN], cwd=ROOT, env=os.environ | ENVIRONMENT, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, encoding="utf-8") as child:  # fmt: skip
        assert child.stdout and child.stdin
        yield Cluster(child.stdout.readline().strip(), child.pid)
        child.stdin.close()


@dataclass(frozen=True, slots=True)
class Build:
    """A build in a process of its own, and what its workers began."""

    child: subprocess.Popen[str]
    records: Path

    def pids(self) -> list[int]:
        """The worker of each batch that was begun, in order of time."""
        return [int(p.name.split("-")[0]) for p in sorted(self.records.iterdir(), key=lambda p: p.name.split("-")[1])]

    def ends(self) -> str:
        """What it says on standard error, once it has ended well."""
        said = self.child.communicate(timeout=120)[1]
        assert self.child.returncode == 0, said
        return said


@pytest.fixture
def start(workshop: Workshop, ray: Cluster, tmp_path: Path) -> Iterator[Callable[..., Build]]:
    """Starts builds of 60 documents."""
    for n in range(60):
        workshop.write(f"{n}.md", *(f"Remark {m} of paper {n} deals with customs and budget." for m in range(60)))
    begun: list[Build] = []

    def run(*name: str) -> Build:
        records = tmp_path / f"records-{len(begun)}"
        records.mkdir()
        command = [sys.executable, "-m", "tests.ray_build", workshop.sources, workshop.data, records, ray.address]
        begun.append(Build(subprocess.Popen([*map(str, command), *name], cwd=ROOT, env=os.environ | ENVIRONMENT,
                                            stderr=subprocess.PIPE, encoding="utf-8"), records))  # fmt: skip
        return begun[-1]

    yield run
    for build in begun:
        build.child.kill()
        build.child.communicate()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def made(data: Path) -> tuple[object, ...]:
    """All that a build encoded, of the served generation."""
    manifest: Manifest = Generations(data).check_files(Generations(data).current())
    sentences = {name: digest for name, digest in manifest.files.items() if name.startswith("sentences/")}
    assert sentences
    return manifest.ids, manifest.encoders, sentences


def as_ordinary(workshop: Workshop, folder: Path) -> bool:
    """Whether a build in this process makes the same of the same sources."""
    folder.mkdir()
    other = Workshop(folder)
    shutil.copytree(workshop.sources, other.sources, dirs_exist_ok=True)
    other.build()
    return made(other.data) == made(workshop.data)


def batches(workshop: Workshop) -> int:
    """How many the served generation asked for."""
    generations = workshop.generations
    name = generations.current()
    sentences = SentenceVectors(generations.folder(name), 1)
    return sum(math.ceil(n / SIZE) for n in (generations.manifest(name).chunks, len(sentences)))


def test_the_bundled_encoders_make_the_same_bytes(ray: Cluster, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for n in range(3):
        lines = [f"The committee met {m} times in year {n}.\n\nКомитет собирался {m} раз за год." for m in range(20)]
        (sources / f"{n}.md").write_text("\n\n".join(lines), "utf-8")
    wire.build(IndexSettings(sources=(sources,), data=tmp_path / "ordinary"))
    environment = {"ASSISTANT_SOURCES": str(sources), "ASSISTANT_DATA": str(tmp_path / "data")}
    subprocess.run([sys.executable, "-m", "index", "build", "--ray", ray.address], cwd=ROOT, check=True,
                   env=os.environ | ENVIRONMENT | environment)  # fmt: skip
    assert made(tmp_path / "data") == made(tmp_path / "ordinary")


def test_the_batch_of_a_killed_worker_is_done_by_another(
    workshop: Workshop, start: Callable[..., Build], tmp_path: Path
) -> None:
    build = start()
    until(lambda: len(build.pids()) > 3)
    victim = build.pids()[-1]
    os.kill(victim, signal.SIGKILL)
    until(lambda: gone(victim))
    assert "a Ray worker was lost" in build.ends()
    assert len(build.pids()) == batches(workshop) + 1, "its batch was begun twice, no other was"
    assert len(set(build.pids())) == 3 and build.pids()[-1] != victim
    assert as_ordinary(workshop, tmp_path / "other")


def test_a_build_goes_on_after_it_was_killed(workshop: Workshop, start: Callable[..., Build], tmp_path: Path) -> None:
    first, encoded = start(), workshop.data / "encoded"
    until(lambda: len(list(encoded.glob("*"))) > 3)
    first.child.send_signal(signal.SIGKILL)
    assert first.child.wait() == -signal.SIGKILL
    until(lambda: all(gone(pid) for pid in first.pids()))
    kept = len([p for p in encoded.iterdir() if p.suffix != ".tmp"])
    with pytest.raises(NoIndex):
        workshop.generations.current()
    second = start()
    second.ends()
    assert kept > 3 and len(second.pids()) == batches(workshop) - kept > 0
    assert as_ordinary(workshop, tmp_path / "other") and not encoded.exists()


def test_a_worker_with_another_encoder_is_given_nothing(workshop: Workshop, start: Callable[..., Build]) -> None:
    build = start("others")
    assert "ModelUnavailable: a Ray worker has another words" in build.child.communicate(timeout=120)[1]
    assert build.child.returncode == 1 and build.pids() == []


def test_a_cluster_of_our_own_listens_on_loopback_only(ray: Cluster) -> None:
    """Every socket of the process that started it and of all below that."""
    pids, parents = {ray.pid}, dict(processes())
    while below := {pid for pid, parent in parents.items() if parent in pids} - pids:
        pids |= below
    own = {link for pid in pids for link in links(pid)}
    tables = [Path(f"/proc/net/{name}").read_text("utf-8").splitlines() for name in ("tcp", "tcp6")]
    rows = [row.split() for table in tables for row in table]
    listening = [row[1].split(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own]
    assert len(listening) > 3 and set(listening) <= {"0100007F", "0000000000000000FFFF00000100007F"}


def processes() -> Iterator[tuple[int, int]]:
    """Each process and its parent."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            yield int(path.name), int((path / "stat").read_text("utf-8").rpartition(")")[2].split()[1])


def links(pid: int) -> Iterator[str]:
    """What its open files are."""
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                yield os.readlink(f"/proc/{pid}/fd/{name}")


def test_what_stands_in_the_way_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*address: str) -> str:
        monkeypatch.setattr(sys, "argv", ["index", "build", "--ray", *address])
        assert main() == 3
        return capsys.readouterr().err

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = told(address)
        assert refused.startswith(f"no Ray cluster answers at {address} (Connection refused); ")
        assert refused.count("\n") == 1
    assert told("ray://a") == "'ray://a' is no address of a Ray cluster; give it as HOST:PORT\n"
    monkeypatch.setitem(sys.modules, "ray", None)
    assert told() == "Ray is not installed; run: pip install 'union-state-assistant[ray]'\n"
