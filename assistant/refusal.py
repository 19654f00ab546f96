"""What the assistant says when the sources do not: in the asker's language, what it looked for and what is near."""

from collections.abc import Sequence

from assistant.conversation import Language, Reason
from assistant.evidence import Evidence

_SAY: dict[Language, dict[Reason, str]] = {
    "en": {
        "not_in_sources": "The sources do not say. I looked for: {question}",
        "off_topic": "That is outside what I cover: the Union State of Russia and Belarus. I looked for: {question}",
        "false_premise": "The sources do not bear out what the question takes for granted: {question}",
        "unverified": "The sources touch on this, but no sentence could be proven. I looked for: {question}",
    },
    "ru": {
        "not_in_sources": "В источниках ответа нет. Я искал: {question}",
        "off_topic": "Это вне моей темы — Союзного государства России и Белоруссии. Я искал: {question}",
        "false_premise": "Источники не подтверждают того, из чего исходит вопрос: {question}",
        "unverified": "В источниках есть близкое, но ничего не удалось доказать. Я искал: {question}",
    },
    "be": {
        "not_in_sources": "У крыніцах адказу няма. Я шукаў: {question}",
        "off_topic": "Гэта па-за маёй тэмай — Саюзнай дзяржавай Расіі і Беларусі. Я шукаў: {question}",
        "false_premise": "Крыніцы не пацвярджаюць таго, з чаго зыходзіць пытанне: {question}",
        "unverified": "У крыніцах ёсць блізкае, але нічога не ўдалося даказаць. Я шукаў: {question}",
    },
}
_NEAR: dict[Language, str] = {
    "en": "The nearest sources are about: {titles}",
    "ru": "Ближайшие источники: {titles}",
    "be": "Найбліжэйшыя крыніцы: {titles}",
}
_NONE: dict[Language, str] = {
    "en": "There is no source near it.",
    "ru": "Близких источников нет.",
    "be": "Блізкіх крыніц няма.",
}
_UNDATED: dict[Language, str] = {"en": "undated", "ru": "без даты", "be": "без даты"}
_SHOWN = 200


def say(reason: Reason, question: str, near: Sequence[Evidence], language: Language) -> str:
    """The refusal's text. It quotes no source and carries no marker."""
    shown = question.strip().replace("[", "(").replace("]", ")")
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN].rstrip() + "…"
    abouts = list(dict.fromkeys(e.passage.about for e in near[:5]))[:3]
    titles = "; ".join(f"«{a.title}» ({a.publisher}, {a.published or _UNDATED[language]})" for a in abouts)
    titles = titles.replace("[", "(").replace("]", ")")
    second = _NEAR[language].format(titles=titles) if titles and reason != "off_topic" else _NONE[language]
    first = _SAY[language][reason].format(question=shown)
    first = first if first.endswith((".", "?", "!", "…")) else first + "."
    return f"{first} {second}" if second.endswith((".", "!", "?")) else f"{first} {second}."
