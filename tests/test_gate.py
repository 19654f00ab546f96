"""Each stage of the gate stops the regression it is there for, and equal quality passes."""

import datetime
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from evals import accepted, results
from evals.accepted import Excused
from evals.cases import Case
from evals.gate import Report, compare, gate, statistics
from evals.judge import VERSION, Outcome
from evals.results import Accepted, Arithmetic, BadResults, Item, Provenance, Results, gold_hash

TODAY = datetime.date(2026, 5, 4)
FLOORS = {"least": {"full answers": 0.5}, "most": {"future leaks": 0.0}}
HERE = Arithmetic(machine="x86_64", system="linux", widest="avx512f", onnxruntime="1", numpy="2")


def item(
    identity: str, outcome: Outcome = "full", cluster: str = "", lang: str = "en", **scores: tuple[float, float]
) -> Item:
    right = outcome == "full"
    counted = {
        "right": (float(right), 1.0), "full": (float(right), 1.0), "wrong": (float(outcome == "wrong"), 1.0),
        "over_refused": (float(outcome == "abstained"), 1.0), "leaks": (0.0, 1.0), "crashed": (0.0, 1.0),
        "quotes": (2.0, 2.0), "resolve": (2.0, 2.0), "precise": (2.0, 2.0), "cited": (1.0, 1.0),
    }  # fmt: skip
    return Item(id=identity, cluster=cluster or identity, lang=lang, kind="fact", answerability="answerable",
                outcome=outcome, right=right, scores=counted | scores,
                missed=() if right else ("does not say 28",))  # fmt: skip


def made(items: Sequence[Item], gold: str = "g", metrics: int = VERSION, arithmetic: Arithmetic = HERE) -> Results:
    provenance = Provenance(metrics=metrics, gold=gold, corpus="c", target="t", model="m", commit=None, python="3",
                            arithmetic=arithmetic)  # fmt: skip
    return Results(made=provenance, items=tuple(items))


def many(off: int = 0, count: int = 200, outcome: Outcome = "wrong") -> list[Item]:
    """Two items a cluster; the first `off` of them are off."""
    return [item(f"i{n:03}", outcome if n < off else "full", f"c{n // 2}") for n in range(count)]


def gated(now: Results, base: Results | None, excused: Sequence[Excused] = (), today: datetime.date = TODAY) -> Report:
    return gate(now, base, excused, FLOORS, today)


def verdicts(report: Report) -> dict[str, str]:
    return {s.name: s.verdict for s in report.stages}


def test_the_same_run_passes() -> None:
    report = gated(made(many(20)), made(many(20)))
    assert report.code == 0 and set(verdicts(report).values()) == {"passed"}
    assert list(verdicts(report)) == ["invariants", "ratchet", "statistics", "floors"]


@pytest.mark.parametrize("scores", [
    {"quotes": (1.0, 2.0)}, {"resolve": (1.0, 2.0)}, {"leaks": (1.0, 1.0)}, {"crashed": (1.0, 1.0)},
])  # fmt: skip
def test_a_single_broken_promise_closes_the_gate(scores: dict[str, tuple[float, float]]) -> None:
    off = [*many(0, 199), item("off", **scores)]
    report = gated(made(off), made(off))  # even where the baseline has it too
    assert report.code == 1 and verdicts(report)["invariants"] == "blocked"
    assert verdicts(report)["ratchet"] == verdicts(report)["statistics"] == "passed"
    assert "off" in report.stages[0].found[0]


@pytest.mark.parametrize(("before", "after"), [
    ("full", "partial"), ("full", "abstained"), ("partial", "abstained"), ("abstained", "wrong"), ("wrong", "crashed"),
])  # fmt: skip
def test_one_item_that_does_worse_is_stopped_and_named(before: Outcome, after: Outcome) -> None:
    base, now = many(), many()
    base[7], now[7] = item("i007", before, "c3"), item("i007", after, "c3")
    report = gated(made(now), made(base))
    assert report.code == 1 and verdicts(report)["ratchet"] == "blocked" and verdicts(report)["statistics"] == "passed"
    assert report.stages[1].found == (f"i007: {before} before, {after} now; does not say 28",)
    assert gated(made(base), made(now)).code == 0


@pytest.mark.parametrize("key", ["holder", "precise", "cited"])
def test_a_right_answer_may_not_lose_its_holder_or_its_proof(key: str) -> None:
    base, now = [*many(), item("x", **{key: (1.0, 1.0)})], [*many(), item("x", **{key: (0.0, 1.0)})]
    assert verdicts(gated(made(now), made(base)))["ratchet"] == "blocked"


def test_a_regression_is_accepted_with_a_reason_until_its_day() -> None:
    excused = [Excused(id="i000", reason="the source is withdrawn", expires=TODAY)]
    report = gated(made(many(1)), made(many()), excused)
    assert report.code == 0 and "the source is withdrawn" in report.stages[1].notes[0]
    late = gated(made(many(1)), made(many()), excused, TODAY + datetime.timedelta(days=1))
    assert late.code == 1 and "accepted until 2026-05-04" in late.stages[1].found[0]
    assert gated(made(many(2)), made(many()), excused).code == 1
    healed = gated(made(many()), made(many()), excused)
    assert healed.code == 0 and "take it out of the list" in healed.stages[1].notes[0]


def test_other_gold_or_other_metrics_are_not_compared() -> None:
    for base in (made(many(), gold="other"), made(many(), metrics=VERSION + 1), None):
        report = gated(made(many()), base)
        assert report.code == 2 and not report.compared and verdicts(report)["baseline"] == "unusable"
    assert gated(made(many(150)), made(many(), gold="other")).code == 1  # the floors need no baseline


