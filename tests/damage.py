"""Damages the served generation in every way and checks that nothing damaged is served, and that the process lives.

    python -m tests.damage --flips 200

Eleven kinds of damage, then bytes and blocks of 4 KB flipped at random places of all files. Each time the last good
generation has to answer, or the damaged one, where its exhaustive check finds every vector and text as it was written:
a database has bytes that mean nothing. Prints one line of JSON; exit code 1 when something damaged was served, a
process died, or a kind of damage changed no byte.
"""

import argparse
import json
import logging
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from index import wire
from index.settings import IndexSettings
from tests.conftest import Workshop
from tests.kills import forked, write

_BLOCK = 4096


def cut(path: Path) -> None:
    """Lose the second half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path, start: int, length: int) -> None:
    """Invert bytes."""
    content = bytearray(path.read_bytes())
    content[start : start + length] = bytes(b ^ 0xFF for b in content[start : start + length])
    path.write_bytes(content)


def one(folder: Path, name: str) -> Path:
    """The first file of this name below `folder`."""
    return min(folder.rglob(name))


KINDS: dict[str, Callable[[Path], object]] = {
    "database cut": lambda f: cut(f / "chroma" / "chroma.sqlite3"),
    "database emptied": lambda f: (f / "chroma" / "chroma.sqlite3").write_bytes(b""),
    "database, 4 KB flipped": lambda f: flip(f / "chroma" / "chroma.sqlite3", 3 * _BLOCK, _BLOCK),
    "vectors cut": lambda f: cut(one(f, "data_level0.bin")),
    "vectors flipped": lambda f: flip(one(f, "data_level0.bin"), 100, _BLOCK),
    "header cut": lambda f: cut(one(f, "header.bin")),
    "lengths cut": lambda f: cut(one(f, "length.bin")),
    "links longer": lambda f: one(f, "link_lists.bin").write_bytes(b"\xff" * 99),
    "graph removed": lambda f: shutil.rmtree(one(f, "header.bin").parent),
    "texts cut": lambda f: cut(f / "texts.sqlite"),
    "keywords removed": lambda f: shutil.rmtree(f / "keywords"),
}


def answered(settings: IndexSettings, workshop: Workshop) -> str:
    """Which generation answers, and whether it is as it was written."""
    index = wire.open_index(settings, (workshop.encoder,))
    try:
        assert index.search("submarines", 3)
    finally:
        index.close()
    wire.verify(settings, index.name)
    return index.name


def state(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def run(folder: Path, flips: int, seed: int) -> tuple[Counter[str], list[str], float]:
    """What answered, what was wrong, and the longest time until an answer in seconds."""
    workshop, chance, seen, wrong, longest = Workshop(folder), random.Random(seed), Counter[str](), list[str](), 0.0
    names = []
    for version in (0, 1):
        write(workshop, version)
        forked(workshop.build)
        names.append(workshop.generations.current())
        time.sleep(1.1)  # names of generations count seconds
    damages = list(KINDS.items())
    files = sorted(state(workshop.generations.folder(names[1])).items())
    for n in range(flips):
        name, content = chance.choice([f for f in files if f[1]])
        start, length = chance.randrange(len(content)), chance.choice((1, _BLOCK))
        damages.append((f"flip {n} of {name}", lambda f, x=(name, start, length): flip(f / x[0], x[1], x[2])))  # type: ignore[misc]
    for what, damage in damages:
        place = folder / "damaged"
        shutil.copytree(workshop.data, place)
        damage(place / "generations" / names[1])
        if state(place / "generations" / names[1]) == dict(files):
            wrong.append(f"{what}: changed nothing")
        started = time.monotonic()
        code, name = forked(lambda: answered(IndexSettings(data=place), workshop))  # noqa: B023
        longest = max(longest, time.monotonic() - started)
        if code != 0 or name not in names:
            wrong.append(f"{what}: the process ended with {code}")
        seen["the last good one answered" if name == names[0] else "harmless: all is as written"] += 1
        shutil.rmtree(place)
    return seen, wrong, longest


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when something damaged was served or a process died."""
    parser = argparse.ArgumentParser(prog="python -m tests.damage", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # that a generation is not served is what is wanted
    with tempfile.TemporaryDirectory() as folder:
        seen, wrong, longest = run(Path(folder), options.flips, options.seed)
    sys.stdout.write("".join(f"{w}\n" for w in wrong[:20]))
    told = {"kinds": len(KINDS), "flips": options.flips, **dict(sorted(seen.items())), "wrong": len(wrong)}
    sys.stdout.write(json.dumps(told | {"longest until an answer, seconds": round(longest, 2)}) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
