"""BM25 over stemmed tokens: the only file that runs bm25s.

Latin words are stemmed by Snowball's English rules, Cyrillic ones cut to five letters, which serves Russian and
Belarusian alike and measured better than Snowball's Russian rules. Names of one glossary entry, in any language and
spelling, also count as one token.
"""

import logging
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import bm25s
import numpy as np
import Stemmer
from numpy.typing import NDArray

from index.errors import BrokenIndex

VERSION = "1"
CYRILLIC_LETTERS = 5
logging.getLogger("bm25s").setLevel(logging.WARNING)  # it sets itself to DEBUG
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_ENGLISH = Stemmer.Stemmer("english")
_STOP = frozenset(
    """a an and are as at be been by did do does for from had has have how i in is it its of on or that the their there
    these this those to was were what when where which who whom why will with would you your about into than then
    и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по ее мне если о об из ему ли при для
    это от до кто где когда какой какая какие какое каких каком чем чём почему сколько был была было были есть их
    і у ў не што ён на я з са як а то усе яна так яго але ды ты к ж вы за б па яе калі пра аб ад да хто дзе які якая
    якія якое чаму колькі быў была было былі ёсць іх гэта для чым""".split()
)


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The index form of one word.

    >>> stem("Programmes"), stem("Лукашенко"), stem("41,1")
    ('programm', 'лукаш', '41.1')
    """
    word = word.casefold().replace("ё", "е").replace("’", "'").replace("ʼ", "'").removesuffix("'s")
    if word[:1].isdigit():
        return number(word)
    if word[:1] >= "\u0400":
        return word.replace("ў", "у")[:CYRILLIC_LETTERS]  # Belarusian "у" is spelt "ў" after a vowel
    return str(
        _ENGLISH.stemWord("".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c)))
    )


def number(word: str) -> str:
    """A number in one form: 1,000 is 1000, and 41,1 is 41.1.

    >>> number("1,000"), number("41,1"), number("2.500.000")
    ('1000', '41.1', '2500000')
    """
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", word):
        return word.replace(",", "")
    if re.fullmatch(r"\d{1,3}(\.\d{3}){2,}", word):
        return word.replace(".", "")
    return word.replace(",", ".").rstrip(".")


@lru_cache(maxsize=1)
def _stop_stems() -> frozenset[str]:
    return frozenset(map(stem, _STOP))


def is_common(form: str) -> bool:
    """Whether `form` is the stem of a word too common to search for.

    >>> is_common("the"), is_common("budget")
    (True, False)
    """
    return form in _stop_stems()


def word_spans(text: str) -> list[tuple[int, int]]:
    """Offsets of the words of `text`, end exclusive."""
    return [m.span() for m in _WORD.finditer(text)]


def tokenize(text: str, stop_words: bool = False) -> list[str]:
    """Stems of the words of `text` in order, digits kept together; common words only with `stop_words`."""
    text = re.sub(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", "", text)
    return [stem(w) for w in _WORD.findall(text) if stop_words or w.casefold() not in _STOP]


class KeywordIndex:
    """BM25 over all chunks (Lucene's variant, k1 1.2, b 0.75)."""

    def __init__(self, model: bm25s.BM25, size: int) -> None:
        self._model, self.size = model, size

    @classmethod
    def build(cls, texts: Iterable[Sequence[str]]) -> "KeywordIndex":
        """From the tokens of every chunk, in chunk order."""
        tokens = [list(t) or ["\0"] for t in texts]
        model = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
        model.index(tokens, show_progress=False)
        return cls(model, len(tokens))

    def save(self, folder: Path) -> None:
        """Write into `folder`."""
        self._model.save(str(folder), show_progress=False)

    @classmethod
    def open(cls, folder: Path, size: int) -> "KeywordIndex":
        """Read from `folder`. Raises BrokenIndex when it is not there or of another size."""
        try:
            model = bm25s.BM25.load(str(folder), load_corpus=False, mmap=False)
        except (OSError, ValueError, KeyError) as error:
            raise BrokenIndex(
                f"the keyword index in {folder} does not open ({error}); run: python -m index build"
            ) from error
        return cls(model, size)

    def coverage(self, tokens: Iterable[str]) -> NDArray[np.float32]:
        """BM25 scores of all chunks as a share of the most that `tokens` could score, from 0 to 1.

        So a score says how much of the query a chunk covers, rare words counting more, and a token that no chunk
        holds lowers it. Shape (chunks,)."""
        wanted = list(dict.fromkeys(tokens))
        known = [t for t in wanted if t in self._model.vocab_dict]
        if not known:
            return np.zeros(self.size, np.float32)
        most = sum(self.weight(t) for t in wanted)
        return np.asarray(self._model.get_scores(known), dtype=np.float32) / np.float32(most)

    def weight(self, token: str) -> float:
        """Inverse document frequency, Lucene's: ln(1 + (n - df + 0.5) / (df + 0.5)).

        Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009)."""
        count = self.frequency(token)
        return math.log(1 + (self.size - count + 0.5) / (count + 0.5))

    def frequency(self, token: str) -> int:
        """How many chunks hold `token`."""
        column = self._model.vocab_dict.get(token)
        if column is None:
            return 0
        pointers = self._model.scores["indptr"]
        return int(pointers[column + 1] - pointers[column])
