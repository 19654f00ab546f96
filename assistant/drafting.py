"""What a chat model is asked, and the sentences it proposes, read piece by piece. Pure; nothing in them is trusted yet.

Passages carry keys that only this request knows and stand between fences nobody can guess, so a document can neither
cite for another nor end its own quotation. Numbers are given out when an answer is rendered, not here.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import prompts
from assistant.conversation import MAX_QUESTION, Language, Question
from assistant.generation import Message
from index.documents import Passage
from index.sentences import split

MOST_PASSAGES, MOST_SENTENCES, MOST_TURNS = 6, 6, 6
_NONE = "NO ANSWER"
_KEY_LETTERS, _KEY_LENGTH = "BCDFGHJKLMNPQRSTVWXZ", 3
_MARKER = re.compile(r"\s*\[([^\[\]\n]{1,60})\]")
# A sentence with its markers, once something follows that does not belong to it.
_MARKED = re.compile(
    r"(?P<text>[^\n]*?\S)(?P<keys>(?:\s*\[[^\[\]\n]{1,60}\])+)(?P<stop>[.!?…]*)[ \t]+(?=[^\s\"“«'(\[—–-])"
)
_QUOTED = re.compile(r"[\"“«]([^\"”»\n]{8,})[\"”»]?\s*[.!?…]?\s*$")
# "Yes" and "no" answer the question, which no source was asked; what follows them is proven.
_YES = re.compile(r"^(?:yes|no|да|нет|так|не)\s*(?:[,.!:]|\s[—–-]\s)\s*(?=\S)", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•–—>#]+\s+|\(?\d{1,2}[.)]\s+|(?:answer|ответ|адказ)\s*:\s*)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent, and which passage each key stands for. `seed` makes keys and fence: hexadecimal, new each time."""

    messages: tuple[Message, ...]
    passages: dict[str, Passage]
    seed: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A sentence of the model, the passages it cites, and the words it says it quotes; None where it quotes none."""

    text: str
    passages: tuple[Passage, ...]
    quote: str | None


def request(question: str, passages: Sequence[Passage], language: Language, seed: str) -> Request:
    """The question with its best passages, each under a key, after an example of the form."""
    words, keyed = prompts.load("answer"), dict(zip(_keys(seed), passages[:MOST_PASSAGES], strict=False))
    told = "\n\n".join(
        words["passage"].fill(key=key, source=_source(p), text=" ".join(p.chunk.text.split()))
        for key, p in keyed.items()
    )
    system = words["system"].fill(language=words[language].fill(), most=str(MOST_SENTENCES), none=_NONE)
    shown = words["user"].fill(
        fence=_fence("0" * 12), passages=words["example_passages"].fill(),
        question=words[f"example_question_{language}"].fill(),
    )  # fmt: skip
    user = words["user"].fill(fence=_fence(seed), passages=told, question=question)
    example = Message("user", shown), Message("assistant", words[f"example_answer_{language}"].fill())
    return Request((Message("system", system), *example, Message("user", user)), keyed, seed)


def _fence(seed: str) -> str:
    return f"=== {seed[:12]} ==="


def _source(passage: Passage) -> str:
    about = passage.about
    return ", ".join(filter(None, (about.publisher, about.published)))


def _keys(seed: str) -> Iterator[str]:
    """Keys that no text holds by chance, each once."""
    seen = {"KTR", "MBX"}  # those of the example
    for number in range(1000):
        digest = hashlib.sha256(f"{seed}/{number}".encode()).digest()
        key = "".join(_KEY_LETTERS[b % len(_KEY_LETTERS)] for b in digest[:_KEY_LENGTH])
        if key not in seen:
            seen.add(key)
            yield key


@dataclass(slots=True)
class Reader:
    """Reads proposals out of a model's text while it comes: a line each, or marked sentences in one paragraph, or JSON
    objects; a model that marks nothing is taken to cite every passage. `declined` when it says there is no answer."""

    passages: dict[str, Passage]
    declined: bool = False
    _rest: str = ""
    _json: str = ""
    _found: list[Proposal] = field(default_factory=list)

    def feed(self, piece: str) -> list[Proposal]:
        """The proposals that `piece` completes."""
        self._rest += piece
        while "\n" in self._rest:
            line, _, self._rest = self._rest.partition("\n")
            self._line(line)
        while not self._json and (m := _MARKED.match(self._rest)) and not self._rest.lstrip().startswith(("{", "[{")):
            self._add(m["text"] + m["stop"], m["keys"], None)
            self._rest = self._rest[m.end() :]
        return self._taken()

    def end(self, truncated: bool = False) -> list[Proposal]:
        """The proposals that are left when nothing more comes; a `truncated` last sentence without marker is none."""
        if self._rest.strip() and not (truncated and not _MARKER.search(self._rest)):
            self._line(self._rest)
        if self._json:
            self._objects(self._json)
        self._rest = self._json = ""
        return self._taken()

    def _taken(self) -> list[Proposal]:
        found, self._found = self._found, []
        return found

    def _line(self, line: str) -> None:
        plain = line.strip()
        if self._json or plain.startswith(("{", "[{", "```json")) or plain == "[":
            self._json += line + "\n"
            if self._objects(self._json):
                self._json = ""
            return
        while m := _MARKED.match(line):
            self._add(m["text"] + m["stop"], m["keys"], None)
            line = line[m.end() :]
        if plain and not plain.startswith("```"):
            self._last(line)

    def _last(self, line: str) -> None:
        """What stands on a line after its last marked sentence: a sentence, its markers, its quote."""
        quote = _QUOTED.search(line)
        quoted = quote[1] if quote and _MARKER.search(line[: quote.start()]) else None
        text = line[: quote.start()] if quote and quoted else line
        keys = "".join(m[0] for m in _MARKER.finditer(text))
        bare = _MARKER.sub("", text)
        if keys:
            self._add(bare, keys, quoted)
        else:
            for start, end in split(bare):
                self._add(bare[start:end], "", None)

    def _objects(self, text: str) -> bool:
        """Whether `text` is whole JSON; its objects with a sentence are taken."""
        start = min((p for p in (text.find("{"), text.find("[")) if p >= 0), default=-1)
        try:
            found, _ = json.JSONDecoder().raw_decode(text[max(0, start) :])
        except (ValueError, RecursionError):
            return False
        for item in _dicts(found):
            sentence, keys = (
                item.get("sentence", item.get("text")),
                item.get("keys", item.get("passages", item.get("key"))),
            )
            if isinstance(sentence, str):
                named = [keys] if isinstance(keys, str | int) else keys if isinstance(keys, list) else []
                quote = item.get("quote")
                self._add(sentence, "".join(f"[{k}]" for k in named), quote if isinstance(quote, str) else None)
        return True

    def _add(self, text: str, keys: str, quote: str | None) -> None:
        plain = re.sub(r"\*\*|__|`", "", _BULLET.sub("", _MARKER.sub("", text))).strip()
        plain = _YES.sub("", plain)
        plain = plain[:1].upper() + plain[1:]
        if _NONE in plain.upper()[: len(_NONE) + 3]:
            self.declined = True
        elif any(c.isalpha() for c in plain):
            self._found.append(Proposal(plain, self._named(keys), quote))

    def _named(self, keys: str) -> tuple[Passage, ...]:
        """The passages that markers name, by key or by place; all where they name none."""
        places, named = list(self.passages.values()), []
        for marker in _MARKER.findall(keys):
            for word in re.findall(r"\w+", marker):
                if word.upper() in self.passages:
                    named.append(self.passages[word.upper()])
                elif word.isascii() and word.isdigit() and 0 < int(word[:4]) <= len(places):
                    named.append(places[int(word[:4]) - 1])
        return tuple({p.chunk.id: p for p in named}.values()) or tuple(places)


def _dicts(found: object) -> Iterator[dict[str, object]]:
    """The objects in decoded JSON, at most two levels down."""
    items = found if isinstance(found, list) else [found]
    for item in items:
        if isinstance(item, dict):
            inner = (
                [v for v in item.values() if isinstance(v, list)]
                if "sentence" not in item and "text" not in item
                else []
            )
            yield from (i for v in inner for i in v if isinstance(i, dict))
            yield item


def rewriting(question: Question) -> tuple[Message, ...]:
    """What asks a model to make a follow-up stand alone."""
    words = prompts.load("answer")
    turns = [*question.history[-MOST_TURNS:]]
    told = "\n".join(words["turn"].fill(role=t.role, text=t.text[:MAX_QUESTION]) for t in turns)
    last = words["turn"].fill(role="user", text=question.text)
    return Message("system", words["rewrite"].fill()), Message("user", f"{told}\n{last}")


def rewritten(said: str, question: Question) -> str | None:
    """The question as the model rewrote it; None unless its names and numbers all come from the conversation."""
    lines = [line.strip(" \"'«»“”") for line in said.splitlines() if line.strip()]
    known = " ".join((*(t.text for t in question.history), question.text)).casefold()
    new = [w for w in re.findall(r"\w+", lines[0]) if w[0].isdigit() or w[0].isupper()] if len(lines) == 1 else []
    strange = [w for w in new[1:] if w.casefold()[:5] not in known] + [
        w for w in new if w[0].isdigit() and w not in known
    ]
    return lines[0] if len(lines) == 1 and not strange and 0 < len(lines[0]) <= MAX_QUESTION else None
