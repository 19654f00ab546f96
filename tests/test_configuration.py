"""docs/configuration.md says what the settings are."""

import re
import subprocess
import sys

from assistant.__main__ import parser as commands
from assistant.settings import AssistantSettings
from assistant.slack.settings import SlackSettings
from evals.__main__ import parser as evaluating
from index.__main__ import parser as indexing
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
