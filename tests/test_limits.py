"""What a request may be, at one below each limit, at it, and one above; what is counted and logged of it."""

import contextlib
import hashlib
import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from httpx import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import Response as Whole
from starlette.routing import Route

from assistant.chain import Assistant
from assistant.conversation import MAX_QUESTION
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.web import server
from assistant.web.app import create_web
from assistant.web.limits import Limits, check_body, names_of
from assistant.web.metrics import Metrics
from assistant.web.problems import Refused
from assistant.web.stream import Answering
from assistant.wire import make_assistant
from index.errors import NoIndex
from tests.served import ASKED, serving, small_settings

JSON = {"Content-Type": "application/json"}
PATHS = ("/api/ask", "/api/chat", "/v1/chat/completions", "/api/feedback")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    with contextlib.closing(make_assistant(small_settings(tmp_path_factory.mktemp("limited")))) as made:
        yield made


@pytest.fixture(scope="module")
def dialogue(small: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dialogue]:
    with contextlib.closing(History(tmp_path_factory.mktemp("history") / "c.sqlite")) as history:
        yield Dialogue(small.answer, history)


@pytest.fixture
def site(small: Assistant, dialogue: Dialogue) -> Callable[..., TestClient]:
    def make(limits: Limits | None = None, keys: tuple[str, ...] = (), host: str | None = None) -> TestClient:
        names = {hashlib.sha256(k.encode()).hexdigest(): k for k in keys}
        return TestClient(create_web(small, dialogue, names, limits, host), raise_server_exceptions=False)

    return make


@pytest.fixture
def client(site: Callable[..., TestClient]) -> TestClient:
    return site(Limits(questions=10_000, requests=10_000))


def key(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {name}"}


def is_problem(response: Response, status: int) -> bool:
    return (
        response.status_code == status
        and response.headers["content-type"] == "application/problem+json"
        and response.json()["request_id"] == response.headers["x-request-id"]
        and response.json()["status"] == status
    )


# How often


def test_each_caller_has_so_many_questions_and_requests(site: Callable[..., TestClient]) -> None:
    client = site(Limits(questions=2, requests=3), keys=("alice", "bob"))
    for path in ("/api/ask", "/api/chat"):
        assert client.post(path, json={"question": ASKED}, headers=key("alice")).status_code == 200
    refused = client.post("/api/ask", json={"question": ASKED}, headers=key("alice"))
    assert is_problem(refused, 429) and 1 <= int(refused.headers["retry-after"]) <= 60
    got = [client.get("/api/sources", headers=key("alice")).status_code for _ in range(5)]
    assert got == [200, 200, 200, 429, 429]
    assert client.post("/api/ask", json={"question": ASKED}, headers=key("bob")).status_code == 200


def test_without_keys_an_address_is_a_caller(site: Callable[..., TestClient]) -> None:
    client = site(Limits(requests=2))
    assert [client.get("/healthz").status_code for _ in range(3)] == [200, 200, 429]


def test_guessing_keys_is_slowed_down_and_hinders_no_other(site: Callable[..., TestClient]) -> None:
    client = site(Limits(bad_keys=5), keys=("alice",))
    codes = [client.get("/api/sources", headers=key(f"guess-{n}")).status_code for n in range(100)]
    assert codes == [401] * 5 + [429] * 95
    assert client.get("/api/sources", headers=key("alice")).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": {"X-Api-Key": "alice"}}, {"headers": {"Authorization": "alice"}}, {"params": {"key": "alice"}},
        {"headers": {"Authorization": "Basic YWxpY2U6YWxpY2U="}}, {"cookies": {"key": "alice"}},
        {"headers": {"Authorization": "Bearer "}}, {"headers": {"Authorization": "Bearer alice alice"}},
        {"headers": {"Authorization": "Bearer " + "a" * 10_000}},
    ],
)  # fmt: skip
def test_only_the_bearer_key_counts(site: Callable[..., TestClient], sent: dict[str, Any]) -> None:
    client = site(keys=("alice",))
    client.cookies.update(sent.pop("cookies", {}))
    response = client.get("/api/sources", **sent)
    assert is_problem(response, 401) and response.headers["www-authenticate"] == "Bearer"


