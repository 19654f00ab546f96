"""The shape of the code: budgets, import rules, where the packages come from."""

import ast
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("assistant", "index", "prompts", "evals")
FILES = sorted(f for p in PACKAGES for f in (ROOT / p).rglob("*.py"))
MAY_CATCH_EVERYTHING = {"assistant/web/guard.py", "assistant/web/tools.py", "assistant/slack/work.py"}


def functions() -> list[tuple[str, int]]:
    return [
        (f"{f.relative_to(ROOT)}:{n.lineno} {n.name}", (n.end_lineno or 0) - n.lineno + 1)
        for f in FILES
        for n in ast.walk(ast.parse(f.read_text("utf-8")))
        if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_functions_are_short() -> None:
    lengths = sorted(length for _, length in functions())
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 35
    assert [f for f in functions() if f[1] > 60] == []


def test_files_are_short() -> None:
    assert [f.name for f in FILES if len(f.read_text("utf-8").splitlines()) > 400] == []


def test_only_the_boundary_catches_everything() -> None:
    broad = {
        f.relative_to(ROOT).as_posix()
        for f in FILES
        for n in ast.walk(ast.parse(f.read_text("utf-8")))
        if isinstance(n, ast.ExceptHandler) and (n.type is None or getattr(n.type, "id", "") == "Exception")
    }
    assert broad <= MAY_CATCH_EVERYTHING


WRITES_INDEX = re.compile(r"\b(Builder|VectorStore|open_store|wire\.build)\b|\.(switch|rollback|prune|building|drop)\(")


def test_what_answers_cannot_write_the_index() -> None:
    found = {f.relative_to(ROOT).as_posix() for f in FILES if WRITES_INDEX.search(f.read_text("utf-8"))}
    # A restore puts a whole folder in place of the one that was there.
    assert "index/sync.py" in found and {f for f in found if f.startswith("assistant/")} == {"assistant/backup.py"}


RUNS_CODE = re.compile(
    r"\b(eval|exec|compile|__import__)\(|\b(pickle|marshal|shelve|dill|joblib|torch)\.(loads?|Unpickler)\b|yaml\.(unsafe_)?load\("
    r"|trust_remote_code\s*=\s*True|allow_dangerous_deserialization|verify\s*=\s*False|shell\s*=\s*True"
    r"|langchain_core\.load|chromadb\.server|os\.system\("
)


def test_no_code_loads_what_can_run() -> None:
    """SUP-ban-list. Method calls such as `re.compile(` are others' names."""
    found = [
        (f.name, m[0])
        for f in FILES
        for m in RUNS_CODE.finditer(f.read_text("utf-8"))
        if m.string[m.start() - 1] != "."
    ]
    assert found == []
    for code in ("x = eval(s)", "torch.load(f)", "get(u, verify=False)", "Model(n, trust_remote_code=True)"):
        assert RUNS_CODE.search(code)


def test_every_public_name_says_what_it_does() -> None:
    silent = [
        f"{f.relative_to(ROOT)}:{n.lineno} {n.name}"
        for f in FILES
        for n in ast.parse(f.read_text("utf-8")).body
        if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_") and not ast.get_docstring(n)
    ]
    assert silent == []


def test_imports_run_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_packages_are_this_checkouts(tmp_path: Path) -> None:
    code = f"import importlib.util as u; print([u.find_spec(p).origin for p in {PACKAGES!r}])"
    done = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count(str(ROOT)) == len(PACKAGES)


@pytest.mark.parametrize("pattern", [r"/work/", r"/home/\w", r"farm-", r"pypi-more"])
def test_the_project_speaks_of_itself_alone(pattern: str) -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = {f: (ROOT / f).read_text("utf-8", errors="ignore") for f in files if f != "tests/test_architecture.py"}
    assert [f for f, text in texts.items() if re.search(pattern, text)] == []
