"""Draws docs/slack-*.png: what the bot sends, for real questions to the dossier, as Slack shows it.

    python -m tests.slack_pictures [--out docs]

The blocks are the bot's own; only how they look is imitated, in a headless Chromium. Not a test module.
"""

import argparse
import html
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assistant.chain import Assistant
from assistant.conversation import Question
from assistant.render import to_json
from assistant.settings import AssistantSettings
from assistant.slack import blocks, limits, views
from assistant.slack.views import Recent
from assistant.wire import make_assistant
from index import wire
from tests.browser import ABSORBED, Browser

ROOT = Path(__file__).parent.parent
CLAIM = (
    "The Treaty on the Creation of a Union State was signed on 8 December 1999. "
    "It entered into force on 26 January 2001. The two countries have a lunar base."
)
_THUMB = (
    '<svg viewBox="0 0 24 24" width="15" height="15"{}><path fill="#e8a33d" '
    'd="M2 10h4v11H2zM8 21h9c1 0 2-1 2-2l2-7c0-2-1-3-3-3h-5l1-5c0-2-2-3-3-1L8 10z"/></svg>'
)
_EMOJI = {"👍": _THUMB.format(""), "👎": _THUMB.format(' style="transform: scale(1,-1)"')}
_MRKDWN = re.compile(r"&lt;(https?://[^|]*?)\|(.*?)&gt;|\*([^*]+)\*")
_STYLE = """
body {margin: 0; background: #fff; font: 15px/1.47 Lato, "Liberation Sans", sans-serif; color: #1d1c1d}
main {width: 640px; padding: 14px 18px; background: #fff}
p {margin: 0; white-space: pre-wrap}
a {color: #1264a3; text-decoration: none}
h2 {font-size: 18px; margin: 4px 0}
blockquote {margin: 2px 0; padding-left: 10px; border-left: 4px solid #ddd}
.message {display: grid; grid-template-columns: 36px 1fr; gap: 8px; margin-bottom: 12px}
.face {width: 36px; height: 36px; border-radius: 6px; color: #fff; font-weight: 700; line-height: 36px}
.face {text-align: center}
.who {font-weight: 900}
.app {font-size: 10px; background: #e8e8e8; color: #616061; padding: 1px 3px; border-radius: 2px}
.when, .context {font-size: 12px; color: #616061}
.mention {background: #e8f5fa; color: #1264a3}
.block {margin: 4px 0}
.fields {display: grid; grid-template-columns: 1fr 1fr; gap: 6px 16px}
.buttons {display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px}
.buttons span {border: 1px solid #bbb; border-radius: 6px; padding: 3px 11px; font-size: 13px; font-weight: 700}
.modal {border: 1px solid #ccc; border-radius: 8px; box-shadow: 0 4px 12px #0002; padding: 0 18px 10px}
.modal header {font-size: 20px; font-weight: 900; padding: 12px 0; border-bottom: 1px solid #ddd; margin-bottom: 6px}
"""


def page(*parts: str) -> str:
    """A page of messages and views."""
    return f'<!doctype html><meta charset="utf-8"><style>{_STYLE}</style><main>{"".join(parts)}</main>'


def message(inner: str, who: str = "Union State", colour: str = "#1f3a5f", app: bool = True) -> str:
    """A message with its sender."""
    sign = '<span class="app">APP</span> ' if app else ""
    return (
        f'<div class="message"><div class="face" style="background:{colour}">{who[0]}</div><div>'
        f'<span class="who">{who}</span> {sign}<span class="when">10:42</span>{inner}</div></div>'
    )


def asked(text: str) -> str:
    """The message of somebody who asks."""
    mention = '<span class="mention">@Union State</span>'
    return message(f"<p>{mention} {html.escape(text)}</p>", "Ann", "#2f8f6b", app=False)


def view(shown: dict[str, Any]) -> str:
    """A modal, or the App Home, which has no title."""
    title = f"<header>{html.escape(shown['title']['text'])}</header>" if "title" in shown else ""
    return f'<div class="modal">{title}{drawn(shown["blocks"])}</div>'


