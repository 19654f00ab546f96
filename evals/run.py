"""Puts the questions of gold items, and their variants, to a target, and has each answer judged."""

import datetime
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from assistant.conversation import Question, Turn
from evals.cases import Case
from evals.judge import Arbiter, Find, Trial, crashed, judge
from evals.said import Said
from evals.targets import Crashed, Target

_WARM_UP = "What is the Union State?"


def question(case: Case, text: str | None = None) -> Question:
    """The item as a question, in its words or in those of a variant, with its history and date."""
    return Question(
        text or case.question,
        tuple(Turn(t.role, t.text) for t in case.history),
        datetime.date.fromisoformat(case.as_of) if case.as_of else None,
    )


def asked(cases: Sequence[Case], variants: bool) -> Iterator[tuple[str, Case, str]]:
    """Identity, item and wording of all that is asked: the items, and after each its variants where wished."""
    for case in cases:
        yield case.id, case, case.question
        for variant in case.variants if variants else ():
            yield f"{case.id}/{variant.id}", case, variant.question


@dataclass(frozen=True, slots=True)
class Manner:
    """How to ask: in other wordings too; how often each, for what answers differently each time; and who tells
    whether a quote bears a sentence in other words."""

    variants: bool = False
    repeats: int = 1
    arbiter: Arbiter | None = None


def run(
    cases: Sequence[Case],
    target: Target,
    find: Find,
    progress: Callable[[int, int], None] = lambda *_: None,
    manner: Manner | None = None,
) -> list[Trial]:
    """Ask every item, after a warm-up question; repeats of an item stand one after the other. Raises Unreachable."""
    manner = manner or Manner()
    _timed(target, "", Question(_WARM_UP))
    every = [a for a in asked(cases, manner.variants) for _ in range(manner.repeats)]
    trials = []
    for done, (identity, case, text) in enumerate(every, 1):
        said, milliseconds, reason = _timed(target, identity, question(case, text))
        trials.append(
            crashed(identity, case, text, reason)
            if said is None
            else judge(case, said, find, identity, text, manner.arbiter, milliseconds)
        )
        progress(done, len(every))
    return trials


def _timed(target: Target, identity: str, asked: Question) -> tuple[Said | None, float, str]:
    """The answer or None, milliseconds, and the reason why there is none."""
    started = time.perf_counter()
    said, reason = None, ""
    try:
        said = target.ask(identity, asked)
    except Crashed as error:
        reason = str(error)
    return said, (time.perf_counter() - started) * 1000, reason
