"""The benchmark: what both pipelines are given is fixed, what is told of them is what was measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from evals.bench import __main__ as bench
from evals.bench import corpus, report
from evals.bench.clock import Clock, TimedEncoder, resident_mb, shares, timed
from evals.bench.place import Place
from evals.bench.recall import share_found, standard
from tests.fakes import WordEncoder


def test_documents_are_the_same_each_time_and_no_sentence_comes_twice() -> None:
    texts = corpus.documents(200)
    assert texts == corpus.documents(200)
    assert len(texts) == 54
    sentences = [s for t in texts for s in t.split("\n\n")]
    assert len(set(sentences)) > 0.97 * len(sentences)


def test_questions_are_many_and_differ() -> None:
    asked = corpus.questions(1000)
    assert len(set(asked)) == 1000
    assert asked == corpus.questions(1000)
    with pytest.raises(SystemExit, match="more than"):
        corpus.questions(10**6)


def test_derived_vectors_are_unit_equal_for_equal_texts_and_unlike_for_others(tmp_path: Path) -> None:
    (one,) = corpus.derived([WordEncoder()], tmp_path)
    (two,) = corpus.derived([WordEncoder()], tmp_path)
    vectors = one.encode([f"text {n}" for n in range(300)])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(two.encode(["text 7", "text 3"]), vectors[[7, 3]])
    cosines = vectors @ vectors.T - 2 * np.eye(300)
    assert 0 < np.median(cosines) < cosines.max() < 0.999
    assert (one.name, one.digest, one.window) == ("words", "digest of words", 40)


def test_share_found_counts_whoever_is_as_good_as_the_last_of_the_best() -> None:
    assert share_found(np.array([3.0, 2.0, 2.0, 1.0]), [0, 2], k=2) == 1
    assert share_found(np.array([3.0, 2.0]), [1, 0]) == 1
    assert share_found(np.array([3.0, 2.0, 1.0]), [], k=2) == 0
    assert standard(np.array([1.0, 3.0])).tolist() == [-1, 1]


def test_a_clock_counts_by_part() -> None:
    clock = Clock()
    encoder = TimedEncoder(WordEncoder(), clock)
    encoder.encode(["a"])
    encoder.count("a b")
    assert set(clock.told()) == {"encode (words)", "count tokens"}
    took = timed(encoder.encode, ["q"] * 12)
    assert (len(took.waited), len(took.worked)) == (2, 2)
    assert set(took.told()) == {"p50", "p95", "p99", "cpu"}
    assert shares([1, 2, 3, 4]) == {"p50": 2, "p95": 4, "p99": 4}
    assert 0 < resident_mb()["anonymous"] <= resident_mb()["all"]


def test_sizes_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.parser().parse_args(["--sizes", "10,20"]).sizes == (10, 20)
    for wrong in ("ten", "0", ""):
        with pytest.raises(SystemExit):
            bench.parser().parse_args(["--sizes", wrong])
    assert "a size is at least 1" in capsys.readouterr().err


def test_what_is_measured_is_kept_and_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(bench, "_child", lambda step, place: ran.append(step) or {"step": step})
    place = Place(tmp_path, 10, 5)
    bench.run("ask", place, again=False)
    bench.run("ask", place, again=False)
    assert ran == ["stock-ask", "ours-ask"]
    bench.run("ask", place, again=True)
    assert len(ran) == 4
    assert report.read(tmp_path)["sizes"] == {10: {"ask": {s: {"step": s} for s in ran[:2]}}}


def spread(p50: float) -> dict[str, float]:
    return {"p50": p50, "p95": 2 * p50, "p99": 3 * p50, "cpu": p50}


def figures(folder: Path) -> None:
    """Figures as the steps tell them."""
    megabytes = {"all": 800.0, "anonymous": 600.0}
    build = {
        "characters": 9,
        "chunks": 4,
        "seconds": 2.0,
        "core_seconds": 3.0,
        "peak_mb": 1.0,
        "disk_mb": 1.0,
        "steps": {"cut": 1.0},
    }
    kept = {
        "machine": {"machine": {"processor": "P", "cores": 2, "memory_gb": 24.0, "python": "3.11", "copy_gb_s": 10.0,
                                "read_gb_s": 10.0, "gflops_1": 50.0, "gflops_2": 100.0}},
        "build-1000": {"ours-build": build | {"characters_per_second": 190, "unchanged_seconds": 2.0},
                       "stock-build": build | {"characters_per_second": 100}},
        "ask-1000": {"stock-ask": {"search_ms": spread(10), "steps_ms": {"encode": 8.0}, "memory_mb": megabytes},
                     "ours-ask": {"search_ms": spread(8), "answer_ms": spread(12), "memory_mb": megabytes,
                                  "search_steps_ms": {}, "answer_steps_ms": {"search": 5.0, "encode (x)": 4.0}}},
        "recall-1000": {"recall": {"search": 1.0, "stock": 0.98}},
        "starts-1000": {"starts": {"ask_seconds": 6.0, "stock_seconds": 12.0, "served_ask_seconds": 1.0,
                                   "server_start_seconds": 9.0, "server_mb": megabytes}},
        "saturation-1000": {"saturation": {"fresh": [{"at_once": 1, "a_second": 20.0, "ms": spread(50), "errors": 0}],
                                           "again": []}},
    }  # fmt: skip
    for name, told in kept.items():
        (folder / f"{name}.json").write_text(json.dumps(told), "utf-8")


def test_ratios_and_targets_follow_from_the_figures(tmp_path: Path) -> None:
    figures(tmp_path)
    assert report.ratios(report.read(tmp_path))["1000"] == {
        "index throughput": 1.9, "index throughput by work": 1.0, "unchanged re-index, seconds": 2.0, 
        "search p50": 0.8, "search work": 0.8, "answer p50": 1.2, "answer work": 1.2,
        "recall at 10": 1.0, "ask beside a server, seconds": 1.0, "ask from nothing": 0.5, "server memory": 1.0,
        "questions a second": 20.0,
    }  # fmt: skip
    report.write(report.read(tmp_path), tmp_path)
    page = (tmp_path / "performance.md").read_text("utf-8")
    assert "| index throughput | at least 1.8 times the stock one | 1.9 ✓ |" in page
    assert "| questions a second | at least 100 | 20 missed |" in page
    pictures = {p.name for p in tmp_path.glob("*.png")}
    assert pictures == {"performance-questions.png", "performance-steps.png", "performance-saturation.png"}
    assert all(f"({name})" in page for name in pictures)


def test_a_report_of_nothing_measured_is_only_its_introduction(tmp_path: Path) -> None:
    report.write(report.read(tmp_path), tmp_path)
    assert "| size |" not in (tmp_path / "performance.md").read_text("utf-8")
    assert not list(tmp_path.glob("*.png"))


def test_a_step_that_fails_says_where_it_told_why(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"ended with 1; its last words are in .*log"):
        bench._child("no such step", Place(tmp_path, 10, 5))
    assert "KeyError" in (tmp_path / "log").read_text("utf-8")


@pytest.mark.slow
def test_a_tiny_size_is_measured_for_real(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    only = ("build", "ask", "recall")
    stages = [part for stage in only for part in ("--only", stage)]
    assert bench.main(["--sizes", "8", "--questions", "11", "--out", str(tmp_path), *stages]) == 0
    told = json.loads(capsys.readouterr().out)["8"]
    assert told["recall at 10"] == 1
    assert all(value > 0 for value in told.values())
