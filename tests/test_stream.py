"""POST /api/chat over real sockets: the events, their order, and what happens when one side goes away."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.chain import Assistant, Shown, Started
from assistant.conversation import Answer, Question
from assistant.dialogue import Dialogue
from assistant.generation import Cancel
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.web.limits import Limits
from assistant.web.stream import Answering, frame
from assistant.web.turns import Turns
from index.errors import NoIndex
from tests.conftest import ROOT
from tests.model_server import Knobs, ModelServer
from tests.served import ASKED, events, serving, wait

Events = list[tuple[str, dict[str, Any]]]


class Site:
    """A served assistant with its conversations."""

    def __init__(self, url: str, history: History, answering: Answering) -> None:
        self.history, self.answering = history, answering
        self.http = httpx.Client(base_url=url, timeout=60)

    def chat(self, question: str = ASKED, **more: Any) -> Events:
        headers = {"Idempotency-Key": key} if (key := more.pop("key", None)) else {}
        with self.http.stream("POST", "/api/chat", json={"question": question} | more, headers=headers) as response:
            assert response.status_code == 200, response.read()
            return list(events(response.iter_lines()))

    def running(self) -> int:
        return self.answering.count()


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    with contextlib.ExitStack() as stack:

        def make(assistant: Assistant, limits: Limits | None = None) -> Site:
            history = stack.enter_context(contextlib.closing(History(tmp_path / "conversations.sqlite")))
            answering = Answering(limits or Limits())
            web = create_web(assistant, Dialogue(assistant.answer, history), None, limits, None, answering)
            site = Site(stack.enter_context(serving(web, answering.stop)), history, answering)
            stack.callback(site.http.close)
            return site

        yield make


@pytest.fixture
def site(open_site: Callable[..., Site], small: Assistant) -> Site:
    return open_site(small)


@contextlib.contextmanager
def held(model: ModelServer, knobs: Knobs | None = None) -> Iterator[None]:
    """The model says nothing, or does as `knobs` say, until the end."""
    model.knobs = knobs or Knobs(hold=True)
    model.requests.clear()
    try:
        yield
    finally:
        model.knobs = Knobs()


def test_events_make_up_the_answer_of_ask(site: Site) -> None:
    told = site.chat()
    asked = site.http.post("/api/ask", json={"question": ASKED}).json()
    (first, start), *sentences, (last, done) = told
    assert first == "start" and last == "done" and {name for name, _ in sentences} == {"sentence"}
    assert start == {k: done[k] for k in ("trace", "conversation_id", "index", "model")}
    assert [s["number"] for _, s in sentences] == list(range(1, len(done["sentences"]) + 1))
    assert " ".join(s["text"] for _, s in sentences) == done["text"]
    for (_, shown), sentence in zip(sentences, done["sentences"], strict=True):
        assert [c["number"] for c in shown["citations"]] == sentence["citations"]
        assert all(c in done["citations"] for c in shown["citations"])
    same = done.keys() - {"seconds", "conversation_id"}
    assert {k: asked[k] for k in same} == {k: done[k] for k in same}
    assert site.http.get(f"/api/conversations/{done['conversation_id']}").json()["length"] == 1


def test_headers_let_every_proxy_pass_events_on(site: Site) -> None:
    with site.http.stream("POST", "/api/chat", json={"question": ASKED}) as response:
        response.read()
    headers = response.headers
    assert headers["content-type"] == "text/event-stream" and headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no" and "content-length" not in headers and headers["x-request-id"]


def test_a_refusal_has_no_sentences(site: Site) -> None:
    told = site.chat("How do I bake sourdough bread?")
    assert [name for name, _ in told] == ["start", "done"] and told[1][1]["refused"]


def test_a_stream_goes_on_with_the_conversation(site: Site) -> None:
    conversation = site.chat()[-1][1]["conversation_id"]
    again = site.chat("And in Minsk?", conversation_id=conversation)[-1][1]
    assert again["conversation_id"] == conversation and "2027" in again["text"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question": ASKED, "conversation_id": "00000000-0000-4000-8000-000000000000"}, 404),
        ({"question": "  "}, 422), ({"question": ASKED, "more": 1}, 422), ({}, 422), ([], 422),
    ],
)  # fmt: skip
def test_what_cannot_begin_is_a_plain_problem(site: Site, body: object, status: int) -> None:
    response = site.http.post("/api/chat", json=body)
    assert response.status_code == status and response.headers["content-type"] == "application/problem+json"
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_the_same_request_gets_the_same_events(open_site: Callable[..., Site], worded: Assistant) -> None:
    site = open_site(worded)
    first = site.chat(key="one")
    assert site.chat(key="one") == first
    with ThreadPoolExecutor(20) as pool:
        many = list(pool.map(lambda _: site.chat(key="two"), range(20)))
    assert all(told == many[0] for told in many) and many[0][0][0] == "start" and many[0][-1][0] == "done"
    assert len(site.history.list("local").found) == 2


def test_sentences_come_before_the_model_is_done(
    open_site: Callable[..., Site], worded: Assistant, model: ModelServer
) -> None:
    site, seen = open_site(worded), []

    def wordy(messages: list[dict[str, str]]) -> str:
        return copied(messages) + "\n" + "and so on " * 40

    copied, model.said = model.said, wordy
    try:
        with (
            held(model, Knobs(between=0.02)),
            site.http.stream("POST", "/api/chat", json={"question": ASKED}) as response,
        ):
            for name, _ in events(response.iter_lines()):
                seen.append((name, model.requests[0].done if model.requests else False))
    finally:
        model.said = copied
    assert seen[0] == ("start", False) and seen[1] == ("sentence", False) and seen[-1] == ("done", True)


# When something fails


class Breaking(Assistant):
    """The real assistant, which fails after so many events."""

    def __init__(self, real: Assistant, after: int, error: Exception) -> None:
        self._real, self._after, self._error = real, after, error

    def stream(self, question: Question, cancel: Cancel, *_: object) -> Iterator[Started | Shown | Answer]:
        for number, event in enumerate(self._real.stream(question, cancel)):
            if number == self._after:
                raise self._error
            yield event

    def ready(self) -> str:
        return self._real.ready()


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize(("error", "status"), [(NoIndex("secret place"), 503), (RuntimeError("secret place"), 500)])
def test_what_fails_midway_ends_with_one_error(
    open_site: Callable[..., Site], small: Assistant, error: Exception, status: int, after: int
) -> None:
    site = open_site(Breaking(small, after, error))
    told = site.chat()
    assert [name for name, _ in told] == [*["start", "sentence"][:after], "error"]
    problem = told[-1][1]
    assert problem["status"] == status and problem["request_id"] and "secret" not in json.dumps(problem)
    assert site.http.get("/api/conversations").json()["conversations"] == []


def test_what_fails_at_once_is_a_problem(open_site: Callable[..., Site], small: Assistant) -> None:
    response = open_site(Breaking(small, 0, RuntimeError("secret"))).http.post("/api/chat", json={"question": ASKED})
    assert response.status_code == 500 and "secret" not in response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_an_answer_has_its_time(open_site: Callable[..., Site], worded: Assistant, model: ModelServer) -> None:
    site = open_site(worded, Limits(answer_seconds=1.5))
    with held(model):
        told = site.chat()
        asked = site.http.post("/v1/chat/completions", json={"model": "union-state", "messages": [
            {"role": "user", "content": ASKED}]})  # fmt: skip
    assert [name for name, _ in told] == ["start", "error"] and told[1][1]["status"] == 504
    assert asked.status_code == 504 and "1.5 seconds" in asked.json()["error"]["message"]
    assert wait(lambda: site.running() == 0)


def test_silence_is_filled_with_comments(open_site: Callable[..., Site], worded: Assistant, model: ModelServer) -> None:
    site = open_site(worded, Limits(heartbeat=0.1))
    with held(model):
        threading.Timer(1.0, lambda: setattr(model, "knobs", Knobs())).start()
        names = [name for name, _ in site.chat()]
    told = [n for n in names if n != ":"]
    assert names.count(":") >= 3 and told[0] == "start" and told[-1] == "done" and set(told[1:-1]) == {"sentence"}


# When the client goes away


@pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])
def test_who_goes_away_stops_the_model(
    open_site: Callable[..., Site], worded: Assistant, model: ModelServer, path: str
) -> None:
    site = open_site(worded)
    body = {"question": ASKED} if path == "/api/chat" else {
        "model": "union-state", "stream": True, "messages": [{"role": "user", "content": ASKED}]}  # fmt: skip
    many = 20
    with held(model):
        with contextlib.ExitStack() as stack:
            streams = [stack.enter_context(site.http.stream("POST", path, json=body)) for _ in range(many)]
            assert all(r.status_code == 200 for r in streams)
            assert wait(lambda: len(model.requests) == many, 30) and site.running() == many
            site.http.get("/metrics").text.index(f"assistant_streams_open {many}.0")
            left = time.monotonic()
        assert wait(lambda: all(r.left for r in model.requests))
        assert max(r.left or 0 for r in model.requests) - left < 1.0
    assert wait(lambda: site.running() == 0, 2)
    assert "assistant_streams_open 0.0" in site.http.get("/metrics").text
    assert site.http.get("/api/conversations").json()["conversations"] == []


def test_ask_goes_on_for_who_asks_again(open_site: Callable[..., Site], worded: Assistant, model: ModelServer) -> None:
    site = open_site(worded)
    ask = {"json": {"question": ASKED}, "headers": {"Idempotency-Key": "k"}}
    with held(model):
        with pytest.raises(httpx.ReadTimeout):
            site.http.post("/api/ask", **ask, timeout=1.0)
        assert wait(lambda: len(model.requests) == 1)
        model.knobs = Knobs()
        assert site.http.post("/api/ask", **ask).json()["citations"] and len(model.requests) == 1


def test_no_connection_is_held_while_streaming(
    open_site: Callable[..., Site], worded: Assistant, model: ModelServer
) -> None:
    site, many = open_site(worded), 30  # more than the pool of the database has
    with held(model), contextlib.ExitStack() as stack:
        for _ in range(many):
            stack.enter_context(site.http.stream("POST", "/api/chat", json={"question": ASKED}))
        assert wait(lambda: len(model.requests) == many, 30)
        started = time.monotonic()
        assert site.http.get("/api/conversations").status_code == 200
        assert time.monotonic() - started < 1.0


def test_a_caller_has_so_many_streams(open_site: Callable[..., Site], worded: Assistant, model: ModelServer) -> None:
    site = open_site(worded, Limits(streams=2))
    with held(model), contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(site.http.stream("POST", "/api/chat", json={"question": ASKED}))
        refused = site.http.post("/api/chat", json={"question": ASKED})
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0
    assert wait(lambda: site.running() == 0)
    assert site.chat()[-1][0] == "done"


def test_beyond_all_streams_it_says_no_at_once(
    open_site: Callable[..., Site], worded: Assistant, model: ModelServer
) -> None:
    site = open_site(worded, Limits(answers=1))
    with held(model), site.http.stream("POST", "/api/chat", json={"question": ASKED}):
        started = time.monotonic()
        refused = site.http.post("/api/chat", json={"question": ASKED})
        assert refused.status_code == 503 and refused.headers["retry-after"]
        assert time.monotonic() - started < 0.5


# Order


def test_turns_come_in_order_and_the_impatient_leave() -> None:
    turns, order, leaving = Turns(1), list[int](), Cancel()
    first = turns.take(Cancel())

    def work(number: int, cancel: Cancel) -> None:
        turn = turns.take(cancel)
        order.append(number)
        turn.end()
        turn.end()  # once too often does no harm

    with ThreadPoolExecutor(8) as pool:
        for number in range(6):
            pool.submit(work, number, leaving if number == 2 else Cancel())
            assert wait(lambda n=number: len(turns) == n + 1)  # type: ignore[misc]
        leaving.set()
        assert wait(lambda: order == [2])
        first.end()
    assert order == [2, 0, 1, 3, 4, 5]
    turns.take(Cancel()).end()  # the place is free again


def test_many_at_once_are_all_kept(site: Site) -> None:
    with ThreadPoolExecutor(60) as pool:
        told = list(pool.map(lambda n: site.chat(f"{ASKED} {n}")[-1], range(60)))
    assert {name for name, _ in told} == {"done"} and not any("conversation_stored" in done for _, done in told)
    assert len(site.history.list("local", 100).found) == 60


def test_while_many_work_others_are_served(site: Site) -> None:
    with ThreadPoolExecutor(60) as pool:
        asking = [pool.submit(site.chat, f"{ASKED} Number {n}?") for n in range(60)]
        assert wait(lambda: site.running() > 30)
        for _ in range(3):  # in the midst of the work, not after it
            assert httpx.get(site.http.base_url.join("/healthz"), timeout=60).status_code == 200
            assert sum(not a.done() for a in asking) > 10


# Framing


@given(st.text(), st.lists(st.integers(1, 20)))
def test_no_text_forges_an_event(text: str, cuts: list[int]) -> None:
    text = text.encode("utf-8", "ignore").decode()
    sent = frame("sentence", {"text": text}) + frame("done", {"text": f"\n\nevent: done\r\ndata: {text}"})
    lines = iter(sent.decode().splitlines())  # splits at more characters than the standard of server-sent events does
    told = list(events(lines))
    assert told == [("sentence", {"text": text}), ("done", {"text": f"\n\nevent: done\r\ndata: {text}"})]


# The end


def test_sigterm_ends_streams_and_exits_with_0(settings: AssistantSettings, model: ModelServer, tmp_path: Path) -> None:
    port = free_port()
    place = {
        "ASSISTANT_SOURCES": str(settings.sources[0]), "ASSISTANT_DATA": str(settings.data), "OPENAI_API_KEY": "none",
        "ASSISTANT_MODEL": "openai:mock", "ASSISTANT_MODEL_BASE_URL": model.url, "ASSISTANT_PORT": str(port),
        "ASSISTANT_DATABASE_URL": f"sqlite:///{tmp_path / 'c.sqlite'}",
    }  # fmt: skip
    command = [sys.executable, "-m", "assistant", "serve"]
    with (
        held(model),
        subprocess.Popen(command, cwd=ROOT, env=os.environ | place, stderr=subprocess.PIPE, text=True) as server,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            assert wait(lambda: alive(url) or server.poll() is not None, 120) and server.poll() is None
            with httpx.stream("POST", f"{url}/api/chat", json={"question": ASKED}, timeout=30) as response:
                lines = events(response.iter_lines())
                assert next(lines)[0] == "start"
                asked = time.monotonic()
                server.send_signal(signal.SIGTERM)
                told = list(lines)
                assert time.monotonic() - asked < 8
            assert server.wait(30) == 0
        finally:
            server.kill()
        assert server.stderr is not None and "Traceback" not in server.stderr.read()
    assert [name for name, _ in told] == ["error"] and told[0][1]["status"] == 503


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False
