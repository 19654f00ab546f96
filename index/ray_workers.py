"""Bulk embedding on a Ray cluster: the only file that talks to Ray.

A worker is a process with encoders of its own and one thread; there is one for each CPU of the cluster. It is given
batches once it has shown that its encoders have the digests of ours. The batch of a lost worker goes to another, and a
new one is started in its place. Ray is an optional dependency, imported when a cluster is asked for.
"""

import importlib
import logging
import os
import secrets
import socket
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from index.errors import ClusterUnavailable, ModelUnavailable
from index.ports import Encoder, Vectors

log = logging.getLogger(__name__)
LOCAL = "local"
_CONNECT_SECONDS = 5
_LOSSES = 3  # for each worker, with no batch finished between them: then it is no accident
_OBJECT_STORE_BYTES = 2**28  # holds the few batches that are under way, each below a megabyte


@contextmanager
def cluster(address: str, cpus: int | None = None) -> Iterator[str]:
    """Join the Ray cluster at `address` (HOST:PORT), or with `local` run one on this machine, until the context ends;
    its address. `cpus` limits the workers of a local one. Raises ClusterUnavailable.

    Not for a process that has opened Chroma before: Ray forks, and the fork can hang."""
    _prepare(address)
    ray = _ray()
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        options = _local(folder, cpus) if address == LOCAL else {}
        try:
            context = ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except (OSError, RuntimeError, ray.exceptions.RayError) as error:
            raise ClusterUnavailable(f"Ray does not start at {address} ({_told(error)})") from error
        try:
            yield str(context.address_info["gcs_address"])
        finally:
            ray.shutdown()


def _prepare(address: str) -> None:
    """Set what Ray reads when it is imported."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address == LOCAL or _host(address) in ("127.0.0.1", "localhost"):
        # In spite of its name this is how a node listens on 127.0.0.1 alone, and looks for others there.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if address == LOCAL:  # who has not the token runs nothing on it, even from this machine
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        # By itself Ray gives its workers the lowest priority but four, and they stand still where others compute.
        os.environ.setdefault("RAY_worker_niceness", "0")


def _ray() -> ModuleType:
    try:
        return importlib.import_module("ray")
    except ModuleNotFoundError as error:
        raise ClusterUnavailable("Ray is not installed; run: pip install 'union-state-assistant[ray]'") from error


def _host(address: str) -> str:
    """The host of HOST:PORT, if something listens there: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ClusterUnavailable(f"{address!r} is no address of a Ray cluster; give it as HOST:PORT")
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise ClusterUnavailable(
            f"no Ray cluster answers at {address} ({error.strerror or error}); start one: ray start --head"
        ) from error
    return host


def _local(folder: str, cpus: int | None) -> dict[str, Any]:
    return {
        "num_cpus": cpus or os.cpu_count(),
        "include_dashboard": False,
        "object_store_memory": _OBJECT_STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
        "_temp_dir": folder,
    }


class RayWorkers:
    """A bulk encoder within a `cluster`. `make` makes, on each worker, the same encoders as `encoders`."""

    def __init__(self, encoders: Sequence[Encoder], make: Callable[[], Sequence[Encoder]]) -> None:
        self.encoders: tuple[Encoder, ...] = tuple(encoders)
        self._ray, self._make = _ray(), make
        self._actor = self._ray.remote(_Worker).options(num_cpus=1)
        self._idle: list[Any] = []
        self._starting: dict[Any, Any] = {}
        count = int(self._ray.cluster_resources().get("CPU", 0))
        if not count:
            raise ClusterUnavailable("the Ray cluster has no CPU; start its workers: ray start --address HOST:PORT")
        self._allowed = self._left = _LOSSES * count
        for _ in range(count):
            self._start()

    def encode(self, encoder: Encoder, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        """The place of each batch and its vectors, in the order in which workers finish them.

        Raises ModelUnavailable for a worker with another encoder, ClusterUnavailable when workers keep dying."""
        number = self.encoders.index(encoder)
        waiting, running = deque(range(len(batches))), dict[Any, tuple[Any, int]]()
        while waiting or running:
            while waiting and self._idle:
                worker, place = self._idle.pop(), waiting.popleft()
                running[worker.encode.remote(number, list(batches[place]))] = worker, place
            (done,), _ = self._ray.wait([*running, *self._starting], num_returns=1)
            if done in self._starting:
                self._admit(done)
                continue
            worker, place = running.pop(done)
            vectors = self._result(done)
            if vectors is None:
                waiting.appendleft(place)
            else:
                self._idle.append(worker)
                yield place, vectors

    def _start(self) -> None:
        worker = self._actor.remote(self._make)
        self._starting[worker.digests.remote()] = worker

    def _admit(self, done: Any) -> None:
        worker = self._starting.pop(done)
        digests = self._result(done)
        if digests is None:
            return
        for encoder, found in zip(self.encoders, digests, strict=True):
            if found != encoder.digest:
                raise ModelUnavailable(
                    f"a Ray worker has another {encoder.name} (digest {found[:12]}…, ours is {encoder.digest[:12]}…); "
                    "install the same release and model on every machine of the cluster"
                )
        self._idle.append(worker)

    def _result(self, done: Any) -> Any:
        """What a worker returned; None where it was lost, and another is started in its place."""
        errors = self._ray.exceptions
        try:
            found = self._ray.get(done)
        except errors.RayTaskError as error:
            raise ClusterUnavailable(f"a Ray worker failed: {_told(error.cause)}") from error
        except (errors.RayActorError, errors.ObjectLostError) as error:
            self._left -= 1
            if self._left < 0:
                raise ClusterUnavailable(
                    f"Ray workers keep dying ({_told(error)}); finished batches are kept"
                ) from error
            log.warning("a Ray worker was lost; its batch is encoded again")
            self._start()
            return None
        self._left = self._allowed
        return found


class _Worker:
    """What runs in a worker's process."""

    def __init__(self, make: Callable[[], Sequence[Encoder]]) -> None:
        self._make, self._encoders = make, tuple[Encoder, ...]()

    def digests(self) -> list[str]:
        """Make the encoders; their digests."""
        os.environ["OMP_NUM_THREADS"] = "1"
        self._encoders = tuple(self._make())
        return [e.digest for e in self._encoders]

    def encode(self, number: int, texts: list[str]) -> Vectors:
        """The vectors of one batch by encoder `number`."""
        return self._encoders[number].encode(texts)


def _told(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
