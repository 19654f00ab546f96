from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.sentences import language_of, split


def cut(text: str) -> list[str]:
    return [text[a:b] for a, b in split(text)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["On Feb. 17, Lukashenko met Putin.", "They talked for 3.5 hours."],
        ["The U.S. and St. Petersburg agreed.", "Mr. Putin left, e.g. by car."],
        ["В 1999 г. Минск и Москва подписали договор.", "Тов. Иванов А. С. прибыл в г. Минск."],
        ["Гэта было 5 мая.", "Яна сказала: «Не будзе»."],
        ["He paid 5 mln. rubles.", "Why?", "Nobody knows!"],
        ["It was ''about 80%'' of the programs.", "On Nov. 26, Makei died at the age of 64."],
        ["In 2021 the 28 programmes were approved.", "In 2022 trade grew."],
        ["Пётр 😀 приехал.", "He said “no.”", "Then he left."],
    ],
)
def test_finds_the_borders(sentences: list[str]) -> None:
    assert cut(" ".join(sentences)) == sentences


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=300))
def test_spans_are_in_order_and_cover_all_but_white_space(text: str) -> None:
    spans = split(text)
    assert all(a < b for a, b in spans) and all(x[1] <= y[0] for x, y in pairwise(spans))
    left = "".join(
        text[a:b] for a, b in zip([0, *(b for _, b in spans)], [*(a for a, _ in spans), len(text)], strict=True)
    )
    assert not left.strip()


@pytest.mark.parametrize(
    ("text", "language"),
    [("When was it signed?", "en"), ("Когда подписан договор?", "ru"), ("Калі быў падпісаны дагавор?", "be"),
     ("Дзе ўмова?", "be"), ("1999", "en")],
)  # fmt: skip
def test_tells_the_language_by_its_letters(text: str, language: str) -> None:
    assert language_of(text) == language
