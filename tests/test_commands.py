"""The commands as a user types them: exit codes, one line of error, JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assistant import doctor
from assistant.settings import AssistantSettings
from index.settings import ASSISTANT_NAMES, IndexSettings
from tests.conftest import ROOT


def run(*command: str, given: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, input=given, capture_output=True, text=True,
                          env=os.environ | settings, check=False)  # fmt: skip


@pytest.fixture(scope="module")
def place(own_settings: AssistantSettings) -> dict[str, str]:
    return {"ASSISTANT_SOURCES": str(own_settings.sources[0]), "ASSISTANT_DATA": str(own_settings.data)}


def test_jsonl_answers_in_order_and_survives_bad_lines(place: dict[str, str]) -> None:
    lines = ['{"id": 1, "question": "How many integration programmes were agreed?"}', "not json", '{"id": 3}',
             '{"id": 4, "question": "Who?", "language": "xx"}',
             '{"id": 5, "question": "When was it?", "as_of": "1990-01-01"}']  # fmt: skip
    done = run("assistant", "ask", "--jsonl", given="\n".join(lines), **place)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2 and [a["id"] for a in answers] == [1, None, 3, 4, 5]
    assert "error" in answers[1] and "error" in answers[2] and "error" in answers[3]
    assert answers[0]["citations"] and answers[4]["refused"] and answers[4]["as_of"] == "1990-01-01"
    assert "Traceback" not in done.stderr


def test_status_search_verify_and_list_speak_json(place: dict[str, str]) -> None:
    status = json.loads(run("index", "status", "--json", **place).stdout)
    assert status["documents"] >= 12 and status["counts"]["kind"]["treaty"] >= 1
    passages = json.loads(run("index", "search", "budget", "-k", "3", "--json", **place).stdout)
    assert len(passages) == 3 and passages[0]["score"] >= passages[1]["score"] and passages[0]["found_by"]
    assert json.loads(run("index", "verify", "--json", **place).stdout)["whole"] is True
    assert [g["served"] for g in json.loads(run("index", "list", "--json", **place).stdout)].count(True) == 1


def test_chat_reads_lines(place: dict[str, str]) -> None:
    done = run("assistant", "chat", given="How many integration programmes were agreed?\n\n", **place)
    assert done.returncode == 0 and "[1]" in done.stdout


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (["assistant", "ask", ""], 2, "the question is empty"),
        (["assistant", "ask"], 2, "give either a question or --jsonl"),
        (["assistant", "ask", "x", "--as-of", "soon"], 2, "is not a date"),
        (["assistant", "ask", "x", "--model", "openai:gpt"], 78, "ASSISTANT_MODEL"),
        (["index", "search", "x", "-k", "0"], 2, "number from 1 to 1000"),
        (["assistant", "key", "no spaces allowed"], 2, "may hold letters"),
    ],
)
def test_bad_usage_is_one_line_and_a_code(place: dict[str, str], command: list[str], code: int, said: str) -> None:
    done = run(*command, **place)
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ASSISTANT_MODLE": "x"}, "did you mean ASSISTANT_MODEL?"),
        ({"ASSISTANT_PORT": "high"}, "ASSISTANT_PORT"),
        ({"ASSISTANT_HOST": "0.0.0.0"}, "ASSISTANT_API_KEYS_FILE"),
        ({"ASSISTANT_CHROMA_URL": "ftp://x"}, "ASSISTANT_CHROMA_URL"),
    ],
)
def test_bad_settings_are_refused_with_78(settings: dict[str, str], said: str) -> None:
    done = run("assistant", "ask", "x", **settings)
    assert done.returncode == 78 and said in done.stderr and "Traceback" not in done.stderr


def test_all_problems_of_the_settings_come_at_once() -> None:
    done = run("assistant", "ask", "x", ASSISTANT_MODLE="x", ASSISTANT_PORT="0", ASSISTANT_CHROMA_TOKEN="s3cret")
    assert "ASSISTANT_MODLE" in done.stderr and "ASSISTANT_PORT" in done.stderr and "s3cret" not in done.stderr


def test_an_index_command_knows_the_names_of_the_assistant() -> None:
    own = set(AssistantSettings.model_fields) - set(IndexSettings.model_fields)
    assert {n.lower() for n in ASSISTANT_NAMES} == own


def test_before_the_first_build_every_command_says_what_to_do(tmp_path: Path) -> None:
    for command in (["index", "status"], ["index", "verify"], ["index", "list"], ["assistant", "ask", "When?"]):
        done = run(*command, ASSISTANT_DATA=str(tmp_path / "none"))
        assert done.returncode == 1 and "python -m index build" in done.stderr and "Traceback" not in done.stderr


def test_a_broken_document_makes_build_exit_2_and_serve_the_rest(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "good.md").write_text("# Good\n\nA good sentence stands here.\n", "utf-8")
    (sources / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    place = {"ASSISTANT_SOURCES": str(sources), "ASSISTANT_DATA": str(tmp_path / "data")}
    done = run("index", "build", "--json", **place)
    assert done.returncode == 2 and "bad.pdf" in done.stderr
    assert json.loads(done.stdout)["documents"] == 1
    assert json.loads(run("index", "status", "--json", **place).stdout)["undated"] == ["good"]


def test_help_teaches() -> None:
    for package in ("index", "assistant"):
        done = run(package, "--help")
        assert done.returncode == 0 and "examples:" in done.stdout


def test_doctor_finds_a_healthy_installation(own_settings: AssistantSettings) -> None:
    results = doctor.run(own_settings.model_copy(update={"port": 18999}))
    assert [(r.name, r.found) for r in results if not r.ok] == []


def test_doctor_names_what_is_broken(tmp_path: Path) -> None:
    settings = AssistantSettings(sources=(tmp_path / "none",), data=tmp_path / "data", api_keys_file=tmp_path / "keys")
    (tmp_path / "keys").write_text("alice:short\n", "utf-8")
    broken = {r.name: r.found for r in doctor.run(settings) if not r.ok}
    assert {"sources", "index", "answer", "keys"} <= broken.keys()
    assert "ASSISTANT_SOURCES" in broken["sources"] and "index build" in broken["index"]