def test_every_route_needs_a_key_but_those_that_are_public(site: Callable[..., TestClient]) -> None:
    client = site(Limits(requests=10_000), keys=("alice",))
    paths = client.get("/api/openapi.json", headers=key("alice")).json()["paths"]
    assert {"/metrics", "/api/chat", "/v1/models", "/"} <= paths.keys()
    public = set()
    for path, methods in (
        paths | {"/api/openapi.json": {"get": {}}, "/docs": {"get": {}}, "/slack": {"post": {}}}
    ).items():
        for method in methods:
            response = client.request(method, path.replace("{", "").replace("}", ""), headers=JSON)
            if response.status_code != 401:
                public.add(path)
    assert public == {"/", "/healthz", "/readyz"}


# How large and deep


def nested(levels: int) -> bytes:
    return b'{"question": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(("levels", "status"), [(63, 422), (64, 422), (65, 400), (5000, 400), (30_000, 400)])
def test_json_is_so_deep_at_most(client: TestClient, levels: int, status: int) -> None:
    assert is_problem(client.post("/api/ask", content=nested(levels), headers=JSON), status)


def test_brackets_in_texts_are_no_levels(client: TestClient) -> None:
    text = 'How \\"[' + "[{" * 200 + "?"
    body = f'{{"question": "{text}"}}'.encode()
    assert client.post("/api/ask", content=body, headers=JSON).status_code == 200


def sized(size: int) -> bytes:
    body = b'{"question": "' + ASKED.encode() + b'"}'
    return body + b" " * (size - len(body))


@pytest.mark.parametrize(("more", "status"), [(-1, 200), (0, 200), (1, 413), (10_000_000, 413)])
@pytest.mark.parametrize("whole", [True, False])
def test_a_body_is_so_large_at_most(client: TestClient, more: int, status: int, whole: bool) -> None:
    body = sized(Limits().body + more)
    pieces = (body[n : n + 10_000] for n in range(0, len(body), 10_000))  # sent without its length
    response = client.post("/api/ask", content=body if whole else pieces, headers=JSON)
    assert response.status_code == status and (status == 200 or is_problem(response, 413))


@pytest.mark.parametrize(("length", "status"), [(MAX_QUESTION - 1, 200), (MAX_QUESTION, 200), (MAX_QUESTION + 1, 422)])
def test_a_question_is_so_long_at_most(client: TestClient, length: int, status: int) -> None:
    assert client.post("/api/ask", json={"question": ("ro " * 1000)[:length]}).status_code == status


def test_headers_are_so_large_at_most(client: TestClient) -> None:
    plain = sum(len(n) + len(v) for n, v in client.build_request("GET", "/healthz", headers={"X-More": ""}).headers.raw)
    room = Limits().headers - plain
    for size, status in ((room - 1, 200), (room, 200), (room + 1, 431)):
        assert client.get("/healthz", headers={"X-More": "x" * size}).status_code == status
    assert is_problem(client.get("/healthz", headers={f"X-{n}": "x" * 20 for n in range(2000)}), 431)


# What is JSON

