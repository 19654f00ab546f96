"""The chat page for everybody: three languages, two colours, keyboard, screen reader, phone to desktop, paper."""

import itertools
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver.common.keys import Keys

from tests.browser import ABSORBED, Browser, until
from tests.conftest import ROOT

pytest_plugins = ["tests.page"]
pytestmark = pytest.mark.slow
STATIC = ROOT / "assistant" / "web" / "static"
REFUSED = "How many roadmaps did Lukashenko and Putin sign in Sochi?"


@pytest.mark.parametrize(
    ("language", "ask", "heading"),
    [("ru", "Спросить", "Беседы"), ("be", "Спытаць", "Гутаркі"), ("en", "Ask", "Conversations")],
)  # fmt: skip
def test_speaks_three_languages_and_remembers_which(browser: Browser, language: str, ask: str, heading: str) -> None:
    browser.run(
        "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))",
        browser.find("#language"), language,
    )  # fmt: skip
    until(lambda: browser.find("#ask").text == ask, f"page in {language}")
    browser.visit(browser.driver.current_url)
    assert browser.find("#ask").text == ask and browser.text("#sidebar h2").casefold() == heading.casefold()
    assert browser.run("return document.documentElement.lang") == language
    if language != "en":
        assert not re.search(r"(?<![\w])(Ask|Send|Source|Conversation|Colours)(?!\w)", browser.text("body"))


def test_takes_the_language_of_the_browser(given: dict[str, str], origin: str, tmp_path: Path) -> None:
    window = Browser(tmp_path, "be,en")
    try:
        window.visit(origin)
        assert window.find("#ask").text == "Спытаць"
    finally:
        window.close()


def test_an_answer_is_redrawn_in_another_language(browser: Browser) -> None:
    browser.ask(ABSORBED)
    browser.find("#language").send_keys("Р")
    until(lambda: "Источники расходятся" in browser.text(".conflict"), "answer in Russian")
    assert "13 марта 2023" in browser.text(".trust")


