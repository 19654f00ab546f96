"""Markdown for readers' files: what stands in it, and that nothing in it is markup of strangers."""

import datetime
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from assistant.exchanges import Conversation, Exchange
from assistant.export import answer_markdown, conversation_markdown, escape

NOW = datetime.datetime(2026, 11, 26, 12, 30, tzinfo=datetime.UTC)
HOSTILE = [
    "![x](http://evil/p.png)", "[click](javascript:alert(1))", "<script>alert(1)</script>", "<http://evil>",
    "# Heading", "- item", "1. item", "123456789) item", "> quote", "a\n\n# b", "```\ncode", "    code", "| a | b |",
    "&lt;img&gt;", "~~no~~", "http://evil/x", "*a* _b_ **c**", "===", "---", "- - -", "+ x", "a  \nb", "\\",
    "[1]: http://evil", "<!-- x -->", "$x$", "~~~",
]  # fmt: skip


def citation(**other: Any) -> dict[str, Any]:
    return {
        "number": 1, "title": "Treaty", "publisher": "Official", "author": None, "published": "1999-12-08", "page": 3,
        "url": "https://example.org/treaty", "kind": "treaty", "heading": "Article 1", "quote": "They form a union.",
    } | other  # fmt: skip


def answer(**other: Any) -> dict[str, Any]:
    return {
        "question": "What is it?", "text": "They form a union [1].", "citations": [citation()], "conflicts": [],
        "confidence": 0.93, "as_of": None, "model": "extractive", "index": "g1", "trace": "a" * 24,
    } | other  # fmt: skip


def shown(markdown: str) -> str:
    """The text of the page that a browser shows."""
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    text = re.sub(r"<[^>]*>", "", page)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, sign)
    return text


def test_an_answer_has_its_sources_with_quotes_and_addresses() -> None:
    position = {"holder": "Minsk", "text": "A confederation [1].", "published": "2023-03-13", "citations": [1]}
    conflict = {"about": "the nature of the union", "positions": [position, position | {"published": None}]}
    text = answer_markdown(answer(conflicts=[conflict], as_of="2024-01-01"))
    assert text.startswith("# What is it?\n") and "as of 2024-01-01" in text
    assert "1. Official. Treaty. 1999-12-08. treaty. Article 1. p. 3. <https://example.org/treaty>" in text
    assert "   > They form a union." in text
    assert "- Minsk: A confederation \\[1\\]. (2023-03-13)" in text and "(undated)" in text


def test_a_refusal_has_no_list_of_sources() -> None:
    assert "Sources" not in answer_markdown(answer(citations=[], text="The sources do not say."))


def test_a_notice_stands_under_the_answer() -> None:
    assert "\n\n*The model is down.*\n" in answer_markdown(answer(notice="The model is down."))


def test_a_conversation_stands_in_order() -> None:
    exchanges = [Exchange(n, f"Question {n}?", answer(), NOW, None, None) for n in (1, 2)]
    text = conversation_markdown(Conversation("i", "Союз", 2, NOW, NOW), exchanges)
    assert text.startswith("# Союз\n") and text.index("## 1. Question 1?") < text.index("## 2. Question 2?")
    assert "2026-11-26 12:30 UTC" in text


def test_what_strangers_wrote_is_no_markup() -> None:
    for text in HOSTILE:
        page = MarkdownIt("commonmark").render(
            answer_markdown(
                answer(
                    question=text, text=text, citations=[citation(title=text, publisher=text, quote=text, author=text)]
                )
            )
        )
        tags = set(re.findall(r"<(\w+)", page))
        assert tags <= {"h1", "h3", "p", "ol", "li", "blockquote", "em", "a"}, text
        assert re.findall(r'href="([^"]*)"', page) == ["https://example.org/treaty"], text


def test_only_addresses_of_the_web_are_links() -> None:
    for url in ("javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://a>b", "data:text/html,x", None):
        page = MarkdownIt("commonmark").render(answer_markdown(answer(citations=[citation(url=url)])))
        assert "href" not in page


@given(st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8", exclude_categories=["C"]))))
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    assert shown(f"x {escape(text)}").strip() == f"x {' '.join(text.split())}".strip()
    assert shown(escape(text)).strip() == " ".join(text.split())
