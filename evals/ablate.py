"""Label-free tests: with its evidence deleted a question is refused; with a number changed in it the answer follows.

Every answerable item yields one of the first kind, and of the second where a number answers it. The sources are copied,
changed and indexed for real, a fold of clusters at a time, so the rest of the corpus stays as it is.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.conversation import Answer
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from evals.cases import Case, Nugget
from evals.metrics import Rate, says
from evals.run import question
from index import wire
from index.sentences import split

FOLDS = 8
Change = Callable[[Sequence[Case], dict[str, str]], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Tried:
    """An item asked of changed sources, and whether the answer was as it must be."""

    case: Case
    passed: bool
    text: str


def ablation(cases: Sequence[Case], sources: Path, work: Path) -> list[Tried]:
    """Whether each item is refused once all that answers it is deleted."""
    chosen = [c for c in cases if c.answerable and c.evidence and not c.history]
    return list(_ask(chosen, sources, work, _without, lambda case, refused, text: refused))


def edit(cases: Sequence[Case], sources: Path, work: Path) -> list[Tried]:
    """Whether each answer follows its evidence to another number, or shows both."""
    chosen = [c for c in cases if c.answerable and not c.history and _number(c) is not None]
    return list(_ask(chosen, sources, work, _changed, lambda case, refused, text: says(text, (_other(case),))))


def _shown(answer: Answer) -> str:
    return "\n".join([answer.text, *(p.text for c in answer.conflicts for p in c.positions)])


def rate(name: str, tried: Sequence[Tried]) -> Rate:
    """The share that passed."""
    return Rate(name, sum(t.passed for t in tried), len(tried))


def _ask(
    cases: Sequence[Case], sources: Path, work: Path, change: Change, passed: Callable[[Case, bool, str], bool]
) -> Iterator[Tried]:
    texts = {p.name: p.read_text("utf-8") for p in sorted(sources.glob("*.md"))}
    clusters = {c: n % FOLDS for n, c in enumerate(sorted({c.cluster for c in cases}))}
    for fold in range(FOLDS):
        asked = [c for c in cases if clusters[c.cluster] == fold]
        if not asked:
            continue
        folder = work / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(sources / "glossary.toml", folder)
        for name, text in change(asked, texts).items():
            (folder / name).write_text(text, "utf-8")
        settings = AssistantSettings(sources=(folder,), data=work / "data")
        wire.build(settings)
        assistant = make_assistant(settings)
        for case in asked:
            answer = assistant.answer(question(case), record=False)
            yield Tried(case, passed(case, answer.refused, _shown(answer)), answer.text)
        assistant.close()


def _without(cases: Sequence[Case], texts: dict[str, str]) -> dict[str, str]:
    """The sources without the items' evidence, and without any other sentence that holds all of an item's answer."""
    quotes = {p.quote for c in cases for g in c.evidence for p in g.any_of}
    answers = [[n.any_of for n in c.vital] for c in cases]
    left = {}
    for name, text in texts.items():
        front, body = text.rsplit("+++", 1)
        gone = [s for s in _sentences(body) if s in quotes or any(all(says(s, a) for a in vital) for vital in answers)]
        for sentence in gone:
            body = body.replace(sentence, "")
        if any(not line.startswith("#") and line.strip() for line in body.splitlines()):
            left[name] = f"{front}+++{body}"
    return left


def _sentences(body: str) -> list[str]:
    return [
        line[a:b] for line in body.splitlines() if line.strip() and not line.startswith("#") for a, b in split(line)
    ]


def _changed(cases: Sequence[Case], texts: dict[str, str]) -> dict[str, str]:
    """The sources with the number that answers each item replaced wherever its evidence stands."""
    changed = dict(texts)
    for case in cases:
        wanted = _number(case)
        for place in (p for g in case.evidence for p in g.any_of):
            name = f"{place.doc}.md"
            quote = place.quote
            for wording in sorted(wanted.any_of if wanted else (), key=len, reverse=True):
                quote = quote.replace(wording, wording.replace(_digits(wording), _other(case)))
            if name in changed:
                changed[name] = changed[name].replace(place.quote, quote)
    return changed


def _number(case: Case) -> Nugget | None:
    """The item's only vital nugget where it is a plain number that its evidence holds in those digits."""
    found = [n for n in case.vital if n.type == "number"]
    if len(case.vital) != 1 or not found or not re.fullmatch(r"\d+(?:[.,]\d+)?\s?%?", found[0].any_of[0]):
        return None
    return found[0] if any(found[0].any_of[0] in p.quote for g in case.evidence for p in g.any_of) else None


def _digits(wording: str) -> str:
    found = re.search(r"\d+(?:[.,]\d+)?", wording)
    return found[0] if found else wording


def _other(case: Case) -> str:
    """Another number of the same length: each digit three up."""
    wanted = _number(case)
    digits = _digits(wanted.any_of[0]) if wanted else "0"
    return "".join(str((int(d) + 3) % 10 or 1) if d.isdigit() else d for d in digits)
