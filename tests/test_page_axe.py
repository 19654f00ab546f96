"""The chat page under axe-core: no violation of any of its rules, in each language, in light and dark, on a phone and a
desktop, with an answer, a source, a refusal, a dialog."""

from importlib.resources import files
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser import ABSORBED, Browser, until
from tests.test_page_access import REFUSED

pytest_plugins = ["tests.page"]
pytestmark = pytest.mark.slow
AXE = (files("axe_core_python") / "axe.min.js").read_text("utf-8")
RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(
    (found) => done([found.passes.length, found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)])]),
    (error) => done([0, [["axe failed", [String(error)]]]]));"""
WIDTHS, THEMES = (360, 1280), ("light", "dark")


def violations(browser: Browser) -> list[Any]:
    """What axe-core complains of now: the rule and its elements."""
    if not browser.run("return typeof axe === 'object'"):
        browser.run(AXE)
    passed, found = browser.driver.execute_async_script(RUN)
    assert passed > 15 or found
    return list(found)


def everywhere(browser: Browser) -> dict[tuple[int, str], list[Any]]:
    """The complaints by width and colours, where there are any."""
    told = {}
    for width in WIDTHS:
        browser.size(width, 740)
        for theme in THEMES:
            browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
            told[width, theme] = violations(browser)
    browser.size(1280)
    return {where: what for where, what in told.items() if what}


def speak(browser: Browser, language: str) -> None:
    script = "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))"
    browser.run(script, browser.find("#language"), language)
    until(lambda: browser.run("return document.documentElement.lang") == language, f"page in {language}")


@pytest.mark.parametrize("language", ["en", "ru", "be"])
def test_an_answer_has_no_violations(browser: Browser, language: str) -> None:
    speak(browser, language)
    assert everywhere(browser) == {}, "the empty page"
    browser.ask(ABSORBED)
    browser.ask(REFUSED)
    for summary in browser.all("summary"):
        browser.run("arguments[0].parentElement.open = true", summary)
    assert everywhere(browser) == {}, "an answer and a refusal"
    browser.all(".chip")[0].click()
    browser.find("#source mark")
    assert everywhere(browser) == {}, "an open source"


def test_the_drawer_of_a_phone_and_a_failure_have_no_violations(browser: Browser) -> None:
    browser.ask(ABSORBED)
    browser.size(360, 740)
    browser.named("Conversations").click()
    browser.find("#sidebar")
    assert violations(browser) == []
    browser.press(Keys.ESCAPE)
    until(lambda: not browser.all("#sidebar"), "drawer that is closed")


def test_axe_sees_what_is_wrong(browser: Browser) -> None:
    browser.run("document.querySelector('#ask').before(document.createElement('button'))")
    assert [rule for rule, _ in violations(browser)] == ["button-name"]
