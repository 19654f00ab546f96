"""The routes of conversations, driven whole: what a caller can do, and what nobody can do with another's."""

import contextlib
import datetime
import hashlib
import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from assistant.chain import Assistant
from assistant.conversation import Answer, Question
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.wire import make_dialogue
from index.errors import NoIndex

NOBODYS = "00000000-0000-4000-8000-000000000000"
ASKED = "When do roaming fees end?"


class Answerer:
    """The real assistant, which also remembers what it was asked and can be made to fail or to wait."""

    def __init__(self, assistant: Assistant) -> None:
        self.asked: list[Question] = []
        self.before: Callable[[], object] = lambda: None
        self._assistant = assistant

    def __call__(self, question: Question) -> Answer:
        self.asked.append(question)
        self.before()
        return self._assistant.answer(question)


@pytest.fixture
def answerer(small: Assistant) -> Answerer:
    return Answerer(small)


@pytest.fixture
def dialogue(answerer: Answerer, tmp_path: Path) -> Iterator[Dialogue]:
    with contextlib.closing(History(tmp_path / "conversations.sqlite")) as history:
        yield Dialogue(answerer, history)


@pytest.fixture
def client(small: Assistant, dialogue: Dialogue) -> TestClient:
    return TestClient(create_web(small, dialogue))


@pytest.fixture
def callers(small: Assistant, dialogue: Dialogue) -> dict[str, TestClient]:
    names = ("alice", "bob")
    web = create_web(small, dialogue, {hashlib.sha256(n.encode()).hexdigest(): n for n in names})
    return {n: TestClient(web, headers={"Authorization": f"Bearer {n}"}) for n in names}


def ask(client: TestClient, question: str = ASKED, conversation: str | None = None, key: str | None = None) -> Response:
    body = {"question": question} | ({"conversation_id": conversation} if conversation else {})
    return client.post("/api/ask", json=body, headers={"Idempotency-Key": key} if key else {})


def is_problem(response: Response, status: int) -> bool:
    return (
        response.status_code == status
        and response.headers["content-type"] == "application/problem+json"
        and response.json()["request_id"] == response.headers["x-request-id"]
    )


def test_a_conversation_goes_on_with_what_was_said(client: TestClient, answerer: Answerer) -> None:
    first = ask(client).json()
    second = ask(client, "And in Minsk?", first["conversation_id"]).json()
    assert second["conversation_id"] == first["conversation_id"]
    assert [t.text for t in answerer.asked[1].history] == [ASKED, first["text"]]
    assert "2027" in second["text"]
    messages = client.get(f"/api/conversations/{first['conversation_id']}").json()["messages"]
    assert [(m["role"], m["number"]) for m in messages] == [
        ("user", 1), ("assistant", 1), ("user", 2), ("assistant", 2),
    ]  # fmt: skip
    assert messages[1]["answer"] == {k: v for k, v in first.items() if k != "conversation_id"}
    assert messages[2]["text"] == "And in Minsk?" and messages[3]["text"] == second["text"]


def test_lists_renames_and_deletes(client: TestClient) -> None:
    made = [ask(client, f"{ASKED} {n}").json()["conversation_id"] for n in range(5)]
    first = client.get("/api/conversations", params={"limit": 3}).json()
    then = client.get("/api/conversations", params={"limit": 3, "before": first["next"]}).json()
    assert [c["id"] for c in first["conversations"] + then["conversations"]] == made[::-1] and then["next"] is None
    assert first["conversations"][0]["title"] == f"{ASKED} 4"
    assert datetime.datetime.fromisoformat(first["conversations"][0]["changed"]).tzinfo is not None
    path = f"/api/conversations/{made[2]}"
    assert client.patch(path, json={"title": " Роуминг \n 2026 "}).json()["title"] == "Роуминг 2026"
    assert client.get(path).json()["title"] == "Роуминг 2026"
    assert client.delete(path).status_code == 204
    assert is_problem(client.get(path), 404) and is_problem(client.delete(path), 404)
    assert len(client.get("/api/conversations").json()["conversations"]) == 4


