"""docs/configuration.md says what the settings are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.__main__ import parser as commands
from assistant.settings import AssistantSettings
from assistant.slack.settings import SlackSettings
from evals.__main__ import parser as evaluating
from index.__main__ import parser as indexing
from index.errors import ConfigurationError
from index.settings import read
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_the_committed_reference_is_what_the_command_writes() -> None:
    done = subprocess.run([sys.executable, "-m", "assistant", "doctor", "--settings"], cwd=ROOT, capture_output=True,
                          encoding="utf-8", check=True)  # fmt: skip
    assert done.stdout == PAGE, "run: python -m assistant doctor --settings > docs/configuration.md"


def test_every_setting_has_its_row_and_a_meaning() -> None:
    rows = dict(re.findall(r"^\| `((?:ASSISTANT|SLACK)_\w+)` \|[^|]+\| ([^|]+) \|", PAGE, re.M))
    ours = {f"ASSISTANT_{n.upper()}" for n in AssistantSettings.model_fields}
    assert set(rows) == ours | {f"SLACK_{n.upper()}" for n in SlackSettings.model_fields}
    assert "None" not in PAGE


def test_it_names_commands_that_exist() -> None:
    rows = re.findall(r"^\| `(?:ASSISTANT|SLACK)_.*\| ([^|]+) \|$", PAGE, re.M)
    parts = {part for row in rows for part in row.split("; ") if not part.startswith("all ")}
    named = {(p.split(" ", 1)[0], c) for p in parts for c in p.split(" ", 1)[1].split(", ")}
    helps = {"assistant": commands(), "index": indexing(), "evals": evaluating()}
    assert len(named) > 10
    assert [n for n in named if not re.search(rf"^ +{n[1]}\b|[{{,]{n[1]}[,}}]", helps[n[0]].format_help(), re.M)] == []


def test_every_page_names_commands_that_exist() -> None:
    text = "\n".join(p.read_text("utf-8") for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))
    named = set(re.findall(r"python -m (assistant|index|evals) ([a-z]+)", text))
    helps = {"assistant": commands(), "index": indexing(), "evals": evaluating()}
    assert len(named) > 15
    assert [n for n in named if not re.search(rf"[{{,]{n[1]}[,}}]|^ +{n[1]}\b", helps[n[0]].format_help(), re.M)] == []


NO_VALUES = (" ", "\t", "<value>", "changeme", "CHANGE_ME", "your-token-here", "xxxx", "...", "TODO")
WRONG = ("y" * 5000, "-1", "99999", "no spaces allowed", "нет", "1e3", "{}", "'")
SECRETS = {n for n, f in AssistantSettings.model_fields.items() if "Secret" in str(f.annotation)}


@pytest.mark.parametrize("value", NO_VALUES)
@pytest.mark.parametrize("name", sorted(AssistantSettings.model_fields))
def test_what_is_no_value_is_refused_by_name(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ASSISTANT_{name.upper()}", value)
    with pytest.raises(ConfigurationError) as refused:
        read(AssistantSettings)
    assert f"ASSISTANT_{name.upper()}" in str(refused.value) and "\n" not in str(refused.value)
    assert name not in SECRETS or value.isspace() or value not in str(refused.value)


@pytest.mark.parametrize("name", sorted(AssistantSettings.model_fields))
def test_an_empty_value_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ASSISTANT_{name.upper()}", "")
    assert read(AssistantSettings) == AssistantSettings()


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("name", sorted(AssistantSettings.model_fields))
def test_a_wrong_value_is_one_line_or_is_taken_as_it_is(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"ASSISTANT_{name.upper()}", f" {value} ")
    try:
        taken = getattr(read(AssistantSettings), name)
    except ConfigurationError as error:
        assert f"ASSISTANT_{name.upper()}" in str(error) and "\n" not in str(error)
        assert name not in SECRETS or value not in str(error)
    else:
        text = taken.get_secret_value() if name in SECRETS else str(taken[0] if isinstance(taken, tuple) else taken)
        assert text in {value, str(Path(value))}


def test_no_problem_of_several_settings_tells_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOST": "0.0.0.0",
        "DATABASE_URL": "postgresql://u:s3cret@h/d",
        "CHROMA_TOKEN": "s3cret",
    }.items():
        monkeypatch.setenv(f"ASSISTANT_{name}", value)
    with pytest.raises(ConfigurationError, match="ASSISTANT_HOST") as refused:
        read(AssistantSettings)
    assert "s3cret" not in str(refused.value)
