"""Requests of a caller are counted, by each process or by all replicas together in a real Redis."""

import asyncio
import contextlib
import logging
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from assistant import doctor
from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.web.limits import Limits
from assistant.web.problems import Refused
from assistant.web.rates import Rates, ping
from index.errors import ConfigurationError
from tests.served import free_port, wait


class Redis:
    """A server of our own."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        command = [
            "redis-server",
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert wait(self.answers, 20)

    def answers(self) -> bool:
        try:
            ping(self.url)
        except ConfigurationError:
            return False
        return True

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server; it is a package of Debian")
    made = Redis(tmp_path)
    made.start()
    yield made
    made.stop()


@contextlib.asynccontextmanager
async def counting(*redis: str | None) -> AsyncIterator[list[Rates]]:
    """One that counts for each, closed at the end."""
    made = [Rates(FEW, url) for url in redis]
    yield made
    for rates in made:
        await rates.close()


async def allowed(rates: Rates, times: int, who: str = "key alice") -> int:
    """How many of so many requests are let through."""
    count = 0
    for _ in range(times):
        try:
            await rates.spend("requests", who)
            count += 1
        except Refused as refused:
            assert refused.problem.status == 429 and 1 <= (refused.problem.retry_after or 0) <= 60
    return count


FEW = Limits(requests=10)


def test_processes_without_redis_count_alone() -> None:
    async def both() -> tuple[int, int]:
        async with counting(None, None) as (one, other):
            return await allowed(one, 12), await allowed(other, 12)

    assert asyncio.run(both()) == (10, 10)


def test_replicas_count_together_and_each_caller_for_himself(server: Redis) -> None:
    async def replicas() -> list[int]:
        async with counting(server.url, server.url) as (one, two):
            many = [await allowed(one, 6), await allowed(two, 6), await allowed(one, 3)]
            return [*many, await allowed(two, 3, "key bob")]

    assert asyncio.run(replicas()) == [6, 4, 0, 3]


def test_while_redis_is_down_nobody_is_kept_out_and_it_is_told_once(
    server: Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.web.rates._AGAIN", 0.3)

    async def outage() -> list[int]:
        async with counting(server.url) as (rates,):
            before = await allowed(rates, 10)
            server.stop()
            down = await allowed(rates, 12)
            told = len(caplog.records)
            server.start()
            await asyncio.sleep(0.4)
            return [before, down, told, await allowed(rates, 12)]

    with caplog.at_level(logging.WARNING, "assistant.web.rates"):
        assert asyncio.run(outage()) == [10, 10, 1, 10]  # a new Redis knows nothing of before
    assert "each process counts alone" in caplog.text and str(server.port) not in caplog.text


def test_two_replicas_over_http(server: Redis, small: Assistant, tmp_path: Path) -> None:
    with contextlib.closing(History(tmp_path / "c.sqlite")) as history, contextlib.ExitStack() as stack:
        webs = [create_web(small, Dialogue(small.answer, history), limits=FEW, redis=server.url) for _ in range(2)]
        replicas = [stack.enter_context(TestClient(web)) for web in webs]
        assert [replicas[n % 2].get("/api/sources").status_code for n in range(12)] == [200] * 10 + [429] * 2


def test_doctor_asks_redis_and_a_wrong_address_is_refused(server: Redis, settings: AssistantSettings) -> None:
    def found(url: str) -> doctor.Result:
        given = AssistantSettings.model_validate(settings.model_dump() | {"redis_url": url})
        return next(r for r in doctor.run(given) if r.name == "rates")

    assert found(server.url).ok
    server.stop()
    broken = found(server.url)
    assert not broken.ok and "ASSISTANT_REDIS_URL" in broken.found and "each process counts" in broken.found
    with pytest.raises(ValueError, match="write redis://"):
        AssistantSettings(redis_url="http://127.0.0.1")


def test_several_event_loops_share_one_count() -> None:
    rates, let = Rates(Limits(requests=100)), list[bool]()

    async def spend() -> None:
        for _ in range(200):
            with contextlib.suppress(Refused):
                await rates.spend("requests", "alice")
                let.append(True)

    threads = [threading.Thread(target=lambda: asyncio.run(spend()), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads) and len(let) == 100
