"""The chat page when something goes wrong: streams that stop, servers that fail, answers that mean harm."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser import ABSORBED, EVIL, Browser, Request, Stage, event, says, served, streams, until

pytest_plugins = ["tests.page"]
pytestmark = pytest.mark.slow
KEY = "a-key-for-the-page"


def citation(number: int = 1, **more: Any) -> dict[str, Any]:
    about = {"title": "T", "publisher": "P", "author": None, "published": "2023-03-13", "url": None, "language": "en"}
    where = {"document_id": "rane-2023-whats-ahead", "kind": "news", "holder": "P", "heading": None, "page": None}
    return about | where | {"number": number, "quote": "q", "start": 0, "end": 1} | more


def answer(*texts: str, **more: Any) -> dict[str, Any]:
    """An Answer as the contract has it, a citation a sentence."""
    sentences = [
        {"text": f"{text} [{n}].", "citations": [n], "holder": None, "stance": "fact"}
        for n, text in enumerate(texts, 1)
    ]
    return {
        "id": "0" * 24, "question": "Q", "language": "en", "text": " ".join(s["text"] for s in sentences),
        "refused": False, "reason": None, "sentences": sentences,
        "citations": [citation(n) for n in range(1, len(texts) + 1)], "conflicts": [], "confidence": 0.9,
        "as_of": None, "newest_source": "2023-03-13", "passages": [], "model": "extractive", "index": "i",
        "trace": "0" * 24, "seconds": 0.1, "notice": None, "conversation_id": None,
    } | more  # fmt: skip


def refused(status: int, title: str) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "request_id": "feedc0de", "detail": "Do this"}


def send_question(browser: Browser, question: str = "Q?") -> None:
    browser.find("#question").send_keys(question, Keys.ENTER)


def test_hostile_fields_of_an_answer_stay_words(browser: Browser, stage: Stage) -> None:
    bad = f"{EVIL}\u202eevil [2] javascript:alert(1)"
    fields = dict.fromkeys(
        ("title", "publisher", "author", "published", "kind", "holder", "quote", "language", "page"), bad
    )
    evil = citation(**fields, url="javascript:document.title='owned'", document_id="../../x")
    position = {"holder": bad, "text": f"{bad} [1]", "published": bad, "citations": [1]}
    stage.scripts["POST /api/chat"] = streams(event("done", **answer(
        bad, citations=[evil], conflicts=[{"about": bad, "positions": [position, position]}], notice=bad, model=bad,
        newest_source=bad, language=bad, trace=bad, index=bad, as_of=bad, question=bad, reason=bad,
        sentences=[{"text": f"{bad} [1].", "citations": [1], "holder": bad, "stance": bad}],
    )))  # fmt: skip
    browser.visit(stage.address)
    turn = browser.ask(bad.replace("\u202e", ""))
    for summary in turn.find_elements(By.TAG_NAME, "summary")[1:]:
        summary.click()
    turn.find_element(By.CSS_SELECTOR, ".chip").click()
    assert EVIL in browser.text("#source-title") and not browser.all("#source-link")
    assert turn.text.count(EVIL) >= 10 and browser.fits()
    assert browser.harmed() == []


SENTENCES = [
    event("sentence", number=1, text="Першы сказ — першы [1].", citations=[citation(1)]),
    event("sentence", number=2, text="Second sentence [2].", citations=[citation(2)]),
]
START = event("start", trace="0" * 24, conversation_id=None, index="i", model="m")


def test_sentences_appear_as_they_come(browser: Browser, stage: Stage) -> None:
    more, end = threading.Event(), threading.Event()
    cut = SENTENCES[0].index("Перш".encode()) + 3  # in the middle of a letter
    stage.scripts["POST /api/chat"] = streams(
        START, b": still here\n\n", SENTENCES[0][:cut], SENTENCES[0][cut:], more.wait,
        SENTENCES[1].replace(b"\n", b"\r\n"), end.wait,
        event("done", **answer("Першы сказ — першы", "Second sentence")),
    )  # fmt: skip
    browser.visit(stage.address)
    send_question(browser)
    until(lambda: browser.text(".text").startswith("Першы сказ — першы"), "first sentence")
    assert "Second" not in browser.text(".text") and browser.all("#stop") and not browser.all("#ask")
    browser.find(".text .chip").click()
    browser.find("#source mark, #source .notice")
    more.set()
    until(lambda: "Second sentence" in browser.text(".text"), "second sentence")
    log = browser.driver.find_element(By.ID, "spoken")
    assert log.get_attribute("role") == "log" and str(log.get_attribute("textContent")).count("[") == 2
    end.set()
    browser.find(".trust")
    assert browser.text(".text").count("Second sentence") == 1
    assert browser.driver.find_element(By.ID, "status").get_attribute("textContent") == "The answer is complete."


def test_stop_keeps_what_was_shown_and_ends_the_request(browser: Browser, stage: Stage) -> None:
    gone = threading.Event()

    def beat(handler: Request) -> None:
        streams(START, SENTENCES[0])(handler)
        try:
            while True:
                handler.wfile.write(b": beat\n\n")
                handler.wfile.flush()
                gone.wait(0.05)
        except ConnectionError:
            gone.set()

    stage.scripts["POST /api/chat"] = beat
    browser.visit(stage.address)
    send_question(browser, "A long question?")
    browser.find(".text .chip")
    browser.named("Stop").click()
    assert "Stopped. What is shown was checked" in browser.text(".notice") and "Першы" in browser.text(".text")
    assert gone.wait(10)
    assert browser.find("#question").get_attribute("value") == "A long question?"


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ((START, SENTENCES[0]), "The connection was lost before the answer was complete."),
        ((START, SENTENCES[0], event("error", **refused(503, "No index"))), "No index. Do this"),
        ((START, b"event: done\ndata: {broken\n\n"), "The connection was lost before the answer was complete."),
    ],
    ids=["cut", "error", "garbled"],
)  # fmt: skip
def test_a_stream_that_fails_says_so_and_can_be_tried_again(
    browser: Browser, stage: Stage, pieces: tuple[bytes, ...], said: str
) -> None:
    stage.scripts["POST /api/chat"] = streams(*pieces)
    browser.visit(stage.address)
    send_question(browser)
    assert said in browser.text(".failure")
    stage.scripts["POST /api/chat"] = streams(START, *SENTENCES, event("done", **answer("One", "Two")))
    browser.named("Try again").click()
    browser.find(".trust")
    assert not browser.all(".failure") and len(browser.all(".turn")) == 1


def test_an_error_names_the_request_and_when_to_come_back(browser: Browser, stage: Stage) -> None:
    stage.scripts["POST /api/chat"] = says(429, refused(429, "Too many questions"), Retry_After="7")
    browser.visit(stage.address)
    send_question(browser)
    failure = browser.text(".failure")
    assert "Too many questions. Do this" in failure and "Try again in 7 s." in failure and "Request feedc0de" in failure


def test_an_answer_that_was_not_kept_says_so_and_shows_its_notice(browser: Browser, stage: Stage) -> None:
    stage.scripts["POST /api/chat"] = streams(event("done", **answer("One", notice="The model was of no use.")))
    browser.visit(stage.address)
    turn = browser.ask("Q?")
    assert "The model was of no use." in turn.find_element(By.CSS_SELECTOR, ".notice").text
    assert "This answer was not saved" in turn.text and "Copy link" not in turn.text
    assert browser.driver.current_url == f"{stage.address}/"


def test_a_quote_whose_source_changed_or_went_is_shown_as_recorded(browser: Browser, stage: Stage) -> None:
    cited = [citation(1, quote="other words"), citation(2, document_id="no-such-source", quote="lost words")]
    stage.scripts["POST /api/chat"] = streams(event("done", **answer("One", "Two", citations=cited)))
    browser.visit(stage.address)
    browser.ask("Q?")
    for number, said in enumerate(("The text has changed", "This source is no longer in the index")):
        browser.all(".text .chip")[number].click()
        notice = until(lambda: next((e.text for e in browser.all("#source .notice")), None), "notice")
        assert said in notice and cited[number]["quote"] in notice and not browser.all("#source mark")
        browser.press(Keys.ESCAPE)


def test_waits_for_an_assistant_that_is_not_ready(browser: Browser, stage: Stage) -> None:
    stage.scripts["GET /readyz"] = says(503, refused(503, "Not ready"))
    browser.driver.get(stage.address)
    assert "is getting ready" in browser.text("#waiting") and not browser.find("#ask").is_enabled()
    del stage.scripts["GET /readyz"]
    until(lambda: browser.find("#ask").is_enabled() and not browser.all("#waiting"), "ready page")


def test_asks_for_the_key_once_and_forgets_it_with_the_tab(
    browser: Browser, given: dict[str, str], tmp_path: Path
) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"reader:{hashlib.sha256(KEY.encode()).hexdigest()}\n", "utf-8")
    with served(given | {"ASSISTANT_API_KEYS_FILE": str(keys)}) as address:
        browser.visit(address)
        browser.named("Key", "dialog").send_keys("wrong", Keys.ENTER)
        until(lambda: browser.all(".wrong[role=alert]"), "word that the key is wrong")
        browser.named("Key", "dialog").send_keys(KEY, Keys.ENTER)
        until(lambda: not browser.all("dialog"), "page without the dialog")
        assert ABSORBED in browser.ask(ABSORBED).text
        assert browser.run("return [sessionStorage.getItem('key'), Object.values(localStorage).join()]") == [KEY, ""]
        browser.run("sessionStorage.clear()")
        browser.visit(address)
        browser.named("Cancel", "dialog").click()
        assert "A key is needed" in browser.text("#sidebar")