BAD = [
    b"", b" ", b"{", b"{'question': 'a'}", b'{"question": "a",}', b'{"question": NaN}', b'{"question": Infinity}',
    b'{"question": -Infinity}', b'{"question": 1e999}', b'{"question": "a", "question": "b"}', b"\xff",
    b"\xef\xbb\xbf{}",
    '{"question": "a"}'.encode("utf-16"), b'{"question": "\\ud800"}', b'{"\\ud800": 1}', b'{"question": "a\nb"}',
    b'{"question": "a"} x', b'{"question": ' + b"9" * 5000 + b"}", b"\0", b'{"a": {"b": 1, "b": 2}}', b"tru",
    b'"canary',
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_what_is_no_strict_json_is_refused(client: TestClient, body: bytes) -> None:
    for path in PATHS:
        response = client.post(path, content=body, headers=JSON)
        assert response.status_code == 400 and "canary" not in response.text and len(response.content) < 600
        assert path.startswith("/v1/") or is_problem(response, 400)


def test_names_of_unknown_fields_are_not_echoed(client: TestClient) -> None:
    response = client.post("/api/ask", json={"question": "a", "canary" * 100: 1})
    assert is_problem(response, 422) and "canary" not in response.text and "not known" in response.json()["detail"]


@pytest.mark.parametrize(
    "kind",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json",
     "application/json; charset=utf-16", "application/json, text/plain", "application/jsonp"],
)  # fmt: skip
def test_a_body_says_that_it_is_json(client: TestClient, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    assert is_problem(client.post("/api/ask", content=sized(100), headers=headers), 415)


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_may_name_its_encoding(client: TestClient, kind: str) -> None:
    assert client.post("/api/ask", content=sized(100), headers={"Content-Type": kind}).status_code == 200


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["question", "language", "as_of", "conversation_id", "messages", "role", "content", "model",
                         "stream", "trace", "verdict", "comment", "title", "type", "text"]) | st.text(max_size=8),
        inner, max_size=5),
    max_leaves=20,
)  # fmt: skip
LIKELY = st.fixed_dictionaries(
    {}, optional={
        "question": st.text(max_size=60) | ANYTHING, "language": st.sampled_from(["en", "ru", "be", "de"]) | ANYTHING,
        "as_of": st.dates().map(str) | ANYTHING, "conversation_id": st.uuids().map(str) | ANYTHING,
        "model": st.just("union-state"), "stream": st.booleans(), "messages": st.lists(st.fixed_dictionaries(
            {"role": st.sampled_from(["user", "assistant", "system"]), "content": st.text(max_size=60) | ANYTHING}),
            max_size=4) | ANYTHING,
        "trace": st.text("0123456789abcdef", min_size=24, max_size=24), "verdict": st.sampled_from(["up", "down"]),
    })  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*PATHS, "/api/conversations/x"]), LIKELY | ANYTHING)
def test_no_json_makes_the_server_fail(client: TestClient, path: str, body: object) -> None:
    method = "PATCH" if path.endswith("/x") else "POST"
    response = client.request(method, path, content=json.dumps(body), headers=JSON)
    assert response.status_code < 500 and response.headers["x-request-id"]
    if response.status_code >= 400 and not path.startswith("/v1/"):
        assert is_problem(response, response.status_code)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_bytes_are_json_or_refused(body: bytes) -> None:
    scope = {"method": "POST", "path": "/api/ask", "headers": [(b"content-type", b"application/json")]}
    with contextlib.suppress(Refused):
        check_body(scope, body, Limits())
        json.loads(body)  # what passes is JSON to the framework too


# Where from


@pytest.mark.parametrize(
    ("headers", "served"),
    [
        ({}, True), ({"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"}, True),
        ({"Sec-Fetch-Site": "none"}, True), ({"Origin": "http://127.0.0.1:8000"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False), ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://evil.example"}, False), ({"Origin": "http://127.0.0.1:9000"}, False),
        ({"Origin": "http://127.0.0.1:8000.evil.example"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, False),
    ],
)  # fmt: skip
def test_pages_of_other_sites_change_nothing(
    site: Callable[..., TestClient], headers: dict[str, str], served: bool
) -> None:
    client = site(host="127.0.0.1")
    sent = {"Host": "127.0.0.1:8000"} | headers
    for path, body in (("/api/ask", {"question": ASKED}), ("/api/feedback", {"trace": "0" * 24, "verdict": "up"})):
        response = client.post(path, json=body, headers=sent)
        assert is_problem(response, 403) or served
        assert response.status_code != 403 or not served
    for method in ("DELETE", "PATCH"):
        response = client.request(method, "/api/conversations/x", json={"title": "a"}, headers=sent)
        assert response.status_code == (404 if served else 403)
    assert client.get("/api/sources", headers=sent).status_code == 200
    assert not any(h.startswith("access-control") for h in response.headers)


def test_no_other_site_is_told_that_it_may(client: TestClient) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    response = client.options("/api/ask", headers=asked)
    assert response.status_code == 405 and not any(h.startswith("access-control") for h in response.headers)


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("[::1]", 200),
     ("127.0.0.2:80", 200), ("evil.example", 421), ("evil.example:8000", 421), ("127.0.0.1.evil.example", 421),
     ("localhost.evil.example:80", 421), ("", 421), ("10.0.0.1", 421)],
)  # fmt: skip
def test_a_name_that_was_made_to_lead_here_is_refused(site: Callable[..., TestClient], host: str, status: int) -> None:
    client = site(host="127.0.0.2")
    for path in ("/", "/healthz", "/api/sources"):
        assert client.get(path, headers={"Host": host}).status_code == status