def drawn(given: Iterable[dict[str, Any]]) -> str:
    """Blocks as HTML. Raises KeyError for a kind that the bot does not send."""
    kinds = {"rich_text": _rich, "section": _section, "context": _context, "actions": _actions, "header": _header}
    return "".join(f'<div class="block">{kinds[block["type"]](block)}</div>' for block in given)


def _rich(block: dict[str, Any]) -> str:
    tags = {"rich_text_section": "p", "rich_text_quote": "blockquote"}
    return "".join(f"<{tags[p['type']]}>{_elements(p['elements'])}</{tags[p['type']]}>" for p in block["elements"])


def _elements(elements: Sequence[dict[str, Any]]) -> str:
    shown = []
    for e in elements:
        text = html.escape(e["text"])
        for style, tag in (("bold", "b"), ("italic", "i")):
            text = f"<{tag}>{text}</{tag}>" if e.get("style", {}).get(style) else text
        shown.append(f"<a>{text}</a>" if e["type"] == "link" else text)
    return "".join(shown)


def _section(block: dict[str, Any]) -> str:
    columns = "".join(f"<p>{_mrkdwn(field['text'])}</p>" for field in block["fields"])
    return f'<div class="fields">{columns}</div>'


def _mrkdwn(text: str) -> str:
    """Links and bold words; the bot lets nothing else through."""
    quoted = text.replace("&amp;", "&").replace("<", "&lt;").replace(">", "&gt;")
    return _MRKDWN.sub(lambda m: f"<b>{m[3]}</b>" if m[3] else f"<a>{m[2]}</a>", quoted)


def _context(block: dict[str, Any]) -> str:
    return "".join(f'<p class="context">{html.escape(e["text"])}</p>' for e in block["elements"])


def _actions(block: dict[str, Any]) -> str:
    names = [e["text"]["text"] for e in block["elements"]]
    buttons = "".join(f"<span>{_EMOJI.get(n) or html.escape(n)}</span>" for n in names)
    return f'<div class="buttons">{buttons}</div>'


def _header(block: dict[str, Any]) -> str:
    return f"<h2>{html.escape(block['text']['text'])}</h2>"


def pages(assistant: Assistant) -> dict[str, str]:
    """What there is to see, by name."""
    first = to_json(assistant.answer(Question(ABSORBED)))
    answers = [b for m in blocks.answered(first, "slack:T1:C1") for b in m.blocks]
    checked = assistant.check(CLAIM, limits.CLAIM_SENTENCES)
    recent = [Recent(first["question"], "2026-11-26", first["text"], first["refused"])]
    return {
        "answer": page(asked(ABSORBED), message(drawn(answers))),
        "quotes": page(view(views.quotes(first))),
        "check": page(asked(f"check: {CLAIM}"), message(drawn(views.verdicts(checked, False, "en")))),
        "home": page(view(views.home("en", recent))),
    }


def draw(shown: dict[str, str], out: Path) -> None:
    """A picture of each page."""
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(Path(folder))
        try:
            for name, text in shown.items():
                place = Path(folder) / f"{name}.html"
                place.write_text(text, "utf-8")
                browser.driver.get(place.as_uri())
                browser.size(700, 4000)
                browser.find("main").screenshot(str(out / f"slack-{name}.png"))
        finally:
            browser.close()


def main() -> int:
    """Index the dossier, ask, draw."""
    options = argparse.ArgumentParser(description="Draw what the Slack bot shows.")
    options.add_argument("--out", type=Path, default=ROOT / "docs")
    wish = options.parse_args()
    with tempfile.TemporaryDirectory() as data:
        settings = AssistantSettings(sources=(ROOT / "sources",), data=Path(data))
        wire.build(settings)
        assistant = make_assistant(settings)
        try:
            draw(pages(assistant), wish.out)
        finally:
            assistant.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
