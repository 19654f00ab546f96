"""Everything that a page could run, in every place that it shows, in a real browser: all of it stays words."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.browser import ABSORBED, Browser, Stage, event, says, streams, until
from tests.payloads import XSS
from tests.test_page_troubles import START, answer, citation, refused

pytest_plugins = ["tests.page"]
pytestmark = pytest.mark.slow
SHOWN = [p.replace("\0", "\ufffd") for p in XSS]  # no JSON of ours holds a NUL
PARTS = "#turns, #source, #card, #sidebar, #spoken, dialog"
TAGS = """
return [...new Set([...document.querySelectorAll(arguments[0])].flatMap((part) => [...part.querySelectorAll("*")])
    .map((node) => node.localName + ["src", "href", "style", "srcdoc", "action"]
        .map((name) => node.getAttribute(name)).filter(Boolean).join()))].sort()"""
# Tells of each element with a handler or an address that comes into being, also of one that goes at once.
WATCH = """
window.seen = [];
new MutationObserver((changes) => changes.flatMap((change) => [...change.addedNodes]).forEach((added) => {
    for (const node of [added, ...(added.querySelectorAll?.("*") ?? [])])
        if (node.matches?.("script, img, svg:not(.icon), iframe, object, embed, base, link, meta, form, video") ||
            node.getAttributeNames?.().some((name) => name.startsWith("on")) || /^javascript/i.test(node.href ?? ""))
            window.seen.push(node.outerHTML);
})).observe(document.body, {childList: true, subtree: true, attributes: true})"""


def tags(browser: Browser) -> set[str]:
    """The kinds of elements on the page, with their addresses and styles."""
    return set(browser.run(TAGS, PARTS))


def hostile(payloads: Sequence[str], **more: Any) -> dict[str, Any]:
    """An answer of which every field that may hold any text holds one of `payloads`."""
    cited = [
        citation(
            n, title=p, publisher=p, author=p, published=p, kind=p, holder=p, heading=p, quote=p, language=p, url=p
        )
        for n, p in enumerate(payloads, 1)
    ]
    sides = [{"holder": p, "text": f"{p} [1]", "published": p, "citations": [1]} for p in payloads[:6]]
    conflicts = [{"about": p, "positions": sides} for p in payloads[:2]]
    return answer(*payloads, citations=cited, conflicts=conflicts, notice=payloads[0], question=payloads[0]) | more


@pytest.fixture
def clean(browser: Browser, stage: Stage) -> set[str]:
    """The kinds of elements that a harmless answer is made of, with an open source."""
    browser.visit(stage.address)
    browser.ask(ABSORBED)
    browser.all(".chip")[0].click()
    browser.find("#source mark")
    found = tags(browser)
    stage.scripts["POST /api/chat"] = streams(
        event(
            "done",
            **answer(
                "One",
                "Two",
                notice="N",
                conflicts=[
                    {
                        "about": "a",
                        "positions": [{"holder": "h", "text": "t [1]", "published": None, "citations": [1]}] * 2,
                    }
                ],
            ),
        )
    )
    browser.visit(stage.address)
    browser.ask("Q?")
    return found | tags(browser)


@pytest.mark.parametrize("start", range(0, len(SHOWN), 16))
def test_no_text_of_an_answer_becomes_more_than_text(
    browser: Browser, stage: Stage, clean: set[str], start: int
) -> None:
    payloads = SHOWN[start : start + 16]
    source = {"document_id": "rane-2023-whats-ahead", "text": "".join(payloads), "blocks": [], "retrieved": None}
    about = dict.fromkeys(("title", "publisher", "author", "published", "kind", "holder", "language"), payloads[0])
    listed = {"id": "0" * 8, "title": payloads[0], "length": 1, "created": payloads[0], "changed": payloads[0]}
    stage.scripts["GET /api/sources/rane-2023-whats-ahead"] = says(
        200, source | about | {"url": payloads[0], "form": "summary"}
    )
    stage.scripts["GET /api/conversations"] = says(200, {"conversations": [listed], "next": None})
    said = b"".join(event("sentence", number=n, text=f"{p} [{n}]", citations=[citation(n, quote=p, title=p)])
                    for n, p in enumerate(payloads, 1))  # fmt: skip
    end = event("done", **hostile(payloads))
    pieces = [said[n : n + 97] for n in range(0, len(said), 97)]
    stage.scripts["POST /api/chat"] = streams(START, *pieces, end)
    browser.visit(stage.address)
    browser.run(WATCH)
    browser.run("arguments[0].value = arguments[1]", browser.find("#question"), payloads[0])
    turn = browser.ask("?")
    for summary in turn.find_elements("tag name", "summary"):
        browser.run("arguments[0].parentElement.open = true", summary)
    turn.find_elements("css selector", ".chip")[0].click()
    browser.find("#source-title")
    assert browser.harmed() == [] and browser.run("return window.seen") == []
    assert {t for t in tags(browser) - clean if not t.startswith(("time", "li", "ol", "ul"))} == set()
    assert all(" ".join(p.split()) in " ".join(str(turn.get_attribute("textContent")).split()) for p in payloads)


def test_no_error_becomes_more_than_text(browser: Browser, stage: Stage) -> None:
    for payload in SHOWN[::5]:
        problem = refused(503, payload) | {"detail": payload, "request_id": payload}
        for script in (says(503, problem), streams(START, event("error", **problem))):
            stage.scripts["POST /api/chat"] = script
            browser.visit(stage.address)
            browser.run(WATCH)
            browser.ask("Q?")
            until(lambda: browser.all(".failure"), "failure")
            assert browser.harmed() == [] and browser.run("return window.seen") == []


def test_a_name_in_the_address_becomes_no_more_than_text(browser: Browser, stage: Stage) -> None:
    for payload in SHOWN[::7]:
        browser.run("location.href = arguments[0]", f"{stage.address}/#{payload}")
        assert browser.harmed() == []
