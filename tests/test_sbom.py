"""What is installed is what is locked, every package by its hash; and the bill of materials tells all of it."""

import importlib.metadata
import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.conftest import ROOT

LOCKS = ROOT / "locks"
# The first version without a hole that was found: CVE-2025-68664 and -2026-34070, -2026-41481, -2026-54282,
# -2026-42561, -2026-4372, sentence-transformers 3801, CVE-2025-32434.
FLOORS = {
    "langchain-core": "1.2.22", "langchain-text-splitters": "1.1.2", "starlette": "1.3.1", "python-multipart": "0.0.27",
    "transformers": "5.3", "sentence-transformers": "6.0", "torch": "2.6",
}  # fmt: skip


def locked(*names: str) -> list[tuple[Requirement, Version, int]]:
    """What these lock files name, in which version, and with how many hashes. A package may have several versions, each
    for other versions of Python."""
    found = []
    for name in names:
        for entry in re.split(r"\n(?=\S)", (LOCKS / name).read_text("utf-8").strip()):
            requirement = Requirement(entry.split("\\\n")[0])
            (pin,) = requirement.specifier
            assert pin.operator == "==", entry
            hashes = len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry))
            found.append((requirement, Version(pin.version), hashes))
    return found


SHIPPED = locked("base.txt", "torch.txt")
ALL = SHIPPED + locked("ray.txt")  # an optional dependency, which the image leaves out
PACKAGES = {canonicalize_name(r.name): v for r, v, _ in ALL if r.marker is None or r.marker.evaluate()}


@pytest.mark.parametrize("name", ["base.txt", "torch.txt", "torch-cpu.txt", "ray.txt", "audit.txt"])
def test_every_package_has_a_version_and_a_hash(name: str) -> None:
    found = locked(name)
    assert found and [r.name for r, _, hashes in found if not hashes] == []


def test_what_is_installed_is_what_is_locked() -> None:
    installed = {canonicalize_name(d.name): Version(d.version) for d in importlib.metadata.distributions()}
    other = {n: str(v) for n, v in installed.items() if n in PACKAGES and v.public != PACKAGES[n].public}
    assert other == {} and len(installed.keys() & PACKAGES.keys()) > 100


def test_whatever_is_needed_is_locked() -> None:
    """From what the project names, through what the installed packages say that they need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needed = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    needed += project["project"]["optional-dependencies"]["ray"]
    open_ = [Requirement(r) for r in needed]
    seen, unlisted = set[tuple[str, str]](), set[str]()
    while open_:
        need = open_.pop()
        name = canonicalize_name(need.name)
        for extra in ("", *sorted(need.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                unlisted |= {name} - PACKAGES.keys()
                below = map(Requirement, importlib.metadata.requires(name) or ())
                open_ += [r for r in below if r.marker is None or r.marker.evaluate({"extra": extra})]
    assert unlisted - {"setuptools"} == set() and len(seen) > 100  # venv brings what torch's build asks for


@pytest.mark.parametrize("name", FLOORS)
def test_no_version_with_a_hole_that_was_mended(name: str) -> None:
    assert all(v >= Version(FLOORS[name]) for r, v, _ in ALL if r.name == name) and name in PACKAGES


def test_the_bill_of_materials_is_whole(tmp_path: Path) -> None:
    tool = ROOT / ".audit" / "bin" / "cyclonedx-py"
    if not tool.exists():
        pytest.skip("cyclonedx-py is not installed; run: make sbom")
    recipe = (ROOT / "Makefile").read_text("utf-8").split("\nsbom:")[1].split("\n\n")[0]
    command = recipe[recipe.index("cat ") :].replace("out/sbom.json", str(tmp_path / "sbom.json"))
    subprocess.run(["sh", "-c", command], cwd=ROOT, check=True, capture_output=True)
    bill = json.loads((tmp_path / "sbom.json").read_text("utf-8"))
    assert bill["bomFormat"] == "CycloneDX" and bill["specVersion"] >= "1.5"
    assert bill["metadata"]["component"]["name"] == "union-state-assistant"
    told = []
    for part in bill["components"]:
        hashes = [h for r in part["externalReferences"] for h in r["hashes"] if h["alg"] == "SHA-256"]
        assert part["purl"].startswith("pkg:pypi/") and part["type"] == "library"
        told.append((part["name"], Version(part["version"]), len(hashes)))
    assert sorted(told) == sorted((r.name, v, hashes) for r, v, hashes in SHIPPED)
