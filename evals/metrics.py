"""What is counted about an answer. Pure functions of gold and Answer; each is checked against worked examples."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from evals.stats import wilson

_ALIKE = str.maketrans(
    dict.fromkeys("“”„«»‟", '"')
    | dict.fromkeys("’‘‚ʼ`´", "'")
    | dict.fromkeys("–—‑−‐", "-")
    | {"ё": "е", "\u00ad": None}
)


@lru_cache(maxsize=50_000)
def normal(text: str) -> str:
    """Text made alike for comparison: case, quotes, dashes, white space, ё, spaces inside numbers.

    >>> normal("«Ёлка» – 2 500,5"), normal("2,500 roubles")
    ('"елка" - 2500,5', '2500 roubles')
    """
    folded = unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)
    folded = re.sub(r"\s+", " ", folded).strip()
    return re.sub(r"(?<=\d)[ ,](?=\d{3}(?!\d))", "", folded)


def says(text: str, any_of: Sequence[str]) -> bool:
    """Whether `text` holds one of the wordings: from a word's start, numbers whole, words open at their end.

    >>> says("a confederation of 28 states", ["confeder"]), says("a confederation", ["federation"])
    (True, False)
    >>> says("80% done", ["80%"]), says("of 1280", ["28"]), says("2.28", ["28"])
    (True, False, False)
    """
    return any(_pattern(wording).search(normal(text)) for wording in any_of)


@lru_cache(maxsize=50_000)
def _pattern(wording: str) -> re.Pattern[str]:
    plain = normal(wording)
    before = r"(?<![\d])(?<!\d[.,])" if plain[:1].isdigit() else r"(?<!\w)"
    after = r"(?![.,]?\d)" if plain[-1:].isdigit() else ""
    return re.compile(before + re.escape(plain) + after)


def calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal count. Source: Naeini et al. (2015), Nguyen and O'Connor (2015).

    >>> calibration_error([0.5] * 10, [True] * 5 + [False] * 5, bins=1)
    0.0
    """
    pairs = sorted(zip(confidences, right, strict=True), key=lambda pair: pair[0])
    total = 0.0
    for number in range(bins):
        part = pairs[number * len(pairs) // bins : (number + 1) * len(pairs) // bins]
        if part:
            total += abs(sum(c for c, _ in part) - sum(r for _, r in part))
    return total / len(pairs) if pairs else 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval (Wilson)."""

    name: str
    right: float
    of: float

    @property
    def value(self) -> float:
        """The share; 1 where there was nothing to get wrong."""
        return self.right / self.of if self.of else 1.0

    def json(self) -> dict[str, object]:
        """Name, counts, share and interval."""
        low, high = wilson(self.right, self.of)
        return {"name": self.name, "right": self.right, "of": self.of, "value": round(self.value, 4),
                "interval": [round(low, 4), round(high, 4)]}  # fmt: skip

    def __str__(self) -> str:
        low, high = wilson(self.right, self.of)
        return f"{self.name:42} {self.value:6.3f}  [{low:.3f}, {high:.3f}]  {self.right:g}/{self.of:g}"
