"""Search above EXACT_CHUNKS, where Chroma's graph proposes what is compared, beside search that compares everything."""

import datetime
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from assistant.settings import AssistantSettings
from evals.bench import corpus
from index import channels, sync, verify, wire
from index import search as searching
from index.channels import Exact, Graph, Moments
from index.encoders import make_encoders
from index.errors import BrokenIndex
from index.generation import Generations
from index.search import Index, collection_name
from tests.conftest import Workshop

QUERIES = ("gas pipelines", "roaming", "Who signed the treaty?", "submarines", "договор")


def test_moments_are_those_of_all_cosines() -> None:
    random = np.random.default_rng(7)
    vectors = random.normal(size=(500, 24)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for query in vectors[:20]:
        cosines = vectors @ query
        assert Moments.of(vectors).of_cosines(query) == pytest.approx((cosines.mean(), cosines.std()), abs=1e-5)
    assert Moments.of(vectors[:0]).of_cosines(vectors[0]) == (0.0, 0.0)


@pytest.fixture(scope="module")
def both(own_settings: AssistantSettings) -> Iterator[tuple[Index, Index]]:
    """The index of our sources, compared whole and through the graph."""
    exact, graph = (wire.open_index(own_settings, make_encoders("bundled")) for _ in range(2))
    ids, store = graph.texts.chunk_ids(), graph._store
    graph._channels = tuple(
        Graph(c.encoder, store, collection_name(n), ids, Moments.of(c.vectors))
        for n, c in enumerate(exact._channels) if isinstance(c, Exact)
    )  # fmt: skip
    assert len(graph._channels) == 2
    yield exact, graph
    exact.close()
    graph.close()


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [None, datetime.date(2020, 6, 30)])
def test_what_is_proposed_holds_what_is_best(
    both: tuple[Index, Index], as_of: datetime.date | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact, graph = both
    monkeypatch.setattr(channels, "PROPOSED", 40)  # of some 500, so that most chunks are not compared
    monkeypatch.setattr(searching, "PROPOSED", 40)
    shared = seen = 0
    for question in corpus.questions(150):
        best = {p.chunk.id: p.score for p in exact.search(question, 10, as_of)}
        found = {p.chunk.id: p.score for p in graph.search(question, 10, as_of)}
        shared, seen = shared + len(best.keys() & found.keys()), seen + len(best)
        for identity in best.keys() & found.keys():
            assert found[identity] == pytest.approx(best[identity], abs=0.01)
        if as_of is not None:
            assert all(p.about.published and p.about.published <= "2020-07" for p in graph.search(question, 10, as_of))
    assert seen == 1500 and shared / seen >= 0.99


def test_a_large_index_is_built_opened_and_asked(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    for n, text in enumerate(("Pipelines carry gas.", "Roaming fees were abolished.", "The treaty was signed in Minsk.",
                              "Договор подписан в Минске.", "A new paper about submarines was added.")):  # fmt: skip
        workshop.write(f"{n}.md", text)
    workshop.build()
    small = _found(workshop)
    for module in (searching, sync, verify):
        monkeypatch.setattr(module, "EXACT_CHUNKS", 3)
    workshop.write("last.md", "Potash is mined in Soligorsk.")
    name = workshop.build().generation
    folder = Generations(workshop.data).folder(name)
    assert (folder / "sentences" / "keys.npy").is_file()  # answers encode no sentence, however large the index
    with closing(workshop.open()) as index:
        assert all(isinstance(c, Graph) for c in index._channels)
    assert [ids[0] for ids in _found(workshop)] == [ids[0] for ids in small]
    (folder / "moments-0.npy").unlink()
    with pytest.raises(BrokenIndex):
        Moments.load(folder, 0)


def _found(workshop: Workshop) -> list[list[str]]:
    with closing(workshop.open()) as index:
        return [[p.chunk.id for p in index.search(q, 3)] for q in QUERIES]
