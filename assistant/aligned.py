"""A text as words that compare across English, Russian and Belarusian: by stem, concept, glossary entry or sound.

Not for: the order of words and what they say together.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from index.glossary import Glossary
from index.keywords import is_common, stem, word_spans
from index.sentences import language_of, split

REMEMBERED = 20_000  # texts
_QUOTES = str.maketrans(dict.fromkeys("“”„«»‟", '"') | dict.fromkeys("’‘‚ʼ`´", "'") | dict.fromkeys("–—‑−", "-"))
_LATIN = str.maketrans(
    dict(zip("абвгґдезийклмнопрстуфхыіўэъьё", "abvhhdeziiklmnaprstufhiive__a", strict=True))
    | {"ж": "zh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "sh", "ю": "iu", "я": "ia", "ї": "i", "є": "e"}
)
# Spellings of one sound that meet in English renderings of Russian and Belarusian names, in this order.
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("[^a-z]", ""), ("shch", "sh"), ("tch", "ch"), ("kh", "h"), ("g", "h"), ("ph", "f"), ("w", "v"), ("x", "ks"),
        ("ck", "k"), ("tz", "ts"), ("c(?!h)", "k"), ("dz(?=[eiyj])", "d"), ("ts(?=[eiyj])", "t"),
        ("(?<=[aeo])u(?=[bcdfghklmnprstvz]|$)", "v"), ("[aeiouyj]+", "a"), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


def fold(text: str) -> str:
    """`text` with quotation marks, dashes, white space and Unicode forms made alike; digits and words untouched.

    >>> fold("«Союз»  – да") == fold('"Союз" - да')
    True
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).translate(_QUOTES)).strip()


@dataclass(frozen=True, slots=True, eq=False)
class Word:
    """A word at `text[start:end]` of its line. `keys` are its forms that other words of the same meaning share;
    `entry` is the glossary entry it belongs to, None for most; `common` words carry no subject matter."""

    start: int
    end: int
    stem: str
    keys: frozenset[str]
    entry: str | None
    common: bool

    def meets(self, keys: Iterable[str]) -> bool:
        """Whether one of `keys` is a form of this word."""
        return not self.keys.isdisjoint(keys)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A text and its words; `keys` are those of all of them. Lines are read once, so each equals only itself."""

    text: str
    language: str
    words: tuple[Word, ...]
    keys: frozenset[str]

    @property
    def content(self) -> tuple[Word, ...]:
        """Its words but the common ones."""
        return tuple(w for w in self.words if not w.common)

    def of(self, word: Word) -> str:
        """`word` as it is written."""
        return self.text[word.start : word.end]


@lru_cache(maxsize=REMEMBERED)
def read(text: str, glossary: Glossary) -> Line:
    """`text` as a line.

    >>> read("The treaty stood.", Glossary()).keys == {"treati", "stood", "the"}
    True
    """
    language, spans = language_of(text), list(glossary.spans(text))
    words = tuple(
        _word(text, start, end, language, _entry_at(spans, start), glossary) for start, end in word_spans(text)
    )
    return Line(text, language, words, frozenset(k for w in words for k in w.keys))


@lru_cache(maxsize=REMEMBERED)
def sentences(text: str, glossary: Glossary) -> tuple[Line, ...]:
    """The sentences of `text`, each as a line."""
    return tuple(read(text[start:end], glossary) for start, end in split(text))


def _entry_at(spans: Sequence[tuple[int, int, str]], place: int) -> str | None:
    return next((entry for start, end, entry in spans if start <= place < end), None)


def _word(text: str, start: int, end: int, language: str, entry: str | None, glossary: Glossary) -> Word:
    form, keys = _forms(text[start:end], language, entry, glossary)
    bare = is_common(form) or (len(form) == 1 and not form.isdigit()) or text[start:end].casefold() in _minor()
    return Word(start, end, form, keys, entry, bare and entry is None)


@lru_cache(maxsize=1)
def _minor() -> frozenset[str]:
    table = tomllib.loads(files("assistant").joinpath("support_words.toml").read_text("utf-8"))
    return frozenset(table["patterns"]["minor"].split("|"))


@lru_cache(maxsize=100_000)
def _forms(written: str, language: str, entry: str | None, glossary: Glossary) -> tuple[str, frozenset[str]]:
    """The stem of a word and all its keys."""
    form = stem(written)
    keys = {form, *(f"#{c}" for c in glossary.lexicon.concepts(form))}
    if entry is not None:
        keys.add(f"@{entry}")
    if language != "en" and written[0] >= "\u0400":
        keys.add("~" + stem(_russian(written, glossary)))
    return form, frozenset(keys)


def _russian(word: str, glossary: Glossary) -> str:
    """A Belarusian word as Russian spells it; Russian ones stay near enough to what they are."""
    return glossary.lexicon.russian(word) if language_of(word) == "be" else word


@lru_cache(maxsize=REMEMBERED)
def sound(name: str) -> str:
    """How a name sounds, so that its spellings in both alphabets agree: vowels alike, consonants by class.

    >>> sound("Мясникович") == sound("Myasnikovich"), sound("Шойгу") == sound("Shoigu"), sound("Путин"), sound("Makei")
    (True, True, 'patan', 'maka')
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold().replace("й", "и")) if c.isalpha())
    plain = plain.translate(_LATIN)
    for pattern, replacement in _SOUNDS:
        plain = pattern.sub(replacement, plain)
    return plain


def same_name(one: str, other: str) -> bool:
    """Whether two words can be the same name: inflected, or written in the other alphabet.

    >>> same_name("Песков", "Peskov"), same_name("Пескова", "Песков"), same_name("Lavrov", "Peskov")
    (True, True, False)
    """
    if one.casefold() == other.casefold():
        return True
    apart = (one[0] >= "\u0400") != (other[0] >= "\u0400")
    left, right = (sound(one), sound(other)) if apart else (one.casefold(), other.casefold())
    if apart and left == right:
        return True
    if not apart and one.isascii() and one.casefold().removesuffix("'s") == other.casefold().removesuffix("'s"):
        return True
    # Endings change up to three letters; what stays must be long enough to be one name.
    same = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    return same >= max(4, min(len(left), len(right)) - 2) and max(len(left), len(right)) - same <= 3
