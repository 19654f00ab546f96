"""What an operator sees: steps, metrics, lines of log, and that the dashboard and the alerts ask for what there is."""

import contextlib
import hashlib
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.testclient import TestClient

from assistant import logs
from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.steps import NAMES, Step, heard
from assistant.web.app import create_web
from assistant.wire import make_assistant
from index.errors import NoIndex
from tests.collector import Collector
from tests.conftest import ROOT
from tests.model_server import Knobs, ModelServer
from tests.served import ASKED, wait
from tests.test_stream import alive, free_port

INVENTED = "Elephants ate 918273 bananas [1]. Roaming fees between both countries end in 2026 [1]."


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer(lambda _: INVENTED) as server:
        yield server


@pytest.fixture
def client(worded: Assistant, tmp_path: Path) -> Iterator[TestClient]:
    with contextlib.closing(History(tmp_path / "c.sqlite")) as history:
        web = create_web(worded, Dialogue(worded.answer, history))
        yield TestClient(web, raise_server_exceptions=False)


def told(client: TestClient) -> dict[str, float]:
    """Each sample of /metrics by its name and labels."""
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


# Steps


def test_a_step_is_told_to_all_who_listen_also_from_other_threads() -> None:
    outer, inner = list[Step](), list[Step]()
    with heard(outer.append):
        with heard(inner.append):
            thread = threading.Thread(target=copy_context().run, args=(_fail_in, "search"))
            thread.start()
            thread.join()
        _fail_in("compose")
    _fail_in("record")
    assert [s.name for s in outer] == ["search", "compose"] and [s.name for s in inner] == ["search"]
    assert outer[0] is inner[0] and outer[0].failed == "KeyError" and outer[0].seconds > 0 and outer[0].began > 10**18


def test_what_is_not_read_to_its_end_did_not_fail() -> None:
    def pieces() -> Iterator[int]:
        with Step("model"):
            yield 1
            yield 2

    steps = list[Step]()
    with heard(steps.append):
        reading = pieces()
        assert next(reading) == 1
        reading.close()
    assert [(s.name, s.failed) for s in steps] == [("model", None)]


def _fail_in(name: Any) -> None:
    with contextlib.suppress(KeyError), Step(name):
        raise KeyError("canary")


def test_an_answer_passes_the_steps_in_order(worded: Assistant) -> None:
    steps = list[Step]()
    with heard(steps.append):
        answer = worded.answer(Question(ASKED))
    names = [s.name for s in steps]
    assert list(dict.fromkeys(names)) == ["rewrite", "search", "compose", "verify", "model", "record"]
    assert [s.dropped for s in steps if s.name == "verify"].count(True) == 1
    assert 0 < sum(s.seconds for s in steps if s.name in ("search", "compose", "model")) <= answer.seconds + 0.001


# Metrics


def test_metrics_tell_steps_drops_and_failures_of_the_model(client: TestClient, model: ModelServer) -> None:
    before = told(client)
    assert before["assistant_verifier_drops_total"] == 0
    assert before['assistant_step_failures_total{reason="timed_out",step="model"}'] == 0
    client.post("/api/ask", json={"question": ASKED})
    model.knobs = Knobs(drop_after=2)
    try:
        client.post("/api/chat", json={"question": ASKED})
    finally:
        model.knobs = Knobs()
    after = told(client)
    assert after["assistant_verifier_drops_total"] >= 1
    [failed] = [k for k, v in after.items() if k.startswith("assistant_step_failures_total") and v]
    assert failed in ('assistant_step_failures_total{reason="unreachable",step="model"}',
                      'assistant_step_failures_total{reason="bad_answer",step="model"}')  # fmt: skip
    counts = {name: after[f'assistant_step_seconds_count{{step="{name}"}}'] for name in NAMES}
    assert {n: counts[n] for n in NAMES if n != "verify"} == dict.fromkeys((n for n in NAMES if n != "verify"), 2)
    assert counts["verify"] >= 3
    assert after["assistant_answers_open"] == after["assistant_answers_waiting"] == 0


def test_a_stream_that_ends_with_an_error_counts_as_one(settings: AssistantSettings, tmp_path: Path) -> None:
    with (
        contextlib.closing(make_assistant(settings)) as assistant,
        contextlib.closing(History(tmp_path / "c.sqlite")) as history,
    ):
        client = TestClient(create_web(assistant, Dialogue(assistant.answer, history)))

        def broken(*_: Any) -> Iterator[Any]:
            yield from list(Assistant.stream(assistant, Question(ASKED), *_[1:]))[:1]
            raise NoIndex("gone")

        assistant.stream = broken  # type: ignore[method-assign]
        assert "event: error" in client.post("/api/chat", json={"question": ASKED}).text
        assert told(client)['assistant_requests_total{method="POST",route="/api/chat",status="503"}'] == 1


# Lines of log


class Broken(Assistant):
    """Fails with a message that quotes the question."""

    def answer(self, question: Question, *_: Any) -> Any:
        try:
            raise KeyError(question.text)
        except KeyError as error:
            raise ValueError(f"cannot answer {question.text}") from error


