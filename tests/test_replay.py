"""A record makes the same answer again, and says so when it cannot."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.render import to_json
from assistant.settings import AssistantSettings
from assistant.trace import Traces, same
from assistant.wire import make_assistant
from index import wire


def replay(data: Path, trace: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assistant", "replay", trace], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/bin:/bin", "ASSISTANT_DATA": str(data)},
    )  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> AssistantSettings:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "a.md").write_text("# Roaming\n\nRoaming fees between both countries end in 2026.\n", "utf-8")
    made = AssistantSettings(sources=(sources,), data=tmp_path / "data")
    wire.build(made)
    return made


def test_a_record_is_answered_again_byte_for_byte(settings: AssistantSettings) -> None:
    assistant = make_assistant(settings)
    answer = assistant.answer(Question("When do roaming fees end?"))
    assistant.close()
    (settings.sources[0] / "b.md").write_text("# Roaming\n\nRoaming fees end in 2030 in Minsk.\n", "utf-8")
    wire.build(settings)
    done = replay(settings.data, answer.trace)
    assert done.returncode == 0 and "equal, byte for byte" in done.stdout, done.stderr


def test_a_changed_record_is_told(settings: AssistantSettings) -> None:
    assistant = make_assistant(settings)
    answer = assistant.answer(Question("When do roaming fees end?"))
    assistant.close()
    path = settings.data / "traces" / f"{answer.trace}.json"
    record = json.loads(path.read_text("utf-8"))
    record["answer"]["text"] += " Changed."
    path.write_text(json.dumps(record), "utf-8")
    done = replay(settings.data, answer.trace)
    assert done.returncode == 1 and "differs in text" in done.stdout
    assert replay(settings.data, "0" * 24).returncode == 2


def test_how_long_it_took_is_no_difference(assistant: Assistant) -> None:
    answer = to_json(assistant.answer(Question("What is the Union State?")))
    assert same(answer, answer | {"seconds": 9}) == [] and same(answer, answer | {"text": "x"}) == ["text"]


def test_a_record_holds_what_the_answer_was_made_of(assistant: Assistant, own_settings: AssistantSettings) -> None:
    answer = assistant.answer(Question("How do Minsk and Moscow define the Union State?"))
    record = Traces(own_settings.data / "traces").load(answer.trace)
    assert record is not None and record["answer"]["text"] == answer.text
    assert {"question", "index", "model", "prompts", "weights", "verifier", "drafts"} <= record.keys()
