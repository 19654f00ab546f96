"""How often a caller may ask: counted in this process, or in Redis for all replicas together."""

import contextlib
import logging
import math
import time
from typing import Any

import redis
import redis.asyncio
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter as Shared
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from assistant.web.limits import Kind, Limits
from assistant.web.problems import Problem, Refused
from index.errors import ConfigurationError

log = logging.getLogger(__name__)
_SECONDS = 0.5  # to wait for Redis
_AGAIN = 10.0  # seconds after a failure in which Redis is not asked again


class Rates:
    """Counts what each caller did within the last minute. With `redis`, a URL, all processes that share it count
    together; while it does not answer each counts alone, so that nobody is kept out by its failure."""

    def __init__(self, limits: Limits, redis: str | None = None) -> None:
        # Not the asynchronous one: its locks hang where two event loops share it, and it looks at all keys at each hit.
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._connections = _connections(redis) if redis else None
        self._shared = Shared(_storage(self._connections)) if self._connections else None
        self._down_until = 0.0
        most: dict[Kind, int] = {
            "questions": limits.questions, "requests": limits.requests, "bad keys": limits.bad_keys,
        }  # fmt: skip
        self._most = {kind: RateLimitItemPerMinute(n, namespace=kind) for kind, n in most.items()}

    async def spend(self, kind: Kind, who: str) -> None:
        """Count one. Raises Refused where it is too many."""
        item = self._most[kind]
        wait = await self._wait(item, who)
        if wait is not None:
            many = f"More than {item.amount} {kind} a minute"
            raise Refused(Problem(429, many, "Wait, then go on more slowly", max(1, math.ceil(wait))))

    async def close(self) -> None:
        """End the connections to Redis."""
        if self._connections is not None:
            await self._connections.disconnect()

    async def _wait(self, item: RateLimitItemPerMinute, who: str) -> float | None:
        """Seconds to wait, None where one more is allowed and counted."""
        if self._shared is not None and time.monotonic() >= self._down_until:
            try:
                if await self._shared.hit(item, who):
                    return None
                return (await self._shared.get_window_stats(item, who)).reset_time - time.time()
            except StorageError as error:
                self._down_until = time.monotonic() + _AGAIN
                log.warning("Redis does not answer (%s); each process counts alone", type(error.__cause__).__name__)
        if self._own.hit(item, who):
            return None
        return self._own.get_window_stats(item, who).reset_time - time.time()


def ping(url: str) -> None:
    """Ask Redis whether it is there. Raises ConfigurationError."""
    try:
        with contextlib.closing(redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        raise ConfigurationError(
            f"Redis does not answer ({type(error).__name__}); start it, mend ASSISTANT_REDIS_URL, or unset it: "
            "then each process counts requests alone"
        ) from error


def _connections(url: str) -> redis.asyncio.ConnectionPool:
    return redis.asyncio.ConnectionPool.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS)


def _storage(pool: redis.asyncio.ConnectionPool) -> RedisStorage:
    options: Any = {"connection_pool": pool}
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", key_prefix="union-state",
                        **options)  # fmt: skip
