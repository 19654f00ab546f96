"""What the ranker and the answerability model learn from: questions with the sentences that answer them, and without.

Public sets (XQuAD, SelfAware, FalseQA) are read from a folder the user names; our own questions lie in `evals/train`.
A question whose answering sentences are taken out of what was found is the negative: no wording gives it away.
"""

import csv
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from assistant.asked import Asked, ask
from assistant.evidence import Evidence, gather
from evals.cases import load
from evals.metrics import says
from index import wire
from index.documents import Passage
from index.search import Index
from index.settings import IndexSettings

PAIRS = (("en", "en"), ("ru", "ru"), ("ru", "en"), ("en", "ru"))
PASSAGES = 20
SAME = 0.8  # cosine from which two sentences are taken to say the same
EVERY = 3  # of XQuAD's questions one in so many is asked, in each pair of languages
OTHERS = 300  # questions of each public set that our sources cannot answer


@dataclass(frozen=True, slots=True)
class Item:
    """A question asked of one corpus. `right` says which evidence answers; `present` whether any should; `asked_so`
    is False where the answering sentences were taken out on purpose."""

    corpus: str
    fits: bool
    present: bool
    asked_so: bool
    asked: Asked
    evidence: list[Evidence]
    right: list[bool]


@dataclass(frozen=True, slots=True)
class Row:
    """One XQuAD question with its paragraph's id."""

    question: str
    answer: str
    document: str
    article: int


def xquad(folder: Path, work: Path) -> Iterator[Item]:
    """One XQuAD question in EVERY, in each language pair, with its paragraph and without; even articles fit."""
    questions = {language: rows(folder / f"xquad.{language}.json", work / language) for language in ("en", "ru")}
    for language in questions:
        wire.build(_settings(work, language))
    for asked_in, answered_in in PAIRS:
        index = wire.open_index(_settings(work, answered_in))
        for row, answer in list(zip(questions[asked_in], questions[answered_in], strict=True))[::EVERY]:
            asked = ask(row.question, index)
            found = index.search(row.question, 2 * PASSAGES)
            for present in (True, False):
                kept = [p for p in found if present or p.chunk.document_id != row.document][:PASSAGES]
                evidence = gather(asked, kept, index)
                right = [present and e.passage.chunk.document_id == row.document and answer.answer in e.text.casefold()
                         for e in evidence]  # fmt: skip
                yield Item(f"{asked_in}->{answered_in}", row.article % 2 == 0, present, present, asked, evidence, right)
        index.close()


def own(index: Index, gold: Sequence[Path], train: Sequence[Path]) -> Iterator[Item]:
    """Our own questions: those of `train`, and the dev split of the gold with its paraphrases."""
    for path in train:
        for line in path.read_text("utf-8").splitlines():
            raw = json.loads(line)
            yield from _pair("train", index, raw["question"], [raw["quote"]], raw["answers"])
    for case in load(gold, "dev"):
        if case.history or case.as_of:
            continue
        quotes = [p.quote for g in case.evidence for p in g.any_of]
        for question in (case.question, *(v.question for v in case.variants)):
            yield from _pair("gold", index, question, quotes, case.answerable, [n.any_of for n in case.vital])


def _pair(
    corpus: str, index: Index, question: str, quotes: Sequence[str], answers: bool, vital: Sequence[Sequence[str]] = ()
) -> Iterator[Item]:
    asked = ask(question, index)
    evidence = gather(asked, index.search(question, PASSAGES), index)
    same = [_same(e, quotes, vital, index) for e in evidence]
    if not answers:
        yield Item(corpus, True, False, True, asked, evidence, [False] * len(evidence))
        return
    yield Item(corpus, True, True, True, asked, evidence, [e.text in quotes for e in evidence])
    left = [e for e, s in zip(evidence, same, strict=True) if not s]
    yield Item(corpus, True, False, False, asked, left, [False] * len(left))


def _same(evidence: Evidence, quotes: Sequence[str], vital: Sequence[Sequence[str]], index: Index) -> bool:
    """Whether the sentence is one of `quotes`, holds the whole answer, or says much the same."""
    if vital and all(says(evidence.text, wordings) for wordings in vital):
        return True
    vectors = [v[-1] for v in index.encode([evidence.text, *quotes])]
    return evidence.text in quotes or any(float(vectors[0] @ v) > SAME for v in vectors[1:])  # type: ignore[operator]


def strangers(index: Index, data: Path) -> Iterator[Item]:
    """Questions of public sets that have nothing to do with the sources."""
    for text in _stranger_questions(data):
        asked = ask(text, index)
        found: list[Passage] = index.search(text, PASSAGES)
        evidence = gather(asked, found, index)
        yield Item("strangers", True, False, True, asked, evidence, [False] * len(evidence))


def _stranger_questions(data: Path) -> list[str]:
    chosen = random.Random(7)
    found: list[str] = []
    for language in ("en", "ru"):
        raw = json.loads((data / "xquad" / f"xquad.{language}.json").read_text("utf-8"))["data"]
        asked = [q["question"] for a in raw for p in a["paragraphs"] for q in p["qas"]]
        found += chosen.sample(asked, OTHERS)
    aware = json.loads((data / "selfaware" / "SelfAware.json").read_text("utf-8"))["example"]
    found += chosen.sample([q["question"] for q in aware], OTHERS)
    with (data / "falseqa" / "valid.csv").open(encoding="utf-8", newline="") as stream:
        false = [row["question"] for row in csv.DictReader(stream) if row["label"] == "1"]
    return found + chosen.sample(false, OTHERS)


def rows(path: Path, sources: Path) -> list[Row]:
    """The questions of a file in SQuAD's form; its paragraphs are written below `sources` as documents."""
    sources.mkdir(parents=True)
    found = []
    for article, entry in enumerate(json.loads(path.read_text("utf-8"))["data"]):
        for number, paragraph in enumerate(entry["paragraphs"]):
            name = f"{article:02}-{number:02}"
            text = " ".join(paragraph["context"].split())
            (sources / f"{name}.md").write_text(f"# {entry.get('title', name)}\n\n{text}\n", "utf-8")
            found += [
                Row(q["question"], " ".join(q["answers"][0]["text"].split()).casefold(), name, article)
                for q in paragraph["qas"]
            ]
    return found


def _settings(work: Path, language: str) -> IndexSettings:
    return IndexSettings(sources=(work / language,), data=work / f"{language}.data")
