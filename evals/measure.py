"""Asks the questions of a gold file about a folder of sources and prints what came of it.

    python -m evals.measure --gold evals/gold/analysis.jsonl --sources FOLDER

A gold line has `id`, `question` and `must`: groups of alternatives, one of each of which a full answer holds; no
group where the sources do not say and a refusal is right. The index is built in a folder of its own.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.chain import Assistant
from assistant.conversation import Answer, Question
from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from index import wire


@dataclass(frozen=True, slots=True)
class Case:
    """One gold line."""

    id: str
    question: str
    must: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over the cases; `near` counts answerable ones whose words stand in the first five passages."""

    answerable: int
    near: int
    full: int
    unanswerable: int
    refused: int
    quotes: int
    verbatim: int
    p50_ms: float
    p95_ms: float
    missed: tuple[str, ...]


def load(path: Path) -> list[Case]:
    """The cases of a gold file. Raises ValueError naming the bad line."""
    cases = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            raw = json.loads(line)
            cases.append(Case(raw["id"], raw["question"], tuple(tuple(group) for group in raw["must"])))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path} line {number}: {error}") from error
    return cases


def holds(text: str, must: tuple[tuple[str, ...], ...]) -> bool:
    """Whether `text` has one of each group of alternatives."""
    return all(any(word.casefold() in text.casefold() for word in group) for group in must)


def verbatim(assistant: Assistant, answer: Answer) -> int:
    """How many quotes of the answer stand in their documents at their offsets."""
    documents = [(c, assistant.document(c.passage.chunk.document_id)) for c in answer.citations]
    return sum(d is not None and d.text[c.start : c.end] == c.quote for c, d in documents)


def measure(cases: list[Case], assistant: Assistant) -> Figures:
    """Ask every case once, after one question to warm up."""
    assistant.answer(Question("What is it about?"))
    answers, took = {}, []
    for case in cases:
        started = time.perf_counter()
        answers[case.id] = assistant.answer(Question(case.question))
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    asked = [c for c in cases if c.must]
    full = [c.id for c in asked if not answers[c.id].refused and holds(answers[c.id].text, c.must)]
    near = [c for c in asked if holds(" ".join(p.chunk.text for p in answers[c.id].passages[:5]), c.must)]
    refused = [c.id for c in cases if not c.must and answers[c.id].refused]
    return Figures(
        len(asked), len(near), len(full), len(cases) - len(asked), len(refused),
        sum(len(a.citations) for a in answers.values()), sum(verbatim(assistant, a) for a in answers.values()),
        round(took[len(took) // 2], 1), round(took[int(len(took) * 0.95)], 1),
        tuple(c.id for c in cases if c.id not in {*full, *refused}),
    )  # fmt: skip


def measure_folder(gold: Path, sources: tuple[Path, ...]) -> Figures:
    """Index `sources` in a folder of its own and ask the cases of `gold`."""
    with tempfile.TemporaryDirectory() as data:
        settings = AssistantSettings(sources=sources, data=Path(data))
        wire.build(settings)
        assistant = make_assistant(settings)
        try:
            return measure(load(gold), assistant)
        finally:
            assistant.close()


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m evals.measure", description=__doc__.splitlines()[0])
    parser.add_argument("--gold", type=Path, required=True)
    parser.add_argument("--sources", type=Path, nargs="+", required=True)
    options = parser.parse_args()
    print(json.dumps(asdict(measure_folder(options.gold, tuple(options.sources))), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
