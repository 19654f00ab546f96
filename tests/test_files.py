"""The page and its files over HTTP: kept by browsers, asked for again, compressed; nothing else is compressed."""

import contextlib
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.wire import make_assistant

STATIC = Path("assistant/web/static")
PATHS = ("/", "/static/app.js", "/static/style.css", "/static/words-ru.js")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("files")
    with (
        contextlib.closing(make_assistant(AssistantSettings(data=folder))) as assistant,
        contextlib.closing(History(folder / "c.sqlite")) as history,
    ):
        yield TestClient(create_web(assistant, Dialogue(assistant.answer, history)))


@pytest.mark.parametrize("path", PATHS)
def test_a_file_is_sent_once_and_then_only_asked_for(client: TestClient, path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache" and first.headers["etag"].startswith("W/")
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == "no-cache"
    assert client.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200
    dated = {"If-Modified-Since": first.headers["last-modified"]}
    assert client.get(path, headers=dated).status_code == 304


@pytest.mark.parametrize("path", PATHS)
def test_a_file_is_compressed_for_who_takes_it(client: TestClient, path: str) -> None:
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip, br"}) as response:
        sent = b"".join(response.iter_raw())
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert response.headers["content-encoding"] == "gzip" and response.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(sent) == plain.content and len(sent) < len(plain.content) / 1.5
    assert "content-encoding" not in plain.headers and plain.headers["vary"] == "Accept-Encoding"
    unwanted = client.get(path, headers={"Accept-Encoding": "br, gzip;q=0"})
    assert "content-encoding" not in unwanted.headers and unwanted.content == plain.content


RANGES = ["0-9", "-1,0-,5-2", "a-b", "9" * 400 + "-", ",".join(f"{n}-{n}" for n in range(0, 20_000, 2))[:15_000]]


@pytest.mark.parametrize("ranges", RANGES, ids=range(len(RANGES)))
def test_a_file_comes_whole_whatever_part_is_asked_for(client: TestClient, ranges: str) -> None:
    whole = (STATIC / "app.js").read_bytes()
    for encoding in ("gzip", "identity"):
        asked = {"Range": f"bytes={ranges}", "Accept-Encoding": encoding}
        response = client.get("/static/app.js", headers=asked)
        assert response.status_code == 200 and response.content == whole


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_a_file_can_only_be_read(client: TestClient, method: str) -> None:
    response = client.request(method, "/static/app.js")
    assert response.status_code == 405 and response.headers["allow"] == "GET, HEAD"
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_what_the_api_says_is_never_compressed(client: TestClient) -> None:
    taking = {"Accept-Encoding": "gzip"}
    for path in ("/api/openapi.json", "/metrics", "/api/sources", "/healthz"):
        assert "content-encoding" not in client.get(path, headers=taking).headers
    asked = client.post("/api/chat", json={"question": "When?"}, headers=taking)
    assert "content-encoding" not in asked.headers