def test_what_others_reach_goes_by_any_name() -> None:
    assert names_of("0.0.0.0") is None and names_of("192.168.1.5") is None
    assert names_of("::1") == {"localhost", "127.0.0.1", "[::1]"}


# How slow, on real sockets


@pytest.fixture
def address(small: Assistant, dialogue: Dialogue) -> Iterator[tuple[str, int]]:
    answering = Answering(Limits(body_seconds=0.5))
    web = create_web(small, dialogue, None, Limits(body_seconds=0.5), None, answering)
    with serving(web, answering.stop, head_seconds=0.5) as url:
        yield "127.0.0.1", int(url.rpartition(":")[2])


def drip(address: tuple[str, int], at_once: bytes, slowly: bytes = b"") -> tuple[bytes, float]:
    """What the server says until it closes the connection, and how many seconds that takes."""
    started = time.monotonic()
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(at_once)
        with contextlib.suppress(OSError):
            for byte in slowly:
                client.sendall(bytes([byte]))
                time.sleep(0.05)
        said = b""
        with contextlib.suppress(ConnectionError):
            while more := client.recv(65536):
                said += more
    return said, time.monotonic() - started


HEAD = b"POST /api/ask HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_slow_body_is_given_up(address: tuple[str, int]) -> None:
    said, seconds = drip(address, HEAD + b"Content-Length: 50\r\n\r\n", b'{"question": ')
    assert said.startswith(b"HTTP/1.1 408") and b"problem+json" in said and seconds < 3


