"""Who stands behind a sentence and how firmly: fact, claim, forecast or opinion. Pure; English, Russian, Belarusian."""

import re

from assistant.conversation import Stance
from index.documents import About

_OPINION = re.compile(
    r"\b(probably|in (?:his|her|their|its|\w+'s) (?:view|opinion|reading)|believes?|thinks?|should|judges?|"
    r"считает|полагает|по (?:мнению|словам оценк\w+)|лічыць|на думку|мяркуе)\b",
    re.IGNORECASE,
)
_FORECAST = re.compile(
    r"\b(will (?:\w+ )?likely|likely (?:to|will)|is expected to|expects?|forecasts?|will|could|may|might|"
    r"ожида\w+|прогноз\w*|вероятно|будет|будут|чака\w+|верагодна|будзе|будуць)\b",
    re.IGNORECASE,
)
_CLAIM = re.compile(
    r"\b(said|says|claim(?:ed|s)?|according to|assert\w*|stat(?:ed|es)|announced|declared|alleg\w+|reported(?:ly)?|"
    r"not(?:ed|es)|added|told|called|describ\w+|conclud\w+|warn\w+|argu\w+|assured|conceded|"
    r"заяви\w+|сказа\w+|сообщи\w+|по словам|согласно|утвержда\w+|отмети\w+|назва\w+|"
    r"заяві\w+|паведамі\w+|паводле|сцвярджа\w+|адзначы\w+)\b",
    re.IGNORECASE,
)


def stance(text: str) -> Stance:
    """How the sentence puts what it says.

    >>> stance("Lukashenko claimed that 80% was done."), stance("The treaty was signed in 1999.")
    ('claim', 'fact')
    """
    if _CLAIM.search(text):
        return "claim"
    if _OPINION.search(text):
        return "opinion"
    return "forecast" if _FORECAST.search(text) else "fact"


def holder(text: str, about: About) -> str | None:
    """Whose statement the sentence is, as far as its source tells; None for facts of treaties and reference works."""
    if stance(text) == "fact" and about.kind in ("treaty", "official", "news", "reference", "unknown"):
        return None
    return about.holder
