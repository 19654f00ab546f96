"""Ways to alter one sentence: those that change what it says, and those that do not.

Words and forms are in `mutations.toml`. Where it cannot be told that a change changes the meaning, or that it does
not, None is given instead. Not for: changes that take several sentences (mutate.py).
"""

import random
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from assistant import dates
from assistant.aligned import read
from assistant.conversation import Language
from assistant.figures import amounts
from index.glossary import Glossary
from index.keywords import tokenize
from index.sentences import language_of

HERE = Path(__file__).parent
WORDS = 8  # shorter sentences say too little to be changed in one place
_IDIOM = r" (?:thousand|million|billion|of|\d|\w+ hours)"  # "some ten hours", "at most"
_NUMBER = re.compile(r"\d+(?:[.,\u00a0 ]\d{3})*(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Original:
    """A sentence of the sources: its document, its passage, its language and the document's date or None."""

    text: str
    document: str
    passage: str
    language: Language
    published: str | None


@dataclass(frozen=True, slots=True)
class Corpus:
    """All true sentences, and the names they use."""

    originals: tuple[Original, ...]
    names: Glossary


Make = Callable[[Original, Corpus, random.Random], str | None]


def language(text: str) -> Language:
    """The language of a text."""
    return "be" if (found := language_of(text)) == "be" else "ru" if found == "ru" else "en"


def _number(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Another number: one digit changed."""
    text, known = original.text, {_digits(m[0]) for m in _NUMBER.finditer(original.passage)}
    places = [n for n, c in enumerate(text) if c.isdecimal()]
    rng.shuffle(places)
    for place in places:
        changed = text[:place] + rng.choice([d for d in "123456789" if d != text[place]]) + text[place + 1 :]
        fresh = next(m for m in _NUMBER.finditer(changed) if m.start() <= place < m.end())
        if _digits(fresh[0]) not in known:
            return changed
    return None


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


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
    places = list(finds(original.language, "verbs").finditer(original.text))
    rng.shuffle(places)
    for m in places:
        if not re.search(_words()["no"], original.text[max(0, m.start() - 25) : m.end() + 25]):
            return original.text[: m.start()] + _denial(m, original.language) + original.text[m.end() :]
    return None


def _denial(m: re.Match[str], language: Language) -> str:
    return f"{m[0]} not" if language == "en" else f"не {m[0]}"


def _affirmed(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """The only denial taken away."""
    found = list(finds(original.language, "denied").finditer(original.text))
    if len(found) != 1 or len(re.findall(_words()["no"], original.text)) != 1:
        return None
    kept = found[0].groupdict().get("kept") or ""
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
        choices: list[list[str]] = [p.split("/") for p in _of_language(original.language, pairs).split(";")]
        rng.shuffle(choices)
        both = choices if pairs == "surer" else [*choices, *[c[::-1] for c in choices]]
        for one, other in [(a.strip(), b.strip()) for a, b in both]:
            found = re.search(rf"(?i)(?<![\w'’-]){re.escape(one)}(?![\w'’-])", original.text)
            if found is None or re.search(rf"(?i)(?<!\w){re.escape(other)}(?!\w)", original.passage):
                continue
            before, after = original.text[: found.start()], original.text[found.end() :]
            if not re.match(_IDIOM, after) and not re.search(r"(?i)\b(?:at|the) $", before):
                return before + (other.capitalize() if found[0][0].isupper() else other) + after
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
            or finds(original.language, "around").fullmatch(between) is None
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


def _typography(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Other quotation marks, dashes and spaces."""
    text = re.sub("[«“„]([^«»“”„]*)[»”“]", r'"\1"', original.text)
    text = re.sub(r"\s[—–-]\s", rng.choice([" - ", " — ", " – "]), text.replace("’", "'"))
    return re.sub(r" (?=\w)", lambda m: "\u00a0" if rng.random() < 0.2 else " ", text)


def _shortened(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """The sentence up to its last clause, where that only adds to it."""
    cut = list(finds(original.language, "added").finditer(original.text))
    if not cut or re.search(_words()["condition"], original.text):
        return None
    head = original.text[: cut[-1].start()].rstrip(" ,;—–")
    closed = all(head.count(a) == head.count(b) for a, b in ("()", "«»", "“”")) and head.count('"') % 2 == 0
    return (
        f"{head}."
        if closed and len(head.split()) >= WORDS - 2 and finds(original.language, "verbs").search(head)
        else None
    )


def _respelt(original: Original, corpus: Corpus, rng: random.Random) -> str | None:
    """Another spelling of a person's or body's name."""
    spans = list(corpus.names.spans(original.text))
    rng.shuffle(spans)
    for start, end, entry in spans:
        thing, written = corpus.names.entries[entry], original.text[start:end]
        spellings = {thing.names.get(original.language, ""), *thing.aliases} - {written}
        same = sorted(s for s in spellings if s and s[0].isupper() and language(s) == language(written))
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
        alone = not re.search(r"[\w½¼¾]", text[max(0, a.start - 1) : a.start] + text[a.end : a.end + 1])
        if alone and changed != written:
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


def finds(language: Language, name: str) -> re.Pattern[str]:
    """A pattern of a language."""
    return re.compile(_of_language(language, name))


@lru_cache(maxsize=1)
def _twins() -> dict[str, str]:
    """Each letter with the one of the other alphabet that looks like it."""
    latin, cyrillic = _words()["latin"], _words()["cyrillic"]
    return dict(zip(latin + cyrillic, cyrillic + latin, strict=True))


MUTATIONS: Mapping[str, Make] = {
    "number": _number, "date": _date, "negation added": _negated, "negation removed": _affirmed, "name": _renamed,
    "letters": _disguised, "unit": _replaced("units"), "antonym": _replaced("opposites"),
    "certainty": _replaced("surer"), "order": _turned,
}  # fmt: skip
CONTROLS: Mapping[str, Make] = {
    "typography": _typography, "shortened": _shortened, "spelling": _respelt, "number form": _rewritten,
    "date form": _redated,
}  # fmt: skip
