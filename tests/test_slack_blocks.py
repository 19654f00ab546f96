"""What the Slack bot shows: always within Slack's limits, nothing of a source or an asker works in it."""

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.chain import Assistant
from assistant.checking import check
from assistant.conversation import Question
from assistant.render import to_json
from assistant.slack import blocks, views
from assistant.slack.text import address, cut, groups, heard, pieces
from assistant.slack.views import Recent
from tests import slack_limits, slack_pictures
from tests.slack_canned import Canned, answer
from tests.slack_fake import Message, button, words_of

HOSTILE = (
    "<!channel> <!here|x> <@U1> <!subteam^S1> <http://evil.example|https://good.example> &lt;!channel&gt; `code` "
    "*bold* _it_ ~no~ :smile: > quote https://evil.example/a"
)


def problems(messages: tuple[blocks.Message, ...]) -> list[str]:
    return [
        p
        for m in messages
        for method in ("chat.postMessage", "chat.update")
        for p in slack_limits.problems(
            method, {"text": m.text, "blocks": list(m.blocks), "unfurl_links": False, "unfurl_media": False}
        )
    ]


def view_problems(view: dict[str, Any]) -> list[str]:
    return slack_limits.problems("views.open", {"view": view})


def shown(messages: tuple[blocks.Message, ...]) -> str:
    return "\n".join(words_of(list(m.blocks)) for m in messages)


def made(said: list[str], **options: Any) -> dict[str, Any]:
    return to_json(answer(Question("What?"), said, **options))


def test_an_answer_shows_its_sentences_with_links_its_sources_and_its_buttons() -> None:
    found = blocks.answered(made(["Fees end in 2026.", "Borders stay open."]), "slack:T1:C1")
    assert problems(found) == []
    (message,) = found
    body, sources, dates, buttons = message.blocks
    assert words_of([body]) == "Fees end in 2026 [1]. Borders stay open [2]."
    linked = [e for e in body["elements"][0]["elements"] if e["type"] == "link"]
    assert [(e["text"], e["url"]) for e in linked] == [
        ("[1]", "https://example.org/treaty"),
        ("[2]", "https://example.org/treaty"),
    ]
    assert "[2] Treaty · Publisher 2 · 2021-12-01 · news · example.org" in words_of([sources])
    assert words_of([dates]) == "newest source used: 2021-12-01"
    assert [e["action_id"] for e in buttons["elements"]] == ["quotes", "who", "other", "up", "down", "export"]
    assert json.loads(button(Message("1", "C1", None, "", [buttons], None), "up"))["owner"] == "slack:T1:C1"


def test_only_what_its_asker_alone_sees_can_be_shared() -> None:
    names = [
        [e["action_id"] for e in blocks.answered(made(["A."]), "o", share)[-1].blocks[-1]["elements"]]
        for share in (True, False)
    ]
    assert "share" in names[0] and "share" not in names[1]


def test_a_conflict_stands_in_two_columns() -> None:
    found = blocks.answered(made(["It is a federation.", "It is none."], clash=True, holder="A *b*"), "o")
    assert problems(found) == []
    section = next(b for b in found[0].blocks if b["type"] == "section")
    left, right = (f["text"] for f in section["fields"])
    assert left == "*A ∗b∗ 0* · undated\nIt is a federation <https://example.org/treaty|[1]>."
    assert right.startswith("*A ∗b∗ 1*")


@pytest.mark.parametrize("language", ["en", "ru", "be"])
def test_a_refusal_says_what_to_try_and_has_no_source(language: str) -> None:
    refused = made(["nothing on it"], refused=True) | {"language": language}
    found = blocks.answered(refused, "o")
    assert problems(found) == []
    assert "nothing on it" in shown(found) and len(shown(found)) > len(refused["text"]) + 20
    assert [e["action_id"] for e in found[0].blocks[-1]["elements"]] == ["up", "down"]