@pytest.mark.parametrize("form", logs.FORMS)
def test_an_internal_error_is_one_line_with_its_id_and_place(worded: Assistant, tmp_path: Path, form: Any) -> None:
    written = io.StringIO()
    handler, log = logs.handler(form, written), logging.getLogger("assistant")
    log.addHandler(handler)
    try:
        with contextlib.closing(History(tmp_path / "c.sqlite")) as history:
            broken = Broken.__new__(Broken)
            web = create_web(worded, Dialogue(broken.answer, history))
            client = TestClient(web, raise_server_exceptions=False)
            failed = client.post("/api/ask", json={"question": "canary?"})
    finally:
        log.removeHandler(handler)
    assert failed.status_code == 500 and "canary" not in written.getvalue()
    request = failed.headers["x-request-id"]
    if form == "text":
        assert f"ERROR something failed request_id={request}\n" in written.getvalue()
        assert "raise KeyError(question.text)" in written.getvalue()
        return
    [error] = [json.loads(line) for line in written.getvalue().splitlines()]
    assert error["level"] == "ERROR" and error["request_id"] == request and error["logger"] == "assistant.web.guard"
    assert "raise KeyError(question.text)" in error["traceback"] and "builtins.ValueError" in error["traceback"]
    assert error["traceback"].index("builtins.KeyError") < error["traceback"].index("builtins.ValueError")


def test_own_errors_are_told_in_full_and_groups_with_all_they_hold() -> None:
    assert logs.where(NoIndex("Run: python -m index build")).endswith("NoIndex: Run: python -m index build")
    group = logs.where(ExceptionGroup("canary", [ValueError("canary"), KeyError("canary")]))
    assert group.splitlines() == ["builtins.ExceptionGroup", "builtins.ValueError", "builtins.KeyError"]


def test_a_message_cannot_end_or_forge_a_line() -> None:
    written = io.StringIO()
    handler, log = logs.handler("json", written), logging.getLogger("assistant.forged")
    log.addHandler(handler)
    try:
        with logs.about(request_id="one"):
            log.warning("%s", 'a\r\n{"level": "ERROR"}\u2028\x85\x1b[31m\ud800')
    finally:
        log.removeHandler(handler)
    [line] = written.getvalue().splitlines()
    assert json.loads(line)["level"] == "WARNING" and json.loads(line)["request_id"] == "one" and line.isascii()


CANARY, KEY = "kanareika", "key-kanareika-1"
# Of the source's text, of what the model says, and of what the callers below send.
NEVER = (CANARY, "Roaming", "Elephants", "918273", "sk-echo")


@pytest.mark.slow
def test_the_log_and_the_traces_of_a_real_server_hold_no_content(
    settings: AssistantSettings, model: ModelServer, tmp_path: Path, collector: Collector
) -> None:
    keys, port = tmp_path / "keys", free_port()
    keys.write_text(f"alice:{hashlib.sha256(KEY.encode()).hexdigest()}\n", "utf-8")
    environ = {
        "ASSISTANT_SOURCES": str(settings.sources[0]), "ASSISTANT_DATA": str(settings.data), "OPENAI_API_KEY": KEY,
        "ASSISTANT_MODEL": "openai:mock", "ASSISTANT_MODEL_BASE_URL": model.url, "ASSISTANT_PORT": str(port),
        "ASSISTANT_DATABASE_URL": f"sqlite:///{tmp_path / 'c.sqlite'}", "ASSISTANT_API_KEYS_FILE": str(keys),
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "mine",
    }  # fmt: skip
    command, log = [sys.executable, "-m", "assistant", "serve"], tmp_path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, env=os.environ | environ, stderr=out) as server,
    ):
        try:
            assert wait(lambda: alive(f"http://127.0.0.1:{port}") or server.poll() is not None, 240), log.read_text()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                trace = _use(http, model)
        finally:
            server.terminate()
        assert server.wait(30) == 0
    text = log.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert not [n for n in NEVER if n in text]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    [asked] = [n for n in lines if n.get("trace") == trace]
    assert asked["route"] == "/api/ask" and asked["caller"] == "alice" and asked["status"] == 200
    assert len(asked["request_id"]) == 32 and asked["seconds"] > 0
    refused = {(n["route"], n["status"], n["problem"]) for n in lines if n.get("status", 0) >= 400}
    assert refused == {
        ("none", 401, "A key is needed"), ("/api/ask", 422, "The request is not as the API expects"),
        ("/api/sources/{document_id}", 404, "There is no such source"),
    }  # fmt: skip
    [failed] = [n for n in lines if n["logger"] == "assistant.models"]
    assert failed["level"] == "WARNING" and failed["request_id"]
    [span] = [s for s in collector.spans() if s.trace_id.hex() == asked["trace_id"] and not s.parent_span_id]
    assert span.name == "POST /api/ask" and b"mine" in collector.bodies[0]
    assert not [n for n in NEVER if n.encode() in b"".join(collector.bodies)]


