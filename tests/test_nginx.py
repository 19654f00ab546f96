"""Two real replicas behind a real nginx with the configuration of deploy/: they answer, in Slack too, nothing
of a stream is held back, and one may be killed while the other goes on."""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from assistant.settings import AssistantSettings
from tests.conftest import ROOT
from tests.model_server import Knobs, ModelServer
from tests.postgres import Cluster
from tests.served import ASKED, events, free_port, is_ready, server, wait
from tests.slack_fake import BOT_TOKEN, SECRET, FakeSlack, mention, signed
from tests.slack_kit import fake, one

pytestmark = pytest.mark.slow
_CONFIGURED = "        server assistant:8000 max_fails=1 fail_timeout=5s;\n"


@contextmanager
def nginx(folder: Path, ports: list[int]) -> Iterator[httpx.Client]:
    """A client of an nginx in front of servers on these ports."""
    program, port = shutil.which("nginx") or "/usr/sbin/nginx", free_port()
    if not os.path.exists(program):
        reason = "no nginx is installed (Debian: apt-get install nginx-light)"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    assert _CONFIGURED in text and "listen 8080;" in text
    text = text.replace(_CONFIGURED, "".join(_CONFIGURED.replace("assistant:8000", f"127.0.0.1:{p}") for p in ports))
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};").replace("/tmp/nginx", f"{folder}/nginx")
    (folder / "nginx.conf").write_text(text, "utf-8")
    alone = "daemon off;" + (" user root;" if os.geteuid() == 0 else "")
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", alone])
    try:
        assert wait(lambda: is_ready(port) or process.poll() is not None, 20) and process.poll() is None
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        process.terminate()
        process.wait(20)


def asked(port: int) -> bool:
    """Whether the server on `port` has answered a question."""
    return 'route="/api/ask",status="200"' in httpx.get(f"http://127.0.0.1:{port}/metrics").text.replace(" ", "")


def test_replicas_behind_nginx(settings: AssistantSettings, tmp_path: Path, model: ModelServer) -> None:
    worded = settings.model_copy(update={"model": "openai:mock", "model_base_url": model.url})
    replicas = [worded.model_copy(update={"port": free_port()}) for _ in range(2)]
    with ExitStack() as stack:
        first, _ = [stack.enter_context(server(replica)) for replica in replicas]
        client = stack.enter_context(nginx(tmp_path, [r.port for r in replicas]))

        answers = [client.post("/api/ask", json={"question": ASKED}) for _ in range(4)]
        assert [a.status_code for a in answers] == [200] * 4 and all(a.json()["citations"] for a in answers)
        assert all(asked(r.port) for r in replicas)  # each had its share
        assert client.get("/metrics").status_code == 404

        model.knobs = Knobs(hold=True)  # no word of an answer comes: what comes through now is not held back
        streams = [stack.enter_context(client.stream("POST", "/api/chat", json={"question": ASKED})) for _ in range(2)]
        heard = [events(s.iter_lines()) for s in streams]
        assert [next(h)[0] for h in heard] == ["start", "start"]

        first.kill()
        first.wait()
        model.knobs = Knobs()
        ends = [ended(h) for h in heard]
        assert sorted(ends, key=str) == ["broken", "done"]  # one was on either replica
        answers = [client.post("/api/ask", json={"question": ASKED}) for _ in range(6)]
        assert [a.status_code for a in answers] == [200] * 6


def ended(heard: Iterator[tuple[str, object]]) -> str:
    """How a stream ended: with its last event, or broken off."""
    try:
        names = [name for name, _ in heard]
    except httpx.RemoteProtocolError:
        return "broken"
    return names[-1] if names and names[-1] in {"done", "error"} else "broken"


def test_slack_replicas_behind_nginx(
    settings: AssistantSettings, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack's events come in through the balancer, each three times; a replica is killed while they come. Each event
    has one answer."""
    shared = settings.model_copy(update={"database_url": SecretStr(cluster.database())})
    replicas = [shared.model_copy(update={"port": free_port()}) for _ in range(2)]
    with fake() as slack, ExitStack() as stack:
        for name, value in (("BOT_TOKEN", BOT_TOKEN), ("SIGNING_SECRET", SECRET), ("API_URL", slack.url)):
            monkeypatch.setenv(f"SLACK_{name}", value)
        first, _ = [stack.enter_context(server(replica)) for replica in replicas]
        client = stack.enter_context(nginx(tmp_path, [r.port for r in replicas]))
        asked = [mention(ASKED) for _ in range(24)]
        acknowledged = Counter[str]()
        for n, payload in enumerate(asked):
            body = json.dumps(payload).encode()
            for _ in range(3):
                reply = client.post("/slack/events", content=body, headers=signed(body))
                acknowledged[payload["event_id"]] += reply.status_code == 200
            if n == 12:
                assert slack.all()  # they are being answered
                first.kill()
                first.wait()
        assert all(acknowledged[a["event_id"]] for a in asked)
        assert wait(lambda: all(_answered(slack, a) for a in asked), 90)  # the work of the dead is taken over
        for payload in asked:
            assert "end in 2027" in one(slack, payload).shown


def _answered(slack: FakeSlack, payload: dict[str, Any]) -> bool:
    return any("end in 2027" in m.shown for m in slack.answers(payload["event_id"]))
