"""Documents of every kind, whole and broken, as strangers send them."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from index.documents import Document, Skipped
from index.errors import UnreadableSource
from index.load import Loader, find


def load(path: Path) -> Document:
    with Loader((path.parent,)) as loader:
        return loader.load(path)


def reason(path: Path) -> str:
    with pytest.raises(UnreadableSource) as error:
        load(path)
    return str(error.value)


def pdf(path: Path, *pages: str) -> Path:
    """A PDF whose pages show one line each."""
    writer = PdfWriter()
    font = DictionaryObject(
        {NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
         NameObject("/BaseFont"): NameObject("/Helvetica")}
    )  # fmt: skip
    for text in pages:
        page = writer.add_blank_page(600, 400)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): writer._add_object(font)})}
        )
        content = DecodedStreamObject()
        content.set_data(f"BT /F1 12 Tf 50 300 Td ({text}) Tj ET".encode("latin-1"))
        page[NameObject("/Contents")] = writer._add_object(content)
    writer.write(str(path))
    return path


def word(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("A heading", 1)
    paragraph = document.add_paragraph("A visible sentence.")
    paragraph.add_run(" A hidden one.").font.hidden = True
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Exports", "41.1 %"
    document.save(str(path))
    return path


def test_markdown_loses_its_marks_and_keeps_its_headings(tmp_path: Path) -> None:
    path = tmp_path / "note.md"
    path.write_text(
        '+++\ntitle = "T"\npublished = 2021-12-01\n+++\n# One\nA **bold** [word](u) `code`.\n\n- item one\n',
        "utf-8",
    )
    document = load(path)
    assert document.text == "A bold word code.\n\nitem one"
    assert document.about.title == "T" and document.about.published == "2021-12-01"
    assert [b.heading for b in document.blocks] == ["One", "One"]


def test_text_takes_title_and_headings_from_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "plain.txt"
    long = "Belarus and Russia signed a treaty on the eighth of December in the year 1999 and amended it later on. " * 2
    path.write_text(f"The title\n{long}\nA heading here\n{long}\n", "utf-8")
    document = load(path)
    assert document.about.title == "The title"
    assert [b.heading for b in document.blocks] == [None, None, "A heading here", "A heading here"]


def test_hand_wrapped_lines_are_one_paragraph(tmp_path: Path) -> None:
    path = tmp_path / "wrapped.txt"
    path.write_text(
        "Title\n\nThis sentence goes on over the end of its first line and\nstops on the second.\n\nNext.", "utf-8"
    )
    assert "first line and stops on the second." in load(path).text


def test_html_keeps_what_a_reader_sees(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<title>T</title><body><h2>H</h2><p>Seen <b>words</b>.<script>bad()</script></p>"
                    "<p style='display:none'>hidden</p><nav>menu</nav><p>More.</p>", "utf-8")  # fmt: skip
    document = load(path)
    assert document.text == "Seen words.\n\nMore." and document.about.title == "T"
    assert document.blocks[0].heading == "H"


def test_pdf_keeps_its_pages(tmp_path: Path) -> None:
    document = load(pdf(tmp_path / "a.pdf", "First page here.", "Second page here."))
    assert [(document.text[b.start : b.end], b.page) for b in document.blocks] == [
        ("First page here.", 1),
        ("Second page here.", 2),
    ]


def test_word_keeps_headings_and_tables_and_drops_hidden_text(tmp_path: Path) -> None:
    document = load(word(tmp_path / "a.docx"))
    assert document.text == "A visible sentence.\n\nExports | 41.1 %"
    assert document.blocks[0].heading == "A heading"


def test_metadata_may_stand_beside_a_file_or_in_the_catalog(tmp_path: Path) -> None:
    beside, listed = pdf(tmp_path / "a.pdf", "Text of a page."), pdf(tmp_path / "b.pdf", "Text of b page.")
    (tmp_path / "a.pdf.toml").write_text('id = "beside"\nkind = "treaty"\npublished = "2021-09"\n', "utf-8")
    (tmp_path / "catalog.toml").write_text('[[document]]\nfile = "b.pdf"\nid = "listed"\nholder = "H"\n', "utf-8")
    assert (load(beside).id, load(beside).about.published, load(beside).about.kind) == ("beside", "2021-09", "treaty")
    assert (load(listed).id, load(listed).about.holder) == ("listed", "H")


def test_a_file_without_metadata_is_told_from_itself(tmp_path: Path) -> None:
    path = tmp_path / "bare.txt"
    path.write_text("Заголовок\n\nТекст на русском языке о союзе.\n", "utf-8")
    about = load(path).about
    assert (about.title, about.language, about.published, about.kind) == ("Заголовок", "ru", None, "unknown")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1251"])
def test_reads_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    text = "Договор о создании Союзного государства подписан в Москве восьмого декабря 1999 года."
    path.write_bytes(text.encode(encoding))
    assert load(path).text == text


def test_invisible_characters_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("Union\u200b State\u00ad of\u202e two\u00a0peoples \U000e0041now.", "utf-8")
    assert load(path).text == "Union State of two peoples now."


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.txt", b"", "no text"),
        ("bom.txt", b"\xef\xbb\xbf", "no text"),
        ("blank.md", b" \n\n ", "no text"),
        ("script.html", b"<script>x()</script>", "no text"),
        ("program.pdf", b"MZ\x90\x00" * 20, "named .pdf but its content is a Windows program"),
        ("page.txt", b"<!DOCTYPE html><html><body>x</body></html>", "named .txt but its content is HTML"),
        ("archive.docx", b"not a zip", "named .docx but its content is not ZIP"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj <<", "damaged PDF"),
        ("bad.md", b'+++\ntitle = "unclosed\n+++\ntext here', "front matter is not valid TOML"),
        ("date.md", b'+++\npublished = "yesterday"\n+++\ntext here', "published must be a date"),
        ("kind.md", b'+++\nkind = "rumour"\n+++\ntext here', "kind 'rumour' is not one of"),
        ("link.md", b'+++\nurl = "javascript:alert(1)"\n+++\ntext here', "is not an http or https address"),
    ],
)
def test_a_broken_file_says_why(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert why in reason(path)


def archive(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return path


def test_a_zip_bomb_is_refused_before_it_inflates(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.docx", {"word/document.xml": b"0" * (150 << 20)})
    assert path.stat().st_size < 1 << 20
    assert "inflates beyond" in reason(path)


def test_other_zips_and_doctypes_are_refused(tmp_path: Path) -> None:
    assert "another kind of ZIP" in reason(archive(tmp_path / "a.docx", {"readme.txt": b"hello"}))
    entity = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    assert "DOCTYPE" in reason(archive(tmp_path / "b.docx", {"word/document.xml": entity}))


def test_a_parser_that_hangs_is_replaced(tmp_path: Path) -> None:
    fine = tmp_path / "fine.txt"
    fine.write_text("A fine sentence here.", "utf-8")
    with Loader((tmp_path,), wall_seconds=0.0) as loader:
        with pytest.raises(UnreadableSource, match="took too long"):
            loader.load(fine)
        loader._wall_seconds = 30
        assert loader.load(fine).text == "A fine sentence here."


def test_finding_never_leaves_the_folder(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    (inside / "link.txt").symlink_to(tmp_path / "secret.txt")
    (inside / "image.png").write_bytes(b"x")
    (inside / ".hidden.txt").write_text("hidden", "utf-8")
    (inside / "new\nline.txt").write_text("A sentence in an odd file.", "utf-8")
    found = list(find((inside,)))
    skipped = {s.path.rpartition("/")[2]: s for s in found if isinstance(s, Skipped)}
    assert [p.name for p in found if isinstance(p, Path)] == ["new\nline.txt"]
    assert "links are not followed" in skipped["link.txt"].reason and not skipped["image.png"].broken
    assert io.StringIO(skipped["link.txt"].path).read().isprintable()
