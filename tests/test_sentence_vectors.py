"""Sentence vectors are made with the index, so that answers need none made and are the same everywhere."""

import numpy as np

from index.sentence_vectors import SentenceVectors
from tests.conftest import Workshop

FIRST = "The committee deals with customs in the year 1999."
SECOND = "Its second remark concerns roaming charges once more."


def test_a_sentence_of_the_sources_is_not_encoded_again(workshop: Workshop) -> None:
    workshop.write("a.md", FIRST, SECOND)
    workshop.build()
    index, before = workshop.open(), workshop.encoder.encoded
    stored = index.encode([FIRST, SECOND])
    assert workshop.encoder.encoded == before
    assert np.allclose(stored[0][0], workshop.encoder.encode([FIRST])[0], atol=2e-3)  # half precision
    index.encode(["A sentence that no source has."])
    assert workshop.encoder.encoded == before + 2
    index.close()


def test_the_next_build_takes_over_what_has_not_changed(workshop: Workshop) -> None:
    workshop.write("a.md", FIRST)
    workshop.build()
    workshop.write("b.md", SECOND)
    before = workshop.encoder.encoded
    workshop.build()
    assert workshop.encoder.encoded == before + 2  # the new passage and its sentence


def test_a_generation_without_them_still_answers(workshop: Workshop) -> None:
    workshop.write("a.md", FIRST)
    workshop.build()
    bare = SentenceVectors(workshop.data, 1)
    assert len(bare) == 0 and bare.get(FIRST) is None
