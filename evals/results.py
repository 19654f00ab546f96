"""The results of a run as a file: where they come from, and every item with all that was counted.

Two runs of the same code on the same machine write the same bytes; what differs between runs, times, is kept in a file
of its own. A baseline is the same file without texts.
"""

import hashlib
import json
import platform
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.cases import Case
from evals.judge import RANK, VERSION, Outcome, Trial
from index.documents import Document

SCHEMA = 1


class BadResults(ValueError):
    """A file of results is none; the message names it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Arithmetic(_Part):
    """What a run's floating point depends on: other processors round otherwise, and close ranks change places."""

    machine: str
    system: str
    widest: str
    onnxruntime: str
    numpy: str


class Provenance(_Part):
    """Where results come from. `gold` is the hash of the items asked, `corpus` of all documents, `arbiter` the
    model that told whether quotes bear sentences in other words."""

    metrics: int
    gold: str
    corpus: str
    target: str
    model: str
    commit: str | None = None
    python: str
    repeats: int = 1
    arbiter: str | None = None
    arithmetic: Arithmetic


class Item(_Part):
    """One question: what came of it, and its counts by the keys of figures.py. `of` is the item that a variant
    belongs to. Of several answers to it the counts are means, the outcome is the commonest, the worst of equally common
    ones, and `outcomes` are all where they differ. `text` and what follows are for readers, and not in a baseline."""

    id: str
    of: str | None = None
    cluster: str
    lang: str
    kind: str
    answerability: str
    outcome: Outcome
    right: bool
    hits: tuple[bool, ...] = ()
    confidence: float | None = None
    outcomes: tuple[Outcome, ...] = ()
    scores: dict[str, tuple[float, float]]
    question: str = ""
    text: str = ""
    expected: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()

    @property
    def answerable(self) -> bool:
        """Whether the sources answer it, if only by disagreeing."""
        return self.answerability in ("answerable", "conflicting")


class Accepted(_Part):
    """Why this became the baseline, and when."""

    reason: str
    on: str


class Results(_Part):
    """A run."""

    schema_: int = SCHEMA
    accepted: Accepted | None = None
    made: Provenance
    items: tuple[Item, ...]

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda n: n.rstrip("_"), populate_by_name=True
    )

    @property
    def by_id(self) -> dict[str, Item]:
        """The items."""
        return {i.id: i for i in self.items}


def collect(trials: Sequence[Trial], documents: Iterable[Document], target: str, arbiter: str | None = None) -> Results:
    """The results of judged trials; those of one identity are answers to the same question."""
    models = sorted({t.said.model for t in trials if t.said and t.said.model})
    by_item = grouped(trials)
    made = Provenance(
        metrics=VERSION, gold=gold_hash(t.case for t in map(typical, by_item) if "/" not in t.identity),
        corpus=corpus_hash(documents), target=target, model=", ".join(models), commit=commit(),
        python=platform.python_version(), repeats=max(map(len, by_item), default=1), arbiter=arbiter,
        arithmetic=arithmetic(),
    )  # fmt: skip
    return Results(made=made, items=tuple(map(_item, by_item)))


def grouped(trials: Iterable[Trial]) -> list[list[Trial]]:
    """The trials of each question."""
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.identity, []).append(trial)
    return list(found.values())


def typical(trials: Sequence[Trial]) -> Trial:
    """The first of the commonest outcome."""
    count = Counter(t.outcome for t in trials)
    return min(trials, key=lambda t: (-count[t.outcome], RANK[t.outcome]))


def _item(trials: Sequence[Trial]) -> Item:
    trial, outcomes = typical(trials), tuple(t.outcome for t in trials)
    case, said = trial.case, trial.said
    sure = [t.said.confidence for t in trials if t.said and t.said.confidence is not None]
    return Item(
        id=trial.identity, of=case.id if trial.identity != case.id else None, cluster=case.cluster, lang=case.lang,
        kind=case.kind, answerability=case.answerability, outcome=trial.outcome, right=trial.right, hits=trial.hits,
        outcomes=outcomes if len({(t.outcome, t.hits) for t in trials}) > 1 else (),
        confidence=round(sum(sure) / len(sure), 4) if sure else None, scores=_means(trials), question=trial.question,
        text=said.text if said else "", expected=tuple(n.any_of[0] for n in case.vital),
        evidence=tuple(g.any_of[0].quote for g in case.evidence), missed=trial.missed,
        cited=tuple(f"[{c.number}] {c.document_id}: {c.quote}" for c in said.citations) if said else (),
    )  # fmt: skip


def _means(trials: Sequence[Trial]) -> dict[str, tuple[float, float]]:
    keys = dict.fromkeys(k for t in trials for k in t.scores)
    sums = {k: [t.scores.get(k, (0.0, 0.0)) for t in trials] for k in keys}
    return {k: (round(sum(r for r, _ in s) / len(trials), 4), sum(n for _, n in s) / len(trials))
            for k, s in sums.items()}  # fmt: skip


def gold_hash(cases: Iterable[Case]) -> str:
    """sha256 of the items, in the order of their ids."""
    lines = [c.model_dump_json(by_alias=True) for c in sorted(cases, key=lambda c: c.id)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def corpus_hash(documents: Iterable[Document]) -> str:
    """sha256 of all documents' ids and digests."""
    lines = sorted(f"{d.id} {d.digest}" for d in documents)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def commit() -> str | None:
    """The commit of this checkout, with a + where files have changed since; None outside of a repository."""
    here = Path(__file__).parent
    try:
        name = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=here,
                                 capture_output=True, text=True, check=True)  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "")


def arithmetic() -> Arithmetic:
    """That of this machine."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        flags = set()
    widest = next((f for f in ("amx_tile", "avx512f", "avx2", "asimd", "sse4_2") if f in flags), "unknown")
    return Arithmetic(
        machine=platform.machine(), system=sys.platform, widest=widest,
        onnxruntime=version("onnxruntime"), numpy=version("numpy"),
    )  # fmt: skip


def read(path: Path) -> Results:
    """Results or a baseline. Raises BadResults."""
    try:
        return Results.model_validate_json(path.read_text("utf-8"))
    except OSError as error:
        raise BadResults(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadResults(f"{path} holds no results: {where or 'JSON'}: {first['msg']}") from error


def write(results: Results, path: Path, lean: bool = False) -> None:
    """As JSON with a line an item, `lean` without the texts for readers."""
    left_out = {"question", "text", "expected", "evidence", "cited", "missed"} if lean else set()
    raw = results.model_dump(mode="json", by_alias=True, exclude={"items"}, exclude_none=True)
    items = [i.model_dump(mode="json", exclude=left_out, exclude_none=True) for i in results.items]
    lines = [json.dumps(i, ensure_ascii=False, sort_keys=True) for i in sorted(items, key=lambda i: str(i["id"]))]
    head = json.dumps(raw, ensure_ascii=False, sort_keys=True, indent=1).removesuffix("\n}")
    path.write_text(head + ',\n "items": [\n  ' + ",\n  ".join(lines) + "\n ]\n}\n", "utf-8")
