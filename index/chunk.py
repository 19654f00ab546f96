"""Cuts a Document into Chunks: whole sentences, packed until the encoder's window is full. Pure.

Chunks never cross a heading. A sentence longer than the window is cut between words. Chunks do not overlap:
answers take whole sentences from the document's text, so nothing is lost at a border.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby

from index.documents import About, Block, Chunk, Document
from index.sentences import split

VERSION = "1"
CONTEXT_CHARACTERS = 120


def contextual(about: About, heading: str | None, text: str) -> str:
    """What is encoded and matched by keywords for a chunk: its title and heading say what the sentences are about."""
    context = about.title if heading in (None, about.title) else f"{about.title}. {heading}"
    return f"{context[:CONTEXT_CHARACTERS]}\n{text}"


def chunk(document: Document, count: Callable[[str], int], window: int) -> list[Chunk]:
    """Chunks of `document` in order; `count(contextual(...)) <= window` tokens for each of them.

    Raises ValueError when not even one character fits the window."""
    seen: Counter[str] = Counter()
    chunks = []
    for (heading, page), blocks in groupby(document.blocks, key=lambda b: (b.heading, b.page)):

        def size(start: int, end: int, heading: str | None = heading) -> int:
            return count(contextual(document.about, heading, document.text[start:end]))

        for start, end in _pack(list(_sentences(document.text, blocks)), size, window):
            text = document.text[start:end]
            identity = f"{VERSION}\0{document.id}\0{heading}\0{text}"
            seen[identity] += 1
            digest = hashlib.sha256(f"{identity}\0{seen[identity]}".encode()).hexdigest()[:16]
            chunks.append(Chunk(digest, document.id, start, end, heading, page, text))
    return chunks


def _sentences(text: str, blocks: Iterator[Block]) -> Iterator[tuple[int, int]]:
    for block in blocks:
        for start, end in split(text[block.start : block.end]):
            yield block.start + start, block.start + end


def _pack(spans: list[tuple[int, int]], size: Callable[[int, int], int], window: int) -> Iterator[tuple[int, int]]:
    start = end = -1
    for span in [piece for s in spans for piece in _fit(s, size, window)]:
        if start >= 0 and size(start, span[1]) > window:
            yield start, end
            start = -1
        start, end = (span[0] if start < 0 else start), span[1]
    if start >= 0:
        yield start, end


def _fit(span: tuple[int, int], size: Callable[[int, int], int], window: int) -> Iterator[tuple[int, int]]:
    """The span itself, or halves of it until each fits."""
    start, end = span
    if size(start, end) <= window:
        yield span
    elif end - start < 2:
        raise ValueError("the encoder's window is too small for one character and its title")
    else:
        middle = (start + end) // 2
        yield from _fit((start, middle), size, window)
        yield from _fit((middle, end), size, window)
