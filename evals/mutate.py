"""Altered sentences: what a wrong draft looks like, and what a right one may, to count how many are told apart.

    python -m evals.mutate [--sources FOLDER | --xquad FOLDER] [--facts FILE] [--seed N] [--each N] [--show KIND]

True sentences are those of the sources, or of XQuAD's paragraphs, whose words no rule was written for. Mutations and
controls are made by `alter.py`; each comes with the passage it cites. Facts, given as JSON lines with id and claim, are
free rewrites of what the notes that name them say.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from assistant.conversation import Language
from assistant.support import Verdict, check
from evals.alter import CONTROLS, MUTATIONS, WORDS, Corpus, Original, finds, language
from evals.fit_support import Vectors
from evals.metrics import Rate
from index import glossary, lexicon
from index.encoders import make_encoders
from index.glossary import Glossary
from index.keywords import tokenize
from index.sentences import split

HERE = Path(__file__).parent
DISTANT = 0.5  # a passage that shares more of its words may well say the same


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence with the passages it cites and their dates; `true` tells whether they prove it."""

    kind: str
    true: bool
    text: str
    quotes: tuple[str, ...]
    published: tuple[str | None, ...]
    language: Language


def gather(folder: Path) -> Corpus:
    """The sentences of a folder of notes."""
    names = glossary.find((folder,), lexicon.bundled())
    return Corpus(tuple(o for path in sorted(folder.glob("*.md")) for o in _of(path)), names)


def drafts(corpus: Corpus, seed: int = 0, each: int | None = None) -> Iterator[Draft]:
    """Mutations and controls of all kinds, up to `each` a kind and language, the same for the same seed."""
    for kinds, true in ((MUTATIONS, False), (CONTROLS, True)):
        for kind, make in kinds.items():
            for code, rng, chosen in _shuffled(corpus, f"{seed} {kind}"):
                texts = ((o, make(o, corpus, rng)) for o in chosen)
                made = (
                    Draft(kind, true, text, (o.passage,), (o.published,), code)
                    for o, text in texts
                    if text and text != o.text
                )
                yield from islice(made, each)
    yield from _wrong_passages(corpus, seed, each)
    yield from _splices(corpus, seed, each)


def strange(folder: Path, names: Path) -> Corpus:
    """The sentences of XQuAD's English and Russian paragraphs, with the names of the notes in `names`."""
    found = []
    for code in ("en", "ru"):
        for article in json.loads((folder / f"xquad.{code}.json").read_text("utf-8"))["data"]:
            for passage in (p["context"] for p in article["paragraphs"]):
                texts = [passage[a:b] for a, b in split(passage)]
                found += [Original(t, article["title"], passage, code, None) for t in texts if len(t.split()) >= WORDS]
    return Corpus(tuple(found), glossary.find((names,), lexicon.bundled()))


def rewrites(facts: Path, folder: Path) -> Iterator[Draft]:
    """Each fact with the note that names it, and with the one nearest to it of those that share less of its words."""
    claims = {f["id"]: f["claim"] for f in map(json.loads, facts.read_text("utf-8").splitlines())}
    notes = [_note(path) for path in sorted(folder.glob("*.md"))]
    for text, named, published, code in notes:
        across = "rewrite across languages" if code != "en" else "rewrite"
        for claim in (claims[n] for n in named):
            yield Draft(across, True, claim, (text,), (published,), "en")
            words = set(tokenize(claim))
            far = [
                (shared, other, day)
                for other, ids, day, its in notes
                if its == code and not set(ids) & set(named) and (shared := _shared(words, other)) < DISTANT
            ]
            _, other, day = max(far, key=lambda f: f[:2])
            yield Draft(f"{across}, wrong note", False, claim, (other,), (day,), "en")


def _shared(words: set[str], text: str) -> float:
    return len(words & set(tokenize(text))) / len(words)


def _note(path: Path) -> tuple[str, list[str], str | None, str]:
    """A note's text, the facts it names, its date and its language."""
    _, front, body = path.read_text("utf-8").split("+++", 2)
    told = tomllib.loads(front)
    blocks = [b.strip() for b in body.split("\n\n") if b.strip() and not b.strip().startswith("#")]
    published = str(told["published"]) if "published" in told else None
    return "\n\n".join(blocks), list(told.get("facts", [])), published, str(told["language"])


def _of(path: Path) -> Iterator[Original]:
    _, front, body = path.read_text("utf-8").split("+++", 2)
    told = re.search(r"^published = \"?([\d-]+)", front, re.MULTILINE)
    for passage in (b.strip() for b in body.split("\n\n") if not b.strip().startswith("#")):
        for start, end in split(passage):
            text = passage[start:end]
            if len(text.split()) >= WORDS:
                yield Original(text, path.stem, passage, language(text), told[1] if told else None)


