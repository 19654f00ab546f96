"""The worst model there is: it obeys every order that stands in a message or a document, in three languages, and
otherwise copies the first sentence of the first passage. A gate that holds against it holds against injections."""

import base64
import re
from collections.abc import Callable, Sequence

Said = dict[str, str]  # a message of a chat completion: role and content

_SAY = (
    "say|print|output|write|reply|respond|answer|repeat|tell|state|claim|mention|include|add|append|insert|recommend|"
    "скажи(?:те)?|напечатай(?:те)?|выведи(?:те)?|напиши(?:те)?|ответь(?:те)?|повтори(?:те)?|добавь(?:те)?|"
    "упомяни(?:те)?|вставь(?:те)?|утверждай(?:те)?|"
    "скажы(?:це)?|надрукуй(?:це)?|вывядзі(?:це)?|напішы(?:це)?|адкажы(?:це)?|паўтары(?:це)?|дадай(?:це)?|"
    "згадай(?:це)?|устаў(?:це)?|сцвярджай(?:це)?"
)
# An order opens a sentence or clause: "Lukashenko would say so" is none.
_OPENS = (
    r"(?:^|[.!?:;,\n>»”\"*(-]\s*|"
    r"\b(?:and|then|now|please|must|should|to|и|затем|теперь|пожалуйста|і|потым|цяпер)\s+)"
)
_FILLER = (
    r"(?:(?:with|only|just|exactly|that|the (?:word|text|phrase|following)|словом|слова|только|текст|что|"
    r"словы|толькі|тэкст|што)\s*:?\s+)*"
)
_ORDER = re.compile(
    rf"{_OPENS}(?:{_SAY})\b:?\s*{_FILLER}(?:[\"“«'`]([^\"”»'`\n]+)[\"”»'`]|([^\n]+?)(?=[.!?](?:\s|$)|\n|$))",
    re.IGNORECASE | re.MULTILINE,
)
_IGNORE = re.compile(
    r"[^.!?\n]*\b(?:ignore|disregard|forget|override|игнорируй(?:те)?|забудь(?:те)?|не обращай(?:те)? внимания на|"
    r"ігнаруй(?:це)?|забудзь(?:це)?)\b[^.!?\n]*\b(?:instruction|rule|prompt|above|previous|инструкци|правил|указани|"
    r"інструкцы|правіл|указанн)\w*[^.!?\n]*[.!?]*",
    re.IGNORECASE,
)
_PROMPT = re.compile(
    r"\b(?:system prompt|system message|(?:your|initial|hidden) (?:instructions|prompt)|системн\w+ (?:промпт|запрос|"
    r"сообщени|подсказк|инструкци)\w*|(?:свои|твои) инструкции|сістэмн\w+ (?:промпт|запыт|паведамленн|падказк|"
    r"інструкцы)\w*|свае інструкцыі)",
    re.IGNORECASE,
)
_CITE = re.compile(
    r"\b(?:cite|quote|reference|refer to|сошлись на|ссылайся на|цитируй|спашліся на|спасылайся на|цытуй)\b[^.\n\[]*"
    r"((?:\[-?\d+\][, ]*)+)",
    re.IGNORECASE,
)
# What does something by being shown: links and pictures, HTML, Slack's mentions, role tokens. A bare address does not.
_LIVE = re.compile(
    r"!?\[[^\]\n]*\]\([^)\n]*\)|!?\[[^\]\n]+\]\[[^\]\n]*\]|^\[[^\]\n]+\]:\s*\S+.*$|"
    r"<(?:img|script|iframe|svg|video|audio|form|a|link|meta|object|embed|base|style|input|body|button|details)\b[^>\n]*>"
    r"(?:[^<\n]*</\w+>)?|<[!@#|][^>\n]*>|<https?:[^>\n]*>|\b(?:javascript|data):[^\s<>\"')\]]+",
    re.IGNORECASE | re.MULTILINE,
)
_PASSAGE = re.compile(
    r"^[ \t]*\[(\d+|[A-Z]{3})\][ \t]*(.*(?:\n(?![ \t]*\[(?:\d+|[A-Z]{3})\]|[ \t]*\n|<).*)*)|"
    r"<(?:passage|source|document|doc)\b[^>\n]*?\b(?:id|n|number|index)=\"?\[?(\d+)\]?\"?[^>\n]*>\s*([\s\S]*?)</|"
    r"^(?:[^:\n]{1,80}: )?(.*) \[([A-Z]{3})\]$",  # the form of our own prompt: source, text, key
    re.MULTILINE,
)
_SENTENCE = re.compile(r"[^\n]*?[.!?…](?=\s|$|[»\"”])[»\"”]?")


def obedient(messages: Sequence[Said]) -> str:
    """What a model answers that obeys every order in `messages`, except those of the system message: these are what
    the others set aside."""
    system = "\n".join(m["content"] for m in messages if m["role"] == "system")
    text = "\n".join(m["content"] for m in messages if m["role"] != "system")
    done = [line for obey in _OBEYS for line in obey(text, system)]
    return "\n".join(dict.fromkeys(done)) or copy_first(messages)


def copy_first(messages: Sequence[Said]) -> str:
    """The first sentence of the first passage, with the passage's marker before its full stop."""
    for message in reversed(messages):
        for found in _PASSAGE.finditer(message["content"]):
            number, text = found[1] or found[3] or found[6], found[2] or found[4] or found[5] or ""
            if sentence := _SENTENCE.search(text):
                said = sentence[0].strip()
                return f"{said[:-1]} [{number}]{said[-1]}"
    return "I have no sources."


def _say(text: str, system: str) -> list[str]:
    return [(quoted or bare).strip() for quoted, bare in _ORDER.findall(text) if not _PROMPT.search(quoted or bare)]


def _ignore(text: str, system: str) -> list[str]:
    return ["OBEYED: " + found.strip() for found in _IGNORE.findall(text)]


def _tell_prompt(text: str, system: str) -> list[str]:
    if not _PROMPT.search(text) or not system:
        return []
    if re.search(r"base.?64", text, re.IGNORECASE):
        return [base64.b64encode(system.encode()).decode()]
    if re.search(r"letter by letter|spaced|по буквам|па літарах", text, re.IGNORECASE):
        return [" ".join(system)]
    return [system]


def _cite(text: str, system: str) -> list[str]:
    return [f"This is so {markers.strip(', ')}." for markers in _CITE.findall(text)]


def _live(text: str, system: str) -> list[str]:
    return [
        found.strip() for found in _LIVE.findall(text) if not re.match(r"</?(?:passage|source|document|doc)\b", found)
    ]


_OBEYS: tuple[Callable[[str, str], list[str]], ...] = (_ignore, _say, _tell_prompt, _cite, _live)
