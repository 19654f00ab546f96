"""The Slack bot's commands as an operator types them, and its guide."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assistant.settings import AssistantSettings
from assistant.slack.settings import SlackSettings
from tests.conftest import ROOT
from tests.served import wait
from tests.slack_fake import APP_TOKEN, BOT_TOKEN, FakeSlack, mention
from tests.slack_kit import fake, one


def run(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    given = {n: v for n, v in os.environ.items() if not n.startswith("SLACK_")}
    return subprocess.run([sys.executable, "-m", "assistant", *command], cwd=ROOT, capture_output=True, text=True,
                          env=given | settings, check=False)  # fmt: skip


def tokens(slack: FakeSlack, data: Path) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN, "SLACK_API_URL": slack.url,
            "ASSISTANT_DATA": str(data)}  # fmt: skip


@pytest.mark.slow
def test_doctor_slack_says_what_is_well_and_what_to_mend(tmp_path: Path) -> None:
    with fake() as slack:
        well = run("doctor", "slack", "--json", **tokens(slack, tmp_path))
        slack.scopes = "chat:write"
        unwell = run("doctor", "slack", **tokens(slack, tmp_path))
    checked = json.loads(well.stdout)
    assert well.returncode == 0 and all(r["ok"] for r in checked)
    assert {"slack bot token", "slack scopes", "slack signing secret", "slack clock", "slack socket"} <= {
        r["name"] for r in checked
    }
    assert unwell.returncode == 1 and "FAIL slack scopes: missing: app_mentions:read" in unwell.stdout
    assert not {BOT_TOKEN, APP_TOKEN, "Traceback"} & set(re.split(r"\s+", unwell.stdout + unwell.stderr))


@pytest.mark.slow
def test_the_bot_without_tokens_names_them() -> None:
    done = run("slack")
    assert done.returncode == 78
    assert done.stderr.strip() == "SLACK_BOT_TOKEN and SLACK_APP_TOKEN not set; see docs/slack.md"
    http = run("slack", SLACK_BOT_TOKEN=BOT_TOKEN, SLACK_SIGNING_SECRET="0" * 32)
    assert http.returncode == 78 and "python -m assistant serve" in http.stderr


@pytest.mark.slow
def test_the_bot_with_a_bad_token_says_so(own_settings: AssistantSettings) -> None:
    with fake() as slack:
        for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"):
            done = run("slack", **tokens(slack, own_settings.data) | {name: "xoxb-bad"})
            assert done.returncode == 78 and name in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_bot_answers_from_the_dossier_until_it_is_stopped(own_settings: AssistantSettings) -> None:
    with fake() as slack:
        command = [sys.executable, "-m", "assistant", "slack"]
        given = os.environ | tokens(slack, own_settings.data)
        with subprocess.Popen(command, cwd=ROOT, env=given, stderr=subprocess.DEVNULL) as process:
            try:
                assert wait(lambda: bool(slack.sockets()), 180)
                asked = mention("How do Minsk and Moscow define the Union State?")
                slack.deliver(asked).result(20)
                assert wait(lambda: bool(slack.answers(asked["event_id"])), 60)
                assert wait(lambda: "Sources" in one(slack, asked).shown, 120)
                assert "confederation" in one(slack, asked).shown
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.mark.parametrize("file", ["docs/slack.md", "README.md"])
def test_every_setting_stands_in_the_docs(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    known = [f"SLACK_{name.upper()}" for name in SlackSettings.model_fields]
    if file == "README.md":
        known.remove("SLACK_API_URL")  # for tests and unusual networks
    assert [name for name in known if f"`{name}`" not in text] == []


def test_the_guides_pictures_are_there_and_small() -> None:
    text = (ROOT / "docs/slack.md").read_text("utf-8")
    named = re.findall(r"[\w-]+\.png", text)
    assert len(named) == 4
    for name in named:
        picture = (ROOT / "docs" / name).read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) < 150_000
