"""Traces, as a real receiver of OTLP gets them; and that no collector hinders an answer."""

import contextlib
import io
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from assistant import logs
from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.web.limits import Limits
from assistant.web.stream import Answering
from assistant.web.telemetry import Telemetry
from assistant.wire import make_assistant
from index.errors import ConfigurationError
from tests.collector import Collector
from tests.conftest import ROOT
from tests.model_server import Knobs, ModelServer
from tests.served import ASKED, serving

CANARY = "kanareika"
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(autouse=True)
def _no_telemetry_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith("OTEL_")]:
        monkeypatch.delenv(name)


@contextlib.contextmanager
def traced(
    assistant: Assistant, folder: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx.Client]:
    """A client of a real server that sends traces to `endpoint`; at the end all of them are sent."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    telemetry = Telemetry()
    with contextlib.ExitStack() as stack:
        history = stack.enter_context(contextlib.closing(History(folder / "c.sqlite")))
        stack.callback(telemetry.close)
        answering = Answering(Limits())
        web = create_web(assistant, Dialogue(assistant.answer, history), answering=answering)
        url = stack.enter_context(serving(telemetry.traced(web), answering.stop))
        yield stack.enter_context(httpx.Client(base_url=url, timeout=60))


def values(span: Span) -> dict[str, Any]:
    return {a.key: getattr(a.value, str(a.value.WhichOneof("value"))) for a in span.attributes}


def test_a_request_is_a_span_with_its_steps_below(
    small: Assistant, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.time_ns()
    with traced(small, tmp_path, collector.url, monkeypatch) as http:
        asked = http.post("/api/ask", json={"question": f"{ASKED} {CANARY}"}, headers={"traceparent": PARENT})
        http.post("/api/chat", json={"question": f"{ASKED} {CANARY}?"})  # the same one would be remembered
        http.get(f"/api/sources/{CANARY}?{CANARY}")
    top = {s.name: s for s in collector.spans() if s.kind == Span.SPAN_KIND_SERVER}
    assert set(top) == {"POST /api/ask", "POST /api/chat", "GET /api/sources/{document_id}"}
    ask = top["POST /api/ask"]
    assert ask.trace_id.hex() == PARENT.split("-")[1] and ask.parent_span_id.hex() == PARENT.split("-")[2]
    assert not top["POST /api/chat"].parent_span_id and top["POST /api/chat"].trace_id != ask.trace_id
    assert values(ask) == {
        "http.request.method": "POST", "http.route": "/api/ask", "http.response.status_code": 200,
        "assistant.request_id": asked.headers["x-request-id"], "assistant.trace": asked.json()["trace"],
    }  # fmt: skip
    for name in ("POST /api/ask", "POST /api/chat"):
        steps = [s for s in collector.spans() if s.parent_span_id == top[name].span_id]
        assert {s.name for s in steps} == {
            "open", "wait", "rewrite", "search", "compose", "verify", "record", "keep"}  # fmt: skip
        assert {s.trace_id for s in steps} == {top[name].trace_id}
        for step in steps:
            assert started < top[name].start_time_unix_nano <= step.start_time_unix_nano <= step.end_time_unix_nano
            assert step.end_time_unix_nano <= time.time_ns()
    [group] = {g.SerializeToString() for r in collector.requests() for g in [r.resource_spans[0].resource]}
    assert b"union-state-assistant" in group
    assert CANARY.encode() not in b"".join(collector.bodies) and b"roaming" not in b"".join(collector.bodies).lower()


def test_a_failing_model_and_a_failing_server_are_errors(
    settings: AssistantSettings, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ModelServer() as model:
        model.knobs = Knobs(fail=400, failures=1000)
        options = {"model": "openai:mock", "model_base_url": model.url}
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        with (
            contextlib.closing(make_assistant(settings.model_copy(update=options))) as assistant,
            traced(assistant, tmp_path, collector.url, monkeypatch) as http,
        ):
            assert http.post("/api/ask", json={"question": ASKED}).status_code == 200
    [step] = [s for s in collector.spans() if s.name == "model"]
    assert step.status.code == Status.STATUS_CODE_ERROR and values(step)["error.type"] == "bad_answer"
    [request] = [s for s in collector.spans() if s.kind == Span.SPAN_KIND_SERVER]
    assert request.status.code == Status.STATUS_CODE_UNSET


def test_the_log_names_the_trace_of_a_failure(
    small: Assistant, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Assistant):
        def answer(self, *_: Any) -> Any:
            raise ValueError(CANARY)

    written = io.StringIO()
    handler, log = logs.handler("json", written), logging.getLogger("assistant")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        broken = Broken.__new__(Broken)
        broken.__dict__.update(vars(small))
        with traced(broken, tmp_path, collector.url, monkeypatch) as http:
            failed = http.post("/api/ask", json={"question": ASKED}, headers={"traceparent": PARENT})
            assert failed.status_code == 500
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
    error, request = [json.loads(line) for line in written.getvalue().splitlines()]
    assert error["trace_id"] == request["trace_id"] == PARENT.split("-")[1] and "traceback" in error
    assert error["level"] == "ERROR" and request["status"] == 500 and CANARY not in written.getvalue()
    [span] = [s for s in collector.spans() if s.kind == Span.SPAN_KIND_SERVER]
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert CANARY.encode() not in b"".join(collector.bodies)


@pytest.mark.parametrize(
    "theirs", ["x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "00-" + "f" * 600, PARENT.upper(), "ÿ"]
)
def test_a_bad_traceparent_is_no_parent(
    small: Assistant, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    with traced(small, tmp_path, collector.url, monkeypatch) as http:
        sent = {b"traceparent": theirs.encode("latin-1")}
        assert http.get("/api/sources", headers=sent).status_code == 200  # type: ignore[arg-type]
    [span] = collector.spans()
    assert not span.parent_span_id and len(span.trace_id) == 16


def test_a_caller_that_is_not_sampled_is_not_traced(
    small: Assistant, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced(small, tmp_path, collector.url, monkeypatch) as http:
        http.post("/api/ask", json={"question": ASKED}, headers={"traceparent": PARENT[:-1] + "0"})
    assert collector.spans() == []


@pytest.mark.parametrize("silent", [False, True], ids=["dead", "silent"])
def test_no_collector_hinders_an_answer(
    small: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent: bool, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    with socket.socket() as listener:  # accepts, and says nothing
        listener.bind(("127.0.0.1", 0))
        if silent:
            listener.listen()
        with traced(small, tmp_path, f"http://127.0.0.1:{listener.getsockname()[1]}", monkeypatch) as http:
            for _ in range(10):
                response = http.post("/api/ask", json={"question": ASKED})
                assert response.status_code == 200 and response.elapsed.total_seconds() < 2
            stopping = time.monotonic()
        assert time.monotonic() - stopping < 8
    assert len([r for r in caplog.records if r.name.startswith("opentelemetry.exporter")]) <= 1


def test_nothing_is_imported_where_no_collector_is_configured() -> None:
    code = (
        "import sys, assistant.commands as m, assistant.web.app\n"
        "with m._telemetry() as around:\n"
        "    print(around(7), [n for n in sys.modules if n.endswith(('web.telemetry', 'otlp.proto.http'))])"
    )
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == "7 []\n", done.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [("ENDPOINT", "localhost:4318"), ("ENDPOINT", "http://"), ("TRACES_ENDPOINT", "ftp://x"), ("PROTOCOL", "grpc")],
)
def test_what_is_not_done_is_said_at_once(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{name}", value)
    with pytest.raises(ConfigurationError, match=f"OTEL_EXPORTER_OTLP_{name} .*http"):
        Telemetry()
