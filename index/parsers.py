"""From the bytes of a file to clean text and its blocks: one parser a suffix.

Runs as a child process (`python -m index.parsers`), because parsers of strangers' files crash, hang and eat memory:
it reads a JSON line {"path"} and writes a JSON line {"text", "blocks", "title", "front", "removed"} or {"error"}.
"""

import contextlib
import io
import json
import os
import re
import resource
import sys
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from charset_normalizer import from_bytes
from markdown_it import MarkdownIt

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 30
MAX_FILE_BYTES = 100 << 20
MAX_UNZIPPED_BYTES = 100 << 20
MAX_ZIP_ENTRIES = 2000
MAX_DEPTH = 512  # of HTML elements, as in browsers

# Characters that a reader does not see or that reorder what they see.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SIGNATURES = {
    b"%PDF-": "PDF",
    b"PK\x03\x04": "ZIP",
    b"MZ": "a Windows program",
    b"\x7fELF": "a Linux program",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}


class Unparsable(ValueError):
    """The file is not what its name says, or holds no text."""


@dataclass(slots=True)
class Parsed:
    """Text under construction: paragraphs joined by blank lines, each with its heading and page."""

    title: str | None = None
    front: str | None = None
    removed: int = 0
    parts: list[str] = field(default_factory=list)
    blocks: list[tuple[int, int, str | None, int | None]] = field(default_factory=list)
    length: int = 0

    def add(self, text: str, heading: str | None = None, page: int | None = None) -> None:
        """Append one paragraph, its white space folded and invisible characters dropped."""
        text, removed = clean(text)
        self.removed += removed
        if not text:
            return
        self.blocks.append((self.length, self.length + len(text), heading, page))
        self.parts.append(text)
        self.length += len(text) + 2

    def json(self) -> dict[str, object]:
        return {
            "text": "\n\n".join(self.parts),
            "blocks": self.blocks,
            "title": self.title,
            "front": self.front,
            "removed": self.removed,
        }


def clean(text: str) -> tuple[str, int]:
    """NFC, white space folded, invisible and reordering characters gone; and how many those were.

    >>> clean("one\\u00a0 two\\u200b")
    ('one two', 1)
    """
    visible, removed = _INVISIBLE.subn("", unicodedata.normalize("NFC", text))
    return re.sub(r"\s+", " ", visible).strip(), removed


def parse(path: Path) -> Parsed:
    """Parse one file by its suffix. Raises Unparsable when content and suffix differ or there is no text."""
    data = path.read_bytes()
    _check_signature(data, path.suffix.lower())
    parsed = PARSERS[path.suffix.lower()](data)
    if not parsed.parts:
        raise Unparsable("no text in it")
    return parsed


def _check_signature(data: bytes, suffix: str) -> None:
    expected = {".pdf": "PDF", ".docx": "ZIP"}.get(suffix)
    found = next((name for magic, name in _SIGNATURES.items() if data.lstrip()[:8].startswith(magic)), None)
    if suffix == ".pdf" and b"%PDF-" in data[:1024]:
        found = "PDF"
    if found != expected:
        raise Unparsable(f"named {suffix} but its content is {found or 'not ' + str(expected)}")
    if suffix in (".txt", ".md") and re.match(rb"\s*(<!doctype html|<html)", data[:200].lower()):
        raise Unparsable(f"named {suffix} but its content is HTML")


