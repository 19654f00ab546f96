"""python -m evals.bench.child STEP FOLDER CHUNKS QUESTIONS: one measurement in a process of its own, so that its memory
is its own. Prints JSON. Started by evals.bench; what a step needs is loaded only here.
"""

import importlib
import json
import sys
from pathlib import Path

from evals.bench.place import Place

STEPS = {
    "machine": "machine:measure", "ours-build": "ours:build", "ours-ask": "ours:ask", "stock-build": "stock:build",
    "stock-ask": "stock:ask", "stock-first": "stock:first", "recall": "recall:measure", "starts": "starts:measure",
    "saturation": "saturation:measure", "vectors-ours": "vectors:ours", "vectors-stock": "vectors:stock",
}  # fmt: skip


def main(step: str, folder: str, chunks: str, questions: str) -> int:
    """Run one step."""
    module, name = STEPS[step].split(":")
    measure = getattr(importlib.import_module(f"evals.bench.{module}"), name)
    print(json.dumps(measure(Place(Path(folder), int(chunks), int(questions)))))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