def test_every_text_exists_in_every_language() -> None:
    words = {
        n: re.findall(r"(?:^ *|, )([a-z_]+): [\"\[]", (STATIC / f"words-{n}.js").read_text("utf-8"), re.M)
        for n in ("en", "ru", "be")
    }
    names = {n: sorted(set(found)) for n, found in words.items()}
    assert names["en"] == names["ru"] == names["be"] and len(names["en"]) > 80
    used = " ".join(
        f.read_text("utf-8") for f in STATIC.iterdir() if f.suffix in (".js", ".html") and "words-" not in f.name
    )
    asked_for = set(re.findall(r"say\(\"([a-z_]+)\"|data-say(?:-label|-placeholder)?=\"([a-z_]+)\"", used))
    assert {a or b for a, b in asked_for} <= set(names["en"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_contrast_in_both_colours(browser: Browser, theme: str) -> None:
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.ask(ABSORBED)
    browser.ask(REFUSED)
    for summary in browser.all("summary"):
        browser.run("arguments[0].parentElement.open = true", summary)
    browser.all(".chip")[0].click()
    browser.find("#source mark")
    texts, faint = browser.run(CONTRAST, 4.5)
    assert texts > 50 and faint == []
    shade = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (shade < 60) == (theme == "dark")


def test_the_colours_can_be_chosen_and_are_remembered(browser: Browser) -> None:
    browser.find("#theme").send_keys("D")
    browser.visit(browser.driver.current_url)
    assert browser.run("return getComputedStyle(document.documentElement).colorScheme") == "dark"


# Ratios as WCAG 2.2 defines them; a canvas turns whatever colour it is given into red, green, blue and opacity.
CONTRAST = """
const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
};
const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
const behind = (node) => {
    const colour = rgba(getComputedStyle(node).backgroundColor);
    return colour[3] === 255 || !node.parentElement ? colour : behind(node.parentElement);
};
const ratio = (node) => {
    const shades = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((x, y) => y - x);
    return (shades[0] + 0.05) / (shades[1] + 0.05);
};
const reads = (node) => node.checkVisibility() && !node.closest(".hidden, option, :disabled") &&
    [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
const texts = [...document.querySelectorAll("body *")].filter(reads);
return [texts.length, texts.filter((node) => ratio(node) < arguments[0]).map((node) => node.outerHTML)]"""


def test_everything_is_reached_and_used_by_keyboard(browser: Browser) -> None:
    browser.run("document.querySelector('.skip').focus()")
    assert browser.driver.switch_to.active_element.accessible_name == "Skip to the question"
    order = [browser.press(Keys.TAB).accessible_name for _ in range(3)]
    assert order == ["Colours", "Language", "New conversation"]
    browser.run("document.querySelector('.skip').focus()")
    assert browser.press(Keys.ENTER).get_attribute("id") == "question"
    browser.press(ABSORBED, Keys.ENTER)
    until(lambda: browser.all(".trust"), "answer")
    browser.run("document.querySelector('#question').focus()")
    back = Keys.SHIFT + Keys.TAB
    for _ in range(60):
        browser.driver.switch_to.active_element.send_keys(back)
        if "chip" in str(browser.driver.switch_to.active_element.get_attribute("class")):
            break
    chip = browser.driver.switch_to.active_element
    assert chip.accessible_name.startswith("Source") and browser.all("#card"), "the card shows where the focus is"
    assert browser.run("return getComputedStyle(arguments[0]).outlineWidth", chip) == "3px"
    assert browser.press(Keys.ENTER).get_attribute("id") == "source-title"
    assert browser.press(Keys.ESCAPE) == chip


def test_every_control_has_a_name_and_headings_run_in_order(browser: Browser) -> None:
    browser.ask(ABSORBED)
    browser.ask(REFUSED)
    browser.all(".chip")[0].click()
    browser.find("#source mark")
    controls = browser.all("button, a, input, select, textarea, summary")
    assert [e.get_attribute("outerHTML") for e in controls if not e.accessible_name] == []
    levels = [int(e.tag_name[1]) for e in browser.all("h1, h2, h3, h4, h5, h6")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    identities = browser.run("return [...document.querySelectorAll('[id]')].map((node) => node.id)")
    assert len(identities) == len(set(identities))
    # Numbers within a sentence may be smaller: WCAG 2.2, 2.5.8 Target Size, exception "inline".
    boxes = [(e.size, e.accessible_name) for e in browser.all("button:not(.chip), summary, select")]
    assert [name for size, name in boxes if min(size["width"], size["height"]) < 24] == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_fits_phone_tablet_and_desktop(browser: Browser, width: int) -> None:
    browser.size(width, 740)
    browser.ask(ABSORBED)
    assert browser.fits()
    browser.all(".chip")[0].click()
    browser.find("#source mark")
    panel = browser.find("#source").rect
    assert browser.fits() and panel["x"] + panel["width"] <= width + 1
    assert (panel["width"] == width) == (width == 360), "over everything on a phone, beside the answer elsewhere"
    browser.press(Keys.ESCAPE)
    if width < 1100:
        assert not browser.all("#sidebar")
        browser.named("Conversations").click()
        assert browser.driver.switch_to.active_element.accessible_name == "New conversation"
        browser.press(Keys.ESCAPE)
        until(lambda: not browser.all("#sidebar"), "drawer that is closed")
        assert browser.driver.switch_to.active_element.accessible_name == "Conversations"


def test_prints_the_answer_with_its_sources_only(browser: Browser) -> None:
    browser.ask(ABSORBED)
    browser.command("Emulation.setEmulatedMedia", media="print")
    browser.run("window.dispatchEvent(new Event('beforeprint'))")
    text = browser.text("body")
    assert "height of irony" in text and "Putin insists" in text and "Who says what" in text
    assert not browser.all("#question") and not browser.all("#sidebar") and not browser.all(".actions")
    browser.run("window.dispatchEvent(new Event('afterprint'))")
    browser.command("Emulation.setEmulatedMedia", media="")


def test_a_question_that_is_too_long_is_not_sent(browser: Browser) -> None:
    browser.run(
        "arguments[0].value = 'ж'.repeat(2001); arguments[0].dispatchEvent(new Event('input'))",
        browser.find("#question"),
    )
    assert browser.text("#complaint") == "The question is too long: 2001 of 2000 characters."
    browser.press(Keys.ENTER)
    assert not browser.all(".turn")


def test_the_first_visit_transfers_less_than_100_kb(browser: Browser) -> None:
    browser.command("Network.enable")
    browser.command("Network.setCacheDisabled", cacheDisabled=True)
    browser.driver.get_log("performance")
    browser.visit(browser.driver.current_url)
    browser.command("Network.setCacheDisabled", cacheDisabled=False)
    told = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    asked = {t["params"]["requestId"]: t["params"] for t in told if t["method"] == "Network.requestWillBeSent"}
    ended = {t["params"]["requestId"]: t["params"]["encodedDataLength"]
             for t in told if t["method"] == "Network.loadingFinished"}  # fmt: skip
    sizes = [size for identity, size in ended.items() if identity in asked]
    hosts = {urlsplit(a["request"]["url"]).netloc for a in asked.values()} - {""}  # one of data: has none
    assert len(sizes) > 15 and hosts == {urlsplit(browser.driver.current_url).netloc}
    assert 20_000 < sum(sizes) < 100_000


def test_files_of_the_page_are_small_and_make_nothing_of_strings() -> None:
    for file in STATIC.iterdir():
        text = file.read_text("utf-8")
        assert len(text.splitlines()) <= 400, file.name
        assert max(map(len, text.splitlines())) <= 130 or file.suffix != ".js", file.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", text), (
            file.name
        )
