"""Documents and gold items of a file in SQuAD's form: every paragraph a document, every question an item."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evals.cases import BadGold, Case, text_sha256
from evals.metrics import says
from index.documents import Document
from index.load import Loader
from index.sentences import split as sentences


@dataclass(frozen=True, slots=True)
class Counted:
    """Items written, and questions left out because their answer stands in no sentence of the paragraph."""

    items: int
    left_out: int


def convert(file: Path, sources: Path, gold: Path, lang: str, split: Literal["dev", "test"]) -> Counted:
    """Write the documents and the items. An answer is a nugget, the sentence around it its evidence; a question without
    answers is unanswerable. Raises BadGold for another form of file."""
    sources.mkdir(parents=True, exist_ok=True)
    cases: list[Case] = []
    asked = 0
    try:
        with Loader((sources,)) as loader:
            for a, article in enumerate(json.loads(file.read_text("utf-8"))["data"]):
                for p, paragraph in enumerate(article["paragraphs"]):
                    name, title = f"{a:03}-{p:03}", article.get("title") or f"article {a}"
                    document = loader.load(_write(sources, name, title, paragraph["context"], lang))
                    asked += len(paragraph["qas"])
                    cases += _cases(paragraph, document, lang, split)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadGold(f"{file} is not in SQuAD's form: {type(error).__name__}: {error}") from error
    gold.write_text("".join(c.model_dump_json(by_alias=True) + "\n" for c in cases), "utf-8")
    return Counted(len(cases), asked - len(cases))


def _write(sources: Path, name: str, title: str, context: str, lang: str) -> Path:
    path = sources / f"{name}.txt"
    path.write_text(" ".join(context.split()) + "\n", "utf-8")
    about = {"id": name, "title": title, "publisher": "SQuAD", "language": lang, "text": "original"}
    lines = "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in about.items())
    path.with_name(f"{path.name}.toml").write_text(lines, "utf-8")
    return path


def _cases(paragraph: dict[str, Any], document: Document, lang: str, split: str) -> Iterator[Case]:
    for asked in paragraph["qas"]:
        item = {"id": f"squad-{asked['id']}", "schema": 1, "split": split, "lang": lang, "kind": "fact",
                "question": asked["question"], "cluster": document.id}  # fmt: skip
        if asked.get("is_impossible") or not asked["answers"]:
            yield Case.model_validate(item | {"answerability": "unanswerable"})
        elif place := _place(paragraph["context"], asked["answers"], document):
            wordings = list(dict.fromkeys(_wording(paragraph["context"], a) for a in asked["answers"]))
            yield Case.model_validate(item | {
                "answerability": "answerable", "nuggets": [{"id": "n1", "any_of": wordings}],
                "evidence": [{"group": "g1", "any_of": [place], "supports": ["n1"]}],
            })  # fmt: skip


def _wording(context: str, answer: dict[str, Any]) -> str:
    """The answer in one line, a small number with the word after it: alone it would be found everywhere."""
    text = " ".join(answer["text"].split())
    if re.fullmatch(r"\d{1,2}", text) and (longer := re.match(r"\d+\s+[^\W\d_]+", context[answer["answer_start"] :])):
        text = " ".join(longer[0].split())
    return text


def _place(context: str, answers: list[dict[str, Any]], document: Document) -> dict[str, Any] | None:
    """The sentence that holds an answer, by its place in the paragraph."""
    for answer in answers:
        text = " ".join(answer["text"].split())
        near = len(" ".join(context[: answer["answer_start"]].split()))
        places = [n for n in range(len(document.text)) if document.text.startswith(text, n)]
        at = min(places, key=lambda n: abs(n - near), default=-1)
        for start, end in sentences(document.text):
            quote = document.text[start:end]
            if start <= at < end and says(quote, (text,)):
                return {"doc": document.id, "start": start, "end": end, "quote": quote, "sha256": text_sha256(document)}
    return None
