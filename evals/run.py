"""Puts the questions of gold items, and their variants, to a target, and has each answer judged."""

import datetime
import time
from collections.abc import Callable, Iterator, Sequence

from assistant.conversation import Question, Turn
from evals.cases import Case
from evals.judge import Find, Trial, crashed, judge
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


def run(
    cases: Sequence[Case],
    target: Target,
    find: Find,
    progress: Callable[[int, int], None] = lambda *_: None,
    variants: bool = False,
) -> list[Trial]:
    """Ask every item once, after a warm-up question. Raises Unreachable."""
    _timed(target, "", Question(_WARM_UP))
    every = list(asked(cases, variants))
    trials = []
    for done, (identity, case, text) in enumerate(every, 1):
        said, milliseconds, reason = _timed(target, identity, question(case, text))
        trials.append(
            crashed(identity, case, text, reason)
            if said is None
            else judge(case, said, find, milliseconds, identity, text)
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
