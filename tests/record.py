"""Asks a chat model gold questions and keeps what it said, for tests that run where the model is not.

ASSISTANT_MODEL=qwen ASSISTANT_MODEL_BASE_URL=http://127.0.0.1:8081/v1 python -m tests.record --every 9
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from assistant.settings import AssistantSettings
from assistant.trace import Traces
from assistant.wire import make_assistant
from evals.cases import load
from evals.run import question
from index import wire

ROOT = Path(__file__).parent.parent
RECORDED = Path(__file__).parent / "recorded.jsonl"


def main() -> int:
    """Record, a line a question."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=9, help="of the dev half of the gold one item in so many")
    options = parser.parse_args()
    cases = load(sorted((ROOT / "evals" / "gold").glob("*.jsonl")), "dev")[:: options.every]
    with tempfile.TemporaryDirectory() as data, RECORDED.open("w", encoding="utf-8") as out:
        settings = AssistantSettings(sources=(ROOT / "sources",), data=Path(data))
        wire.build(settings)
        assistant, traces = make_assistant(settings), Traces(settings.data / "traces")
        for case in cases:
            answer = assistant.answer(question(case))
            record = traces.load(answer.trace) or {"calls": []}
            if record["calls"]:
                line = {"question": record["question"], "trace": answer.trace, "calls": record["calls"]}
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
                sys.stderr.write(f"{case.id}: {answer.model}\n")
        assistant.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