def test_exports_a_conversation_and_an_answer_with_their_sources(client: TestClient) -> None:
    answer = ask(client).json()
    for path in (f"/api/conversations/{answer['conversation_id']}", f"/api/answers/{answer['trace']}"):
        response = client.get(path, params={"format": "markdown"})
        assert response.headers["content-type"] == "text/markdown; charset=utf-8"
        assert response.headers["cache-control"] == "no-store" and ".md" in response.headers["content-disposition"]
        assert ASKED in response.text and "### Sources" in response.text
        assert answer["citations"][0]["quote"] in response.text
    recorded = client.get(f"/api/answers/{answer['trace']}").json()
    assert recorded == {k: v for k, v in answer.items() if k != "conversation_id"}


def test_a_verdict_is_kept_with_the_answer(client: TestClient) -> None:
    answer = ask(client).json()
    body = {"trace": answer["trace"], "verdict": "down", "comment": "Не тот год"}
    assert client.post("/api/feedback", json=body).status_code == 204
    messages = client.get(f"/api/conversations/{answer['conversation_id']}").json()["messages"]
    assert messages[1]["feedback"] == {"verdict": "down", "comment": "Не тот год"}
    assert client.post("/api/feedback", json={"trace": answer["trace"], "verdict": "up"}).status_code == 204


