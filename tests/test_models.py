"""The chat model port, against a real server with every fault that a provider has. Each test sees the fault happen."""

import gc
import io
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from assistant.generation import Cancel, Generation, Message, ModelFailed, Usage
from assistant.models import ChatModel, Limits, make_chat_model
from tests.model_server import Knobs, ModelServer

ASKED = [
    Message("system", "Answer from the passages."),
    Message("user", "[1] Minsk calls it a union. It is not.\n\nWhy?"),
]
ANSWER = "Minsk calls it a union [1]."
KEY = "sk-planted-6f0d1c5e"  # must never be seen anywhere but in the request
MakeModel = Callable[..., ChatModel]


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as started:
        yield started


@pytest.fixture
def make(server: ModelServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeModel]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ExitStack() as stack:

        def made(name: str = "m", **limits: float) -> ChatModel:
            model = make_chat_model(name, server.url, Limits(**limits))  # type: ignore[arg-type]
            stack.callback(model.close)
            return model

        yield made


def read(generation: Generation) -> tuple[str, ModelFailed | None]:
    """All text, and how it failed."""
    pieces: list[str] = []
    try:
        pieces.extend(generation)
    except ModelFailed as error:
        return "".join(pieces), error
    return "".join(pieces), None


def ask(model: ChatModel) -> tuple[str, ModelFailed | None]:
    return read(model.stream(ASKED, Cancel()))


def failure(model: ChatModel) -> ModelFailed:
    text, error = ask(model)
    assert error is not None and text == ""
    assert "\n" not in str(error) and KEY not in str(error) and "sk-echo" not in str(error)
    assert error.__cause__ is None and error.__context__ is None
    return error


def says(text: str) -> Callable[[object], str]:
    return lambda _: text


