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


def test_a_part_of_a_file_is_not_compressed(client: TestClient) -> None:
    part = client.get("/static/app.js", headers={"Range": "bytes=2-11", "Accept-Encoding": "gzip"})
    assert part.status_code == 206 and "content-encoding" not in part.headers
    assert part.content == (STATIC / "app.js").read_bytes()[2:12]


@pytest.mark.parametrize("count", [10, 200, 900])
def test_many_ranges_cost_nothing(client: TestClient, count: int) -> None:
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 2 * count, 2))
    response = client.get("/static/app.js", headers={"Range": ranges})
    assert response.status_code in (200, 206, 416) and len(response.content) < 200_000
    assert response.elapsed.total_seconds() < 1


def test_what_the_api_says_is_never_compressed(client: TestClient) -> None:
    taking = {"Accept-Encoding": "gzip"}
    for path in ("/api/openapi.json", "/metrics", "/api/sources", "/healthz"):
        assert "content-encoding" not in client.get(path, headers=taking).headers
    asked = client.post("/api/chat", json={"question": "When?"}, headers=taking)
    assert "content-encoding" not in asked.headers