def _use(http: httpx.Client, model: ModelServer) -> str:
    """Say the canary wherever one can; the trace of an answer."""
    key = {"Authorization": f"Bearer {KEY}"}
    question = f"{ASKED} {CANARY}"
    answer = http.post("/api/ask", json={"question": question}, headers=key).json()
    follow = {"question": f"And {CANARY} in Minsk?", "conversation_id": answer["conversation_id"]}
    assert "event: done" in http.post("/api/chat", json=follow, headers=key).text
    messages = [
        {"role": "user", "content": question}, {"role": "assistant", "content": CANARY},
        {"role": "user", "content": f"And {CANARY}?"},
    ]  # fmt: skip
    completion = {"model": "union-state", "messages": messages, "stream": True}
    assert http.post("/v1/chat/completions", json=completion, headers=key).status_code == 200
    judged = {"trace": answer["trace"], "verdict": "down", "comment": CANARY}
    assert http.post("/api/feedback", json=judged, headers=key).status_code == 204
    path = f"/api/conversations/{answer['conversation_id']}"
    assert http.patch(path, json={"title": CANARY}, headers=key).status_code == 200
    assert http.get(path, headers=key).status_code == 200
    assert http.get(f"/api/sources/{CANARY}?{CANARY}={KEY}", headers=key).status_code == 404
    assert http.post("/api/ask", json={"question": question, CANARY: 1}, headers=key).status_code == 422
    assert http.get("/metrics", headers={"Authorization": f"Bearer {CANARY}"}).status_code == 401
    model.knobs = Knobs(fail=400, failures=1000)
    try:
        assert http.post("/api/ask", json={"question": f"{question}?"}, headers=key).json()["notice"]
    finally:
        model.knobs = Knobs()
    return str(answer["trace"])


# The dashboard and the alerts

NAME, LABELS = r"\b((?:assistant|process)_\w+)", re.compile(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"')
FROM_PROMETHEUS = {"instance", "le"}


@pytest.fixture(scope="module")
def samples(worded: Assistant, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """What /metrics tells after real requests: the labels of each sample by its name."""
    with contextlib.closing(History(tmp_path_factory.mktemp("h") / "c.sqlite")) as history:
        client = TestClient(create_web(worded, Dialogue(worded.answer, history)))
        for path in ("/api/ask", "/api/chat"):
            client.post(path, json={"question": ASKED})
        messages = [{"role": "user", "content": ASKED}]
        client.post("/v1/chat/completions", json={"model": "union-state", "messages": messages})
        found = dict[str, list[dict[str, str]]]()
        for sample in told(client):
            name, _, labels = sample.partition("{")
            found.setdefault(name, []).append({n: v for n, _, v in LABELS.findall(labels)})
    return found


def expressions() -> list[str]:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))
    rules = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text("utf-8"))
    asked = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
    asked += [v["definition"] for v in board["templating"]["list"] if v["type"] == "query"]
    return asked + [r["expr"] for g in rules["groups"] for r in g["rules"]]


@pytest.mark.parametrize("expression", expressions())
def test_dashboard_and_alerts_ask_for_what_is_exported(
    samples: dict[str, list[dict[str, str]]], expression: str
) -> None:
    names = re.findall(NAME, expression)
    assert names and not [n for n in names if n not in samples]
    for name, selector in re.findall(NAME + r"\{([^}]*)\}", expression):
        for label, compared, value in LABELS.findall(selector):
            known = {s[label] for s in samples[name] if label in s}
            assert known or label in FROM_PROMETHEUS, (name, label)
            values = value.split("|") if compared == "=~" else [value]
            assert label in FROM_PROMETHEUS or label == "status" or known >= set(values), (name, label)
    labels = {label for name in names for sample in samples[name] for label in sample} | FROM_PROMETHEUS
    for grouped in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
        assert {g.strip() for g in grouped.split(",") if g.strip()} <= labels


def test_the_dashboard_can_be_imported_anywhere() -> None:
    board = json.loads((ROOT / "docs" / "grafana.json").read_text("utf-8"))
    variables = {v["name"]: v for v in board["templating"]["list"]}
    assert board["schemaVersion"] >= 39 and board["uid"] and "id" not in board
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])
    taken = set[tuple[int, int]]()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"] and panel["description"] and panel["targets"]
            assert all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])
            used = set(re.findall(r"\$(\w+)", " ".join(t["expr"] for t in panel["targets"])))
            assert used <= {*variables, "__rate_interval"}


def test_alerts_say_what_to_do() -> None:
    [group] = yaml.safe_load((ROOT / "docs" / "alerts.yml").read_text("utf-8"))["groups"]
    assert len({r["alert"] for r in group["rules"]}) == len(group["rules"]) >= 5
    assert all(r["labels"]["severity"] in ("warning", "critical") and r["annotations"]["summary"]
               for r in group["rules"])  # fmt: skip
