"""Files made to crash, hang, leak or swell their parser. Each test shows that its fault happened."""

import os
import re
import socket
import struct
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from index.documents import Skipped
from index.errors import UnreadableSource
from index.load import Loader, find
from index.parsers import MAX_UNZIPPED_BYTES, PARSERS, Unparsable, clean, parse
from tests.conftest import Workshop
from tests.test_parsers import archive, load, pdf, reason, word


@pytest.mark.parametrize("suffix", sorted(PARSERS))
@given(
    content=st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
)
@settings(max_examples=60, deadline=None)
def test_any_bytes_parse_or_are_refused(tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes) -> None:
    """ING-encoding, ING-type-lie: nothing but Unparsable comes out of a parser, and never a zero document."""
    path = tmp_path_factory.mktemp("fuzz") / f"file{suffix}"
    path.write_bytes(content)
    try:
        parsed = parse(path)
    except Unparsable:
        return
    text = str(parsed.json()["text"])
    assert text.strip() and text.encode("utf-8")
    assert all(text[a:b].strip() == text[a:b] != "" for a, b, _, _ in parsed.blocks)


@given(st.text(max_size=200))
def test_cleaning_is_done_after_once(text: str) -> None:
    once = clean(text)[0]
    assert clean(once) == (once, 0)


def test_removed_characters_are_counted() -> None:
    assert clean("a\u200bb\u202ec\U000e0041\ud800") == ("abc", 4)


@pytest.mark.parametrize("encoding", ["shift-jis", "koi8-r", "utf-16-le"])
def test_other_encodings_never_crash(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Договор 契約 об объединении".encode(encoding, "replace"))
    try:
        assert load(path).text
    except UnreadableSource as error:
        assert str(error)


def test_pictures_of_text_hold_no_text(tmp_path: Path) -> None:
    """ING-empty: a PDF of pages without text, a Word file without a paragraph, HTML of scripts only."""
    docx.Document().save(str(tmp_path / "empty.docx"))
    assert reason(pdf(tmp_path / "empty.pdf", "", "")) == reason(tmp_path / "empty.docx") == "no text in it"


def test_content_that_is_not_what_its_name_says_names_both(tmp_path: Path) -> None:
    """ING-type-lie."""
    whole = word(tmp_path / "a.docx").read_bytes()
    (tmp_path / "b.pdf").write_bytes(whole)
    (tmp_path / "c.docx").write_bytes(pdf(tmp_path / "x.pdf", "Text").read_bytes())
    (tmp_path / "d.txt").write_bytes(b"\x7fELF" + b"\0" * 60)
    assert reason(tmp_path / "b.pdf") == "named .pdf but its content is ZIP"
    assert reason(tmp_path / "c.docx") == "named .docx but its content is PDF"
    assert reason(tmp_path / "d.txt") == "named .txt but its content is a Linux program"


def peak_of(path: Path) -> tuple[str, float, float]:
    """Why a file was refused, the seconds that took, and the child's peak memory in megabytes beyond a small file's."""
    small = path.with_name("small.txt")
    small.write_text("A small file stands here.", "utf-8")
    peaks = []
    for item in (small, path):
        pid = os.fork()
        if pid == 0:
            try:
                parse(item)
                os._exit(0)
            except Unparsable:
                os._exit(1)
        peaks.append(os.wait4(pid, 0)[2].ru_maxrss / 1024)
    started = time.monotonic()
    return reason(path), time.monotonic() - started, peaks[1] - peaks[0]


def lying(path: Path) -> Path:
    """A ZIP whose directory says that its part is small."""
    archive(path, {"word/document.xml": b"0" * (150 << 20)})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 1000)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "why"),
    [("large", "inflates beyond"), ("many", "parts inside"), ("lying", "damaged ZIP|inflates beyond"),
     ("nested", "inflates beyond")],
)  # fmt: skip
def test_zip_bombs_are_refused_small(tmp_path: Path, name: str, why: str) -> None:
    """ING-zipbomb."""
    path = tmp_path / f"{name}.docx"
    zeros = b"0" * (MAX_UNZIPPED_BYTES + (1 << 20))
    if name == "large":
        archive(path, {"word/document.xml": zeros})
    elif name == "many":
        archive(path, {"word/document.xml": b"<x/>"} | {f"part{n}.xml": b"" for n in range(10_000)})
    elif name == "lying":
        lying(path)
    else:
        inner = archive(tmp_path / "inner.zip", {"zeros": zeros}).read_bytes()
        archive(path, {"word/document.xml": b"<x/>", "inner.zip": inner, "more.bin": zeros})
    assert path.stat().st_size < 3 << 20, "a bomb is small on disk"
    refused, seconds, grown = peak_of(path)
    assert re.search(why, refused) and seconds < 8 and grown < 200


