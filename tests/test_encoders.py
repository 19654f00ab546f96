"""The packaged encoders."""

import numpy as np
import pytest

from index.encoders import bundled_english


@pytest.mark.slow
def test_one_text_is_encoded_as_the_library_does_bit_by_bit() -> None:
    encoder = bundled_english()
    for text in ("When do roaming fees end?", "", "word " * 400):
        theirs = encoder._model.encode([text], convert_to_tensor=True, normalize_embeddings=True).float().numpy()
        assert np.array_equal(encoder.encode([text]), theirs / np.linalg.norm(theirs, axis=1, keepdims=True))
