"""The project's own notes: whole, sourced, and true to the facts they carry."""

import json
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from index import glossary
from index.keywords import number
from index.load import KINDS
from index.originals import read_catalog
from tests.conftest import ROOT, SHARED

SOURCES = ROOT / "sources"
NOTES = sorted(SOURCES.glob("*.md"))
FACTS = SHARED / "facts/facts.jsonl"
beside = pytest.mark.skipif(not FACTS.is_file(), reason="the facts do not lie beside this checkout")
MONTHS = {
    "en": "january february march april may june july august september october november december".split(),
    "ru": "январ феврал март апрел ма июн июл август сентябр октябр ноябр декабр".split(),
    "be": "студзен лют сакавік красавік ма чэрвен ліпен жні верас кастрычнік лістапад снеж".split(),
}
WORDS = dict(zip("one two three four five six seven eight nine ten eleven twelve".split(), range(1, 13), strict=True))


@cache
def note(path: Path) -> tuple[dict[str, Any], str]:
    """Front matter and text of a note."""
    _, front, text = path.read_text("utf-8").split("+++", 2)
    return tomllib.loads(front), text


@cache
def facts() -> dict[str, dict[str, Any]]:
    return {f["id"]: f for f in map(json.loads, FACTS.read_text("utf-8").splitlines())}


def numbers(text: str) -> set[str]:
    text = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", text)
    found = {number(n).lstrip("0") or "0" for n in re.findall(r"\d+(?:[.,]\d+)*", text)}
    return found | {n.removesuffix(".0") for n in found}


@pytest.mark.parametrize("path", NOTES, ids=lambda p: p.stem)
def test_a_note_says_where_it_comes_from(path: Path) -> None:
    about, text = note(path)
    assert about["id"] == path.stem and about["kind"] in KINDS and about["text"] == "summary"
    assert about["title"] and about["publisher"] and about["holder"] and about["language"] in MONTHS
    assert about["facts"] and text.strip()


def test_every_note_is_in_the_catalog_with_its_licence() -> None:
    catalog = {o.id: o for o in read_catalog((SOURCES,))}
    assert catalog.keys() == {p.stem for p in NOTES} and all(o.licence for o in catalog.values())
    assert all(catalog[p.stem].url == note(p)[0].get("url") for p in NOTES)


@beside
def test_no_fact_is_missing_none_is_invented_none_is_told_twice() -> None:
    carried = Counter(fact for path in NOTES for fact in note(path)[0]["facts"])
    assert carried.keys() == facts().keys() and set(carried.values()) == {1}


@beside
@pytest.mark.parametrize("path", NOTES, ids=lambda p: p.stem)
def test_the_numbers_of_its_facts_stand_in_the_note(path: Path) -> None:
    about, text = note(path)
    have = numbers(text)
    for fact in map(facts().__getitem__, about["facts"]):
        assert numbers(fact["claim"]) <= have, fact["id"]


@beside
@pytest.mark.parametrize("path", NOTES, ids=lambda p: p.stem)
def test_a_note_adds_no_number(path: Path) -> None:
    about, text = note(path)
    allowed = numbers(json.dumps(about, ensure_ascii=False, default=str))
    for fact in map(facts().__getitem__, about["facts"]):
        told = " ".join(str(fact.get(k) or "") for k in ("claim", "claim_ru", "date", "as_of", "source_title"))
        allowed |= numbers(told) | numbers(told.replace("-", " "))
        allowed |= {str(v) for w, v in WORDS.items() if re.search(rf"\b{w}\b", fact["claim"].casefold())}
    body = text.partition("\n\n")[2].partition("\n\n")[2]
    assert {n.lstrip("0") for n in numbers(body)} <= {n.lstrip("0") for n in allowed}


@beside
@pytest.mark.parametrize("path", NOTES, ids=lambda p: p.stem)
def test_the_dates_of_its_facts_stand_in_the_note(path: Path) -> None:
    about, text = note(path)
    folded = text.casefold()
    for fact in map(facts().__getitem__, about["facts"]):
        for year, month, day in re.findall(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", fact["date"] or ""):
            assert year in folded, fact["id"]
            assert not month or MONTHS[about["language"]][int(month) - 1] in folded, fact["id"]
            assert not day or re.search(rf"\b{int(day)}\b", folded), fact["id"]


@beside
def test_low_confidence_is_said() -> None:
    doubt = re.compile(
        r"unconfirm|not (?:been )?(?:independently )?confirm|doubt|unclear|caution|uncertain|unverified|"
        r"thin|relied on|tentative|slip|reliab|low confid|не подтвержд|сомнит|неясн|осторожн|не пацверджан|няпэўн"
    )
    silent = [p.stem for p in NOTES if any(facts()[f]["confidence"] == "low" for f in note(p)[0]["facts"])
              and not doubt.search(note(p)[1].casefold())]  # fmt: skip
    assert silent == []


def test_notes_are_told_in_their_origins_language() -> None:
    languages = Counter(note(p)[0]["language"] for p in NOTES)
    assert languages["ru"] + languages["be"] >= 40 and languages["be"] >= 1


def test_the_glossary_is_sound() -> None:
    found = glossary.find((SOURCES,))
    assert len(found.entries) >= 250
    assert all(e.names.keys() >= {"en", "ru", "be"} for e in found.entries.values())
    spellings = Counter(s.casefold() for e in found.entries.values() for s in {*e.names.values(), *e.aliases})
    owners: dict[str, set[str]] = {}
    for entry in found.entries.values():
        for spelling in (*entry.names.values(), *entry.aliases):
            owners.setdefault(spelling.casefold(), set()).add(entry.id)
    assert spellings and [s for s, who in owners.items() if len(who) > 1] == []


@pytest.mark.parametrize(
    ("text", "entry"),
    [("Lukashenka", "lukashenko"), ("Лукашэнкам", "lukashenko"), ("Лукашенко", "lukashenko"),
     ("Tsikhanouskaya", "tikhanovskaya"), ("Светланы Тихановской", "tikhanovskaya"), ("ОДКБ", "csto"),
     ("Высшего Государственного Совета", "supreme-state-council")],
)  # fmt: skip
def test_names_are_known_in_every_spelling(text: str, entry: str) -> None:
    assert glossary.find((SOURCES,)).mentions(text) == [entry]
