"""Whatever the order of changes, builds, kills and rollbacks, the index served is one that the sources had; and a copy
taken while a build writes is whole or refused.

    python -m tests.index_states --examples 500 --copies 100

It forks, which only a process that has not opened an index yet can do. Exit code 1 when something was neither old nor
new.
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from index import wire
from index.errors import IndexingError
from index.generation import Generations
from index.settings import IndexSettings
from index.texts import Texts
from tests.conftest import Workshop
from tests.kills import build as build_killed
from tests.kills import forked

STEPS = 12
State = dict[str, str]


def state(data: Path, settings: IndexSettings | None = None) -> tuple[str, State]:
    """The name of the generation that `data` serves, and what it holds: a version by document. Raises IndexingError
    where it is not whole: every vector, text and hash is looked at."""
    generations = Generations(data)
    name = generations.current()
    wire.verify(settings or IndexSettings(data=data), name)
    with closing(Texts(generations.folder(name) / "texts.sqlite")) as texts:
        documents = [texts.document(i) for i in texts.document_ids()]
    assert len({d.id for d in documents if d}) == len(documents)
    return name, {d.id: d.text.split("in version ")[1].split()[0] for d in documents if d}


class Index(RuleBasedStateMachine):
    """Sources and their index, beside what they should be. Everything that opens an index does so in a process of its
    own, as Chroma stays in memory."""

    @initialize()
    def begin(self) -> None:
        """One document, built."""
        self.folder = Path(tempfile.mkdtemp())
        self.workshop, self.sources, self.known = Workshop(self.folder), State(), dict[str, State]()
        self.write(0, 0)
        self.build()

    @rule(number=st.integers(0, 4), version=st.integers(0, 99))
    def write(self, number: int, version: int) -> None:
        """A document is added or changed."""
        self.workshop.write(f"d{number}.md", f"Paper {number} in version {version} says so.", "It says more.")
        self.sources[f"d{number}"] = str(version)

    @precondition(lambda self: len(self.sources) > 1)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A document is gone."""
        gone = data.draw(st.sampled_from(sorted(self.sources)))
        (self.workshop.sources / f"{gone}.md").unlink()
        del self.sources[gone]

    @rule()
    def build(self) -> None:
        """The index agrees with the sources afterwards."""
        code, _ = forked(self.workshop.build)
        assert code == 0
        name, found = self.served()
        assert found == self.sources
        self.known[name] = dict(self.sources)

    @rule(last=st.integers(1, 160))
    def killed(self, last: int) -> None:
        """A build dies at a use of the file system, or comes to its end before: old or new, nothing between."""
        before, _ = self.served()
        code, _ = forked(lambda: build_killed(self.workshop, last))
        assert code in (0, -signal.SIGKILL)
        name, found = self.served()
        assert found == (self.known[before] if name == before else self.sources)
        self.known[name] = found

    @rule()
    def back(self) -> None:
        """The generation before is served, where there is one."""
        before, _ = self.served()
        code, name = forked(self.workshop.generations.rollback)
        now, found = self.served()
        assert (now == name and now < before) if code == 0 else now == before
        assert found == self.known[now]

    def served(self) -> tuple[str, State]:
        """What is served."""
        code, told = forked(lambda: json.dumps(state(self.workshop.data, self.workshop.settings)))
        assert code == 0
        name, found = json.loads(told)
        return name, found

    def teardown(self) -> None:
        """Nothing is left."""
        shutil.rmtree(self.folder)


def histories(examples: int) -> None:
    """Try so many of them. Raises AssertionError with the steps of the shortest that went wrong."""
    many = settings(max_examples=examples, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None,
                    suppress_health_check=list(HealthCheck))  # fmt: skip
    run_state_machine_as_test(Index, settings=many)


def copies(workshop: Workshop, folder: Path, count: int) -> dict[str, int]:
    """Copy the data folder so often while builds write, and look at each copy. Raises AssertionError for a mixture."""
    for n in range(30):
        workshop.write(f"d{n}.md", f"Paper {n} in version 0 says so.")
    forked(workshop.build)
    done, builds = threading.Event(), 0

    def write() -> None:
        nonlocal builds
        while not done.is_set():
            builds += 1
            for n in range(30):
                workshop.write(f"d{n}.md", f"Paper {n} in version {builds} says so.")
            forked(workshop.build)

    writer = threading.Thread(target=write)
    writer.start()
    whole, refused = [], 0
    try:
        for n in range(count):
            copy = folder / f"copy{n}"
            with suppress(shutil.Error):  # what was deleted meanwhile is not in the copy
                shutil.copytree(workshop.data, copy)
            code, told = forked(lambda copy=copy: _looked_at(copy))  # type: ignore[misc]
            assert code == 0
            if told == "refused":
                refused += 1
            else:
                whole.append(json.loads(told))
            shutil.rmtree(copy)
    finally:
        done.set()
        writer.join()
    assert builds > 2 and whole
    assert all(len(found) == 30 and len(set(found.values())) == 1 for found in whole)  # one version, never a mixture
    return {"builds": builds, "whole": len(whole), "refused": refused}


def _looked_at(data: Path) -> str:
    try:
        return json.dumps(state(data)[1])
    except IndexingError:
        return "refused"


def main(arguments: Sequence[str]) -> int:
    """Exit code 1, and the steps, when something was neither old nor new."""
    parser = argparse.ArgumentParser(prog="python -m tests.index_states", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--examples", type=int, default=500, help="histories")
    parser.add_argument("--copies", type=int, default=100)
    options = parser.parse_args(arguments)
    histories(options.examples)
    with tempfile.TemporaryDirectory() as folder:
        found = copies(Workshop(Path(folder)), Path(folder), options.copies)
    sys.stdout.write(json.dumps({"histories": options.examples, **found}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
