"""`ask` through a server that runs: the same bytes as without, and without it whenever anything is in doubt."""

import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from assistant import served
from assistant.conversation import Question
from assistant.exchanges import LOCAL
from assistant.history import History
from assistant.settings import AssistantSettings
from index.generation import Generations
from tests.conftest import ROOT
from tests.served import ASKED, environment, free_port, server, small_settings

pytestmark = pytest.mark.slow
# Prints what of the slow packages came in, after the answer.
_ASK = "import sys, assistant.__main__ as m; code = m.main(); print([n for n in {!r} if n in sys.modules], code)"
HEAVY = ("onnxruntime", "chromadb", "sqlalchemy", "numpy", "langchain_core", "fastapi", "assistant.commands")


def ask(settings: AssistantSettings, *options: str, **environ: str) -> tuple[str, list[str], str]:
    """What was printed, which slow packages were loaded, and standard error."""
    done = subprocess.run([sys.executable, "-c", _ASK.format(HEAVY), "ask", ASKED, *options], cwd=ROOT, check=True,
                          env=environment(settings) | environ, capture_output=True, encoding="utf-8")  # fmt: skip
    text, _, last = done.stdout.rstrip("\n").rpartition("\n")
    loaded, _, code = last.rpartition(" ")
    assert code == "0"
    return text, json.loads(loaded.replace("'", '"')), done.stderr


def timeless(text: str) -> str:
    """An answer without the seconds it took."""
    if text.startswith("{"):
        return json.dumps(json.loads(text) | {"seconds": 0}, ensure_ascii=False)
    return text.rpartition(" · ")[0]


@pytest.fixture
def own(tmp_path: Path) -> AssistantSettings:
    return small_settings(tmp_path).model_copy(update={"port": free_port()})


def test_the_bytes_are_those_of_an_answer_made_here(own: AssistantSettings) -> None:
    ways = [(), ("--json",), ("--json", "--as-of", "2030-01-01", "--language", "ru")]
    alone = [ask(own, *way) for way in ways]
    assert all("onnxruntime" in loaded for _, loaded, _ in alone)
    traces = {file.name: file.read_bytes() for file in (own.data / "traces").iterdir()}
    for file in (own.data / "traces").iterdir():
        file.unlink()
    with server(own):
        assert stat.S_IMODE((own.data / "server.json").stat().st_mode) == 0o600
        through = [ask(own, *way) for way in ways]
    assert [loaded for _, loaded, _ in through] == [[], [], []]
    assert [timeless(text) for text, *_ in through] == [timeless(text) for text, *_ in alone]
    assert [told for *_, told in through] == ["", "", ""]
    assert {file.name for file in (own.data / "traces").iterdir()} == set(traces)  # it is recorded all the same
    history = History(own.data / "conversations.sqlite")
    assert history.list(LOCAL).found == ()  # and no conversation is kept
    history.close()


def test_in_doubt_the_answer_is_made_here(own: AssistantSettings) -> None:
    question = Question(ASKED)
    with server(own) as process:
        assert served.ask(own, question) is not None
        assert served.ask(own.model_copy(update={"embedding": "other"}), question) is None
        current = own.data / "current"
        name = current.read_text("utf-8")
        other = Generations(own.data).folder("20200101-000000-00000000")
        other.mkdir()
        current.write_text(other.name, "utf-8")  # what is served is another index than what would be read here
        assert served.ask(own, question) is None
        current.write_text(name, "utf-8")
        other.rmdir()
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (own.data / "server.json").exists() and served.find(own) is None  # what it left is stale
        with socket.create_server(("127.0.0.1", own.port)):  # and nobody who came to its port is asked
            text, loaded, _ = ask(own)
    assert "onnxruntime" in loaded and "2026" in text


def test_a_server_that_is_not_for_everybody_here_is_not_announced(own: AssistantSettings, tmp_path: Path) -> None:
    with served.announced(own.model_copy(update={"api_keys_file": tmp_path / "keys"})):
        assert served.find(own) is None
    with served.announced(own):
        first = served.find(own)
        with served.announced(own.model_copy(update={"port": own.port - 1})):  # the second of one folder
            assert served.find(own) == first is not None
    assert served.find(own) is None
