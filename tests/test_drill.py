"""The drill runs its steps, writes down what they said, and fails when one of them fails."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.drill import STEPS, Step, main

GOOD = Step("good", "it is said", "this", "this")
BAD = Step("bad", "it is kept", "tests.no_such_command", "tests.no_such_command")


def test_a_step_that_fails_makes_the_drill_fail_and_the_others_run(tmp_path: Path) -> None:
    assert main(["--short", "--report", str(tmp_path)], [BAD, GOOD]) == 1
    (report,) = tmp_path.glob("*-short.md")
    text = report.read_text("utf-8")
    assert "| bad | it is kept | **no** (exit 1) |" in text and "No module named tests.no_such_command" in text
    assert "| good | it is said | yes |" in text and "0 of 2" not in text and "1 of 2 kept" in text
    assert main(["--report", str(tmp_path)], [GOOD]) == 0
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_a_real_step_is_run_with_small_counts(tmp_path: Path) -> None:
    assert main(["--short", "--only", "damage", "--report", str(tmp_path)]) == 0
    (report,) = tmp_path.glob("*.md")
    assert "| damage | 11 kinds of damage and 200 flips" in (text := report.read_text("utf-8"))
    assert '"kinds": 11, "flips": 10' in text and "`python -m tests.damage --flips 10`" in text


def test_every_step_names_a_command_that_exists() -> None:
    for command in (c for s in STEPS for c in (s.command, s.short)):
        module, *rest = command.split()
        files = [ROOT / f for f in rest if f.startswith("tests/")] if module == "pytest" else []
        files += [] if module == "pytest" else [ROOT / (module.replace(".", "/") + ".py")]
        assert files or module == "pytest", command
        assert all(f.exists() for f in files), command


def test_a_step_that_there_is_none_of_is_bad_usage() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "nothing"])
    assert ended.value.code == 2
