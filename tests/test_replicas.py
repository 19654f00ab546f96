"""Two real replicas behind a real nginx, on one data folder, one PostgreSQL and one Chroma server behind its proxy: the
index is switched while many ask."""

import hashlib
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from assistant.settings import AssistantSettings
from index import wire
from index.generation import Generations
from tests.chroma_server import TOKEN, Chroma, proxy
from tests.postgres import Cluster
from tests.served import ASKED, free_port, server
from tests.test_nginx import nginx

pytestmark = pytest.mark.slow
_KEYS = [f"key-{n}" for n in range(6)]  # an asker each
_PAUSE = 0.5  # seconds between two questions of one: a caller may ask 120 a minute


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer: when it was asked for, by whom, and what came. `index` is empty where it failed."""

    began: float
    asker: int
    status: int
    index: str
    text: str


@dataclass(slots=True)
class Crowd:
    """Asks again and again, each asker in a conversation of its own."""

    client: httpx.Client
    heard: list[Heard] = field(default_factory=list)
    _until: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Crowd":
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(len(_KEYS))]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._until.set()
        for thread in self._threads:
            thread.join(60)

    def _ask(self, asker: int) -> None:
        conversation, headers = dict[str, str](), {"Authorization": f"Bearer {_KEYS[asker]}"}
        for n in itertools.count():
            if self._until.wait(_PAUSE):
                return
            began = time.monotonic()
            question = {"question": f"{ASKED}{'?' * (n % 5)}"} | conversation
            reply = self.client.post("/api/ask", json=question, headers=headers)
            said = reply.json()
            if reply.status_code == 200:
                conversation = {"conversation_id": said["conversation_id"]}
            text = said.get("text", "") + "".join(c["quote"] for c in said.get("citations", ()))
            self.heard.append(Heard(began, asker, reply.status_code, said.get("index", ""), text))

    def hear(self, more: int) -> None:
        """Wait for so many answers more."""
        until, wanted = time.monotonic() + 60, len(self.heard) + more
        while len(self.heard) < wanted and time.monotonic() < until:
            time.sleep(0.01)
        assert len(self.heard) >= wanted


@pytest.fixture
def replicas(tmp_path: Path, cluster: Cluster) -> Iterator[list[AssistantSettings]]:
    """The settings of two, on an index of one document."""
    (tmp_path / "sources").mkdir()
    write(tmp_path, 2026)
    lines = [f"asker-{n}:{hashlib.sha256(key.encode()).hexdigest()}\n" for n, key in enumerate(_KEYS)]
    (tmp_path / "keys").write_text("".join(lines), "utf-8")
    chroma = Chroma(tmp_path / "chroma")
    with proxy(tmp_path / "bearer", chroma) as url:
        shared = AssistantSettings(
            sources=(tmp_path / "sources",), data=tmp_path / "data", chroma_url=url, chroma_token=SecretStr(TOKEN),
            database_url=SecretStr(cluster.database()), api_keys_file=tmp_path / "keys",
        )  # fmt: skip
        wire.build(shared)
        yield [shared.model_copy(update={"port": free_port()}) for _ in range(2)]
    chroma.stop()


def write(folder: Path, year: int) -> None:
    text = f"# Roaming\n\nRoaming fees between both countries end in {year}.\n"
    (folder / "sources" / "a.md").write_text(text, "utf-8")


def test_replicas_switch_generations_together(
    replicas: list[AssistantSettings], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    generations = Generations(replicas[0].data)
    old, switched = generations.current(), list[tuple[float, str]]()
    with ExitStack() as stack:
        for replica in replicas:
            stack.enter_context(server(replica))
        (tmp_path / "balancer").mkdir()
        client = stack.enter_context(nginx(tmp_path / "balancer", [r.port for r in replicas]))
        with Crowd(client) as crowd:
            crowd.hear(20)
            write(tmp_path, 2031)
            new = wire.build(replicas[0]).generation
            switched.append((time.monotonic(), new))
            crowd.hear(20)
            assert generations.rollback() == old
            switched.append((time.monotonic(), old))
            crowd.hear(20)
        assert all(answers(r.port) > len(crowd.heard) // 4 for r in replicas)  # each had its share
        ready = [httpx.get(f"http://127.0.0.1:{r.port}/readyz").json()["index"] for r in replicas]
        assert ready == [old, old]
    years = {old: "2026", new: "2031"}
    assert [h for h in crowd.heard if h.status != 200] == []
    assert {h.index for h in crowd.heard} == set(years)
    mixed = [h for h in crowd.heard if any((year in h.text) != (name == h.index) for name, year in years.items())]
    assert mixed == []
    late = [h for h in crowd.heard if h.index != expected(h.began, [(0.0, old), *switched], h.index)]
    assert late == [], "whoever asks after a switch is answered by the new generation, whichever replica answers"
    for asker in range(len(_KEYS)):
        seen = [name for name, _ in itertools.groupby(h.index for h in crowd.heard if h.asker == asker)]
        assert seen in ([old, new, old], [old]), "no conversation goes to and fro"
    record_property("answers while switching", len(crowd.heard))


def answers(port: int) -> int:
    """How many questions the replica on `port` answered."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", headers={"Authorization": f"Bearer {_KEYS[0]}"}).text
    found = re.search(r'^\w+\{[^}]*route="/api/ask",status="200"\} (\d+)', text.replace(", ", ","), re.M)
    return int(found[1]) if found else 0


def expected(began: float, switched: list[tuple[float, str]], index: str) -> str:
    """Which generation has to answer what was asked at a moment. What is noted of a switch is when it was over: shortly
    before, both are right."""
    name = [n for moment, n in switched if moment <= began][-1]
    following = [n for moment, n in switched if moment > began][:1]
    return index if index in following else name
