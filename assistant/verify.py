"""The gate between a draft and the reader: a sentence passes only when its quotes prove it. Pure.

A sentence of the embedded engine stands word for word in one of its quotes. One that a chat model has worded is proven
by its quotes as `support.py` tells.
"""

from collections.abc import Callable, Sequence

from assistant.aligned import fold
from assistant.conversation import MARKER, BrokenPromise, Citation, Draft, Sentence
from assistant.frame import Framed
from index.documents import About, Document

VERSION = "5"
Documents = Callable[[str], Document | None]
Show = Callable[[Draft, About], Framed]
Proves = Callable[[str, Sequence[str], Sequence[str | None]], bool]


class Gate:
    """Admits the drafts that are proven, one after another, and numbers their citations in order of first use.

    `show` frames an admitted draft. `proves` says whether quotes, each with the date of its source, bear a chat model's
    wording; without it no such wording passes."""

    def __init__(self, document: Documents, show: Show, proves: Proves = lambda *_: False) -> None:
        self._document, self._show, self._proves = document, show, proves
        self._citations: dict[tuple[str, int, int], Citation] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Those of the admitted sentences."""
        return tuple(self._citations.values())

    def admit(self, draft: Draft) -> Sentence | None:
        """The sentence as it is shown, or None for a draft that is not proven."""
        proven = self._prove(draft)
        if draft.wording is None:
            proven = [c for c in proven if fold(draft.text) in fold(c.quote)]
        elif not self._proves(draft.wording, [c.quote for c in proven], [c.passage.about.published for c in proven]):
            proven = []
        if not proven:
            return None
        shown = self._show(draft, proven[0].passage.about)
        for citation in proven:
            self._citations.setdefault(_key(citation), citation)
        numbers = tuple(c.number for c in proven)
        return Sentence(mark(shown.text, numbers), numbers, shown.holder, shown.stance)

    def _prove(self, draft: Draft) -> list[Citation]:
        """The citations whose quotes stand in their documents; those known already, under their number."""
        proven: list[Citation] = []
        new = 1
        for span in draft.proposed:
            source = self._document(span.passage.chunk.document_id)
            if source is None:
                continue
            try:
                citation = Citation.prove(len(self._citations) + new, span, source)
            except BrokenPromise:
                continue
            new += _key(citation) not in self._citations
            proven.append(self._citations.get(_key(citation), citation))
        return proven


def mark(text: str, numbers: Sequence[int]) -> str:
    """The sentence with its markers before the full stop; numbers in brackets that the source itself has lose theirs.

    >>> mark("It was signed[3] in 1999.", [1])
    'It was signed(3) in 1999 [1].'
    """
    plain = MARKER.sub(r"(\1)", text.rstrip())
    body, stop = (plain[:-1], plain[-1]) if plain[-1:] in (".", "!", "?", "…", ";", ":") else (plain, "")
    return f"{body} {''.join(f'[{n}]' for n in numbers)}{stop}"


def _key(citation: Citation) -> tuple[str, int, int]:
    return citation.passage.chunk.document_id, citation.start, citation.end
