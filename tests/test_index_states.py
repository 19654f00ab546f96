"""A small run of the command that tries histories of an index and copies of it."""

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_every_history_and_copy_is_of_an_index_that_the_sources_had() -> None:
    command = [sys.executable, "-m", "tests.index_states", "--examples", "5", "--copies", "12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["histories"] == 5 and told["whole"] + told["refused"] == 12
