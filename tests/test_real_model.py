"""A small real model, served by llama.cpp, behind the same port: slow, and skipped where it is not installed."""

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from assistant.generation import Cancel, Message
from assistant.models import ChatModel, Limits, make_chat_model
from tests import real_model

pytestmark = pytest.mark.model

PASSAGE = "[1] The Treaty on the Creation of a Union State was signed in Moscow on 8 December 1999."
QUESTION = "In which year was the treaty signed? Answer in one short sentence."
PATIENT = Limits(first=300, between=120, whole=600)  # the machine may be busy


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with real_model.served() as address:
            yield address
    except real_model.NoModel as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(url: str) -> Iterator[ChatModel]:
    made = make_chat_model("qwen2.5-coder-1.5b-instruct", url, PATIENT)
    yield made
    made.close()


def test_it_answers_and_counts_its_tokens(model: ChatModel, record_property: Callable[[str, object], None]) -> None:
    started = time.monotonic()
    generation = model.stream([Message("user", f"{PASSAGE}\n\n{QUESTION}")], Cancel())
    first = next(generation)
    seconds_to_first = time.monotonic() - started
    text = first + "".join(generation)
    seconds = time.monotonic() - started - seconds_to_first
    assert "1999" in text and not generation.cancelled and not generation.truncated
    tokens = generation.usage.output_tokens
    assert tokens and tokens > 3 and (generation.usage.input_tokens or 0) > 30
    record_property("seconds_to_first_token", round(seconds_to_first, 2))
    record_property("tokens_per_second", round((tokens - 1) / seconds, 1))
    assert "".join(model.stream([Message("user", f"{PASSAGE}\n\n{QUESTION}")], Cancel())) == text


def test_it_stops_within_a_second(url: str, model: ChatModel) -> None:
    cancel = Cancel()
    generation = model.stream([Message("user", "Count from 1 to 2000, one number a line.")], cancel)
    assert next(generation) and busy(url)
    wished: list[float] = []
    threading.Timer(0.5, lambda: (wished.append(time.monotonic()), cancel.set())).start()
    list(generation)
    assert time.monotonic() - wished[0] < 1 and generation.cancelled
    # The server notices between two tokens, of which a busy machine makes one in a second or two.
    until = time.monotonic() + 15
    while busy(url) and time.monotonic() < until:
        time.sleep(0.2)
    assert not busy(url)


def busy(url: str) -> int:
    """How many requests the server works on."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/slots", timeout=60) as answer:
        return sum(slot["is_processing"] for slot in json.load(answer))