def test_a_slow_head_is_given_up(address: tuple[str, int]) -> None:
    said, seconds = drip(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", b"a" * 20)
    assert said == b"" and seconds < 3
    said, seconds = drip(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /he", b"althz" * 4)
    assert said.count(b"HTTP/1.1") == 1 and seconds < 3


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/x\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: x\r\n\r\n", b"\0" * 100 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 70_000,
        HEAD + b"Content-Length: x\r\n\r\n", HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", HEAD + b"Content-Length: -1\r\n\r\n",
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_http_is_refused_and_hinders_nobody(address: tuple[str, int], sent: bytes) -> None:
    said, seconds = drip(address, sent)
    assert (said == b"" or said.startswith(b"HTTP/1.1 4")) and b"Traceback" not in said and seconds < 5
    said, _ = drip(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200")


def test_who_takes_a_byte_a_second_is_cut_off_and_hinders_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_UNTAKEN_SECONDS", 2)
    body, seconds = b"x" * 5_000_000, []
    web = Starlette(routes=[Route("/big", lambda _: Whole(body)), Route("/", lambda _: Whole())])
    with serving(web, lambda: None) as url, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(socket.socket()) for _ in range(20)]
        for client in slow:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", int(url.rpartition(":")[2])))
            client.sendall(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
        for _ in range(5):
            assert all(len(client.recv(1)) == 1 for client in slow)
            seconds.append(httpx.get(url).elapsed.total_seconds())
            time.sleep(1)
        assert max(seconds) < 1 and all(0 < rest(client) < len(body) // 10 for client in slow)


def rest(client: socket.socket) -> int:
    """How many more bytes come until the server breaks off. Fails where it does not."""
    count = 0
    with pytest.raises(ConnectionResetError):
        while more := client.recv(65536):
            count += len(more)
    return count


CLOSE = b"Host: x\r\nConnection: close\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        b"GET http://evil.example/api/sources HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET healthz HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"GET //evil.example/healthz HTTP/1.1\r\n" + CLOSE + b"\r\n", b"OPTIONS * HTTP/1.1\r\n" + CLOSE + b"\r\n",
        HEAD + b"Connection: close\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX",
        HEAD + b"Connection: close\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n",
        b"GET /api/sources/%ff%fe%00 HTTP/1.1\r\n" + CLOSE + b"\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\n" + CLOSE + b"\r\n",
    ],
    ids=range(9),
)  # fmt: skip
def test_odd_requests_are_one_request_at_most(address: tuple[str, int], sent: bytes) -> None:
    said, seconds = drip(address, sent)
    assert said.count(b"HTTP/1.1 ") == 1 and b"HTTP/1.1 5" not in said and b"evil.example" not in said and seconds < 5
    said, _ = drip(address, b"GET /healthz HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert said.startswith(b"HTTP/1.1 200")


def test_half_a_request_is_no_question(address: tuple[str, int], dialogue: Dialogue) -> None:
    before = len(dialogue.history.list("local", 100).found)
    with socket.create_connection(address) as client:
        client.sendall(HEAD + b'Content-Length: 100\r\n\r\n{"question": "When?"}')
    time.sleep(0.2)
    assert len(dialogue.history.list("local", 100).found) == before


# What is told


def test_a_request_is_one_line_of_log_without_its_content(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "assistant.web"):
        asked = client.post("/api/ask", json={"question": "canary roaming fees?"}, headers={"X-A": "canary"})
        client.get("/api/sources/canary%0d%0a")
        client.get("/canary?canary")
    lines: list[dict[str, Any]] = [vars(r)["told"] for r in caplog.records if r.name == "assistant.web.guard"]
    assert [(t["method"], t["route"], t["status"]) for t in lines] == [
        ("POST", "/api/ask", 200), ("GET", "/api/sources/{document_id}", 404), ("GET", "none", 404)]  # fmt: skip
    assert lines[0]["request_id"] == asked.headers["x-request-id"] and lines[0]["trace"] == asked.json()["trace"]
    assert lines[0]["caller"] == "local" and lines[0]["seconds"] > 0
    assert [t.get("problem") for t in lines] == [None, "There is no such source", "Not Found"]
    assert "canary" not in caplog.text


def test_metrics_count_requests_answers_and_streams(client: TestClient) -> None:
    client.post("/api/ask", json={"question": ASKED})
    client.post("/api/chat", json={"question": ASKED})
    client.post("/api/ask", json={"question": "How do I bake bread?"})
    client.get("/canary")
    response = client.get("/metrics")
    told = dict(line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#"))
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert told['assistant_requests_total{method="POST",route="/api/ask",status="200"}'] == "2.0"
    assert told['assistant_requests_total{method="GET",route="none",status="404"}'] == "1.0"
    assert told['assistant_request_seconds_count{route="/api/chat"}'] == "1.0"
    assert told['assistant_answers_total{model="extractive",outcome="answered"}'] == "2.0"
    assert told['assistant_answers_total{model="extractive",outcome="off_topic"}'] == "1.0"
    assert told["assistant_streams_open"] == "0.0" and "canary" not in response.text
    [age] = [float(v) for k, v in told.items() if k.startswith("assistant_index_age_seconds")]
    assert 0 < age < 3600


def test_metrics_tell_no_age_where_there_is_no_index() -> None:
    assert "index_age" not in Metrics(_no_index, int, int).text().decode()


def _no_index() -> str:
    raise NoIndex("none")


def test_every_route_shows_an_example(client: TestClient) -> None:
    paths = client.get("/api/openapi.json").json()
    for path, methods in paths["paths"].items():
        for method, route in methods.items():
            [good] = [r for status, r in route["responses"].items() if status.startswith("2")]
            assert all("example" in c for c in good.get("content", {}).values()), path
            assert good.get("content") or "204" in route["responses"], path
            if body := route.get("requestBody"):
                name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert paths["components"]["schemas"][name]["examples"], (method, path)
            assert "HTTPValidationError" not in json.dumps(route)