def test_a_long_answer_is_split_between_sentences_and_nothing_is_lost() -> None:
    said = [
        f"Sentence number {n} says that the union programme {n} was carried out in part in 2023." for n in range(300)
    ]
    found = blocks.answered(made(said), "o")
    assert len(found) > 3 and problems(found) == []
    text = "".join(words_of([b]) + "\n" for m in found for b in m.blocks)
    assert [n for n in range(300) if f"programme {n} was carried out in part in 2023 [{n + 1}]." not in text] == []
    assert [b["type"] for m in found for b in m.blocks].count("actions") == 1 and found[-1].blocks[-1][
        "type"
    ] == "actions"
    for size in (4000, 1000):
        smaller = blocks.answered(made(said), "o", size=size)
        assert problems(smaller) == [] and len(smaller) > len(found)
        assert max(sum(blocks.weight(b) for b in m.blocks) for m in smaller) <= size


def test_a_sentence_that_is_too_long_for_a_block_is_cut_between_words() -> None:
    found = blocks.answered(made(["word " * 2500 + "end"]), "o")
    assert problems(found) == [] and shown(found).count("word") == 2500


def test_nothing_of_a_source_works() -> None:
    raw = made(
        [HOSTILE, HOSTILE + " two"], clash=True, title=HOSTILE, holder=HOSTILE, url="https://good.example/<!here>|x"
    )
    found = blocks.answered(raw, "o")
    assert problems(found) == []
    for view in (views.quotes(raw), views.who(raw), views.other(raw, [])):
        assert view_problems(view) == []
    links = re.findall(r'"url": "([^"]*)"', json.dumps([m.blocks for m in found]))
    assert set(links) == {"https://good.example/%3C!here%3E%7Cx"}
    mrkdwn = [f["text"] for b in found[0].blocks if b["type"] == "section" for f in b["fields"]]
    assert [t for t in mrkdwn if re.search(r"(?<!^)[*_~`]|<(?!https://good)|:smile:", t.partition("\n")[2])] == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://a@127.0.0.1/",
        "ftp://x",
        "https://",
        "http://[",
        "x" * 3000,
        "https://a.b/\x00",
        None,
    ],
)
def test_a_link_leads_to_the_web_or_nowhere(url: str | None) -> None:
    assert address(url) is None
    found = blocks.answered(made(["It is."], url=url), "o")
    assert problems(found) == [] and '"link"' not in json.dumps(found[0].blocks)


ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400).filter(str.strip)


@settings(max_examples=60, deadline=None)
@given(st.lists(ANYTHING, min_size=2, max_size=12), ANYTHING, ANYTHING, st.integers(1, 40))
def test_whatever_sources_say_slack_takes_it(said: list[str], title: str, holder: str, times: int) -> None:
    said = [re.sub(r"\[\d+\]", "()", s * times) for s in said]
    raw = made(said, clash=True, title=title, holder=holder)
    found = blocks.answered(raw, "o")
    assert problems(found) == []
    progress = blocks.said([(s["text"], raw["citations"]) for s in raw["sentences"]], "ru")
    assert problems((progress,)) == [] and problems(blocks.told(" ".join(said))) == []
    for view in (views.quotes(raw), views.who(raw), views.other(raw, [(raw["citations"][0], said[0])])):
        assert view_problems(view) == []
    checked = Canned().check(said[0], 2)
    assert problems(tuple(blocks.packed(views.verdicts(checked, True, "be"), [], said[0], 9000))) == []
    recent = [Recent(s, "2021", s, False) for s in said]
    assert view_problems(views.home("en", recent)) == []


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=3000), st.integers(20, 500))
def test_pieces_hold_all_words_and_are_short(text: str, most: int) -> None:
    found = list(pieces(text, most))
    assert all(0 < len(p) <= most for p in found)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(len(" ".join(g)) <= most for g in groups([text], most)) and len(cut(text, most)) <= most


