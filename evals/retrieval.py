"""Recall of search on XQuAD-R, within and across English and Russian.

    python -m evals.retrieval --data FOLDER      FOLDER has en.json and ru.json of XQuAD-R

Every paragraph is a document. A question is found at k when one of its k best passages is of its own paragraph and
holds a sentence with the answer, or is of its paragraph at all ("paragraph").
"""

import argparse
import sys
import tempfile
from pathlib import Path

from evals.metrics import Rate
from evals.training import PAIRS, Row, rows
from index import wire
from index.search import Index
from index.settings import IndexSettings

AT = (1, 5, 10)


def main() -> int:
    """Index both languages, ask each in both, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.retrieval", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/xquad-r"))
    options = parser.parse_args()
    if not (options.data / "ru.json").is_file():
        print(f"no ru.json in {options.data}; give the folder of XQuAD-R with --data", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        asked = {language: rows(options.data / f"{language}.json", work / language) for language in ("en", "ru")}
        settings = {language: IndexSettings(sources=(work / language,), data=work / f"{language}.data")
                    for language in asked}  # fmt: skip
        for one in settings.values():
            wire.build(one)
        for question, text in PAIRS:
            index = wire.open_index(settings[text])
            for figure in recall(f"{question}->{text}", asked[question], asked[text], index):
                print(figure)
            index.close()
    return 0


def recall(name: str, questions: list[Row], answers: list[Row], index: Index) -> list[Rate]:
    """recall@k of the paragraph and of the passage that holds the answer, for each k of AT."""
    paragraph, answer = dict.fromkeys(AT, 0), dict.fromkeys(AT, 0)
    for row, told in zip(questions, answers, strict=True):
        found = index.search(row.question, max(AT))
        own = [p.chunk.document_id == row.document for p in found]
        held = [o and told.answer in p.chunk.text.casefold() for o, p in zip(own, found, strict=True)]
        for k in AT:
            paragraph[k] += any(own[:k])
            answer[k] += any(held[:k])
    of = len(questions)
    return [Rate(f"{name} {what} recall@{k}", counts[k], of)
            for what, counts in (("paragraph", paragraph), ("answer", answer)) for k in AT]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
