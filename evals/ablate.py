"""Label-free tests: with its evidence deleted a question is refused; with a number or name changed in it the answer
follows.

Every answerable item yields one of the first kind, and of the second where its answer told such a number or name
before. The sources are copied, changed and indexed for real, a fold of clusters at a time, so the rest of the corpus
stays as it is.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.conversation import Answer
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from evals.cases import Case
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
    """Whether each answer follows its evidence to another number, date or name, or shows both. Asked of the items whose
    answer tells it while nothing is changed."""
    edits = {c.id: e for c in cases if c.answerable and not c.history and (e := _edit(c))}
    chosen = [c for c in cases if c.id in edits]
    before = _ask(chosen, sources, work, lambda _, texts: texts, lambda c, _, text: says(text, (edits[c.id].old,)), 1)
    told = [t.case for t in before if t.passed]
    return list(_ask(told, sources, work, _changed, lambda c, _, text: says(text, (edits[c.id].new,))))


def _shown(answer: Answer) -> str:
    return "\n".join([answer.text, *(p.text for c in answer.conflicts for p in c.positions)])


def rate(name: str, tried: Sequence[Tried]) -> Rate:
    """The share that passed."""
    return Rate(name, sum(t.passed for t in tried), len(tried))


def _ask(
    cases: Sequence[Case],
    sources: Path,
    work: Path,
    change: Change,
    passed: Callable[[Case, bool, str], bool],
    folds: int = FOLDS,
) -> Iterator[Tried]:
    texts = {p.name: p.read_text("utf-8") for p in sorted(sources.glob("*.md"))}
    clusters = {c: n % folds for n, c in enumerate(sorted({c.cluster for c in cases}))}
    for fold in range(folds):
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
    """The sources with what answers each item changed wherever its evidence stands."""
    changed = dict(texts)
    for case in cases:
        change = _edit(case)
        for place in (p for g in case.evidence for p in g.any_of):
            name = f"{place.doc}.md"
            if name in changed and change is not None:
                quote = place.quote.replace(change.old, change.new)
                changed[name] = changed[name].replace(place.quote, quote)
    return changed


@dataclass(frozen=True, slots=True)
class Edit:
    """What is put in whose place."""

    old: str
    new: str


def _edit(case: Case) -> Edit | None:
    """Another number, year or name for the first vital nugget that its evidence holds word by word and its question
    does not; None where there is none."""
    quotes = " ".join(p.quote for g in case.evidence for p in g.any_of)
    for nugget in case.vital:
        for old in nugget.any_of:
            new = _other(old) if re.search(r"\d", old) else _name(old) if nugget.type == "entity" else old
            if new != old and old in quotes and old not in case.question and not says(quotes, (new,)):
                return Edit(old, new)
    return None


def _other(wording: str) -> str:
    """The wording with another year, or where it has none with each digit of its numbers three up.

    >>> _other("8 December 1999"), _other("2 487,6"), _other("80%")
    ('8 December 1998', '5 711,9', '13%')
    """
    if year := re.search(r"(?<!\d)(?:19|20)\d\d(?!\d)", wording):
        return wording.replace(year[0], str(int(year[0]) - 1))
    return re.sub(r"\d", lambda d: str((int(d[0]) + 3) % 10 or 1), wording)


def _name(wording: str) -> str:
    """A name that nobody here bears, in the letters of `wording`, or that itself where it is not one word in capitals.

    >>> _name("Mezentsev"), _name("Мезенцев"), _name("equal status")
    ('Karelin', 'Карелин', 'equal status')
    """
    if not re.fullmatch(r"[A-ZА-ЯЁІЎ][\w'’-]{3,}", wording):
        return wording
    return "Карелин" if re.match(r"[А-ЯЁІЎ]", wording) else "Karelin"