@pytest.mark.parametrize(
    "said, meant",
    [
        ("<@UBOT> who heads it?", "who heads it?"),
        ("<@UBOT|union>: who?", ": who?"),
        ("a &lt;b&gt; &amp;amp;", "a <b> &amp;"),
        ("see <https://a.org|this> and <https://b.org>", "see this and https://b.org"),
        ("<!date^1^x|2021> <!here>", "2021"),
        ("<#C1|general> <@U2|ann> x", "#general ann x"),
        ("", ""),
        ("<<<>>>", "<<>>"),
    ],
)
def test_slacks_notation_is_read(said: str, meant: str) -> None:
    assert heard(said, "UBOT") == meant


@pytest.mark.slow
def test_real_answers_are_shown_within_the_limits(assistant: Assistant) -> None:
    asked = [
        ("How do Minsk and Moscow define the Union State?", None),
        ("Кто возглавляет Союзное государство?", None),
        ("What did Lukashenko say about a single currency?", datetime.date(2021, 12, 31)),
        ("What is the price of tea?", None),
        ("Калі быў падпісаны дагавор аб стварэнні Саюзнай дзяржавы?", None),
        ("hello", None),
    ]
    for text, as_of in asked:
        raw = to_json(assistant.answer(Question(text, (), as_of)))
        found = blocks.answered(raw, "slack:T1:C1", True)
        assert problems(found) == []
        for sentence in raw["sentences"]:
            assert "".join(sentence["text"].split()) in "".join(shown(found).split())
        for view in (views.quotes(raw), views.who(raw), views.other(raw, [])):
            assert view_problems(view) == []
        assert all(
            c["quote"] in words_of([views.quotes(raw)["blocks"]]) for c in raw["citations"] if len(c["quote"]) < 900
        )


@pytest.mark.slow
def test_a_claim_is_supported_contradicted_or_not_in_the_sources(assistant: Assistant) -> None:
    claim = (
        "The Treaty on the Creation of a Union State was signed on 8 December 1999. "
        "The Treaty on the Creation of a Union State was signed on 8 December 1997. "
        "France joined the Union State in 2020. The two countries have a lunar base."
    )
    with assistant._live.lend() as index:
        found = check(claim, index, 10)
        assert [c.outcome for c in found] == ["supported", "contradicted", "unknown", "unknown"]
        assert "1997" in found[1].differs and "1999" in found[1].quotes[0].text
        for quoted in (q for c in found for q in c.quotes):
            document = index.document(quoted.passage.chunk.document_id)
            assert document is not None and document.text[quoted.start : quoted.end] == quoted.text
        assert len(check(claim, index, 2)) == 2 and check("?! 12", index, 9) == ()
    assert problems(tuple(blocks.packed(views.verdicts(found, False, "en"), [], claim, 9000))) == []


def test_words_are_the_same_in_every_language() -> None:
    import tomllib

    from tests.conftest import ROOT

    texts = tomllib.loads(Path(ROOT / "assistant/slack/words.toml").read_text("utf-8"))
    assert set(texts) == {"en", "ru", "be"}
    for language in ("ru", "be"):
        assert texts[language].keys() == texts["en"].keys()
        for name, text in texts["en"].items():
            assert re.findall(r"\{\w+\}", texts[language][name]) == re.findall(r"\{\w+\}", text), (language, name)


def test_every_block_that_is_sent_can_be_drawn() -> None:
    raw = made([HOSTILE, "It is none."], clash=True, title=HOSTILE)
    checked = views.verdicts(Canned().check(HOSTILE, 2), False, "en")
    found = [*blocks.answered(raw, "o", True)[0].blocks, *blocks.answered(made(["x"], refused=True), "o")[0].blocks]
    home = views.home("en", [Recent(HOSTILE, "2021-12-31", HOSTILE, False)])
    drawn = slack_pictures.page(slack_pictures.drawn([*found, *checked]), slack_pictures.view(home))
    assert not re.search(r"<(?!/?(?:!doctype|meta|style|main|div|p|a|b|i|span|h2|blockquote|svg|path)\b)", drawn)
    assert "The sources disagree" in drawn and drawn.count("<svg") == 4