@pytest.fixture
def canary() -> Iterator[tuple[int, list[int]]]:
    """A port on this machine and the connections that reached it."""
    hits: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        def listen() -> None:
            while server.fileno() >= 0:
                try:
                    server.accept()[0].close()
                    hits.append(1)
                except OSError:
                    continue

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], hits


@pytest.mark.parametrize("padding", [0, 100_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("kind", ["file", "http", "laughs"])
def test_entities_are_never_resolved(
    tmp_path: Path, canary: tuple[int, list[int]], kind: str, encoding: str, padding: int
) -> None:
    """ING-xxe: also behind a long comment, also in UTF-16."""
    secret = tmp_path / "secret"
    secret.write_text("SECRET-CANARY", "utf-8")
    entity = {
        "file": f'<!ENTITY e SYSTEM "file://{secret}">',
        "http": f'<!ENTITY e SYSTEM "http://127.0.0.1:{canary[0]}/">',
        "laughs": "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)) + '<!ENTITY e "&e9;">',
    }[kind]
    with zipfile.ZipFile(word(tmp_path / "sound.docx")) as sound:
        parts = {n: sound.read(n) for n in sound.namelist()}
    body = parts["word/document.xml"].decode().partition("?>")[2]
    hostile = f'<?xml version="1.0" encoding="{encoding}"?><!--{"x" * padding}--><!DOCTYPE d [{entity}]>{body}'
    path = archive(
        tmp_path / "a.docx", parts | {"word/document.xml": hostile.replace("visible", "&e;").encode(encoding)}
    )
    assert "declares a DOCTYPE or an entity" in reason(path)
    assert not canary[1]


def test_a_pdf_cut_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    """ING-pdf-dos: truncated at 20 places."""
    whole = pdf(tmp_path / "whole.pdf", *["A page of text stands here."] * 5).read_bytes()
    with Loader((tmp_path,)) as loader:
        for n in range(20):
            path = tmp_path / f"cut{n}.pdf"
            path.write_bytes(whole[: len(whole) * (n + 1) // 21])
            try:
                assert loader.load(path).text
            except UnreadableSource as error:
                assert "PDF" in str(error) or "no text" in str(error)


_CATALOG = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"


def test_hostile_pdfs_end_in_time(tmp_path: Path) -> None:
    """ING-pdf-dos: a page tree that is its own child, stacked compression, a password."""
    (tmp_path / "cycle.pdf").write_bytes(
        _CATALOG + b"2 0 obj<</Type/Pages/Kids[2 0 R]/Count 9999999>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    layers = b"0" * (64 << 20)
    for _ in range(3):
        layers = zlib.compress(layers)
    (tmp_path / "stacked.pdf").write_bytes(
        _CATALOG + b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R"
        b"/Contents 4 0 R>>endobj\n4 0 obj<</Filter[/FlateDecode/FlateDecode/FlateDecode]/Length "
        + str(len(layers)).encode() + b">>stream\n" + layers
        + b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF")  # fmt: skip
    writer = PdfWriter(clone_from=PdfReader(str(pdf(tmp_path / "plain.pdf", "Text."))))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(str(tmp_path / "locked.pdf"))
    started = time.monotonic()
    with Loader((tmp_path,), wall_seconds=20) as loader:
        for name in ("cycle", "stacked", "locked"):
            with pytest.raises(UnreadableSource):
                loader.load(tmp_path / f"{name}.pdf")
        assert loader.load(tmp_path / "plain.pdf").text == "Text."
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 50_000 + "deep words stand here" + "</div>" * 50_000,
        "<p>" + "word " * 4_000_000 + "</p>",
        "<base href='http://evil.example/'><meta http-equiv=refresh content='0;url=http://evil'><p>Shown words.</p>",
        "<p>Shown <img src='data:image/png;base64,AAAA' alt='x'><span hidden>secret</span> words.</p>",
        "<p>Shown words.<p><style>p{}</style><!-- secret --><script>secret()</script>",
    ],
    ids=["nested", "line", "base", "data", "script"],
)
def test_hostile_html_ends_in_time_and_shows_what_a_reader_sees(tmp_path: Path, page: str) -> None:
    """ING-html."""
    path = tmp_path / "page.html"
    path.write_text(f"<html><body>{page}</body></html>", "utf-8")
    started = time.monotonic()
    text = load(path).text
    assert time.monotonic() - started < 20 and "words" in text.replace("word ", "words ")
    assert "secret" not in text and "evil" not in text


def test_odd_files_neither_block_nor_lead_outside(tmp_path: Path) -> None:
    """ING-paths."""
    inside = tmp_path / "inside"
    (inside / "loop").mkdir(parents=True)
    (inside / "loop" / "again").symlink_to(inside)
    (inside / "zero.txt").symlink_to("/dev/zero")
    os.mkfifo(inside / "pipe.txt")
    names = ["эмодзи 😀.txt", "\u202etxt.rtl.txt", "n" * 250 + ".txt", "..x.txt", "new\nline.txt"]
    for name in names:
        (inside / name).write_text("A sentence stands in this file.", "utf-8")
    os.rename(inside / "..x.txt", os.fsencode(inside) + b"/bad\xff.txt")
    found = list(find((inside,)))
    reasons = {Path(s.path).name: s.reason for s in found if isinstance(s, Skipped)}
    assert "not a regular file" in reasons["pipe.txt"] and "not a regular file" in reasons["zero.txt"]
    paths = [p for p in found if isinstance(p, Path)]
    with Loader((inside,)) as loader:
        assert {loader.load(p).text for p in paths} == {"A sentence stands in this file."} and len(paths) == len(names)
        paths[0].unlink()
        with pytest.raises(UnreadableSource, match="No such file"):
            loader.load(paths[0])


def test_a_parser_that_eats_memory_is_stopped(tmp_path: Path) -> None:
    """The limit is the child's own: it must be hit, and the next file must parse."""
    path = tmp_path / "large.html"
    path.write_text("<p>" + "<i>word</i> " * 3_000_000 + "</p>", "utf-8")
    fine = tmp_path / "fine.txt"
    fine.write_text("A fine sentence stands here.", "utf-8")
    with Loader((tmp_path,)) as loader:
        assert loader.load(path).text.startswith("word word")
    with Loader((tmp_path,), memory_bytes=400 << 20) as loader:
        with pytest.raises(UnreadableSource, match=r"more memory|ended early"):
            loader.load(path)
        assert loader.load(fine).text == "A fine sentence stands here."


def test_poisoned_files_are_named_and_only_they_are_tried_again(workshop: Workshop) -> None:
    """ING-partial: 200 files, 37 of them broken; after mending, only those are embedded."""
    for n in range(200):
        workshop.write(f"doc-{n:03}.md", f"Paper {n} deals with subject number {n * 7} in full.")
        if n % 5 == 0 and n < 185:
            (workshop.sources / f"doc-{n:03}.md").write_bytes(b"\x7fELF broken")
    report = workshop.build()
    assert report.documents == 163 and sum(s.broken for s in report.skipped) == 37
    for n in range(0, 185, 5):
        workshop.write(f"doc-{n:03}.md", f"Paper {n} deals with subject number {n * 7} in full.")
    again = workshop.build()
    assert again.documents == 200 and again.embedded == 37 and not again.skipped


@pytest.mark.parametrize("call", range(0, 20, 4))
def test_an_encoder_that_fails_leaves_the_old_index(workshop: Workshop, call: int) -> None:
    """ING-partial: the encoder throws on its k-th text."""
    workshop.write("first.md", "The first paper deals with roaming.")
    served = workshop.build().generation
    for n in range(20):
        workshop.write(f"doc-{n:03}.md", f"Paper {n} deals with subject number {n * 7} in full.")
    encode, calls = workshop.encoder.encode, list[int]()

    def fails(texts: list[str]) -> object:
        calls.append(len(texts))
        if sum(calls) > call:
            raise MemoryError("no more")
        return encode(texts)

    workshop.encoder.encode = fails  # type: ignore[assignment, method-assign]
    with pytest.raises(MemoryError):
        workshop.build()
    assert calls and workshop.generations.current() == served and workshop.generations.names() == [served]
    workshop.encoder.encode = encode  # type: ignore[method-assign]
    assert workshop.build().documents == 21


@pytest.mark.slow
def test_one_file_may_hold_twenty_thousand_chunks(workshop: Workshop) -> None:
    """ING-bigdoc: more than one Chroma call takes, each chunk finds itself (the build's own check)."""
    workshop.encoder.window = 14
    workshop.write(
        "big.md", *(f"Article {n} says {n * 31} things about matter {n * 17} in year {n}." for n in range(6000))
    )
    report = workshop.build()
    assert report.chunks >= 6000
