from hypothesis import given
from hypothesis import strategies as st

from index.chunk import chunk, contextual
from index.documents import About, Block, Document

ABOUT = About("A title", "A publisher", None, "2021-01-01", None, "en", "news", "A publisher", None, "original")


def document(*paragraphs: str, headings: tuple[str | None, ...] = ()) -> Document:
    blocks, position = [], 0
    for number, paragraph in enumerate(paragraphs):
        blocks.append(Block(position, position + len(paragraph), headings[number] if headings else None, None))
        position += len(paragraph) + 2
    return Document("d", "\n\n".join(paragraphs), "digest", tuple(blocks), ABOUT)


def words(text: str) -> int:
    return len(text.split())


def test_packs_whole_sentences_until_the_window_is_full() -> None:
    chunks = chunk(document("One two three. Four five six. Seven eight nine."), words, 8)
    assert [c.text for c in chunks] == ["One two three. Four five six.", "Seven eight nine."]


def test_never_crosses_a_heading() -> None:
    chunks = chunk(document("One two.", "Three four.", headings=("A", "B")), words, 50)
    assert [(c.heading, c.text) for c in chunks] == [("A", "One two."), ("B", "Three four.")]


def test_ids_depend_on_content_alone() -> None:
    before = {c.text: c.id for c in chunk(document("One two.", "Three four.", headings=("A", "B")), words, 50)}
    after = {c.text: c.id for c in chunk(document("New words.", "Three four.", headings=("A", "B")), words, 50)}
    assert before["Three four."] == after["Three four."]


def test_repeated_text_gets_ids_of_its_own() -> None:
    chunks = chunk(document(*["Same words here."] * 3, headings=("A", "B", "A")), words, 50)
    assert len({c.id for c in chunks}) == 3


@given(st.lists(st.text(alphabet="ab .!?\u0416", min_size=1, max_size=80), min_size=1, max_size=6), st.integers(12, 60))
def test_fits_the_window_and_loses_nothing(paragraphs: list[str], window: int) -> None:
    doc = document(*paragraphs)
    chunks = chunk(doc, len, window + len(contextual(ABOUT, None, "")))
    assert all(len(contextual(ABOUT, c.heading, c.text)) <= window + len(contextual(ABOUT, None, "")) for c in chunks)
    assert all(doc.text[c.start : c.end] == c.text for c in chunks)
    assert "".join("".join(c.text for c in chunks).split()) == "".join(doc.text.split())