def test_on_other_arithmetic_the_ratchet_rests_and_statistics_do_not() -> None:
    there = HERE.model_copy(update={"widest": "avx2"})
    report = gated(made(many(2)), made(many(), arithmetic=there))
    assert report.code == 0 and verdicts(report)["ratchet"] == "not compared"
    assert report.stages[1].notes == ("other arithmetic: widest avx2 there, avx512f here",)
    report = gated(made(many(14)), made(many(), arithmetic=there))
    assert report.code == 1 and verdicts(report)["statistics"] == "blocked"


def test_floors_stop_what_sinks_below_them() -> None:
    report = gated(made(many(101)), made(many(101)))
    assert report.code == 1 and verdicts(report)["floors"] == "blocked"
    assert report.stages[-1].found == ("full answers 0.495 is below 0.5",)


def test_a_count_that_falls_is_seen_by_the_bootstrap() -> None:
    base = [item(f"i{n}", cluster=f"c{n}", precise=(3.0, 3.0)) for n in range(150)]
    now = [item(f"i{n}", cluster=f"c{n}", precise=(2.0 if n < 12 else 3.0, 3.0)) for n in range(150)]
    worse = [c.figure.name for c in compare(made(base), made(now)) if c.worse]
    assert worse == ["citation precision"]


def test_a_slice_that_falls_is_seen() -> None:
    def slice_(off: int) -> list[Item]:
        return [item(f"be{n}", "wrong" if n < off else "full", lang="be") for n in range(40)]

    base, now = made([*many(3), *slice_(0)]), made([*many(0), *slice_(8)])
    stage = statistics(base, now, [])
    assert stage.verdict == "blocked" and stage.found[0].startswith("right, language be: -0.200")


def flipped(truth: Sequence[bool], rng: random.Random, share: float) -> list[Item]:
    said = [t ^ (rng.random() < share) for t in truth]
    outcomes: list[Outcome] = ["full" if s else "wrong" if n % 2 else "abstained" for n, s in enumerate(said)]
    return [item(f"i{n:03}", o, f"c{n // 3}", ("en", "ru", "be")[n % 3]) for n, o in enumerate(outcomes)]


def alarms(change: Callable[[random.Random], tuple[Results, Results]], runs: int) -> float:
    rng, raised = random.Random(17), 0
    for _ in range(runs):
        base, now = change(rng)
        raised += statistics(base, now, compare(base, now, draws=1000)).verdict == "blocked"
    return raised / runs


def test_equal_quality_with_chance_flips_raises_few_false_alarms() -> None:
    def equal(rng: random.Random) -> tuple[Results, Results]:
        truth = [rng.random() < 0.8 for _ in range(220)]
        return made(flipped(truth, rng, 0.01)), made(flipped(truth, rng, 0.01))

    assert alarms(equal, 200) <= 0.05


def test_a_drop_of_five_points_is_mostly_seen() -> None:
    def worse(rng: random.Random) -> tuple[Results, Results]:
        truth = [rng.random() < 0.8 for _ in range(220)]
        now = [t and rng.random() > 0.0625 for t in truth]  # 5 points of 80
        return made(flipped(truth, rng, 0.0)), made(flipped(now, rng, 0.0))

    assert alarms(worse, 40) >= 0.75


def test_lists_of_exceptions_are_read_back(tmp_path: Path) -> None:
    path, entries = tmp_path / "a.toml", [Excused(id="a", reason='say "why"\\ ё', expires=TODAY)]
    accepted.dump(entries, path)
    assert accepted.load(path) == entries and accepted.load(tmp_path / "none.toml") == []


@pytest.mark.parametrize(
    "text", ['[[accepted]]\nid = "a"\nreason = "because"\n', "x = 1", "[[accepted", "accepted = 3"]
)
def test_a_bad_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.toml").write_text(text, "utf-8")
    with pytest.raises(BadResults, match=r"a\.toml"):
        accepted.load(tmp_path / "a.toml")


def test_accepting_with_a_day_keeps_what_was_better() -> None:
    base, now = made(many(1)), made([item("i000", "full", "c0"), item("i001", "wrong", "c0"), *many()[2:]])
    kept = accepted.merged(base, now, ["i001"], "why", TODAY)
    assert kept.by_id["i000"].right and kept.by_id["i001"].right
    assert kept.accepted == Accepted(reason="why", on="2026-05-04")
    assert accepted.merged(base, now, [], "why", TODAY).by_id["i001"].right is False


def test_results_are_read_back_and_bad_ones_named(tmp_path: Path) -> None:
    found = made(many(3, 6))
    results.write(found, tmp_path / "r.json")
    assert results.read(tmp_path / "r.json") == found
    results.write(found, tmp_path / "lean.json", lean=True)
    lean = results.read(tmp_path / "lean.json")
    assert lean.items[0].missed == () and lean.items[0].scores == found.items[0].scores
    (tmp_path / "bad.json").write_text(json.dumps({"schema": 1}), "utf-8")
    with pytest.raises(BadResults, match=r"bad\.json"):
        results.read(tmp_path / "bad.json")


def test_the_gold_hash_is_of_items_not_of_their_order() -> None:
    raw = {"schema": 1, "split": "dev", "lang": "en", "kind": "fact", "answerability": "unanswerable", "cluster": "c"}
    cases = [Case.model_validate(raw | {"id": i, "question": f"{i}?"}) for i in "ab"]
    assert gold_hash(cases) == gold_hash(cases[::-1])
    assert gold_hash(cases) != gold_hash([cases[0], cases[1].model_copy(update={"question": "c?"})])