def uses(conversation: str, trace: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every route that takes an id, with every verb."""
    path = f"/api/conversations/{conversation}"
    return [
        ("GET", path, None), ("GET", f"{path}?format=markdown", None), ("GET", f"{path}?before=1", None),
        ("PATCH", path, {"title": "Stolen"}), ("DELETE", path, None),
        ("POST", "/api/ask", {"question": ASKED, "conversation_id": conversation}),
        ("GET", f"/api/answers/{trace}", None), ("GET", f"/api/answers/{trace}?format=markdown", None),
        ("POST", "/api/feedback", {"trace": trace, "verdict": "up"}),
    ]  # fmt: skip


def test_a_caller_sees_only_their_own(callers: dict[str, TestClient]) -> None:
    alice, bob = callers["alice"], callers["bob"]
    question = "When do roaming fees end, canary?"
    answer = ask(alice, question, key="one").json()
    conversation = answer["conversation_id"]
    alice.post("/api/feedback", json={"trace": answer["trace"], "verdict": "down", "comment": "canary"})
    before = alice.get(f"/api/conversations/{conversation}").json()
    mine, none = uses(conversation, answer["trace"]), uses(NOBODYS, "0" * 24)
    for (method, path, body), (_, nowhere, nothing) in zip(mine, none, strict=True):
        stolen, unknown = bob.request(method, path, json=body), bob.request(method, nowhere, json=nothing)
        assert is_problem(stolen, 404) and "canary" not in stolen.text
        assert stolen.json() | {"request_id": ""} == unknown.json() | {"request_id": ""}  # nobody is told which
    assert bob.get("/api/conversations").json() == {"conversations": [], "next": None}
    assert ask(bob, question, key="one").json()["conversation_id"] != conversation  # a key is its caller's alone
    assert alice.get(f"/api/conversations/{conversation}").json() == before


def test_every_route_that_takes_an_id_is_tried_by_the_test_above(client: TestClient) -> None:
    taking = {
        (method.upper(), path)
        for path, methods in client.get("/api/openapi.json").json()["paths"].items()
        for method in methods
        if "{" in path and not path.startswith("/api/sources/")  # sources are everybody's
    }
    tried = {(m, p.partition("?")[0].replace(NOBODYS, "{conversation_id}").replace("0" * 24, "{trace}"))
             for m, p, _ in uses(NOBODYS, "0" * 24)}  # fmt: skip
    assert taking <= tried


def test_without_a_key_nothing_is_told(small: Assistant, dialogue: Dialogue) -> None:
    web = TestClient(create_web(small, dialogue, {hashlib.sha256(b"k").hexdigest(): "alice"}))
    for method, path, body in [*uses(NOBODYS, "0" * 24), ("GET", "/api/conversations", None)]:
        assert is_problem(web.request(method, path, json=body), 401)


BAD: list[tuple[str, str, object]] = [
    ("POST", "/api/feedback", {"trace": "0" * 24, "verdict": "maybe"}),
    ("POST", "/api/feedback", {"trace": "../etc/passwd", "verdict": "up"}),
    ("POST", "/api/feedback", {"trace": "0" * 24, "verdict": "up", "comment": "x" * 2001}),
    ("POST", "/api/feedback", {"trace": "0" * 24, "verdict": "up", "comment": "a\0b"}),
    ("POST", "/api/feedback", {"trace": "0" * 24, "verdict": "up", "owner": "bob"}),
    ("POST", "/api/feedback", {"trace": 7, "verdict": "up"}),
    ("PATCH", f"/api/conversations/{NOBODYS}", {}),
    ("PATCH", f"/api/conversations/{NOBODYS}", {"title": ""}),
    ("PATCH", f"/api/conversations/{NOBODYS}", {"title": " \n "}),
    ("PATCH", f"/api/conversations/{NOBODYS}", {"title": "x" * 201}),
    ("PATCH", f"/api/conversations/{NOBODYS}", {"title": "a\0"}),
    ("PATCH", f"/api/conversations/{NOBODYS}", {"title": "a", "owner": "bob"}),
    ("PATCH", f"/api/conversations/{NOBODYS}", ["a"]),
    ("GET", "/api/conversations?limit=0", None), ("GET", "/api/conversations?limit=101", None),
    ("GET", "/api/conversations?before=x", None), ("GET", "/api/conversations?before=1.%27%20OR%201", None),
    ("GET", f"/api/conversations/{NOBODYS}?before=99999999999999999999", None),
    ("GET", f"/api/conversations/{NOBODYS}?format=xml", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body"), BAD, ids=range(len(BAD)))
def test_bad_input_is_a_problem(client: TestClient, method: str, path: str, body: object) -> None:
    assert is_problem(client.request(method, path, json=body), 422)


@pytest.mark.parametrize(
    "identity", ["x", "%00", "%F0%9F%91%8D", "%ed%a0%80", "a" * 3000, "..%2f..%2fetc", "%27%20OR%201=1"]
)
def test_an_odd_id_is_unknown(client: TestClient, identity: str) -> None:
    for method, path in (("GET", "conversations"), ("DELETE", "conversations"), ("GET", "answers")):
        assert is_problem(client.request(method, f"/api/{path}/{identity}"), 404)


# The same request again


def test_a_repeated_request_gets_its_answer_again(client: TestClient, answerer: Answerer) -> None:
    first, again = ask(client, key="k-1"), ask(client, key='"k-1"')
    assert first.json() == again.json() and len(answerer.asked) == 1
    assert ask(client, key="k-2").json()["conversation_id"] != first.json()["conversation_id"]
    assert is_problem(ask(client, "Another question?", key="k-1"), 422)
    assert is_problem(ask(client, key="k-1", conversation=NOBODYS), 422)
    assert is_problem(ask(client, key="no spaces"), 422)


def test_an_impatient_client_is_answered_once(client: TestClient, answerer: Answerer) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: ask(client, key="again").json(), range(50)))
    assert all(a == answers[0] for a in answers) and len(answerer.asked) == 1
    assert client.get("/api/conversations").json()["conversations"][0]["length"] == 1


def test_different_requests_do_not_wait_for_each_other(client: TestClient, answerer: Answerer) -> None:
    meeting = threading.Barrier(4, timeout=20)
    answerer.before = meeting.wait  # passes only when all four are being answered at the same time
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda n: ask(client, key=f"k{n}").status_code, range(4)))
    assert done == [200] * 4


# When something fails


def test_a_question_that_could_not_be_answered_leaves_no_conversation(
    client: TestClient, answerer: Answerer, dialogue: Dialogue, tmp_path: Path
) -> None:
    def fail() -> None:
        raise NoIndex("no index")

    answerer.before = fail
    assert is_problem(ask(client), 503)
    answerer.before = lambda: None
    kept = ask(client).json()["conversation_id"]
    answerer.before = fail
    assert is_problem(ask(client, conversation=kept), 503)
    assert [c.id for c in dialogue.history.list("local").found] == [kept]
    assert dialogue.history.get(kept, "local").conversation.length == 1


def test_a_conversation_deleted_while_it_is_answered_stays_deleted(client: TestClient, answerer: Answerer) -> None:
    conversation = ask(client).json()["conversation_id"]
    answerer.before = lambda: client.delete(f"/api/conversations/{conversation}")
    response = ask(client, "And in Minsk?", conversation)
    assert response.status_code == 200 and response.json()["conversation_id"] is None
    assert response.headers["conversation-stored"] == "false"
    assert client.get("/api/conversations").json()["conversations"] == []


@pytest.mark.parametrize("url", ["sqlite:////dev/null/none/c.sqlite", "postgresql://u:s3cret@127.0.0.1:1/none"])
def test_answers_come_while_the_database_is_down_and_say_so(small: Assistant, url: str) -> None:
    with contextlib.closing(History(url)) as history:
        client = TestClient(create_web(small, Dialogue(small.answer, history)))
        new, going_on = ask(client), ask(client, conversation=NOBODYS)
        assert new.json()["citations"] and new.json()["conversation_id"] is None
        assert going_on.json()["citations"] and going_on.json()["conversation_id"] == NOBODYS
        assert new.headers["conversation-stored"] == going_on.headers["conversation-stored"] == "false"
        for method, path, body in [
            *uses(NOBODYS, "0" * 24),
            ("GET", "/api/conversations", None),
            ("GET", "/readyz", None),
        ]:
            response = client.request(method, path, json=body)
            assert path == "/api/ask" or is_problem(response, 503)
            assert not any(word in response.text for word in ("s3cret", "127.0.0.1", "/dev/null", "SELECT", "sqlite"))
        assert client.get("/api/conversations").headers["retry-after"]


def test_a_kept_answer_does_not_say_that_it_is_not(client: TestClient) -> None:
    assert "conversation-stored" not in ask(client).headers


def test_no_connection_is_held_while_an_answer_is_made(
    small: Assistant, client: TestClient, answerer: Answerer
) -> None:
    """More answers at once than the pool has connections, and another caller reads meanwhile."""
    many, release = 30, threading.Event()
    arrived = itertools.count(1)
    all_here = threading.Event()

    def wait() -> None:
        if next(arrived) == many:
            all_here.set()
        assert release.wait(30)

    answerer.before = wait
    with ThreadPoolExecutor(many) as pool:
        asking = [pool.submit(ask, client) for _ in range(many)]
        try:
            assert all_here.wait(30)
            assert client.get("/api/conversations").status_code == 200
        finally:
            release.set()
        assert [f.result().status_code for f in asking] == [200] * many


def test_deletion_also_deletes_the_records_of_the_answers(small: Assistant, settings: AssistantSettings) -> None:
    dialogue = make_dialogue(settings, small)
    client = TestClient(create_web(small, dialogue))
    try:
        one, other = ask(client, f"{ASKED} Tell-tale."), ask(client, f"{ASKED} Tell-tale.")
        record = settings.data / "traces" / f"{one.json()['trace']}.json"
        assert record.exists() and one.json()["trace"] == other.json()["trace"]
        client.delete(f"/api/conversations/{one.json()['conversation_id']}")
        assert record.exists()  # the other conversation still holds this answer
        client.delete(f"/api/conversations/{other.json()['conversation_id']}")
    finally:
        dialogue.history.close()
    left = [p for p in settings.data.rglob("*") if p.is_file() and b"Tell-tale" in p.read_bytes()]
    assert left == []