def _decode(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    with contextlib.suppress(UnicodeDecodeError):
        return data.decode("utf-8-sig")
    best = from_bytes(data, cp_isolation=["cp1251", "cp1252", "koi8_r", "shift_jis", "utf_16", "latin_1"]).best()
    if best is None:
        raise Unparsable("its text encoding cannot be told; save it as UTF-8")
    return str(best)


def _txt(data: bytes) -> Parsed:
    parsed, heading = Parsed(), None
    for paragraph in _paragraphs(_decode(data)):
        if _looks_like_heading(paragraph) and parsed.title is not None:
            heading = clean(paragraph)[0]
        if parsed.title is None:
            parsed.title = clean(paragraph)[0] or None
        parsed.add(paragraph, heading)
    return parsed


def _paragraphs(text: str) -> Iterator[str]:
    """Blank lines part paragraphs; so does each line end where lines are too long to have been wrapped by hand."""
    for group in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n")):
        lines = group.split("\n")
        wrapped = max(map(len, lines)) <= 120 and len(lines) > 1 and all(len(line) > 50 for line in lines[:-1])
        yield from [" ".join(lines)] if wrapped else lines


def _looks_like_heading(line: str) -> bool:
    line = line.strip()
    return 3 <= len(line) <= 80 and not re.search(r"[.!?…:;,)»”\"]$", line) and line[:1].isupper() and "|" not in line


_FRONT = re.compile(r"\A\s*\+\+\+[ \t]*\r?\n(.*?)\r?\n\+\+\+[ \t]*(?:\r?\n|\Z)", re.DOTALL)


def _md(data: bytes) -> Parsed:
    parsed, heading, text = Parsed(), None, _decode(data)
    if front := _FRONT.match(text):
        parsed.front, text = front.group(1), text[front.end() :]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type != "inline" and token.type not in ("fence", "code_block"):
            continue
        content = "".join(
            c.content if c.type in ("text", "code_inline", "image") else " " * (c.type[-5:] == "break")
            for c in token.children or []
        ) or token.content * (token.type != "inline")
        if before is not None and before.type == "heading_open":
            heading = clean(content)[0] or None
            parsed.title = parsed.title or heading
        else:
            parsed.add(content, heading)
    return parsed


def _html(data: bytes) -> Parsed:
    from selectolax.lexbor import LexborHTMLParser

    data = _shallow(data)
    tree = LexborHTMLParser(_decode(data) if b"charset" not in data[:2048].lower() else data)
    for node in tree.css(
        "script,style,noscript,template,nav,footer,form,iframe,svg,[hidden],[aria-hidden=true],"
        "[style*='display:none'],[style*='display: none'],[style*='visibility:hidden']"
    ):
        node.decompose()
    title = tree.css_first("title")
    parsed = Parsed(title=clean(title.text())[0] or None if title is not None else None)
    heading = None
    for line in _html_lines(tree):
        level, text = line
        if level:
            heading = clean(text)[0] or heading
            parsed.title = parsed.title or heading
        else:
            parsed.add(text, heading)
    return parsed


_NESTING = re.compile(rb"<(/?)(?:div|span|section|article|ul|ol|table|b|i|em|strong|font|blockquote)\b[^>]*>", re.I)


def _shallow(data: bytes) -> bytes:
    """The page without the tags nested deeper than browsers build them: a parser's time grows with depth squared."""
    depth = 0

    def keep(tag: re.Match[bytes]) -> bytes:
        nonlocal depth
        depth = max(0, depth + (-1 if tag[1] else 1))
        return b"" if depth > MAX_DEPTH or (tag[1] and depth == MAX_DEPTH) else tag[0]

    return _NESTING.sub(keep, data)


_BLOCK_TAGS = frozenset(
    "p div li td th h1 h2 h3 h4 h5 h6 blockquote pre br tr table ul ol section article main dt dd "
    "figcaption header aside body html".split()
)


def _html_lines(tree: object) -> Iterator[tuple[bool, str]]:
    """(is a heading, text) of each run of inline content, in document order, without recursion."""
    body = tree.body  # type: ignore[attr-defined]
    pieces: list[str] = []
    heading = False
    for node in body.traverse(include_text=True) if body is not None else ():
        if node.tag == "-text":
            pieces.append(node.text_content or "")
        elif node.tag in _BLOCK_TAGS:
            yield heading, "".join(pieces)
            pieces, heading = [], bool(re.fullmatch("h[1-6]", node.tag))
    yield heading, "".join(pieces)


def _pdf(data: bytes) -> Parsed:
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    parsed = Parsed()
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unparsable("it is encrypted; save a copy without a password")
        title = reader.metadata.title if reader.metadata else None
        parsed.title = clean(title)[0] or None if title else None
        for number, page in enumerate(reader.pages, 1):
            for paragraph in _unwrap(page.extract_text()):
                parsed.add(paragraph, None, number)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, RecursionError) as error:
        raise error if isinstance(error, Unparsable) else Unparsable(f"damaged PDF ({type(error).__name__})") from error
    return parsed


