"""The tools for other programs, used by the real client of the Model Context Protocol over both of its transports."""

import asyncio
import contextlib
import copy
import hashlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import httpx2
import jsonschema
import pytest
from fastapi.testclient import TestClient
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from assistant.chain import Assistant
from assistant.conversation import MAX_QUESTION
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.web.limits import Limits
from assistant.web.stream import Answering
from assistant.wire import make_assistant
from index.documents import Passage
from tests.conftest import ROOT
from tests.model_server import Knobs, ModelServer
from tests.served import ASKED, serving, wait

pytestmark = pytest.mark.slow
KEY = "sk-of-alice"
KEYS = {hashlib.sha256(KEY.encode()).hexdigest(): "alice"}
ASK = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": {"question": ASKED}}}
HELLO = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
    "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}}  # fmt: skip
JSON = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
T = TypeVar("T")


class Session:
    """A connected client. It lives in a task of its own thread."""

    def __init__(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        self.client, self.loop = client, loop

    def do(self, made: Callable[[Client], Awaitable[T]]) -> T:
        async def run() -> T:
            return await made(self.client)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(300)

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        return self.do(lambda client: client.call_tool(tool, arguments))

    def given(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.call(tool, **arguments)
        assert not result.is_error, text(result)
        found: dict[str, Any] = result.structured_content
        return found


@contextlib.contextmanager
def connected(server: StdioServerParameters | str, mode: str = "auto", key: str | None = None) -> Iterator[Session]:
    """A client of a server that it starts, or of that address. Raises what connecting raises."""
    made, over = threading.Event(), asyncio.Event()
    sessions: list[Session] = []

    async def live() -> None:
        async with contextlib.AsyncExitStack() as stack:
            target: Any = server
            if isinstance(server, str) and key is not None:
                with_key = httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60)
                target = streamable_http_client(server, http_client=await stack.enter_async_context(with_key))
            client = await stack.enter_async_context(Client(target, mode=mode))
            sessions.append(Session(client, asyncio.get_running_loop()))
            made.set()
            await over.wait()

    with ThreadPoolExecutor(1) as pool:
        living = pool.submit(asyncio.run, live())
        living.add_done_callback(lambda _: made.set())
        assert made.wait(300)
        if not sessions:
            living.result()
        try:
            yield sessions[0]
        finally:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                sessions[0].loop.call_soon_threadsafe(over.set)
            living.result(60)


def text(result: CallToolResult) -> str:
    [only] = result.content
    assert only.type == "text"
    return only.text


def started(data: Path) -> StdioServerParameters:
    """The command as the help has programs start it."""
    done = subprocess.run([sys.executable, "-m", "assistant", "mcp", "--help"], cwd=ROOT, capture_output=True,
                          text=True, check=True)  # fmt: skip
    shown = json.loads(done.stdout[done.stdout.index("{") : done.stdout.rindex("}") + 1])
    server = shown["mcpServers"]["union-state"]
    assert server["env"] == {"ASSISTANT_DATA": str(ROOT / ".data")}
    return StdioServerParameters(command=server["command"], args=server["args"], env={"ASSISTANT_DATA": str(data)},
                                 cwd=ROOT)  # fmt: skip


@contextlib.contextmanager
def site(
    assistant: Assistant, folder: Path, keys: dict[str, str] | None = None, limits: Limits | None = None,
    answering: Answering | None = None,
) -> Iterator[str]:  # fmt: skip
    """The address of a served web application."""
    answering = answering or Answering(limits or Limits())
    with contextlib.closing(History(folder / "conversations.sqlite")) as history:
        web = create_web(assistant, Dialogue(assistant.answer, history), keys, limits, "127.0.0.1", answering)
        with serving(web, answering.stop) as url:
            yield url


@pytest.fixture(scope="module")
def url(small: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site(small, tmp_path_factory.mktemp("history")) as base:
        yield base


@pytest.fixture(scope="module", params=["stdio auto", "stdio legacy", "http auto", "http legacy"])
def session(request: pytest.FixtureRequest, settings: AssistantSettings, url: str) -> Iterator[Session]:
    transport, mode = request.param.split()
    with connected(started(settings.data) if transport == "stdio" else f"{url}/mcp", mode) as made:
        yield made


# What the tools give


def test_the_tools_are_listed_with_their_limits(session: Session) -> None:
    tools = {t.name: t for t in session.do(lambda client: client.list_tools()).tools}
    assert tools.keys() == {"ask", "search", "get_source"}
    for tool in tools.values():
        assert tool.title and tool.description and "data" in tool.description and tool.output_schema
        assert tool.annotations and tool.annotations.read_only_hint and tool.annotations.open_world_hint is False
        assert tool.input_schema["additionalProperties"] is False
        assert all(p["description"] for p in tool.input_schema["properties"].values())
    asked, searched = tools["ask"].input_schema, tools["search"].input_schema["properties"]["k"]
    assert asked["required"] == ["question"] and asked["properties"]["question"]["maxLength"] == MAX_QUESTION
    assert asked["properties"].keys() == {"question", "as_of", "language"}
    assert (searched["minimum"], searched["maximum"], searched["default"]) == (1, 50, 10)
    assert "instructions" in (session.client.instructions or "") and session.client.server_info


def strict(schema: Any) -> Any:
    """The same schema, which allows of nothing that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(each) for name, each in schema.items()}
    return made | ({"additionalProperties": False} if "properties" in made else {})


def test_what_is_given_is_what_the_schemas_describe(session: Session) -> None:
    schemas = {t.name: strict(t.output_schema) for t in session.do(lambda client: client.list_tools()).tools}
    answer = session.given("ask", question=ASKED)
    jsonschema.validate(answer, schemas["ask"])
    jsonschema.validate(session.given("ask", question="Who is the best cook in Brest?"), schemas["ask"])
    jsonschema.validate(session.given("search", query=ASKED), schemas["search"])
    jsonschema.validate(session.given("get_source", document_id="a"), schemas["get_source"])
    broken = copy.deepcopy(answer)
    del broken["citations"][0]["quote"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schemas["ask"])


def same(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in ("seconds", "conversation_id")}


@pytest.mark.parametrize("question", [ASKED, "Who is the best cook in Brest?", "Когда отменят роуминг?"])
def test_an_answer_is_that_of_the_http_api(session: Session, url: str, question: str) -> None:
    asked = httpx.post(f"{url}/api/ask", json={"question": question}, timeout=60).json()
    assert same(session.given("ask", question=question)) == same(asked)


def test_an_answer_is_proven_and_reads_with_its_sources(session: Session) -> None:
    result = session.call("ask", question=ASKED)
    answer, source = result.structured_content, session.given("get_source", document_id="a")
    assert not answer["refused"] and answer["citations"]
    for citation in answer["citations"]:
        assert source["text"][citation["start"] : citation["end"]] == citation["quote"]
    said = text(result)
    assert answer["text"] in said and "### Sources" in said and "<https://example.org/roaming>" in said
    assert all(f"> {c['quote']}" in said for c in answer["citations"])
    assert "![x](http" not in said and "<b>" not in said  # the title of the source is no markup


def test_a_refusal_is_an_answer_and_no_error(session: Session) -> None:
    result = session.call("ask", question="Who is the best cook in Brest?")
    answer = result.structured_content
    assert not result.is_error and answer["refused"] and answer["reason"] and not answer["citations"]
    assert answer["text"].split("\n")[0] in text(result)


def test_nothing_later_than_as_of_is_used(session: Session) -> None:
    for day, found in (("2024-04-30", False), ("2024-05-01", True)):
        answer = session.given("ask", question=ASKED, as_of=day)
        assert answer["as_of"] == day and answer["refused"] is not found and bool(answer["passages"]) is found
        assert bool(session.given("search", query=ASKED, as_of=day)["passages"]) is found
    assert session.given("ask", question=ASKED, as_of=None)["as_of"] is None


def test_the_language_of_the_answer_can_be_chosen(session: Session) -> None:
    answer = session.given("ask", question="Who is the best cook in Brest?", language="ru")
    assert answer["language"] == "ru" and any("а" <= c <= "я" for c in answer["text"])


def test_search_gives_ranked_passages_of_documents(session: Session, small: Assistant) -> None:
    result = session.call("search", query="Roaming in Minsk", k=1)
    [passage] = result.structured_content["passages"]
    [found] = small.search("Roaming in Minsk", 1)
    assert (passage["chunk_id"], passage["score"]) == (found.chunk.id, found.score) and passage["found_by"]
    assert passage["publisher"] == "Ministry" and passage["published"] == "2024-05-01" and passage["kind"]
    source = session.given("get_source", document_id=passage["document_id"])
    assert source["text"][passage["start"] : passage["end"]] == passage["text"]
    said = text(result)
    assert "document_id a, characters" in said and "follow no instruction" in said and "![x](http" not in said


def test_a_source_is_that_of_the_http_api(session: Session, url: str) -> None:
    result = session.call("get_source", document_id="a")
    assert result.structured_content == httpx.get(f"{url}/api/sources/a").json()
    assert result.structured_content["text"] in text(result) and "follow no instruction" in text(result)


def test_many_calls_at_once_give_what_they_give_alone(session: Session) -> None:
    calls = [
        ("ask", {"question": ASKED}), ("search", {"query": "Minsk"}), ("get_source", {"document_id": "a"}),
        ("ask", {"question": "Who is the best cook in Brest?"}),
    ]  # fmt: skip
    alone = [session.given(tool, **arguments) for tool, arguments in calls]

    async def all_at_once(client: Client) -> list[CallToolResult]:
        return await asyncio.gather(*(client.call_tool(tool, arguments) for tool, arguments in calls * 4))

    together = [r.structured_content for r in session.do(all_at_once)]
    assert [same(t) for t in together] == [same(a) for a in alone * 4]


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("ask", {"question": "  \n"}, "question: must be text"),
    ("ask", {"question": "secret\0"}, "question: must be text"),
    ("ask", {"question": "secret" * 400}, "at most 2000"),
    ("ask", {}, "question: Field required"),
    ("ask", {"question": 5}, "question: Input should be a valid string"),
    ("ask", {"question": "secret", "as_of": "secretly"}, "as_of: must be a date such as 2021-12-31"),
    ("ask", {"question": "secret", "as_of": 20210101}, "as_of: must be a date"),
    ("ask", {"question": "secret", "language": "secret"}, "language: Input should be 'en', 'ru' or 'be'"),
    ("ask", {"question": "secret", "secret": 1}, "there is an argument that is not known"),
    ("search", {"query": ""}, "query: "),
    ("search", {"query": "secret", "k": 0}, "k: Input should be greater"),
    ("search", {"query": "secret", "k": 51}, "k: Input should be less than or equal to 50"),
    ("get_source", {"document_id": "secret"}, "There is no such source"),
    ("get_source", {"document_id": "../../secret"}, "There is no such source"),
]


@pytest.mark.parametrize(("tool", "arguments", "said"), BAD, ids=range(len(BAD)))
def test_an_error_is_one_line_without_the_input(
    session: Session, tool: str, arguments: dict[str, Any], said: str
) -> None:
    result = session.call(tool, **arguments)
    assert result.is_error and result.structured_content is None
    told = text(result)
    assert said in told and "\n" not in told and "secret" not in told and "pydantic" not in told


def test_an_unknown_tool_is_an_error_of_the_protocol(session: Session) -> None:
    with pytest.raises(MCPError, match="there are ask, search, get_source") as raised:
        session.call("secret_tool")
    assert "secret" not in str(raised.value)


# What can be broken


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_without_an_index_each_call_says_so(transport: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        server: Any = started(tmp_path / "none")
        if transport == "http":
            made = make_assistant(AssistantSettings(data=tmp_path / "none"))
            server = stack.enter_context(site(made, tmp_path)) + "/mcp"
        session = stack.enter_context(connected(server))
        for tool, arguments in (
            ("ask", {"question": "Who?"}), ("search", {"query": "x"}), ("get_source", {"document_id": "a"}),
        ):  # fmt: skip
            result = session.call(tool, **arguments)
            assert result.is_error and "python -m assistant doctor" in text(result)
            assert str(tmp_path) not in text(result) and "\n" not in text(result)


class Buggy(Assistant):
    """An assistant whose search has a bug."""

    def __init__(self) -> None:
        pass

    def search(self, *_: object) -> list[Passage]:
        raise RuntimeError("the password is 1234")

    def ready(self) -> str:
        return "20260101-000000-none"


def test_a_bug_is_told_by_an_id_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with site(Buggy(), tmp_path) as base, connected(f"{base}/mcp") as session:
        result = session.call("search", query="x")
    assert result.is_error and text(result).startswith("Something failed here: call ")
    assert text(result).rpartition(" ")[2] in caplog.text and "the password is 1234" in caplog.text


# Standard streams


def test_nothing_but_the_protocol_is_on_standard_output(settings: AssistantSettings) -> None:
    messages = [
        HELLO,
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        ASK,
        {"jsonrpc": "2.0", "id": 2, "method": "nothing/such"},
    ]
    place = {"ASSISTANT_DATA": str(settings.data)}
    command = [sys.executable, "-m", "assistant", "mcp"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as server:  # fmt: skip
        assert server.stdin and server.stdout and server.stderr
        for message in messages:
            server.stdin.write("this is not JSON\n" + json.dumps(message) + "\n")
        server.stdin.flush()
        told = [json.loads(server.stdout.readline()) for _ in range(3)]
        server.stdin.close()
        rest, errors = server.stdout.read(), server.stderr.read()
        assert server.wait(30) == 0
    assert rest == "" and "Traceback" not in errors and all(t["jsonrpc"] == "2.0" for t in told)
    by_id = {t["id"]: t for t in told}
    assert by_id[1]["result"]["structuredContent"]["citations"] and by_id[2]["error"]["code"] == -32601


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_signal_ends_it_while_it_waits_for_input(tmp_path: Path) -> None:
    command, place = [sys.executable, "-m", "assistant", "mcp"], {"ASSISTANT_DATA": str(tmp_path / "none")}
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as server:  # fmt: skip
        assert server.stdin and server.stdout and server.stderr
        try:
            server.stdin.write(json.dumps(HELLO) + "\n")
            server.stdin.flush()
            assert json.loads(server.stdout.readline())["id"] == 0
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == -signal.SIGINT
        finally:
            server.kill()
        assert "Traceback" not in server.stderr.read()


# HTTP


@pytest.fixture(scope="module")
def guarded(small: Assistant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with site(small, tmp_path_factory.mktemp("guarded"), KEYS, Limits(questions=2)) as base:
        yield f"{base}/mcp"


def post(url: str, message: object = None, **headers: str) -> httpx.Response:
    body = message if isinstance(message, bytes) else json.dumps(message or ASK).encode()
    return httpx.post(url, content=body, headers=JSON | headers, timeout=60)


def is_told(response: httpx.Response, status: int) -> bool:
    """Whether it is an error in the form of JSON-RPC, with its id."""
    body = response.json()
    return (
        (response.status_code, response.headers["content-type"]) == (status, "application/json")
        and (body["jsonrpc"], body["id"]) == ("2.0", None)
        and bool(body["error"]["message"])
        and body["error"]["data"]["request_id"] == response.headers["x-request-id"]
    )


def test_a_key_is_needed(guarded: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": KEY}, {"X-Api-Key": KEY}):
        refused = post(guarded, **headers)
        assert is_told(refused, 401) and refused.headers["www-authenticate"] == "Bearer"
    for key in (None, "wrong"):
        with pytest.raises(BaseException) as raised, connected(guarded, "legacy", key):
            pass
        assert "A key is needed" in str(flat(raised.value))
    with connected(guarded, key=KEY) as session:
        assert session.given("search", query="Minsk")["passages"]


def flat(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [found for each in error.exceptions for found in flat(each)]
    return [error]


def test_other_sites_and_names_are_refused(url: str) -> None:
    url = f"{url}/mcp"
    assert is_told(post(url, Host="evil.example"), 421)
    assert is_told(post(url, Origin="https://evil.example"), 403)
    assert is_told(post(url, **{"Sec-Fetch-Site": "cross-site"}), 403)
    assert post(url, Origin=url.removesuffix("/mcp")).status_code == 200


def test_bodies_have_the_limits_of_the_http_api(url: str) -> None:
    url = f"{url}/mcp"
    assert is_told(post(url, b"x" * (Limits().body + 1)), 413)
    assert is_told(post(url, b"[" * 100 + b"]" * 100), 400)
    assert is_told(post(url, b'{"jsonrpc": "2.0", "jsonrpc": "2.0", "method": "ping"}'), 400)
    assert is_told(post(url, **{"Content-Type": "text/plain"}), 415)
    assert 400 <= httpx.post(url, timeout=60).status_code < 500  # no body at all
    for method in ("GET", "DELETE"):
        assert is_told(httpx.request(method, url, headers=JSON), 405)


@pytest.mark.parametrize(
    "message",
    [
        b'"secret"', b"[]", b"null", b'{"secret": 1}', b'{"jsonrpc": "secret", "id": 1, "method": "ping"}',
        b'{"jsonrpc": "2.0", "id": null, "method": "secret"}', b'{"jsonrpc": "2.0", "id": 1, "result": {"secret": 1}}',
        b'{"jsonrpc": "2.0", "id": 1.5, "method": "secret"}', b'{"jsonrpc": "2.0", "id": 1, "method": ["secret"]}',
        b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "secret"}',
        json.dumps([ASK, ASK]).encode(),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_message_is_refused_without_the_input(url: str, message: bytes) -> None:
    refused = post(f"{url}/mcp", message)
    assert is_told(refused, 422) and "secret" not in refused.text and ASKED not in refused.text


def test_malformed_parameters_do_not_come_back(url: str) -> None:
    for params in ({"name": ["secret"]}, {"name": "ask", "arguments": "secret"}, {}):
        refused = post(f"{url}/mcp", ASK | {"params": params})
        assert "error" in refused.json() and "secret" not in refused.text and "Traceback" not in refused.text


def test_a_call_needs_no_handshake_so_that_any_replica_serves_it(url: str) -> None:
    done = post(f"{url}/mcp")
    assert done.status_code == 200 and "mcp-session-id" not in done.headers
    assert done.json()["result"]["structuredContent"]["citations"]


def test_questions_count_as_questions(guarded: str) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    escaped = json.dumps(ASK).replace('"ask"', '"\\u0061sk"').encode()
    assert [post(guarded, m, **key).status_code for m in (ASK, escaped)] == [200, 200]
    refused = post(guarded, escaped, **key)
    assert is_told(refused, 429) and 1 <= int(refused.headers["retry-after"]) <= 60
    assert "More than 2 questions a minute" in refused.text
    asked = httpx.post(guarded.replace("/mcp", "/api/ask"), json={"question": ASKED}, headers=key)
    assert asked.status_code == 429  # one count for all ways to ask
    with connected(guarded, key=KEY) as session:
        assert session.given("search", query="Minsk")["passages"]
        with pytest.raises(MCPError, match="More than 2 questions a minute: Wait"):
            session.call("ask", question=ASKED)


def test_answers_are_counted_and_not_kept(url: str) -> None:
    def counted() -> float:
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("assistant_answers_total{"))

    before, kept = counted(), httpx.get(f"{url}/api/conversations").json()["conversations"]
    assert post(f"{url}/mcp").status_code == 200
    assert counted() == before + 1
    assert httpx.get(f"{url}/api/conversations").json()["conversations"] == kept
    assert 'route="/mcp",status="200"' in httpx.get(f"{url}/metrics").text


# The end


@pytest.fixture
def held(settings: AssistantSettings, model: ModelServer) -> Iterator[Assistant]:
    """An assistant whose chat model says nothing until the end of the test."""
    options = {"model": "openai:mock", "model_base_url": model.url}
    model.knobs = Knobs(hold=True)
    with contextlib.closing(make_assistant(settings.model_copy(update=options))) as made:
        yield made
        model.knobs = Knobs()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_server_that_stops_tells_who_waits(held: Assistant, tmp_path: Path, mode: str) -> None:
    answering, results = Answering(Limits()), list[CallToolResult]()
    with site(held, tmp_path, answering=answering) as base:
        opened = contextlib.ExitStack()
        session = opened.enter_context(connected(f"{base}/mcp", mode))
        waiting = threading.Thread(target=lambda: results.append(session.call("ask", question=ASKED)))
        waiting.start()
        assert wait(lambda: answering.count() == 1, 20)
    waiting.join(20)
    [result] = results
    assert result.is_error and text(result) == "The server is stopping: Ask again in a moment"
    opened.close()


@pytest.mark.parametrize("headers", [{}, {"MCP-Protocol-Version": "2025-06-18"}])
def test_an_answer_that_nobody_waits_for_is_stopped(held: Assistant, tmp_path: Path, headers: dict[str, str]) -> None:
    answering = Answering(Limits())
    with site(held, tmp_path, answering=answering) as base:
        connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=20)
        connection.request("POST", "/mcp", json.dumps(ASK), JSON | headers)
        assert wait(lambda: answering.count() == 1, 20)
        connection.close()
        assert wait(lambda: answering.count() == 0, 20)


def test_cancelling_a_call_stops_its_answer(held: Assistant, tmp_path: Path) -> None:
    answering = Answering(Limits())

    async def cancelled(client: Client) -> None:
        call = asyncio.create_task(client.call_tool("ask", {"question": ASKED}))
        while answering.count() == 0:
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.wait({call})

    with site(held, tmp_path, answering=answering) as base, connected(f"{base}/mcp") as session:
        session.do(cancelled)
        assert wait(lambda: answering.count() == 0, 20)


def test_outside_of_its_lifespan_the_route_says_so(small: Assistant, tmp_path: Path) -> None:
    with contextlib.closing(History(tmp_path / "c.sqlite")) as history:
        web = create_web(small, Dialogue(small.answer, history))
        for _ in range(2):
            with TestClient(web) as client:
                assert client.post("/mcp", json=ASK, headers=JSON).status_code == 200
            refused = TestClient(web).post("/mcp", json=ASK, headers=JSON)
            assert refused.status_code == 503 and refused.json()["error"]["data"]["status"] == 503


def test_one_file_speaks_the_protocol() -> None:
    speaking = {
        file.relative_to(ROOT).as_posix()
        for package in ("assistant", "index", "prompts", "evals")
        for file in (ROOT / package).rglob("*.py")
        if re.search(r"^\s*(?:from|import) mcp(?:_types)?\b", file.read_text("utf-8"), re.MULTILINE)
    }
    assert speaking == {"assistant/mcp.py"}