def _wrong_passages(corpus: Corpus, seed: int, each: int | None) -> Iterator[Draft]:
    """A sentence that cites a passage of another document, of twenty the one nearest to it that does not say it."""
    for code, rng, chosen in _shuffled(corpus, f"{seed} passage"):
        for original in chosen[:each]:
            others = rng.sample([o for o in corpus.originals if o.language == code], min(20, len(chosen)))
            words = set(tokenize(original.text))
            far = [
                (shared, o.passage, o.published)
                for o in others
                if o.document != original.document and (shared := _shared(words, o.passage)) < DISTANT
            ]
            if far:
                _, passage, published = max(far, key=lambda f: f[:2])
                yield Draft("wrong passage", False, original.text, (passage,), (published,), code)


def _splices(corpus: Corpus, seed: int, each: int | None) -> Iterator[Draft]:
    """What one sentence is about with what another says of something else; both are cited."""
    for code, rng, chosen in _shuffled(corpus, f"{seed} splice"):
        made = 0
        for one in chosen:
            other = rng.choice(chosen)
            head, tail = finds(code, "verbs").search(one.text), finds(code, "verbs").search(other.text)
            if made == each or head is None or tail is None or one.document == other.document:
                continue
            about, said = one.text[: head.start()], other.text[: tail.start()]
            named = set(tokenize(about)) - set(tokenize(other.passage))
            apart = (
                len(set(tokenize(other.text[tail.end() :])) - set(tokenize(one.passage))) > 2
                and not set(tokenize(about)) & set(tokenize(said))
                and not re.search("[,;:(]", about)
            )
            if apart and len(named) > 1 and len(about.split()) < 10:
                made += 1
                quotes, days = (one.passage, other.passage), (one.published, other.published)
                yield Draft("splice", False, about + other.text[tail.start() :], quotes, days, code)


def _shuffled(corpus: Corpus, seed: str) -> Iterator[tuple[Language, random.Random, list[Original]]]:
    codes: tuple[Language, ...] = ("en", "ru", "be")
    for code in codes:
        rng = random.Random(f"{seed} {code}")
        chosen = [o for o in corpus.originals if o.language == code]
        rng.shuffle(chosen)
        yield code, rng, chosen


def judged(made: Sequence[Draft], names: Glossary, vectors: Vectors) -> list[tuple[Draft, Verdict]]:
    """Each draft with what the check says of it; their texts are encoded together first, which is quicker."""
    vectors.learn([t for d in made for t in (d.text, *(q[a:b] for q in d.quotes for a, b in split(q)))])
    return [(d, check(d.text, d.quotes, names, vectors, d.published)) for d in made]


def rates(found: Sequence[tuple[Draft, Verdict]]) -> list[Rate]:
    """Of every kind of mutation the share that is caught, of every kind of control the share that is refused; the
    sums last."""
    counted = []
    for true in (False, True):
        some = [(d, v) for d, v in found if d.true is true]
        word = "refused though true" if true else "caught"
        for kind in dict.fromkeys(d.kind for d, _ in some):
            counted.append(_rate(f"{word}: {kind}", [v for d, v in some if d.kind == kind]))
        for code in ("en", "ru", "be"):
            counted.append(_rate(f"{word}, in {code}", [v for d, v in some if d.language == code]))
        counted.append(_rate(f"{word}, all", [v for _, v in some]))
    return counted


def _rate(name: str, verdicts: Sequence[Verdict]) -> Rate:
    return Rate(name, sum(not v.supported for v in verdicts), len(verdicts))


def main() -> int:
    """Make, check, count, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, default=HERE.parent / "sources")
    parser.add_argument("--xquad", type=Path, help="alter the sentences of this folder's XQuAD instead")
    parser.add_argument("--facts", type=Path, help="also judge these free rewrites of what the notes say")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, help="of each kind and language at most")
    parser.add_argument("--show", help="print what is judged wrongly of this kind")
    options = parser.parse_args()
    corpus = strange(options.xquad, options.sources) if options.xquad else gather(options.sources)
    vectors = Vectors(make_encoders("bundled"), Path(tempfile.gettempdir()) / "support-vectors")
    made = [
        *drafts(corpus, options.seed, options.each),
        *(rewrites(options.facts, options.sources) if options.facts else ()),
    ]
    found = judged(made, corpus.names, vectors)
    for rate in rates(found):
        print(rate)
    for draft, verdict in found:
        if draft.kind == options.show and verdict.supported is not draft.true:
            print(f"\n{draft.text}\n  {' / '.join(draft.quotes)}\n  {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
