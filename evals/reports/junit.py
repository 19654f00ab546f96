"""Results as JUnit XML: a suite a kind of question, a case an item, a failure where it is not right."""

import re
from collections.abc import Mapping
from itertools import groupby
from xml.etree import ElementTree

from evals.results import Item, Results

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Results, milliseconds: Mapping[str, float]) -> str:
    """The XML. A crash is an error, an item that is not right a failure; times are in seconds."""
    root = ElementTree.Element("testsuites", name="evals")
    ordered = sorted(results.items, key=lambda i: (i.kind, i.id))
    for kind, group in groupby(ordered, key=lambda i: i.kind):
        items = list(group)
        failed = sum(not i.right and i.outcome != "crashed" for i in items)
        suite = ElementTree.SubElement(
            root, "testsuite", name=f"evals.{kind}", tests=str(len(items)), failures=str(failed),
            errors=str(sum(i.outcome == "crashed" for i in items)),
        )  # fmt: skip
        for item in items:
            seconds = f"{milliseconds.get(item.id, 0.0) / 1000:.3f}"
            case = ElementTree.SubElement(suite, "testcase", classname=f"evals.{kind}", name=item.id, time=seconds)
            if not item.right:
                tag = "error" if item.outcome == "crashed" else "failure"
                message = "; ".join((item.outcome, *item.missed))
                ElementTree.SubElement(case, tag, message=_clean(message)).text = _clean(told(item))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, "unicode") + "\n"


def told(item: Item) -> str:
    """The question, what was expected, what was said and on what it rests."""
    lines = [f"Question: {item.question}", f"Expected: {' | '.join(item.expected) or 'no answer'}",
             f"Got: {item.text}"]  # fmt: skip
    return "\n".join((*lines, *(f"Cited: {c}" for c in item.cited), *(f"Evidence: {e}" for e in item.evidence)))


def _clean(text: str) -> str:
    return _NO_XML.sub("�", text)
