"""The word list joins three languages, and nothing in it is broken."""

from importlib.resources import files

from index.keywords import stem
from index.lexicon import bundled

LINES = files("index").joinpath("lexicon.tsv").read_text("utf-8").splitlines()


def test_every_concept_has_words_in_three_languages_and_an_id_of_its_own() -> None:
    rows = [line.split("\t") for line in LINES]
    assert len(rows) >= 1200 and all(len(r) == 4 and r[1] for r in rows)
    assert len({r[0] for r in rows}) == len(rows)
    assert sum(bool(r[2]) and bool(r[3]) for r in rows) >= 0.99 * len(rows)


def test_words_of_three_languages_share_their_concept() -> None:
    lexicon = bundled()
    trios = (("contribution", "взнос", "унёсак"), ("signed", "подписали", "падпісалі"), ("tax", "налоги", "падаткі"))
    for words in trios:
        shared = set.intersection(*(set(lexicon.concepts(stem(w))) for w in words))
        assert shared, words


def test_belarusian_becomes_readable_to_a_model_of_russian() -> None:
    text = bundled().russian("Калі падпісалі дагавор аб падатках?")
    assert "договор" in text and "і" not in text
