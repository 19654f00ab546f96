"""Altered sentences: what a wrong draft looks like, and what a right one may, to count how many are told apart.

    python -m evals.mutate [--sources FOLDER] [--seed N] [--each N] [--show KIND]

True sentences are those of the sources. A mutation changes one thing so that the meaning changes; where that cannot be
told, nothing is made. A control keeps the meaning. Each comes with the passage it cites.
"""

import argparse
import random
import re
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant import dates
from assistant.aligned import read
from assistant.conversation import Language
from assistant.figures import amounts
from assistant.support import Verdict, check
from evals.fit_support import Vectors
from evals.metrics import Rate
from index import glossary, lexicon
from index.encoders import make_encoders
from index.glossary import Glossary
from index.keywords import tokenize
from index.sentences import language_of, split

HERE = Path(__file__).parent
WORDS = 8  # shorter sentences say too little to be changed in one place
DISTANT = 0.5  # a passage that shares more of its words may well say the same


@dataclass(frozen=True, slots=True)
class Original:
    """A sentence of the sources: its document, its passage, its language and the document's date or None."""

    text: str
    document: str
    passage: str
    language: Language
    published: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence with the passages it cites and their dates; `true` tells whether they prove it."""

    kind: str
    true: bool
    text: str
    quotes: tuple[str, ...]
    published: tuple[str | None, ...]
    language: Language


@dataclass(frozen=True, slots=True)
class Corpus:
    """All true sentences, and the names they use."""

    originals: tuple[Original, ...]
    names: Glossary


Make = Callable[[Original, Corpus, random.Random], str | None]


def gather(folder: Path) -> Corpus:
    """The sentences of a folder of notes."""
    names = glossary.find((folder,), lexicon.bundled())
    return Corpus(tuple(o for path in sorted(folder.glob("*.md")) for o in _of(path)), names)


def drafts(corpus: Corpus, seed: int = 0, each: int | None = None) -> Iterator[Draft]:
    """Mutations and controls of all kinds, up to `each` a kind and language, the same for the same seed."""
    for kinds, true in ((MUTATIONS, False), (CONTROLS, True)):
        for kind, make in kinds.items():
            for language in ("en", "ru", "be"):
                rng = random.Random(f"{seed} {kind} {language}")
                chosen = [o for o in corpus.originals if o.language == language]
                rng.shuffle(chosen)
                made = 0
                for original in chosen:
                    if each is not None and made >= each:
                        break
                    if (text := make(original, corpus, rng)) and text != original.text:
                        made += 1
                        yield Draft(kind, true, text, (original.passage,), (original.published,), original.language)
    yield from _wrong_passages(corpus, seed, each)
    yield from _splices(corpus, seed, each)


def _of(path: Path) -> Iterator[Original]:
    _, front, body = path.read_text("utf-8").split("+++", 2)
    told = re.search(r"^published = \"?([\d-]+)", front, re.MULTILINE)
    for passage in (b.strip() for b in body.split("\n\n") if not b.strip().startswith("#")):
        for start, end in split(passage):
            text = passage[start:end]
            if len(text.split()) >= WORDS:
                yield Original(text, path.stem, passage, _language(text), told[1] if told else None)


def _language(text: str) -> Language:
    return "be" if (found := language_of(text)) == "be" else "ru" if found == "ru" else "en"


def _number(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Another amount: one digit changed."""
    text = original.text
    line = read(text, corpus.names)
    found = amounts(line, dates.moments(text, original.published or "2000-12-31"))
    places = [n for a in found if not a.spelt for n in range(a.start, a.end) if text[n].isdecimal()]
    known = {v for a in amounts(read(original.passage, corpus.names)) for v in a.values}
    rng.shuffle(places)
    for place in places:
        digit = rng.choice([d for d in "123456789" if d != text[place]])
        changed = text[:place] + digit + text[place + 1 :]
        fresh = [a for a in amounts(read(changed, corpus.names)) if a.start <= place < a.end]
        if fresh and fresh[0].values.isdisjoint(known):
            return changed
    return None


