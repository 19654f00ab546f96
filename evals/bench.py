"""Measures the index and the assistant against the stock LangChain pipeline, both in one run.

    python -m evals.bench [--documents N] [--questions N]

Stock: RecursiveCharacterTextSplitter (1,000 characters, 200 overlap), the same all-MiniLM-L6-v2 through
sentence-transformers, langchain-chroma, similarity search. The corpus is made of the sentences of sources/, shuffled
with a fixed seed. Each pipeline runs in a process of its own, so that its memory is its own.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).parent.parent / "sources"
SENTENCES = 12  # a document


def corpus(count: int) -> list[str]:
    """`count` documents of SENTENCES sentences each."""
    lines = [
        line
        for path in sorted(SOURCES.glob("*.md"))
        for line in path.read_text("utf-8").rpartition("+++")[2].splitlines()
        if line and not line.startswith("#")
    ]
    chance = random.Random(5)
    return ["\n\n".join(f"{chance.choice(lines)}" for _ in range(SENTENCES)) + f"\n\nSerial {n}." for n in range(count)]


def questions(count: int) -> list[str]:
    """Questions made of words of the corpus; what they ask does not matter here."""
    chance = random.Random(6)
    words = [w.strip(".,") for text in corpus(50) for w in text.split() if len(w) > 4]
    return [f"When was {' '.join(chance.sample(words, 5))}?" for _ in range(count)]


def timed(ask: Callable[[str], object], asked: list[str]) -> dict[str, float]:
    """Milliseconds a question, after five to warm up: p50 and p95."""
    for question in asked[:5]:
        ask(question)
    took = []
    for question in asked:
        started = time.perf_counter()
        ask(question)
        took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return {"p50_ms": round(took[len(took) // 2], 2), "p95_ms": round(took[int(len(took) * 0.95)], 2)}


def peak() -> float:
    """Most memory this process held, in megabytes."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def stock(count: int, asked: list[str], work: Path) -> dict[str, Any]:
    """The stock pipeline."""
    from langchain_chroma import Chroma
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from sentence_transformers import SentenceTransformer

    from index.encoders import bundled_english

    class Stock(Embeddings):
        def __init__(self) -> None:
            self.model = SentenceTransformer(bundled_english().location, device="cpu")

        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return self.model.encode(texts, show_progress_bar=False).tolist()  # type: ignore[no-any-return]

        def embed_query(self, text: str) -> list[float]:
            return self.embed_documents([text])[0]

    texts, embeddings = corpus(count), Stock()
    embeddings.embed_query("warm")
    started = time.perf_counter()
    pieces = [
        p for t in texts for p in RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200).split_text(t)
    ]
    store = Chroma(embedding_function=embeddings, persist_directory=str(work / "chroma"))
    store.add_texts(pieces)
    seconds = time.perf_counter() - started
    return {"characters_per_second": round(sum(map(len, texts)) / seconds), "chunks": len(pieces),
            "index_seconds": round(seconds, 2), "search": timed(lambda q: store.similarity_search(q, k=10), asked),
            "peak_mb": peak()}  # fmt: skip


def ours(count: int, asked: list[str], work: Path) -> dict[str, Any]:
    """This project: `index build` with verification in its child process, search, whole answers."""
    from assistant.conversation import Question
    from assistant.settings import AssistantSettings
    from assistant.wire import make_assistant
    from index import wire

    texts, sources = corpus(count), work / "sources"
    sources.mkdir()
    for number, text in enumerate(texts):
        (sources / f"{number:05}.md").write_text(text, "utf-8")
    settings = AssistantSettings(sources=(sources,), data=work / "data")
    started = time.perf_counter()
    report = wire.build(settings)
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    again = wire.build(settings)
    unchanged = time.perf_counter() - started
    index = wire.open_index(settings)
    searched = timed(lambda q: index.search(q, 10), asked)
    index.close()
    assistant = make_assistant(settings)
    answered = timed(lambda q: assistant.answer(Question(q)), asked)
    assistant.close()
    return {"characters_per_second": round(sum(map(len, texts)) / seconds), "chunks": report.chunks,
            "index_seconds": round(seconds, 2), "search": searched, "answer": answered, "peak_mb": peak(),
            "unchanged_build_seconds": round(unchanged, 2), "unchanged_embedded": again.embedded}  # fmt: skip


def measured(name: str, count: int, asked: int) -> dict[str, Any]:
    """One pipeline in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "evals.bench", "--only", name, "--documents", str(count), "--questions", str(asked)],
        stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> int:
    """Print each pipeline's figures, and ours as ratios of the stock ones."""
    parser = argparse.ArgumentParser(prog="python -m evals.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--only", choices=("stock", "ours"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        with tempfile.TemporaryDirectory() as work:
            run = stock if options.only == "stock" else ours
            print(json.dumps(run(options.documents, questions(options.questions), Path(work))))
        return 0
    one, two = (measured(name, options.documents, options.questions) for name in ("stock", "ours"))
    print(json.dumps({"stock": one, "ours": two, "ratios": {
        "index throughput": round(two["characters_per_second"] / one["characters_per_second"], 2),
        "search p50": round(two["search"]["p50_ms"] / one["search"]["p50_ms"], 2),
        "answer p50 to stock search p50": round(two["answer"]["p50_ms"] / one["search"]["p50_ms"], 2),
        "memory": round(two["peak_mb"] / one["peak_mb"], 2)}}, indent=1))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
