"""Words that mean the same in English, Russian and Belarusian, as concepts; and Belarusian put into Russian words.

`lexicon.tsv` has one concept a line: id, English, Russian and Belarusian words, those of a language separated by `|`.
It lets a question in one language find words of another, and near-synonyms of one language find each other.
"""

import re
from functools import lru_cache
from importlib.resources import files

from index.keywords import stem

# What makes most Belarusian words readable to a model of Russian: regular spelling differences, in this order.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        ("ў", "в"), ("і", "и"), ("дзь", "дь"), ("дз(?=[еёиюя])", "д"), ("ць", "ть"), ("ц(?=[еёиюя])", "т"),
        ("'", "ъ"), ("ь(?=[ц])", ""), ("ыва(?=[нцлю])", "ыва"), ("аго$", "ого"), ("яго$", "его"), ("ай$", "ой"),
        ("нне$", "ние"), ("цця$", "тия"), ("асць$", "ость"), ("аць$", "ать"), ("шч", "щ"), ("чы", "чи"), ("шы", "ши"),
        ("жы", "жи"), ("ры(?=[^ў])", "ри"), ("э", "е"),
    )
)  # fmt: skip


class Lexicon:
    """Concepts by the index form of their words."""

    def __init__(self, text: str) -> None:
        self.source = text
        self._concepts: dict[str, tuple[str, ...]] = {}
        self._russian: dict[str, str] = {}
        for line in text.splitlines():
            identity, english, russian, belarusian = line.split("\t")
            for word in filter(None, f"{english}|{russian}|{belarusian}".split("|")):
                form = stem(word)
                if identity not in self._concepts.get(form, ()):
                    self._concepts[form] = (*self._concepts.get(form, ()), identity)
            for word in filter(None, belarusian.split("|")):
                self._russian.setdefault(stem(word), russian.split("|")[0] or word)

    def concepts(self, form: str) -> tuple[str, ...]:
        """Ids of the concepts that a stem belongs to; none for most words."""
        return self._concepts.get(form, ())

    def russian(self, text: str) -> str:
        """Belarusian text with its words in Russian where the list knows them, else in Russian spelling.

        For encoders that read Russian and no Belarusian; not for readers."""
        return re.sub(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*", lambda m: self._word(m[0]), text)

    def _word(self, word: str) -> str:
        plain = word.casefold().replace("’", "'").replace("ʼ", "'")
        known = self._russian.get(stem(plain))
        if known is None:
            for pattern, replacement in _RULES:
                plain = pattern.sub(replacement, plain)
        return known or (plain.capitalize() if word[:1].isupper() else plain)


@lru_cache(maxsize=1)
def bundled() -> Lexicon:
    """The word list of this package."""
    return Lexicon(files("index").joinpath("lexicon.tsv").read_text("utf-8"))
