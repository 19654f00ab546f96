"""The chat page in a real browser, as a reader uses it: asking, checking, keeping, sharing."""

import re
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.browser import ABSORBED, Browser, until

pytest_plugins = ["tests.page"]
pytestmark = pytest.mark.slow
RALLIES = "On which days of December 2019, in order, did people rally in Minsk against closer integration with Russia?"


@pytest.fixture
def recorded(browser: Browser, origin: str) -> dict[str, Any]:
    """An answer that was given before."""
    return asked(browser, ABSORBED)


def asked(browser: Browser, question: str) -> dict[str, Any]:
    """The Answer of the assistant to `question`, asked beside the page."""
    script = """return fetch("/api/ask", {method: "POST", headers: {"Content-Type": "application/json"},
        body: JSON.stringify({question: arguments[0]})}).then((response) => response.json())"""
    answer: dict[str, Any] = browser.run(script, question)
    return answer


def test_answers_and_shows_the_quote_in_its_source(browser: Browser) -> None:
    turn = browser.ask(ABSORBED)
    chip = turn.find_element(By.CSS_SELECTOR, ".chip")
    assert re.match(r"Source 1: .+, .+, 20 December 2022", chip.accessible_name)
    chip.click()
    quote = browser.text("#source mark")
    mark, panel = browser.box("#source mark"), browser.box("#source")
    assert quote.startswith("On 19 December 2022 Ned Price")
    assert panel["top"] <= mark["top"] and mark["bottom"] <= panel["bottom"] and panel["left"] > 0
    assert "Putin insists" in browser.text("#source-title")
    assert browser.driver.switch_to.active_element.get_attribute("id") == "source-title"
    browser.press(Keys.ESCAPE)
    assert not browser.all("#source") and browser.driver.switch_to.active_element == chip


def test_asks_once_in_a_stream_and_follows_up(browser: Browser, origin: str) -> None:
    browser.ask("How does Minsk define the Union State?")
    second = browser.ask("And Moscow?")
    assert "federation" in second.text
    asked = browser.run("return performance.getEntriesByName(arguments[0]).length", f"{origin}/api/chat")
    assert asked == 2 and browser.find(".text .chip")
    assert len(browser.all("#conversations li")) >= 1 and len(browser.all("#conversations .current")) == 1


def test_every_highlight_is_the_quote_of_its_citation(browser: Browser, recorded: dict[str, Any], origin: str) -> None:
    browser.visit(f"{origin}/?answer={recorded['trace']}")
    browser.find(".trust")
    for one in recorded["citations"]:
        browser.named(
            next(c.accessible_name for c in browser.all(".text .chip") if c.text == str(one["number"]))
        ).click()
        assert until(lambda: "".join(e.text for e in browser.all("#source mark")), "highlight") == one["quote"]
        browser.press(Keys.ESCAPE)


def test_a_number_shows_its_quote_before_it_is_opened(browser: Browser) -> None:
    browser.ask(ABSORBED)
    chip = browser.find(".text .chip")
    browser.run("arguments[0].dispatchEvent(new MouseEvent('mouseenter'))", chip)
    card = browser.text("#card")
    assert "height of irony" in card and "20 December 2022" in card and "news" in card and "view of AFP" in card
    browser.find("#question").send_keys(Keys.ESCAPE)
    assert not browser.all("#card")


def test_says_who_says_what_and_where_sources_disagree(browser: Browser) -> None:
    turn = browser.ask(ABSORBED)
    sides = turn.find_elements(By.CSS_SELECTOR, ".conflict .positions li")
    assert ["Price" in sides[0].text, "Lukashenko" in sides[1].text, len(sides)] == [True, True, 2]
    left, right = (side.rect for side in sides)
    assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"]
    turn.find_elements(By.CSS_SELECTOR, "summary")[1].click()
    voices = turn.find_element(By.CSS_SELECTOR, ".voices").text
    assert "Ned Price" in voices and "opinion" in voices and "claim" in voices
    trust = turn.find_element(By.CSS_SELECTOR, ".trust").text
    assert re.search(r"High confidence \(0\.\d\d\)", trust) and "Newest source used: 13 March 2023" in trust


