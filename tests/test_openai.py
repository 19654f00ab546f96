"""The OpenAI-compatible routes, used by the clients people have: the openai package and LangChain's ChatOpenAI."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

from assistant.chain import Assistant, Shown, Started
from assistant.conversation import MAX_QUESTION, Answer, Question
from assistant.dialogue import Dialogue
from assistant.generation import Cancel
from assistant.history import History
from assistant.web.app import create_web
from assistant.web.limits import Limits
from assistant.web.openai import NAME
from assistant.web.stream import Answering
from assistant.wire import make_assistant
from index.errors import NoIndex
from tests.served import ASKED, serving, small_settings, wait

KEY = "sk-of-alice"


class Asked(Assistant):
    """The real assistant, which remembers what it was asked, and fails at a question that says so."""

    def __init__(self, real: Assistant) -> None:
        self.questions: list[Question] = []
        self._real = real

    def stream(self, question: Question, cancel: Cancel, *_: object) -> Iterator[Started | Shown | Answer]:
        self.questions.append(question)
        for event in self._real.stream(question, cancel):
            if isinstance(event, Shown) and "break" in question.text:
                raise NoIndex("no index in /secret/place")
            yield event

    def ready(self) -> str:
        return self._real.ready()


@pytest.fixture(scope="module")
def assistant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with contextlib.closing(make_assistant(small_settings(tmp_path_factory.mktemp("openai")))) as made:
        yield Asked(made)


@pytest.fixture(scope="module")
def url(assistant: Asked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    keys = {hashlib.sha256(KEY.encode()).hexdigest(): "alice"}
    answering = Answering(Limits())
    path = tmp_path_factory.mktemp("history") / "c.sqlite"
    with contextlib.closing(History(path)) as history:
        web = create_web(assistant, Dialogue(assistant.answer, history), keys, None, "127.0.0.1", answering)
        with serving(web, answering.stop) as base:
            yield f"{base}/v1"


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0) as made:
        yield made


def user(text: str = ASKED) -> list[Any]:
    return [{"role": "user", "content": text}]


def cited(content: str, annotations: Sequence[Any]) -> list[str]:
    return [content[a["start_index"] : a["end_index"]] for a in annotations]


def test_a_completion_carries_its_sources(client: openai.OpenAI) -> None:
    done = client.chat.completions.create(model=NAME, messages=user())
    [choice] = done.choices
    content = choice.message.content or ""
    assert choice.finish_reason == "stop" and "Roaming fees" in content and "[1]" in content
    assert "\n\nSources\n\n[1] Roaming" in content and "Ministry. 2024-05-01. https://example.org/roaming" in content
    assert choice.message.annotations
    for annotation in choice.message.annotations:
        found = annotation.url_citation
        assert found.url == "https://example.org/roaming" and "Roaming" in found.title
        assert content[found.start_index : found.end_index] in ("[1]", "[2]")
    assert done.usage is not None and done.usage.total_tokens > done.usage.completion_tokens > 0
    citations = (done.model_extra or {})["citations"]
    assert citations[0]["quote"] and citations[0]["number"] == 1 and done.model == NAME


def test_a_stream_makes_up_the_same_message(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model=NAME, messages=user())
    stream = client.chat.completions.create(
        model=NAME, messages=user(), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    deltas = [c.choices[0].delta for c in chunks if c.choices]
    content = "".join(d.content or "" for d in deltas)
    assert content == whole.choices[0].message.content and deltas[0].role == "assistant"
    assert len([d for d in deltas if d.content]) >= 2  # sentences come one by one
    [annotations] = [d.model_extra["annotations"] for d in deltas if d.model_extra]
    assert set(cited(content, [a["url_citation"] for a in annotations])) <= {"[1]", "[2]"} and annotations
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage == whole.usage and len({c.id for c in chunks}) == 1
    assert [c.model_extra for c in chunks if c.model_extra and "citations" in c.model_extra]


def test_without_being_asked_a_stream_tells_no_usage(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model=NAME, messages=user(), stream=True))
    assert all(c.usage is None and c.choices for c in chunks)


def test_langchain_asks_and_streams(url: str) -> None:
    model = ChatOpenAI(model=NAME, base_url=url, api_key=KEY, max_retries=0)  # type: ignore[arg-type]
    messages = [SystemMessage("Be brief."), HumanMessage(ASKED)]
    said = model.invoke(messages)
    assert "Roaming fees" in said.text and "[1]" in said.text and said.usage_metadata is not None
    pieces = list(model.stream(messages))
    assert "".join(p.text for p in pieces) == said.text and len(pieces) > 2


def test_the_last_message_of_the_user_is_the_question(url: str, assistant: Asked) -> None:
    model = ChatOpenAI(model=NAME, base_url=url, api_key=KEY)  # type: ignore[arg-type]
    first = model.invoke([HumanMessage(ASKED)])
    assert "Sources" in first.text
    said = model.invoke([SystemMessage("x"), HumanMessage(ASKED), AIMessage(first.text), HumanMessage("And in Minsk?")])
    asked = assistant.questions[-1]
    assert asked.text == "And in Minsk?" and [t.role for t in asked.history] == ["user", "assistant"]
    assert asked.history[0].text == ASKED and "Roaming fees" in asked.history[1].text
    assert "Sources" not in asked.history[1].text and "2027" in said.text


def test_what_clients_send_besides_is_ignored(client: openai.OpenAI, assistant: Asked) -> None:
    done = client.chat.completions.create(
        model=NAME, messages=[{"role": "developer", "content": "x"}, {"role": "user", "name": "a", "content": [
            {"type": "text", "text": "When do roaming"}, {"type": "text", "text": "fees end?"}]}],
        temperature=1.5, max_tokens=1, top_p=0.1, n=3, seed=1, stop=["fees"], logprobs=True, user="u",
        tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}], tool_choice="auto",
        response_format={"type": "json_object"}, extra_body={"top_k": 40, "mirostat": 2, "keep_alive": "5m"},
    )  # fmt: skip
    assert len(done.choices) == 1 and "Roaming fees" in (done.choices[0].message.content or "")
    assert assistant.questions[-1].text == "When do roaming\nfees end?"


def test_a_refusal_is_a_message_without_sources(client: openai.OpenAI) -> None:
    for stream in (False, True):
        done = client.chat.completions.create(model=NAME, messages=user("How do I bake bread?"), stream=stream)
        if isinstance(done, openai.Stream):
            content = "".join(c.choices[0].delta.content or "" for c in done)
        else:
            content = done.choices[0].message.content or ""
            assert done.choices[0].message.annotations == []
        assert content and "Sources" not in content and "[1]" not in content


def test_nothing_of_a_source_acts_in_a_client_that_shows_markdown(client: openai.OpenAI) -> None:
    content = client.chat.completions.create(model=NAME, messages=user()).choices[0].message.content or ""
    assert "evil.example" in content  # the title is there, as text
    assert "](http" not in content and "<b>" not in content.replace("\\<b>", "")


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [m.id for m in client.models.list()] == [NAME]


# Errors


@pytest.mark.parametrize(
    "body",
    [
        {"messages": user()}, {"model": NAME}, {"model": NAME, "messages": []}, {"model": NAME, "messages": "x"},
        {"model": NAME, "messages": [{"role": "system", "content": "x"}]}, {"model": NAME, "messages": user(" ")},
        {"model": NAME, "messages": user("x" * (MAX_QUESTION + 1))}, {"model": NAME, "messages": user("a\0b")},
        {"model": NAME, "messages": [{"role": "user", "content": [
            {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:canary"}}]}]},
        {"model": NAME, "messages": [{"role": "user", "content": {"canary": 1}}]}, [], "canary",
    ],
    ids=range(12),
)  # fmt: skip
def test_bad_requests_get_openais_error(url: str, body: object) -> None:
    response = httpx.post(f"{url}/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"})
    error = response.json()["error"]
    assert response.status_code == 400 and error["type"] == "invalid_request_error" and error["message"]
    assert error["request_id"] == response.headers["x-request-id"] and "canary" not in response.text


def test_clients_raise_what_they_raise_for_openai(url: str, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=NAME, messages=user(""))
    with pytest.raises(openai.NotFoundError, match="union-state"):
        client.chat.completions.create(model="gpt-5", messages=user())
    with (
        openai.OpenAI(base_url=url, api_key="sk-wrong", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError),
    ):
        other.models.list()


def test_a_stream_that_breaks_ends_with_an_error(client: openai.OpenAI) -> None:
    seen = []
    with pytest.raises(openai.APIError, match="index cannot be used") as raised:
        for chunk in client.chat.completions.create(model=NAME, messages=user(f"{ASKED} break"), stream=True):
            seen.append(chunk)
    assert len(seen) == 1 and "/secret" not in str(raised.value)


def test_too_many_questions_are_a_rate_limit_error(assistant: Asked, tmp_path: Path) -> None:
    limits = Limits(questions=1)
    answering = Answering(limits)
    with contextlib.closing(History(tmp_path / "c.sqlite")) as history:
        web = create_web(assistant, Dialogue(assistant.answer, history), None, limits, None, answering)
        with (
            serving(web, answering.stop) as base,
            openai.OpenAI(base_url=f"{base}/v1", api_key="none", max_retries=0) as client,
        ):
            client.chat.completions.create(model=NAME, messages=user())
            with pytest.raises(openai.RateLimitError) as raised:
                client.chat.completions.create(model=NAME, messages=user())
    assert int(raised.value.response.headers["retry-after"]) > 0


def test_a_long_conversation_is_taken_and_a_longer_one_refused(url: str, assistant: Asked) -> None:
    def post(count: int) -> httpx.Response:
        old = [{"role": r, "content": f"{n} " + "x" * 2000} for n in range(count) for r in ("user", "assistant")]
        body = {"model": NAME, "messages": [*old, *user()]}
        return httpx.post(f"{url}/chat/completions", json=body, headers={"Authorization": f"Bearer {KEY}"})

    assert post(200).status_code == 200 and post(300).status_code == 413
    assert wait(lambda: assistant.questions[-1].text == ASKED)
    assert sum(len(t.text) for t in assistant.questions[-1].history) <= 16_000


@pytest.mark.parametrize(
    "before",
    [
        [("user", "  ")], [("user", "a\0b")], [("assistant", "Hi")], [("tool", "x"), ("user", "")],
        [("user", "")] * 50, [("user", "Who?"), ("user", "x" * 5000)],
    ],
    ids=range(6),
)  # fmt: skip
def test_odd_histories_are_taken(client: openai.OpenAI, before: list[tuple[str, str]]) -> None:
    messages: list[Any] = [*({"role": r, "content": c} for r, c in before), *user("And in Minsk?")]
    assert client.chat.completions.create(model=NAME, messages=messages).choices[0].message.content


def test_nothing_is_kept_of_what_clients_keep(client: openai.OpenAI, url: str) -> None:
    client.chat.completions.create(model=NAME, messages=user())
    base, headers = url.removesuffix("/v1"), {"Authorization": f"Bearer {KEY}"}
    assert json.loads(httpx.get(f"{base}/api/conversations", headers=headers).text)["conversations"] == []
