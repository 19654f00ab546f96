"""The web endpoint, driven whole through its client."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from assistant.chain import Assistant
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.web.guard import read_keys
from assistant.web.limits import Limits
from assistant.wire import make_assistant, make_dialogue
from index.errors import ConfigurationError


@pytest.fixture
def dialogue(assistant: Assistant, tmp_path: Path) -> Iterator[Dialogue]:
    with contextlib.closing(History(tmp_path / "conversations.sqlite")) as history:
        yield Dialogue(assistant.answer, history)


@pytest.fixture
def client(assistant: Assistant, dialogue: Dialogue) -> TestClient:
    return TestClient(create_web(assistant, dialogue))


def test_asks_and_opens_the_source_of_every_quote(client: TestClient) -> None:
    response = client.post("/api/ask", json={"question": "How do Minsk and Moscow define the Union State?"})
    answer = response.json()
    assert response.status_code == 200 and answer["conversation_id"] and answer["citations"]
    for citation in answer["citations"]:
        source = client.get(f"/api/sources/{citation['document_id']}").json()
        assert source["text"][citation["start"] : citation["end"]] == citation["quote"]


def test_lists_sources_with_their_metadata(client: TestClient) -> None:
    sources = client.get("/api/sources").json()["sources"]
    assert len(sources) >= 12 and all(s["title"] and s["publisher"] and s["kind"] for s in sources)


def test_serves_the_page_without_foreign_addresses(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200 and "Union State" in page.text
    assert "http://" not in page.text and "https://" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for path in ("/static/app.js", "/static/style.css", "/static/icon.svg", "/healthz", "/readyz"):
        assert client.get(path).status_code == 200


BAD = [
    b"", b"{", b"[]", b"null", b'"text"', b"{}", b'{"question": ""}', b'{"question": 5}', b'{"question": null}',
    b'{"question": "   "}', b'{"question": "a", "extra": 1}', b'{"question": "a", "as_of": "tomorrow"}',
    b'{"question": "a", "as_of": 20210101}', b'{"question": "a", "language": "de"}', b'{"question": "\\ud800"}',
    b'{"question": "a\\u0000b"}', b'{"question": NaN}', b'{"question": "a", "conversation_id": "../x"}', b"\xff\xfe{",
    json.dumps({"question": "x" * 2001}).encode(), b"[" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_bad_input_is_a_problem_that_does_not_echo(client: TestClient, body: bytes) -> None:
    response = client.post("/api/ask", content=body, headers={"Content-Type": "application/json"})
    assert 400 <= response.status_code < 500
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["request_id"] == response.headers["x-request-id"] and problem["status"] == response.status_code
    assert "Traceback" not in response.text and "tomorrow" not in response.text


def test_a_large_body_is_refused_with_and_without_its_length(client: TestClient) -> None:
    large, headers = b'{"question": "' + b"x" * Limits().body + b'"}', {"Content-Type": "application/json"}
    assert client.post("/api/ask", content=large, headers=headers).status_code == 413
    assert client.post("/api/ask", content=iter([large]), headers=headers).status_code == 413


def test_unknown_things_are_404_and_wrong_methods_405(client: TestClient) -> None:
    for path in ("/api/sources/no-such-document", "/api/sources/..%2f..%2fetc", "/nothing"):
        response = client.get(path)
        assert response.status_code == 404 and response.json()["request_id"]
    assert client.get("/api/ask").status_code == 405


def test_keys_guard_everything_but_the_page_and_health(
    assistant: Assistant, dialogue: Dialogue, tmp_path: Path
) -> None:
    file = tmp_path / "keys"
    file.write_text(f"alice:{hashlib.sha256(b'secret').hexdigest()}\n", "utf-8")
    client = TestClient(create_web(assistant, dialogue, read_keys(file)))
    assert client.get("/").status_code == client.get("/healthz").status_code == 200
    for path in ("/api/sources", "/api/openapi.json", "/api/sources/x", "/nothing", "/api/conversations"):
        assert client.get(path).status_code == 401
    for credentials in ("Bearer wrong", "secret", "Basic secret", "Bearer", "Bearer \u00e9".encode("latin-1")):
        assert client.get("/api/sources", headers={"Authorization": credentials}).status_code == 401
    assert client.get("/api/sources", headers={"Authorization": "Bearer secret"}).status_code == 200


@pytest.mark.parametrize(
    "line", ["", "alice", "alice:short", "alice:" + "z" * 64, "local:" + "a" * 64, "a b:" + "a" * 64, ":" + "a" * 64]
)
def test_a_bad_keys_file_is_refused(tmp_path: Path, line: str) -> None:
    file = tmp_path / "keys"
    file.write_text(line, "utf-8")
    with pytest.raises(ConfigurationError):
        read_keys(file)


def test_without_an_index_it_says_not_ready(tmp_path: Path) -> None:
    settings = AssistantSettings(data=tmp_path)
    assistant = make_assistant(settings)
    dialogue = make_dialogue(settings, assistant)
    client = TestClient(create_web(assistant, dialogue))
    assert client.get("/healthz").status_code == 200
    for response in (client.get("/readyz"), client.post("/api/ask", json={"question": "When?"})):
        assert response.status_code == 503 and "doctor" in response.json()["detail"]
        assert str(tmp_path) not in response.text
    assert client.get("/api/conversations").json()["conversations"] == []
    dialogue.history.close()