def test_dated_sentences_make_a_timeline_in_order(browser: Browser) -> None:
    times = browser.ask(RALLIES).find_elements(By.CSS_SELECTOR, ".timeline time")
    dates = [str(time.get_attribute("datetime")) for time in times]
    assert len(dates) >= 3 and dates == sorted(dates) and "2019-12-20" in dates and "2019-12-21" in dates


DATED = {
    "On 5 December 2019 Lukashenko said": "2019-12-05", "March 8, 2021 and later": "2021-03-08",
    "In September 2020 the ambassador": "2020-09", "«В августе 2000 года премьер-министр": "2000-08",
    "К 9 декабря 2025 года доходы": "2025-12-09", "21 снежня 2019 года, паводле": "2019-12-21",
    "у маі 2020 года": "2020-05", "у 2019 годзе": "2019", "2000 people met in 2019": "2019",
    "[protests of 2019], прошедшей 21 декабря 2019 года": "2019-12-21", "1,500 people, marching": None,
}  # fmt: skip


def test_finds_the_first_date_in_three_languages(browser: Browser) -> None:
    script = """const [texts, done] = arguments;
        import("/static/timeline.js").then(({firstDate}) => done(texts.map(firstDate)))"""
    assert browser.driver.execute_async_script(script, list(DATED)) == list(DATED.values())


def test_as_of_leaves_out_what_came_later(browser: Browser) -> None:
    browser.run(
        "arguments[0].value = '2022-12-31'; arguments[0].dispatchEvent(new Event('input'))", browser.find("#as-of")
    )
    turn = browser.ask(ABSORBED)
    assert "As of 31 December 2022" in turn.text and "13 March 2023" not in turn.text
    browser.named("Any date").click()
    assert browser.find("#as-of").get_attribute("value") == ""


def test_a_refusal_shows_what_is_near_and_what_can_be_asked(browser: Browser) -> None:
    turn = browser.ask("How many roadmaps did Lukashenko and Putin sign in Sochi?")
    assert "The sources do not say" in turn.text and not turn.find_elements(By.CSS_SELECTOR, ".chip")
    near = browser.find(".near button")
    until(lambda: "What's Ahead" in near.text, "title of the near source")
    near.click()
    assert browser.find("#source mark").text
    browser.press(Keys.ESCAPE)
    browser.named(ABSORBED, ".refusal").click()
    until(lambda: len(browser.all(".turn")) == 2 and browser.all(".conflict"), "answer to the example")


def test_a_conversation_is_kept_renamed_saved_and_deleted(browser: Browser, origin: str) -> None:
    browser.ask("How does Minsk define the Union State?")
    browser.ask("And Moscow?")
    address = browser.driver.current_url
    assert re.fullmatch(rf"{origin}/\?conversation=[0-9a-f-]{{36}}", address)
    browser.visit(address)
    until(lambda: len(browser.all(".turn")) == 2, "conversation as it was")

    browser.named("Rename How does Minsk define the Union State?").click()
    browser.named("New title").send_keys("Two <b>capitals</b>", Keys.ENTER)
    until(lambda: browser.text("#conversations .current .open span") == "Two <b>capitals</b>", "new title")
    assert browser.driver.switch_to.active_element.accessible_name == "Rename Two <b>capitals</b>"

    browser.named("Save Two <b>capitals</b> as Markdown").click()
    assert "And Moscow?" in saved(browser, "conversation-*.md")

    browser.named("Delete Two <b>capitals</b>").click()
    browser.named("Cancel").click()
    browser.named("Delete Two <b>capitals</b>").click()
    browser.named("Delete", "dialog").click()
    until(lambda: browser.driver.current_url == f"{origin}/" and browser.all("#welcome"), "start page")
    assert "capitals" not in browser.text("#sidebar")
    browser.visit(address)
    assert "There is no such conversation" in browser.text(".failure")


