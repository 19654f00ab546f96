"""What tests share: folders of documents, an index of them, an assistant on the project's own sources."""

import os
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from assistant.chain import Assistant
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from index import glossary, wire
from index.batches import InTurn
from index.generation import Generations
from index.search import Index
from index.settings import IndexSettings
from index.sync import Builder, BuildReport
from tests import postgres
from tests.collector import Collector
from tests.fakes import WordEncoder
from tests.model_server import ModelServer
from tests.postgres import Cluster
from tests.served import small_settings

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("ASSISTANT_")]:
        monkeypatch.delenv(name)


class Workshop:
    """A folder of documents, a data folder, and quick builds of one from the other."""

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self.sources, self.data = folder / "sources", data or folder / "data"
        self.sources.mkdir(exist_ok=True)
        self.encoder = WordEncoder()
        self.settings = IndexSettings(sources=(self.sources,), data=self.data)
        self.generations = Generations(self.data)

    def write(self, name: str, *sentences: str, **about: str) -> Path:
        """A Markdown document, a paragraph a sentence."""
        front = "\n".join(f'{k} = "{v}"' for k, v in about.items())
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"+++\n{front}\n+++\n\n# {name}\n\n" + "\n\n".join(sentences) + "\n", "utf-8")
        return path

    def build(self, verify: Callable[[str], object] | None = None) -> BuildReport:
        """Build for real, but verify in this process: a child costs a second."""
        return Builder(
            Generations(self.data, lambda name: wire.drop(self.settings, name)),
            InTurn((self.encoder,)), glossary.find((self.sources,)),
            lambda name, folder: wire.open_store(self.settings, name, folder),
            verify or (lambda name: wire.verify(self.settings, name)), lambda *_: None,
        ).build((self.sources,))  # fmt: skip

    def open(self) -> Index:
        return wire.open_index(self.settings, (self.encoder,))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What tests print may hold half characters, which no report from a parallel process can carry."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture
def mounted() -> Callable[[str], list[str]]:
    """What starts a command after other commands that mount something, in a namespace of its own."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        if os.environ.get("CI") == "true":
            pytest.fail("this machine lets nobody make a mount namespace")
        pytest.skip("this machine lets nobody make a mount namespace: run as root, or allow user namespaces")
    return lambda commands: ["unshare", "-rm", "sh", "-ec", f'{commands}; exec "$@"', "sh"]


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture(scope="session")
def own_settings(tmp_path_factory: pytest.TempPathFactory) -> AssistantSettings:
    """The project's own sources, indexed for real with the bundled encoders."""
    settings = AssistantSettings(sources=(ROOT / "sources",), data=tmp_path_factory.mktemp("data"))
    report = wire.build(settings)
    assert report.switched and not [s for s in report.skipped if s.broken]
    return settings


@pytest.fixture(scope="session")
def assistant(own_settings: AssistantSettings) -> Iterator[Assistant]:
    made = make_assistant(own_settings)
    yield made
    made.close()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> AssistantSettings:
    """One short document, indexed for real. Not to be changed."""
    return small_settings(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def small(settings: AssistantSettings) -> Iterator[Assistant]:
    """The embedded engine on it."""
    with closing(make_assistant(settings)) as made:
        yield made


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    """A chat model; a module may have one of its own that says something else."""
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def worded(settings: AssistantSettings, model: ModelServer) -> Iterator[Assistant]:
    """An assistant whose answers `model` words."""
    options = {"model": "openai:mock", "model_base_url": model.url}
    with closing(make_assistant(settings.model_copy(update=options))) as made:
        yield made


@pytest.fixture
def collector() -> Iterator[Collector]:
    """Where OpenTelemetry traces go."""
    with closing(Collector()) as made:
        yield made


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server of our own."""
    yield from postgres.serve()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'data' / 'conversations.sqlite'}"
    made: Cluster = request.getfixturevalue("cluster")
    return made.database()
