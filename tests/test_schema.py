"""What the OpenAPI document promises is what the application does: schemathesis tries every route, with keys on, with
data that the document allows and with data that it forbids."""

import contextlib
import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from fastapi.testclient import TestClient
from schemathesis.config import SchemathesisConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web.app import create_web
from assistant.web.conversations import IDEMPOTENCY
from assistant.web.limits import Limits
from assistant.wire import make_assistant, make_dialogue
from tests.served import small_settings

KEY = {"Authorization": "Bearer the-key-of-schemathesis"}
KEYS = {hashlib.sha256(b"the-key-of-schemathesis").hexdigest(): "schemathesis"}
MANY = Limits(questions=1_000_000, requests=1_000_000, bad_keys=1_000_000)
EXAMPLES = int(os.environ.get("EXAMPLES", "15"))  # random ones of each route, besides those of its borders


class Late:
    """The application, once there is one: pytest wants the names of the routes before."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def _document() -> dict[str, object]:
    settings = AssistantSettings(data=Path("no-such-folder"))
    assistant = make_assistant(settings)
    web = create_web(assistant, make_dialogue(settings, assistant), KEYS)
    document: dict[str, object] = TestClient(web).get("/api/openapi.json", headers=KEY).json()
    return document


# JSON Schema cannot say that the last message of the user has to be a question, which is what a 400 tells there.
COMPLETIONS = {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404"]}}
CONFIG = {
    "generation": {"max-examples": EXAMPLES, "deterministic": True, "mode": "all"}, "headers": KEY,
    "operations": [{"include-name": "POST /v1/chat/completions", "checks": COMPLETIONS}],
}  # fmt: skip
late = Late()
schema = schemathesis.openapi.from_dict(_document(), config=SchemathesisConfig.from_dict(CONFIG))
schema = schema.exclude(path="/mcp")  # speaks a protocol that OpenAPI cannot describe; see test_mcp.py
schema.app = late


@pytest.fixture(scope="module", autouse=True)
def _served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("schema")
    with contextlib.ExitStack() as stack:
        small = stack.enter_context(contextlib.closing(make_assistant(small_settings(folder))))
        history = stack.enter_context(contextlib.closing(History(folder / "c.sqlite")))
        late.app = create_web(small, Dialogue(small.answer, history), KEYS, MANY)
        yield


@schema.parametrize()
def test_every_route_does_what_the_document_says(case: schemathesis.Case) -> None:
    name = next((n for n in case.headers if n.lower() == "idempotency-key"), None)
    valid = name is not None and re.fullmatch(IDEMPOTENCY, str(case.headers[name]))
    # One that was used for another question is refused, as it should be.
    case.call_and_validate(headers=KEY | ({name: uuid.uuid4().hex} if name and valid else {}))


PATHS: dict[str, dict[str, object]] = schema.raw_schema["paths"]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW")
TYPES = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "")


@pytest.mark.parametrize("path", PATHS)
def test_a_route_knows_its_methods_and_tells_nothing_by_others(path: str) -> None:
    client, known = TestClient(late.app), {m.upper() for m in PATHS[path]}
    for method in METHODS:
        for kind in TYPES:
            headers = KEY | ({"Content-Type": kind} if kind else {})
            response = client.request(method, path, headers=headers, content="{}" if kind else None)
            where = (method, kind, response.status_code)
            assert response.status_code < 500 and "access-control-allow-origin" not in response.headers, where
            if method not in known:
                assert response.status_code in (405, 415), where
                assert method == "HEAD" or response.json(), where
            if response.status_code == 405:
                assert set(response.headers["allow"].split(", ")) == known, where