def _date(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Another year, month or day."""
    text = original.text
    found = [m for m in dates.moments(text, original.published) if m.explicit]
    known = dates.moments(original.passage, original.published)
    rng.shuffle(found)
    for moment in found:
        written = text[moment.start : moment.end]
        for change in rng.sample([_year, _day, _month], 3):
            changed = change(written, original.language, rng)
            now = dates.moments(changed or "", None)
            if changed and len(now) == 1 and not any(dates.overlap(now[0], k) for k in known):
                return text[: moment.start] + changed + text[moment.end :]
    return None


def _year(written: str, language: Language, rng: random.Random) -> str | None:
    years = re.findall(r"(?:19|20)\d\d", written)
    return (
        written.replace(years[0], str(int(years[0]) + rng.choice([-3, -2, -1, 1, 2, 3]))) if len(years) == 1 else None
    )


def _day(written: str, language: Language, rng: random.Random) -> str | None:
    day = re.match(r"\d{1,2}(?=\s)", written)
    return str((int(day[0]) + rng.randrange(1, 20)) % 28 + 1) + written[day.end() :] if day else None


def _month(written: str, language: Language, rng: random.Random) -> str | None:
    for forms in map(str.split, _of_language(language, "months")):
        for month in forms:
            if re.search(rf"(?i)\b{month}\b", written):
                other = rng.choice([f for f in forms if f != month])
                return re.sub(rf"(?i)\b{month}\b", other.capitalize() if language == "en" else other, written)
    return None


def _negated(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """A plain verb denied."""
    places = list(_finds(original.language, "verbs").finditer(original.text))
    rng.shuffle(places)
    for m in places:
        if not re.search(_words()["no"], original.text[max(0, m.start() - 25) : m.end() + 25]):
            return original.text[: m.start()] + _denial(m, original.language) + original.text[m.end() :]
    return None


def _denial(m: re.Match[str], language: Language) -> str:
    return f"{m[0]} not" if language == "en" else f"не {m[0]}"


def _affirmed(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """The only denial taken away."""
    found = list(_finds(original.language, "denied").finditer(original.text))
    if len(found) != 1 or len(re.findall(_words()["no"], original.text)) != 1:
        return None
    kept = found[0].groupdict().get("kept", "")
    return original.text[: found[0].start()] + kept + original.text[found[0].end() :]


def _renamed(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Another name of the same type."""
    entries, text = corpus.names.entries, original.text
    spans = [s for s in corpus.names.spans(text) if entries[s[2]].type in _words()["named"] and text[s[0]].isupper()]
    rng.shuffle(spans)
    for start, end, entry in spans:
        said = set(tokenize(original.passage)) | {t for n in entries[entry].names.values() for t in tokenize(n)}
        others = [e for e in entries.values() if e.type == entries[entry].type and original.language in e.names]
        rng.shuffle(others)
        for other in others[:20]:
            name = other.names[original.language]
            if other.id not in corpus.names.mentions(original.passage) and not said & set(tokenize(name)):
                return text[:start] + name + text[end:]
    return None


def _disguised(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """A letter of the other alphabet, or a sign that does not show."""
    words = [m for m in re.finditer(r"[^\W\d_]{4,}", original.text) if any(c in _twins() for c in m[0])]
    if not words:
        return None
    word = rng.choice(words)
    if rng.random() < 0.3:
        return (
            original.text[: word.start() + 2]
            + rng.choice("\u200b\u200d\u2066\u202e\ufeff")
            + original.text[word.start() + 2 :]
        )
    place = rng.choice([n for n in range(word.start(), word.end()) if original.text[n] in _twins()])
    return original.text[:place] + _twins()[original.text[place]] + original.text[place + 1 :]


def _replaced(pairs: str) -> Make:
    """One word put for another, each way round."""

    def make(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
        choices = [p.split("/") for p in _of_language(original.language, pairs).split(";")]
        rng.shuffle(choices)
        for one, other in [*choices, *([] if pairs == "surer" else [c[::-1] for c in choices])]:
            found = re.search(rf"(?i)(?<![\w'’-]){re.escape(one.strip())}(?![\w'’-])", original.text)
            odd = (
                re.match(r" (?:thousand|million|billion|of|\d|\w+ hours)", original.text[found.end() :])
                if found
                else None
            )
            odd = odd or (re.search(r"(?i)\b(?:at|the) $", original.text[: found.start()]) if found else None)
            if found and not odd and not re.search(rf"(?i)(?<!\w){re.escape(other.strip())}(?!\w)", original.passage):
                word = other.strip().capitalize() if found[0][0].isupper() else other.strip()
                return original.text[: found.start()] + word + original.text[found.end() :]
        return None

    return make


def _turned(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Two names around one verb exchanged, each in the other's case."""
    text, spans = original.text, corpus.names.spans(original.text)
    for (a, b, one), (c, d, other) in pairwise(spans):
        between, types = text[b:c], [corpus.names.entries[e].type for e in (one, other)]
        if (
            one == other
            or types[0] != types[1]
            or not (text[a].isupper() and text[c].isupper())
            or _finds(original.language, "around").fullmatch(between) is None
        ):
            continue
        forms = (text[a:b], text[c:d]) if original.language == "en" else _recased(text[a:b], text[c:d])
        if forms is not None and not re.search(r"['’]|(?:ian|ish|an)$", " ".join(forms)):
            return text[:a] + forms[1] + between + forms[0] + text[d:]
    return None


def _recased(one: str, other: str) -> tuple[str, str] | None:
    """The two names of a Russian or Belarusian sentence, each in the case of the other; None where it is not known."""
    for first in map(str.split, _words()["cases"]):
        for last in map(str.split, _words()["cases"]):
            if first != last and one in first and other in last:
                return first[last.index(other)], last[first.index(one)]
    return None


def _wrong_passages(corpus: Corpus, seed: int, each: int | None) -> Iterator[Draft]:
    """A sentence that cites a passage of another document, of twenty the one nearest to it that does not say it."""
    for language, rng, chosen in _shuffled(corpus, f"{seed} passage"):
        for original in chosen[:each]:
            others = rng.sample([o for o in corpus.originals if o.language == language], min(20, len(chosen)))
            words = set(tokenize(original.text))
            far = [
                (shared, o.passage, o.published)
                for o in others
                if o.document != original.document
                and (shared := len(words & set(tokenize(o.passage))) / len(words)) < DISTANT
            ]
            if far:
                _, passage, published = max(far, key=lambda f: f[:2])
                yield Draft("wrong passage", False, original.text, (passage,), (published,), language)


def _splices(corpus: Corpus, seed: int, each: int | None) -> Iterator[Draft]:
    """What one sentence is about with what another says of something else; both are cited."""
    for language, rng, chosen in _shuffled(corpus, f"{seed} splice"):
        made = 0
        for one in chosen:
            other = rng.choice(chosen)
            head, tail = _finds(language, "verbs").search(one.text), _finds(language, "verbs").search(other.text)
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
                yield Draft("splice", False, about + other.text[tail.start() :], quotes, days, language)


def _shuffled(corpus: Corpus, seed: str) -> Iterator[tuple[Language, random.Random, list[Original]]]:
    languages: tuple[Language, ...] = ("en", "ru", "be")
    for language in languages:
        rng = random.Random(f"{seed} {language}")
        chosen = [o for o in corpus.originals if o.language == language]
        rng.shuffle(chosen)
        yield language, rng, chosen


def _typography(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Other quotation marks, dashes and spaces."""
    text = re.sub("[«“„]([^«»“”„]*)[»”“]", r'"\1"', original.text)
    text = re.sub(r"\s[—–-]\s", rng.choice([" - ", " — ", " – "]), text.replace("’", "'"))
    return re.sub(r" (?=\w)", lambda m: "\u00a0" if rng.random() < 0.2 else " ", text)


def _shortened(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """The sentence up to its last clause, where that only adds to it."""
    cut = list(_finds(original.language, "added").finditer(original.text))
    if not cut or re.search(_words()["condition"], original.text):
        return None
    head = original.text[: cut[-1].start()].rstrip(" ,;—–")
    closed = all(head.count(a) == head.count(b) for a, b in ("()", "«»", "“”")) and head.count('"') % 2 == 0
    return (
        f"{head}."
        if closed and len(head.split()) >= WORDS - 2 and _finds(original.language, "verbs").search(head)
        else None
    )


def _respelt(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Another spelling of a person's or body's name."""
    spans = list(corpus.names.spans(original.text))
    rng.shuffle(spans)
    for start, end, entry in spans:
        thing, written = corpus.names.entries[entry], original.text[start:end]
        spellings = {thing.names.get(original.language, ""), *thing.aliases} - {written}
        same = sorted(s for s in spellings if s and s[0].isupper() and _language(s) == _language(written))
        if original.language == "be":
            same = [s for s in same if s == thing.names.get("be")]
        listed = written in {*thing.names.values(), *thing.aliases}
        if thing.type in ("person", "institution", "organisation") and same and listed:
            return original.text[:start] + rng.choice(same) + original.text[end:]
    return None


def _rewritten(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """A number in another form."""
    text, spelt = original.text, _of_language(original.language, "digits").split()
    numerals = dict(zip(spelt, map(str, range(2, 11)), strict=True)) | dict(
        zip(map(str, range(2, 11)), spelt, strict=True)
    )
    for a in amounts(read(text, corpus.names), dates.moments(text, original.published or "2000-12-31")):
        written = text[a.start : a.end]
        if grouped := re.fullmatch(r"(\d{1,3})[, \u00a0](\d{3})", written.split(" ")[0] if "," in written else written):
            forms = ["{}{}", "{} {}", "{}\u00a0{}", *(["{},{}"] if original.language == "en" else [])]
            changed = rng.choice(forms).format(*grouped.groups())
        elif other := numerals.get(written):
            changed = other
        elif m := re.fullmatch(r"(\d+)[.,](\d) (billion|млрд|мільярда?)(.*)", written):
            changed = f"{m[1]}{m[2]}00 {'million' if original.language == 'en' else 'млн'}{m[4]}"
        elif m := re.fullmatch(r"([\d.,]+)\s?(?:%|percent|процентов|працэнтаў)", written):
            changed = m[1] + rng.choice(["%", " %", " percent" if original.language == "en" else " проц."])
        else:
            continue
        if changed != written:
            return text[: a.start] + changed + text[a.end :]
    return None


def _redated(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """A day in another form."""
    for m in dates.moments(original.text, original.published):
        if not m.explicit or m.first != m.last:
            continue
        month = _of_language(original.language, "months")[0].split()[m.first.month - 1].capitalize()
        forms = {"en": [f"{month} {m.first.day}, {m.first.year}", m.first.isoformat()]}
        other = forms.get(original.language, [f"{m.first:%d.%m.%Y}"])
        return original.text[: m.start] + rng.choice(other) + original.text[m.end :]
    return None


@lru_cache(maxsize=1)
def _words() -> dict[str, Any]:
    return tomllib.loads((HERE / "mutations.toml").read_text("utf-8"))


def _of_language(language: Language, name: str) -> Any:
    return _words()[language][name]


def _finds(language: Language, name: str) -> re.Pattern[str]:
    return re.compile(_of_language(language, name))


@lru_cache(maxsize=1)
def _twins() -> dict[str, str]:
    """Each letter with the one of the other alphabet that looks like it."""
    latin, cyrillic = _words()["latin"], _words()["cyrillic"]
    return dict(zip(latin + cyrillic, cyrillic + latin, strict=True))


MUTATIONS: Mapping[str, Make] = {
    "number": _number, "date": _date, "negation added": _negated, "negation removed": _affirmed, "name": _renamed,
    "letters": _disguised, "unit": _replaced("units"), "antonym": _replaced("opposites"), "certainty": _replaced("surer"),
    "order": _turned,
}  # fmt: skip
CONTROLS: Mapping[str, Make] = {
    "typography": _typography, "shortened": _shortened, "spelling": _respelt, "number form": _rewritten,
    "date form": _redated,
}  # fmt: skip


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
        for language in ("en", "ru", "be"):
            counted.append(_rate(f"{word}, in {language}", [v for d, v in some if d.language == language]))
        counted.append(_rate(f"{word}, all", [v for _, v in some]))
    return counted


def _rate(name: str, verdicts: Sequence[Verdict]) -> Rate:
    return Rate(name, sum(not v.supported for v in verdicts), len(verdicts))


def main() -> int:
    """Make, check, count, print."""
    parser = argparse.ArgumentParser(prog="python -m evals.mutate", description=__doc__.splitlines()[0])
    parser.add_argument("--sources", type=Path, default=HERE.parent / "sources")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, help="of each kind and language at most")
    parser.add_argument("--show", help="print what is judged wrongly of this kind")
    options = parser.parse_args()
    corpus = gather(options.sources)
    vectors = Vectors(make_encoders("bundled"), Path(tempfile.gettempdir()) / "support-vectors")
    found = judged(list(drafts(corpus, options.seed, options.each)), corpus.names, vectors)
    for rate in rates(found):
        print(rate)
    for draft, verdict in found:
        if draft.kind == options.show and verdict.supported is not draft.true:
            print(f"\n{draft.text}\n  {' / '.join(draft.quotes)}\n  {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
