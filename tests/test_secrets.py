"""Ten secrets are planted in the settings of real processes, which log everything they can: none comes out anywhere."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from assistant.settings import AssistantSettings
from tests.collector import Collector
from tests.model_server import Knobs, ModelServer
from tests.served import ASKED, ROOT, free_port, wait
from tests.slack_fake import APP_TOKEN, BOT_TOKEN, SECRET, FakeSlack
from tests.slack_kit import fake

# Each of its own kind, of letters that stand in nothing else.
SECRETS = {
    name: f"{prefix}{hashlib.sha256(name.encode()).hexdigest()[:24]}"
    for name, prefix in {
        "model key": "sk-", "caller key": "", "database": "", "redis": "", "chroma token": "ck-",
        "trace header": "", "provider key": "sk-ant-",
    }.items()
} | {"bot token": BOT_TOKEN, "app token": APP_TOKEN, "signing secret": SECRET}  # fmt: skip
# Python reads this file at its start: whatever any logger of any library would say at DEBUG goes to a file.
_LOUD = """import logging, os
_file, _handle = open(os.environ["LOUD_LOG"], "a", encoding="utf-8", errors="replace"), logging.Logger.handle
def handle(self, record):
    print(record.name, record.getMessage(), record.exc_info, record.__dict__, file=_file, flush=True)
    if record.levelno >= self.getEffectiveLevel():
        _handle(self, record)
logging.Logger.handle, logging.Logger.isEnabledFor = handle, lambda *_: True
"""


def environment(
    settings: AssistantSettings, folder: Path, model: ModelServer, slack: FakeSlack, collector: Collector
) -> dict[str, str]:
    """The settings of a process with all secrets in them. What they lead to is wrong or away, so that errors speak."""
    (folder / "loud").mkdir()
    (folder / "loud" / "sitecustomize.py").write_text(_LOUD, "utf-8")
    (folder / "keys").write_text(f"alice:{hashlib.sha256(SECRETS['caller key'].encode()).hexdigest()}\n", "utf-8")
    dead = free_port()
    return os.environ | {
        "PYTHONPATH": f"{folder / 'loud'}{os.pathsep}{ROOT}", "LOUD_LOG": str(folder / "loud.log"),
        "ASSISTANT_SOURCES": str(settings.sources[0]), "ASSISTANT_DATA": str(settings.data),
        "ASSISTANT_PORT": str(free_port()), "ASSISTANT_API_KEYS_FILE": str(folder / "keys"),
        "ASSISTANT_MODEL": "openai:mock", "ASSISTANT_MODEL_BASE_URL": model.url,
        "OPENAI_API_KEY": SECRETS["model key"], "ANTHROPIC_API_KEY": SECRETS["provider key"],
        "ASSISTANT_DATABASE_URL": f"postgresql://alice:{SECRETS['database']}@127.0.0.1:{dead}/none",
        "ASSISTANT_REDIS_URL": f"redis://:{SECRETS['redis']}@127.0.0.1:{dead}/0",
        "SLACK_BOT_TOKEN": SECRETS["bot token"], "SLACK_SIGNING_SECRET": SECRETS["signing secret"],
        "SLACK_API_URL": slack.url, "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={SECRETS['trace header']}",
    }  # fmt: skip


def use(url: str, model: ModelServer) -> str:
    """Ask well and badly; all that came back."""
    said = []
    with httpx.Client(base_url=url, timeout=60, headers={"Authorization": f"Bearer {SECRETS['caller key']}"}) as http:
        echo = json.dumps({"error": {"message": f"wrong key {SECRETS['model key']}", "type": "x", "code": None}})
        for day, knobs in enumerate((Knobs(), Knobs(fail=401, failures=9, body=echo), Knobs(drop_after=2)), 1):
            model.knobs = knobs
            asked = {"question": ASKED, "as_of": f"2025-01-0{day}"}  # each is another question
            said += [http.post(path, json=asked | {"language": "en"}).text for path in ("/api/ask", "/api/chat")]
        said += [http.get(path).text for path in ("/api/conversations", "/metrics", "/readyz", "/api/sources/none")]
        said.append(http.post("/slack/events", content=b"{}", headers={"X-Slack-Signature": "v0=0"}).text)
        said.append(http.post("/api/ask", content=b"{").text)
    with httpx.Client(base_url=url, timeout=60) as http:
        said.append(http.get("/api/sources", headers={"Authorization": "Bearer wrong"}).text)
    return "\n".join(said)


def files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """All that was written below them."""
    for folder in folders:
        for path in (p for p in folder.rglob("*") if p.is_file()):
            yield path.name, path.read_bytes()


def out(found: dict[str, bytes]) -> list[str]:
    """Which secret is where."""
    return [f"{name} in {where}" for where, data in found.items() for name, s in SECRETS.items() if s.encode() in data]


@pytest.mark.slow
def test_no_planted_secret_is_found_anywhere(settings: AssistantSettings, tmp_path: Path, collector: Collector) -> None:
    with ModelServer() as model, fake() as slack:
        given = environment(settings, tmp_path, model, slack, collector)
        url = f"http://127.0.0.1:{given['ASSISTANT_PORT']}"
        with (tmp_path / "told").open("wb") as log:
            command = [sys.executable, "-m", "assistant", "serve"]
            server = subprocess.Popen(command, cwd=ROOT, env=given, stdout=log, stderr=log)
            try:
                assert wait(lambda: is_up(url) or server.poll() is not None, 240), (tmp_path / "told").read_text()
                said = use(url, model)
            finally:
                server.terminate()
            assert server.wait(60) == 0
        heard = b"".join(json.dumps(r.headers).encode() for r in model.requests)
        assert SECRETS["model key"].encode() in heard  # it was in use, and only where it belongs
        commands = (["doctor"], ["doctor", "slack"], ["ask", ASKED], ["doctor", "--settings"])
        for n, words in enumerate(commands):
            app = {"SLACK_APP_TOKEN": SECRETS["app token"], "ASSISTANT_CHROMA_URL": "http://127.0.0.1:9",
                   "ASSISTANT_CHROMA_TOKEN": SECRETS["chroma token"]}  # fmt: skip
            done = subprocess.run([sys.executable, "-m", "assistant", *words], cwd=ROOT, env=given | app,
                                  capture_output=True, timeout=240, check=False)  # fmt: skip
            (tmp_path / f"told-{n}").write_bytes(done.stdout + done.stderr)
    found = {"replies": said.encode(), "traces sent": b"".join(collector.bodies)}
    found |= {name: data for name, data in files(tmp_path, settings.data) if name != "keys"}
    assert b"httpcore" in found["loud.log"] or b"httpx" in found["loud.log"]  # the libraries did speak
    assert len(found["loud.log"]) > 50_000
    assert out(found) == []


def is_up(url: str) -> bool:
    """Whether it answers at all: without its database it is never ready."""
    try:
        return httpx.get(f"{url}/healthz", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_secret_that_is_there_is_seen() -> None:
    assert out({"x": b"a " + SECRETS["redis"].encode()}) == ["redis in x"]
