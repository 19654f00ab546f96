"""What was encoded for a build that was stopped is not encoded again."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from index.batches import SIZE, Batches, InTurn
from index.ports import Vectors
from tests.conftest import Workshop
from tests.fakes import WordEncoder

TEXTS = [f"Remark {n} of the committee" for n in range(3 * SIZE + 5)]


class Interrupted(WordEncoder):
    """Is stopped, as by Ctrl-C, once it has encoded two full batches."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.encoded >= 2 * SIZE:
            raise KeyboardInterrupt
        return super().encode(texts)


def encoded(encoder: WordEncoder, folder: Path) -> Vectors:
    vectors = np.full((len(TEXTS), encoder.dimension), np.nan, np.float32)
    for part, found in Batches(InTurn((encoder,)), folder, lambda *_: None).encode(encoder, TEXTS, "embedding"):
        vectors[part] = found
    return vectors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two finished batches of four."""
    with pytest.raises(KeyboardInterrupt):
        encoded(Interrupted(), tmp_path / "encoded")
    assert len(list((tmp_path / "encoded").iterdir())) == 2
    return tmp_path / "encoded"


def test_finished_batches_are_taken_over(folder: Path) -> None:
    encoder = WordEncoder()
    assert np.array_equal(encoded(encoder, folder), WordEncoder().encode(TEXTS))
    assert encoder.encoded == len(TEXTS) - 2 * SIZE


def test_those_of_another_encoder_are_not(folder: Path) -> None:
    encoder = WordEncoder("others")
    encoded(encoder, folder)
    assert encoder.encoded == len(TEXTS)


@pytest.mark.parametrize("damaged", [b"", b"short", None])
def test_a_damaged_one_is_encoded_again(folder: Path, damaged: bytes | None) -> None:
    path = next(folder.iterdir())
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if damaged is None else damaged)
    encoder = WordEncoder()
    assert np.array_equal(encoded(encoder, folder), WordEncoder().encode(TEXTS))
    assert encoder.encoded == len(TEXTS) - SIZE and path.read_bytes() == whole


def test_a_finished_build_leaves_none(workshop: Workshop) -> None:
    workshop.write("a.md", *TEXTS[:300])
    workshop.encoder = Interrupted()
    workshop.encoder.encoded = SIZE
    with pytest.raises(KeyboardInterrupt):
        workshop.build()
    assert len(list((workshop.data / "encoded").iterdir())) == 2, "one of passages, one of sentences"
    workshop.encoder = WordEncoder()
    assert workshop.build().switched and not (workshop.data / "encoded").exists()
