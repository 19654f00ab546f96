"""Puts the real parts together: the only file of this package that names them all."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from index import glossary, lexicon, ray_workers
from index.batches import InTurn
from index.channels import Channel, Exact, Graph, Moments
from index.encoders import make_encoders, make_reranker
from index.errors import BrokenIndex, NoIndex, StoreUnavailable, StoreUnreachable
from index.generation import Generations, Manifest
from index.keywords import KeywordIndex
from index.ports import BulkEncoder, Encoder, Progress
from index.search import Index, collection_name
from index.sentence_vectors import SentenceVectors
from index.settings import PREFIX, IndexSettings
from index.store import Server, VectorStore
from index.sync import Builder, BuildReport, held
from index.texts import Texts
from index.verify import check

log = logging.getLogger(__name__)
VERIFY_SECONDS = 3600


def build(settings: IndexSettings, progress: Progress = lambda *_: None, ray: str | None = None) -> BuildReport:
    """Make the index agree with the sources; where `ray` names a cluster, encode there (see `ray_workers.cluster`)."""
    generations = Generations(settings.data, lambda name: drop(settings, name))
    with _bulk(settings, ray) as bulk:
        return Builder(
            generations,
            bulk,
            glossary.find(settings.sources, lexicon.bundled()),
            lambda name, folder: open_store(settings, name, folder),
            lambda name: verify_in_child(settings, name),
            progress,
        ).build(settings.sources)


def drop(settings: IndexSettings, name: str) -> None:
    """Delete what a Chroma server holds of a generation; what stands in its folder goes with that."""
    if settings.chroma_url:
        with contextlib.closing(open_store(settings, name, settings.data)) as store:
            store.drop()


@contextmanager
def _bulk(settings: IndexSettings, ray: str | None) -> Iterator[BulkEncoder]:
    encoders = make_encoders(settings.embedding)
    if ray is None:
        yield InTurn(encoders)
        return
    folder = Path(settings.embedding)
    embedding = str(folder.absolute()) if folder.is_dir() else settings.embedding
    with ray_workers.cluster(ray):
        yield ray_workers.RayWorkers(encoders, partial(make_encoders, embedding))


def open_index(settings: IndexSettings, encoders: tuple[Encoder, ...] | None = None) -> Index:
    """Open the served generation, or the last good one when that is damaged.

    Raises NoIndex before the first build, BrokenIndex when no generation is whole, StoreUnreachable where the server
    of the vectors does not answer."""
    generations = Generations(settings.data)
    name = generations.current()
    encoders = encoders or make_encoders(settings.embedding)
    problems: list[BrokenIndex | StoreUnavailable] = []
    for candidate in [name, *reversed([n for n in generations.names() if n < name])]:
        try:
            return open_generation(settings, candidate, encoders)
        except StoreUnreachable:
            raise
        except (BrokenIndex, StoreUnavailable) as error:
            log.error("generation %s is not served: %s", candidate, error)
            problems.append(error)
    raise problems[0]


def open_generation(settings: IndexSettings, name: str, encoders: tuple[Encoder, ...]) -> Index:
    """Open one generation. Raises NoIndex when it is gone, BrokenIndex when it is not whole."""
    generations = Generations(settings.data)
    if name not in generations.names():
        raise NoIndex(f"generation {name} is no longer kept; see: python -m index list")
    manifest = generations.check_files(name)
    _check_encoders(manifest, encoders)
    folder = generations.folder(name)
    texts = Texts(folder / "texts.sqlite")
    store = open_store(settings, name, folder)
    try:
        ids = texts.chunk_ids()
        channels = [_channel(number, encoder, manifest, ids, store, folder) for number, encoder in enumerate(encoders)]
        keywords = KeywordIndex.open(folder / "keywords", manifest.chunks)
        names = glossary.parse((folder / "glossary.toml").read_text("utf-8"), lexicon=lexicon.bundled())
        sentences = SentenceVectors(folder, len(encoders))
        return Index(name, texts, store, channels, keywords, names, sentences, make_reranker(settings.reranker))
    except BaseException:
        texts.close()
        store.close()
        raise


def _channel(
    number: int, encoder: Encoder, manifest: Manifest, ids: Sequence[str], store: VectorStore, folder: Path
) -> Channel:
    found = held(store, number, manifest, ids)
    if found is not None:
        return Exact(encoder, *found)
    return Graph(encoder, store, collection_name(number), ids, Moments.load(folder, number))


def _check_encoders(manifest: Manifest, encoders: tuple[Encoder, ...]) -> None:
    built = [(e.name, e.digest, e.dimension) for e in manifest.encoders]
    if built != [(e.name, e.digest, e.dimension) for e in encoders]:
        raise BrokenIndex(
            f"the index was built with {', '.join(n for n, _, _ in built)}, the settings name "
            f"{', '.join(e.name for e in encoders)}; run: python -m index build"
        )


def open_store(settings: IndexSettings, name: str, folder: Path) -> VectorStore:
    """The vectors of generation `name`: in its folder, or on the Chroma server of the settings."""
    if settings.chroma_url is None:
        return VectorStore(folder / "chroma")
    token = settings.chroma_token.get_secret_value() if settings.chroma_token else None
    header, tenant, database = settings.chroma_token_header, settings.chroma_tenant, settings.chroma_database
    return VectorStore(folder, f"{name}-", Server(settings.chroma_url, token, header, tenant, database))


def verify(settings: IndexSettings, name: str) -> Manifest:
    """Check one generation in this process. Raises BrokenIndex."""
    generations = Generations(settings.data)
    generations.check_files(name)
    store = open_store(settings, name, generations.folder(name))
    try:
        return check(generations, name, store)
    finally:
        store.close()


def verify_in_child(settings: IndexSettings, name: str) -> None:
    """Check one generation in a process of its own, so that a crash there is only a finding. Raises BrokenIndex."""
    child = subprocess.run(
        [sys.executable, "-m", "index", "verify", "--here", name],
        capture_output=True,
        encoding="utf-8",
        timeout=VERIFY_SECONDS,
        check=False,
        env=os.environ | _environment(settings),
    )
    if child.returncode != 0:
        why = child.stderr.strip().splitlines()[-1:] or [f"its check ended with {child.returncode}"]
        raise BrokenIndex(f"generation {name} failed its check: {why[0]}")


def _environment(settings: IndexSettings) -> dict[str, str]:
    token = settings.chroma_token.get_secret_value() if settings.chroma_token else None
    given = {
        "DATA": str(settings.data.absolute()), "CHROMA_URL": settings.chroma_url, "CHROMA_TOKEN": token,
        "CHROMA_TOKEN_HEADER": settings.chroma_token_header, "CHROMA_TENANT": settings.chroma_tenant,
        "CHROMA_DATABASE": settings.chroma_database,
    }  # fmt: skip
    return {PREFIX + name: value for name, value in given.items() if value}


def ages(settings: IndexSettings) -> list[tuple[str, Manifest | None, bool]]:
    """Every generation oldest first: its name, its manifest (None when unreadable) and whether it is served."""
    generations = Generations(settings.data)
    try:
        current = generations.current()
    except (NoIndex, BrokenIndex):
        current = ""
    listed: list[tuple[str, Manifest | None, bool]] = []
    for name in generations.names():
        try:
            listed.append((name, generations.manifest(name), name == current))
        except BrokenIndex:
            listed.append((name, None, name == current))
    return listed