def _unwrap(page: str) -> Iterator[str]:
    """Paragraphs of a page: lines joined, words split by a hyphen at a line end joined again."""
    for group in re.split(r"\n\s*\n", page):
        yield re.sub(r"(\w)-\n(?=[a-zа-яёўі])", r"\1", group).replace("\n", " ")


def _docx(data: bytes) -> Parsed:
    import docx
    from docx.opc.exceptions import OpcError

    _check_zip(data)
    parsed, heading = Parsed(), None
    try:
        document = docx.Document(io.BytesIO(data))
        parsed.title = clean(document.core_properties.title or "")[0] or None
        for item in document.iter_inner_content():
            style = (item.style.name or "") if item.style is not None else ""
            if isinstance(item, docx.table.Table):
                for row in item.rows:
                    parsed.add(" | ".join(cell.text for cell in row.cells), heading)
            elif style.startswith(("Heading", "Title")):
                heading = clean(item.text)[0] or heading
                parsed.title = parsed.title or heading
            else:
                parsed.add("".join(run.text for run in item.runs if not run.font.hidden) or "", heading)
    except (OpcError, KeyError, ValueError, AttributeError, SyntaxError) as error:
        raise Unparsable(f"damaged Word file ({type(error).__name__})") from error
    return parsed


# In UTF-8, and in UTF-16 of either order.
_DECLARES = re.compile(rb"<\0?!\0?(?:D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)", re.IGNORECASE)


def _check_zip(data: bytes) -> None:
    """Refuse archives that would inflate beyond the cap, counted while inflating: headers lie."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "word/document.xml" not in names:
                raise Unparsable("named .docx but its content is another kind of ZIP")
            if len(names) > MAX_ZIP_ENTRIES:
                raise Unparsable(f"{len(names)} parts inside, more than {MAX_ZIP_ENTRIES}")
            total = 0
            for name in names:
                with archive.open(name) as part:
                    tail = b""
                    while piece := part.read(1 << 20):
                        total += len(piece)
                        if total > MAX_UNZIPPED_BYTES:
                            raise Unparsable(f"it inflates beyond {MAX_UNZIPPED_BYTES >> 20} MB")
                        if name.endswith((".xml", ".rels")) and _DECLARES.search(tail + piece):
                            raise Unparsable(f"its part {name} declares a DOCTYPE or an entity")
                        tail = piece[-40:]
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, OSError) as error:
        raise Unparsable(f"damaged ZIP ({type(error).__name__})") from error


PARSERS: dict[str, Callable[[bytes], Parsed]] = {
    ".md": _md,
    ".txt": _txt,
    ".html": _html,
    ".htm": _html,
    ".pdf": _pdf,
    ".docx": _docx,
}


def _answer(path: str) -> dict[str, object]:
    used = int(sum(os.times()[:2]))
    resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_SECONDS, resource.RLIM_INFINITY))
    try:
        return parse(Path(path)).json()
    except Unparsable as error:
        return {"error": str(error)}
    except OSError as error:
        return {"error": error.strerror or type(error).__name__}
    except MemoryError:
        return {"error": "it needs more memory than a parser may have; split the file"}


def main() -> None:
    """Answer requests until standard input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    memory_bytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line)["path"])), file=out, flush=True)


if __name__ == "__main__":
    main()