def test_streams_pieces_and_counts_tokens(server: ModelServer, make: MakeModel) -> None:
    with make().stream(ASKED, Cancel()) as generation:
        pieces = list(generation)
    assert "".join(pieces) == ANSWER and len(pieces) > 3
    assert generation.usage == Usage(18, 7, None) and not generation.cancelled and not generation.truncated
    asked = server.requests[0].body
    assert asked["messages"] == [{"role": m.role, "content": m.text} for m in ASKED]
    assert asked["temperature"] == 0 and asked["seed"] == 0 and asked["stream_options"] == {"include_usage": True}
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_server_of_ones_own_needs_no_key(
    server: ModelServer, make: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    assert ask(make("qwen2.5:1.5b")) == (ANSWER, None) and ask(make("openai:qwen")) == (ANSWER, None)
    assert [r.body["model"] for r in server.requests] == ["qwen2.5:1.5b", "qwen"]


def test_usage_is_unknown_where_the_server_does_not_count(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(usage=False)
    generation = make().stream(ASKED, Cancel())
    assert read(generation) == (ANSWER, None) and generation.usage == Usage()


@pytest.mark.parametrize(
    ("refuses", "requests", "counted"),
    [(("stream_options",), 3, False), (("seed",), 2, True), (("temperature",), 2, True)],
)
def test_options_that_a_server_refuses_are_left_out_and_remembered(
    server: ModelServer, make: MakeModel, refuses: tuple[str, ...], requests: int, counted: bool
) -> None:
    server.knobs = Knobs(refuses=refuses)
    model = make()
    generation = model.stream(ASKED, Cancel())
    assert read(generation) == (ANSWER, None) and (generation.usage != Usage()) is counted
    assert [r.status for r in server.requests] == [400] * (requests - 1) + [200]
    assert ask(model) == (ANSWER, None) and len(server.requests) == requests + 1


def test_waits_as_long_as_the_server_asks_then_succeeds(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(fail=429, failures=1, retry_after="1")
    assert ask(make()) == (ANSWER, None)
    assert [r.status for r in server.requests] == [429, 200]
    assert server.requests[1].at - server.requests[0].at >= 1.0  # by itself it waits half a second at most


def test_does_not_wait_longer_than_the_first_piece_may_take(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(fail=429, failures=9, retry_after="100")
    started = time.monotonic()
    error = failure(make(first=5))
    assert (error.reason, error.retry_after) == ("rate_limited", 100.0) and time.monotonic() - started < 2
    assert [r.status for r in server.requests] == [429]


@pytest.mark.parametrize(
    ("status", "reason", "requests"),
    [
        (401, "refused_key", 1), (403, "refused_key", 1), (402, "rate_limited", 2), (404, "not_installed", 1),
        (429, "rate_limited", 2), (500, "overloaded", 2), (502, "overloaded", 2), (503, "overloaded", 2),
        (529, "overloaded", 2), (400, "bad_answer", 3), (418, "bad_answer", 1),
    ],
)  # fmt: skip
def test_every_refusal_has_its_reason(
    server: ModelServer, make: MakeModel, status: int, reason: str, requests: int
) -> None:
    server.knobs = Knobs(fail=status, failures=99)
    error = failure(make(retries=1))
    assert error.reason == reason and [r.status for r in server.requests] == [status] * requests
    assert str(error).startswith("ASSISTANT_MODEL m: the server at 127.0.0.1:")


def test_recovers_from_two_failures(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(fail=503, failures=2)
    assert ask(make()) == (ANSWER, None) and [r.status for r in server.requests] == [503, 503, 200]


def test_a_dropped_connection_is_tried_again_only_before_the_first_piece(server: ModelServer, make: MakeModel) -> None:
    model = make(retries=1)
    server.knobs = Knobs(drop_after=0)
    assert failure(model).reason == "unreachable" and [r.tokens for r in server.requests] == [0, 0]
    server.knobs = Knobs(drop_after=3)
    text, error = ask(model)
    assert text == ANSWER[:12] and error is not None and error.reason == "unreachable"
    assert [r.tokens for r in server.requests] == [0, 0, 3]


def test_an_answer_without_a_finish_mark_is_truncated(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(end_after=3)
    generation = make().stream(ASKED, Cancel())
    assert read(generation) == (ANSWER[:12], None) and generation.truncated and server.requests[0].tokens == 3
    server.knobs = Knobs(finish="length")
    generation = make().stream(ASKED, Cancel())
    assert read(generation) == (ANSWER, None) and generation.truncated


def test_what_is_no_json_is_a_bad_answer(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(malformed_after=0)
    assert failure(make()).reason == "bad_answer" and server.requests[0].status == 200


@pytest.mark.parametrize("text", ["", " \n ", "<think>Hm, what do they want?</think>\n", "<think>never closed"])
def test_no_text_is_a_bad_answer(server: ModelServer, make: MakeModel, text: str) -> None:
    server.said = says(text)
    assert failure(make()).reason == "bad_answer" and server.requests[0].done


@pytest.mark.parametrize(
    ("hang_after", "limits"),
    [(0, {"first": 0.5}), (2, {"between": 0.5}), (0, {"whole": 0.5}), (2, {"whole": 0.5})],
)
def test_a_silent_server_is_given_up(
    server: ModelServer, make: MakeModel, hang_after: int, limits: dict[str, float]
) -> None:
    server.knobs = Knobs(hang_after=hang_after)
    started = time.monotonic()
    text, error = ask(make(**limits))
    assert error is not None and error.reason == "timed_out" and text == ANSWER[: 4 * hang_after]
    assert 0.5 <= time.monotonic() - started < 5  # of the hour that the server would be silent
    assert len(server.requests) == 1 and server.wait(lambda: server.requests[0].left is not None, 1.0)


def test_a_slow_but_steady_answer_is_none_of_these(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(first=0.4, between=0.15)
    started = time.monotonic()
    assert ask(make(first=1.0, between=0.5)) == (ANSWER, None) and time.monotonic() - started > 1.2


def test_a_server_that_is_not_there_is_unreachable(make: MakeModel) -> None:
    with ModelServer() as gone:
        url = gone.url
    model = make_chat_model("m", url, Limits(retries=1))
    started = time.monotonic()
    error = failure(model)
    model.close()
    assert error.reason == "unreachable" and "ASSISTANT_MODEL_BASE_URL" in str(error)
    assert time.monotonic() - started >= 0.25  # it paused and tried again


@pytest.mark.parametrize("knobs", [Knobs(hang_after=0), Knobs(first=60), Knobs(hang_after=2), Knobs(between=0.05)])
@pytest.mark.parametrize("how", ["cancel", "close"])
def test_stopping_ends_the_request_while_the_reader_waits(
    server: ModelServer, make: MakeModel, knobs: Knobs, how: str
) -> None:
    server.knobs, server.said = knobs, says("word " * 1000)
    cancel = Cancel()
    generation = make().stream(ASKED, cancel)
    wished: list[float] = []

    def stop() -> None:
        server.wait(lambda: len(server.requests) == 1)
        time.sleep(0.2)
        wished.append(time.monotonic())
        cancel.set() if how == "cancel" else generation.close()

    stopper = threading.Thread(target=stop)
    stopper.start()
    _, error = read(generation)
    ended = time.monotonic()
    stopper.join()
    assert error is None and generation.cancelled and list(generation) == [] and ended - wished[0] < 1
    assert server.wait(lambda: server.requests[0].left is not None, 1.0)
    assert server.requests[0].left is not None and server.requests[0].left - wished[0] < 1
    assert server.open == 0


def test_stops_between_two_tries(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(fail=429, failures=9, retry_after="20")
    cancel = Cancel()
    generation = make().stream(ASKED, cancel)
    assert server.wait(lambda: len(server.requests) == 1)
    threading.Timer(0.1, cancel.set).start()
    assert read(generation) == ("", None) and generation.cancelled and len(server.requests) == 1


def test_a_wish_that_came_before_sends_nothing(server: ModelServer, make: MakeModel) -> None:
    cancel = Cancel()
    cancel.set()
    generation = make().stream(ASKED, cancel)
    assert list(generation) == [] and generation.cancelled
    assert not server.wait(lambda: bool(server.requests), 0.3)


def test_a_wish_that_comes_after_the_end_changes_nothing(make: MakeModel) -> None:
    cancel = Cancel()
    generation = make().stream(ASKED, cancel)
    assert read(generation) == (ANSWER, None)
    cancel.set()
    generation.close()
    assert not generation.cancelled and generation.usage.output_tokens == 7


def test_leaving_the_reader_stops_the_request(server: ModelServer, make: MakeModel) -> None:
    server.knobs, server.said = Knobs(between=0.05), says("word " * 1000)
    with make().stream(ASKED, Cancel()) as generation:
        assert next(generation)
    assert generation.cancelled and server.wait(lambda: server.requests[0].left is not None, 1.0)


def test_closing_the_model_ends_its_requests_and_its_thread(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(hang_after=0)
    model = make()
    generations = [model.stream(ASKED, Cancel()) for _ in range(3)]
    assert server.wait(lambda: len(server.requests) == 3)
    threading.Timer(0.1, model.close).start()
    assert [read(g) for g in generations] == [("", None)] * 3 and all(g.cancelled for g in generations)
    assert server.wait(lambda: not any(t.name == "chat-model" for t in threading.enumerate()), 3)
    with pytest.raises(ModelFailed, match="overloaded"):
        model.stream(ASKED, Cancel())


def test_a_reader_that_does_not_read_holds_the_model_back(server: ModelServer, make: MakeModel) -> None:
    server.said = says("x" * 4000)
    generation = make().stream(ASKED, Cancel())
    assert server.wait(lambda: bool(server.requests) and server.requests[0].done)
    assert not server.wait(lambda: generation.usage != Usage(), 4)  # it takes one second to take in all of it
    assert read(generation) == ("x" * 4000, None) and generation.usage.output_tokens == 1000


def test_calls_are_limited_and_so_is_their_queue(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(first=0.3)
    model = make(calls=2, waiting=3)
    generations = [model.stream(ASKED, Cancel()) for _ in range(5)]
    started = time.monotonic()
    with pytest.raises(ModelFailed) as caught:
        model.stream(ASKED, Cancel())
    assert caught.value.reason == "overloaded" and time.monotonic() - started < 0.1
    assert [read(g) for g in generations] == [(ANSWER, None)] * 5
    assert len(server.requests) == 5 and server.most_open == 2
    assert ask(model) == (ANSWER, None)  # there is room again


def test_those_who_left_the_queue_make_room(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(hang_after=0)
    model = make(calls=1, waiting=1)
    cancels = [Cancel(), Cancel()]
    for cancel in cancels:
        model.stream(ASKED, cancel)
    assert server.wait(lambda: len(server.requests) == 1)
    with pytest.raises(ModelFailed):
        model.stream(ASKED, Cancel())
    for cancel in cancels:
        cancel.set()
    assert server.wait(lambda: server.open == 0)
    server.knobs = Knobs()
    assert ask(model) == (ANSWER, None) and len(server.requests) == 2


@pytest.mark.slow
def test_four_hundred_answers_at_once_do_not_mix(server: ModelServer, make: MakeModel) -> None:
    server.knobs = Knobs(hold=True)
    model = make(calls=400)
    asked = [[Message("user", f"[1] This is answer {n}.")] for n in range(400)]
    generations = [model.stream(messages, Cancel()) for messages in asked]
    assert server.wait(lambda: server.open == 400, 40)
    server.knobs = Knobs()
    assert [read(g) for g in generations] == [(f"This is answer {n} [1].", None) for n in range(400)]


def test_thoughts_are_not_shown(server: ModelServer, make: MakeModel) -> None:
    server.said = says("<think>They want [1].\n</think>\n\nMinsk calls <thi it so. <THINKING>x</Thinking>Yes. <th")
    assert ask(make()) == ("Minsk calls <thi it so. Yes. <th", None)


def test_no_key_and_no_words_in_logs(server: ModelServer, make: MakeModel) -> None:
    seen, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(seen), root.level
    loggers = [g for g in map(logging.getLogger, list(root.manager.loggerDict))]
    levels = [g.level for g in loggers]
    root.addHandler(handler)
    try:
        model = make()
        for logger in (root, *map(logging.getLogger, list(root.manager.loggerDict))):
            logger.setLevel(logging.DEBUG)
        question = [Message("user", "[1] A secret-question of mine.")]
        for knobs in (Knobs(), Knobs(fail=401, failures=99), Knobs(fail=500, failures=99), Knobs(malformed_after=0)):
            server.knobs = knobs
            read(model.stream(question, Cancel()))
    finally:
        root.removeHandler(handler)
        for logger, before in [*zip(loggers, levels, strict=True), (root, level)]:
            logger.setLevel(before)
    logged = seen.getvalue()
    assert "chat model failed: refused_key" in logged and "HTTP Request" in logged  # the loggers were heard
    assert {r.headers["authorization"] for r in server.requests} == {f"Bearer {KEY}"}
    assert KEY not in logged and "secret-question" not in logged and "sk-echo" not in logged


def test_tracing_of_another_project_sends_nothing(
    server: ModelServer, make: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"TRACING": "true", "API_KEY": "x", "ENDPOINT": server.url.removesuffix("/v1")}.items():
        monkeypatch.setenv(f"LANGSMITH_{name}", value)
    monkeypatch.setenv("LANGCHAIN_TRACING_V2", "true")
    assert ask(make()) == (ANSWER, None)
    assert not server.wait(lambda: len(server.requests) > 1, 1.0)


@pytest.mark.parametrize(
    ("name", "path", "advice"),
    [
        ("ollama:llama3.1:8b", "/api/chat", "ollama pull llama3.1:8b"),
        ("anthropic:claude", "/v1/messages", "ASSISTANT_MODEL"),
    ],
)
def test_other_providers_go_through_their_own_api(
    server: ModelServer, make: MakeModel, monkeypatch: pytest.MonkeyPatch, name: str, path: str, advice: str
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    for _ in range(2):  # a second one must not meet connections of the first one's event loop
        model = make_chat_model(name, server.url.removesuffix("/v1"), Limits(retries=0))
        error = failure(model)
        model.close()
        assert error.reason == "not_installed" and advice in str(error)
    assert [r.path for r in server.requests] == [path] * 2
    del model
    gc.collect()  # an open connection would warn
