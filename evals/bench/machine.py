"""What the machine can do at most: floating-point operations and bytes a second. Nothing that computes with float32
numbers can be faster than these allow.
"""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from evals.bench.place import Place, Told

_SIDE, _BYTES, _TIMES = 2048, 2**28, 7


def measure(place: Place) -> Told:
    """Best of several: matrix product on one core and on all, copy, and reading for inner products."""
    left = torch.rand(_SIDE, _SIDE)
    work = 2 * _SIDE**3 / 1e9
    cores = os.cpu_count() or 1
    rates = {}
    for threads in {1, cores}:
        torch.set_num_threads(threads)
        rates[f"gflops_{threads}"] = round(work / _best(lambda: left @ left), 1)
    source = np.ones(_BYTES // 4, np.float32)
    target = np.empty_like(source)
    copied = 2 * _BYTES / 1e9 / _best(lambda: np.copyto(target, source))
    table = source.reshape(-1, 512)
    read = _BYTES / 1e9 / _best(lambda: table @ table[0])
    return {"processor": _processor(), "cores": cores, "memory_gb": round(_memory() / 2**30, 1),
            "python": platform.python_version(), "copy_gb_s": round(copied, 1), "read_gb_s": round(read, 1),
            **rates}  # fmt: skip


def _best(run: Callable[[], object]) -> float:
    run()
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        run()
        took.append(time.perf_counter() - started)
    return min(took)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
