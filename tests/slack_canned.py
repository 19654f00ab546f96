"""An assistant whose answers are made at once, or as late as asked for, and the bot with it in a process of its own.

    python -m tests.slack_canned DATABASE SLACK_URL [SECONDS]

The rest is real: Bolt, the client, the queue, the conversations. Not a test module.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from assistant.chain import Assistant, Shown, Started
from assistant.checking import Checked, Quoted
from assistant.conversation import Answer, Citation, Conflict, Position, Question, Sentence
from assistant.dialogue import Dialogue
from assistant.generation import Cancel
from assistant.history import History
from assistant.slack.bot import Bot, serve
from assistant.slack.settings import SlackSettings
from assistant.terms import language
from assistant.trace import name
from index.documents import About, Chunk, Passage
from tests.slack_fake import APP_TOKEN, BOT_TOKEN, SECRET

LEASE = 5.0


def passage(number: int, text: str, title: str = "Treaty", url: str | None = "https://example.org/treaty") -> Passage:
    """A passage of the document `d<number>`."""
    about = About(
        title, f"Publisher {number}", None, "2021-12-01", url, "en", "news", f"Holder {number}", None, "original"
    )
    return Passage(Chunk(f"c{number}", f"d{number}", 0, len(text), None, None, text), about, 1.0, ("dense",))


def answer(
    asked: Question,
    said: Sequence[str],
    refused: bool = False,
    clash: bool = False,
    title: str = "Treaty",
    url: str | None = "https://example.org/treaty",
    holder: str = "Minsk",
) -> Answer:
    """An answer of these sentences, each with a citation of its own; with `clash` the first two contradict."""
    trace = name(asked, "g1", "canned")
    if refused:
        return Answer(
            asked,
            "en",
            f"The sources do not say: {said[0]}",
            True,
            "not_in_sources",
            (),
            (),
            (),
            0.1,
            (),
            "canned",
            "g1",
            trace,
            0.0,
        )
    citations = tuple(Citation(n, passage(n, s, title, url), s, 0, len(s), None, None) for n, s in enumerate(said, 1))
    sentences = tuple(Sentence(f"{s.rstrip('.')} [{n}].", (n,), holder, "claim") for n, s in enumerate(said, 1))
    sides = tuple(Position(f"{holder} {n}", sentences[n].text, None, (n + 1,)) for n in (0, 1)) if clash else ()
    return Answer(
        asked,
        asked.language or language(asked.text),
        " ".join(s.text for s in sentences),
        False,
        None,
        sentences,
        citations,
        (Conflict(said[0], sides),) if clash else (),
        0.9,
        tuple(c.passage for c in citations),
        "canned",
        "g1",
        trace,
        0.0,
    )


class Canned:
    """Answers with what was asked. `make` makes another answer; `before` is called before each, and may wait or raise;
    `asked` has all questions."""

    def __init__(
        self, make: Callable[[Question], Answer] | None = None, before: Callable[[Question], object] = lambda _: None
    ) -> None:
        self.make = make or (lambda q: answer(q, [f"You asked {q.text.replace('[', '(').replace(']', ')')}"]))
        self.before, self.asked = before, list[Question]()

    def stream(self, question: Question, cancel: Cancel) -> Iterator[Started | Shown | Answer]:
        self.asked.append(question)
        self.before(question)
        made = self.make(question)
        yield Started(made.trace, made.index, made.model)
        for n, sentence in enumerate(made.sentences, 1):
            yield Shown(n, sentence, tuple(c for c in made.citations if c.number in sentence.citations))
        if not cancel.is_set():
            yield made

    def answer(self, question: Question) -> Answer:
        return next(e for e in self.stream(question, Cancel()) if isinstance(e, Answer))

    def check(self, claim: str, most: int) -> tuple[Checked, ...]:
        quoted = Quoted(passage(1, claim), claim, 0, len(claim))
        return (Checked(claim, "contradicted", (quoted,), "1999"), Checked("Other.", "unknown", ()))[:most]

    def sources(self) -> dict[str, About]:
        return {f"d{n}": passage(n, "x").about for n in range(1, 9)}


def bot(assistant: Any, database: str, url: str, **options: Any) -> Bot:
    """A bot with `assistant` on a database of this URL."""
    history = History(database)
    history.open()
    dialogue = Dialogue(assistant.answer, history)
    wishes = {"bot_token": BOT_TOKEN, "signing_secret": SECRET, "api_url": url, "workers": 8}
    names = {n: options.pop(n) for n in list(options) if n in SlackSettings.model_fields}
    return Bot(
        SlackSettings(_env_file=None, **cast(Any, wishes | names)),
        cast(Assistant, assistant),
        dialogue,
        **{"lease": LEASE, "pace": 0.0} | options,
    )


def main() -> None:
    """Run until a signal."""
    database, url, seconds = sys.argv[1], sys.argv[2], float((sys.argv[3:] or ["0"])[0])
    until = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: until.set())
    made = bot(Canned(before=lambda _: time.sleep(seconds)), database, url)
    serve(made, APP_TOKEN, until)


if __name__ == "__main__":
    main()