def saved(browser: Browser, pattern: str) -> str:
    """The text of the file that the page has just saved."""
    file: Path = until(lambda: next(browser.downloads.glob(pattern), None), f"saved {pattern}")
    return file.read_text("utf-8")


def test_back_and_forward_change_the_conversation(browser: Browser, origin: str) -> None:
    browser.ask("How does Minsk define the Union State?")
    browser.named("New conversation").click()
    browser.find("#welcome")
    browser.driver.back()
    until(lambda: len(browser.all(".turn")) == 1, "conversation after going back")
    browser.driver.forward()
    browser.find("#welcome")


def test_a_shared_answer_opens_to_be_read_only(browser: Browser, recorded: dict[str, Any], origin: str) -> None:
    browser.visit(f"{origin}/?answer={recorded['trace']}")
    assert ABSORBED in browser.text(".turn h2") and not browser.all("#question")
    browser.named("Save as Markdown").click()
    assert "### Sources" in saved(browser, "answer-*.md")
    browser.named("Ask your own question").click()
    browser.find("#question")
    browser.visit(f"{origin}/?answer={'0' * 24}")
    failure = browser.text(".failure")
    assert "There is no such answer" in failure and re.search(r"Request [0-9a-f]{32}", failure)


def test_copies_the_answer_with_its_sources_and_a_link(browser: Browser, origin: str) -> None:
    browser.command("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.ask(ABSORBED)
    browser.named("Copy with sources").click()
    until(lambda: browser.text(".toast") == "Copied.", "word that it was copied")
    text = str(browser.run("return navigator.clipboard.readText()"))
    assert text.startswith(ABSORBED) and "[1] Putin insists" in text and "“On 19 December 2022" in text
    browser.named("Copy link").click()
    until(lambda: browser.text(".toast") == "The link was copied.", "word that the link was copied")
    link = str(browser.run("return navigator.clipboard.readText()"))
    assert re.fullmatch(rf"{origin}/\?answer=[0-9a-f]{{24}}", link)


def test_keeps_a_verdict_and_its_comment(browser: Browser, origin: str) -> None:
    browser.ask(ABSORBED)
    browser.named("Bad answer").click()
    browser.named("What was good or wrong? (optional)").send_keys("Too <i>short</i>")
    browser.named("Send").click()
    until(lambda: not browser.all(".comment"), "form that is gone")
    browser.visit(browser.driver.current_url)
    until(lambda: browser.named("Bad answer").get_attribute("aria-pressed") == "true", "verdict as it was")
    assert browser.run("return document.querySelector('.comment textarea').value") == "Too <i>short</i>"


def test_hostile_words_of_a_source_stay_words(browser: Browser) -> None:
    turn = browser.ask("What quota of kvas did the Kvas Board of the Union State set on 6 May 2024?")
    assert "4,711 barrels, <img src=http://evil.invalid/x.png" in turn.text and '"><svg onload' in turn.text
    turn.find_element(By.CSS_SELECTOR, ".chip").click()
    assert "<img src=http://evil.invalid/x.png" in browser.text("#source mark")
    link = browser.find("#source-link")
    assert str(link.get_attribute("href")).startswith("https://evil.invalid/")
    assert link.get_attribute("rel") == "noopener noreferrer nofollow"
    assert browser.harmed() == []


def test_a_very_long_word_does_not_widen_the_page(browser: Browser) -> None:
    browser.size(360, 740)
    turn = browser.ask("What does the emblem of the Kvas Board of the Union State read?")
    assert "A" * 300 in turn.text and "**bold** [link](javascript:alert(1))" in turn.text
    assert browser.fits()
