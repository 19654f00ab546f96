"""What the guides say of tests is so: every file, test and command that they name exists."""

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

GUIDES = ["SECURITY.md", "docs/security.md", "docs/reliability.md", "docs/backup.md"]
TESTS = {
    node.name
    for file in (ROOT / "tests").glob("test_*.py")
    for node in ast.walk(ast.parse(file.read_text("utf-8")))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
}
_NAMED = re.compile(
    r"`(?:tests/(?P<file>[\w./-]+)|(?P<test>test_\w+)|python -m (?P<module>(?:tests|evals)\.\w+)[^`]*)`"
)


def missing(text: str) -> list[str]:
    """What `text` names in backticks and is not there."""
    found = []
    for named in _NAMED.finditer(text):
        path = f"tests/{named['file']}" if named["file"] else str(named["module"]).replace(".", "/") + ".py"
        there = named["test"] in TESTS if named["test"] else (ROOT / path).exists()
        found += [] if there else [named[0]]
    return found


@pytest.mark.parametrize("guide", GUIDES)
def test_every_test_that_is_named_exists(guide: str) -> None:
    text = (ROOT / guide).read_text("utf-8")
    assert missing(text) == []
    links = re.findall(r"\]\((?!https?:)([\w./-]+)", text)
    assert [link for link in links if not ((ROOT / guide).parent / Path(link)).exists()] == []


def test_a_name_that_is_not_there_is_seen() -> None:
    text = "`tests/test_sync.py` `tests/no.py` `test_no_such` `python -m tests.fuzz --seed 1` `python -m tests.nothing`"
    assert missing(text) == ["`tests/no.py`", "`test_no_such`", "`python -m tests.nothing`"]


def test_each_of_the_hundred_cases_has_a_line() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| ([A-Z]{3}-[a-z0-9-]+) \| (.+) \|$", text, re.MULTILINE)
    assert [int(number) for number, _, _ in rows] == list(range(1, 101))
    assert len({name for _, name, _ in rows}) == 100
    assert [n for n, _, said in rows if not re.match(r"`|not covered|part: ", said)] == []
