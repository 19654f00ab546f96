"""The gate between a draft and the reader: a sentence passes only when its quotes prove it. Pure.

Rule of the embedded engine: the sentence stands word for word in one of its quotes. Nothing is judged by similarity.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

from assistant.conversation import MARKER, BrokenPromise, Citation, Draft, Sentence
from assistant.frame import Framed
from index.documents import About, Document

VERSION = "2"
_QUOTES = str.maketrans(dict.fromkeys("“”„«»‟", '"') | dict.fromkeys("’‘‚ʼ`´", "'") | dict.fromkeys("–—‑−", "-"))


def fold(text: str) -> str:
    """`text` with quotation marks, dashes, white space and Unicode forms made alike; digits and words untouched.

    >>> fold("«Союз»  – да") == fold('"Союз" - да')
    True
    """
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).translate(_QUOTES)).strip()


def verify(
    drafts: Sequence[Draft], document: Callable[[str], Document | None], show: Callable[[Draft, About], Framed]
) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
    """The drafts that are proven, as `show` frames them, with their citations numbered in order of first use; the
    others are dropped."""
    sentences: list[Sentence] = []
    citations: dict[tuple[str, int, int], Citation] = {}
    for draft in drafts:
        proven = [c for c in _prove(draft, document, citations) if fold(draft.text) in fold(c.quote)]
        if not proven:
            continue
        for citation in proven:
            citations.setdefault(_key(citation), citation)
        shown = show(draft, proven[0].passage.about)
        numbers = tuple(c.number for c in proven)
        sentences.append(Sentence(mark(shown.text, numbers), numbers, shown.holder, shown.stance))
    return tuple(sentences), tuple(citations.values())


def mark(text: str, numbers: Sequence[int]) -> str:
    """The sentence with its markers before the full stop; numbers in brackets that the source itself has lose theirs.

    >>> mark("It was signed[3] in 1999.", [1])
    'It was signed(3) in 1999 [1].'
    """
    plain = MARKER.sub(r"(\1)", text.rstrip())
    body, stop = (plain[:-1], plain[-1]) if plain[-1:] in (".", "!", "?", "…", ";", ":") else (plain, "")
    return f"{body} {''.join(f'[{n}]' for n in numbers)}{stop}"


def _prove(
    draft: Draft, document: Callable[[str], Document | None], known: dict[tuple[str, int, int], Citation]
) -> list[Citation]:
    proven: list[Citation] = []
    for span in draft.proposed:
        source = document(span.passage.chunk.document_id)
        if source is None:
            continue
        try:
            citation = Citation.prove(len(known) + len(proven) + 1, span, source)
        except BrokenPromise:
            continue
        proven.append(known.get(_key(citation), citation))
    return proven


def _key(citation: Citation) -> tuple[str, int, int]:
    return citation.passage.chunk.document_id, citation.start, citation.end
