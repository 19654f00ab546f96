"""A conversation in the terminal: questions, and commands that begin with a slash. Knows no terminal itself."""

import datetime
import uuid
from collections.abc import Callable
from pathlib import Path

from assistant.conversation import Answer, BadQuestion, Language, Question
from assistant.dialogue import Dialogue
from assistant.exchanges import LOCAL, Conversation, NotFound, trim
from assistant.export import conversation_markdown
from assistant.history import DatabaseFailed
from assistant.render import to_json, to_text

GREETING = "Ask about the Union State of Russia and Belarus. /help lists the commands, /quit ends."
HELP = """/new           begin another conversation
/list          your conversations, the last changed first
/open N        go on with number N of that list
/delete        delete this conversation for good
/export FILE   write this conversation to FILE as Markdown, with its sources
/help          this list
/quit          end; so does Ctrl-D"""
_LISTED, _SHOWN = 20, 3


class Chat:
    """The conversation at hand. `say` shows text, `warn` one line of what went wrong; `as_of` and `language` go with
    every question."""

    def __init__(
        self,
        answer: Callable[[Question], Answer],
        dialogue: Dialogue,
        say: Callable[[str], None],
        warn: Callable[[str], None],
        as_of: datetime.date | None = None,
        language: Language | None = None,
    ) -> None:
        self._answer, self._dialogue, self._history = answer, dialogue, dialogue.history
        self._say, self._warn, self._as_of, self._language = say, warn, as_of, language
        self._conversation: str | None = None
        self._listed: tuple[Conversation, ...] = ()
        self._pairs: list[tuple[str, str]] = []  # stand in for a history that cannot be read
        self._commands: dict[str, Callable[[str], None]] = {
            "/new": self._new,
            "/list": self._list,
            "/open": self._open,
            "/delete": self._delete,
            "/export": self._export,
            "/help": lambda _: self._say(HELP),
        }

    def run(self, read: Callable[[], str]) -> None:
        """Serve the lines that `read` gives, until it raises EOFError or a line is /quit. Ctrl-C stops an answer, and
        ends where there is none. Raises what answering raises."""
        self._say(GREETING)
        while True:
            try:
                line = read().strip()
            except (EOFError, KeyboardInterrupt):
                self._say("")
                return
            if line == "/quit":
                return
            try:
                self._serve(line)
            except KeyboardInterrupt:
                self._say("stopped")

    def _serve(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        try:
            if not line.startswith("/"):
                if line:
                    self._ask(line)
            elif name in self._commands:
                self._commands[name](rest.strip())
            else:
                self._say(f"{name!r} is no command; /help lists them")
        except BadQuestion as error:
            self._say(str(error))
        except NotFound:
            self._conversation = None
            self._say("this conversation is no longer there; your next question begins a new one")
        except DatabaseFailed as error:
            self._warn(str(error))

    def _ask(self, text: str) -> None:
        question = Question(text, (), self._as_of, self._language)
        opening = self._dialogue.open(LOCAL, self._conversation, question, uuid.uuid4().hex, trim(self._pairs))
        answered = False
        try:
            answer = self._answer(opening.question)
            answered = True
        finally:
            if not answered:
                self._dialogue.abandon(opening)
        reply = self._dialogue.keep(opening, to_json(answer))
        self._conversation = reply.conversation
        self._pairs.append((text, answer.text))
        self._say(to_text(to_json(answer)))
        if reply.trouble:
            self._warn(f"this answer is not kept: {reply.trouble}")

    def _new(self, _: str) -> None:
        self._conversation, self._pairs = None, []
        self._say("your next question begins a new conversation")

    def _list(self, _: str) -> None:
        page = self._history.list(LOCAL, _LISTED)
        self._listed = page.found
        for number, found in enumerate(page.found, 1):
            here = "*" if found.id == self._conversation else " "
            self._say(f"{here}{number:3}  {found.changed.astimezone():%Y-%m-%d %H:%M}  {found.title}")
        if not page.found:
            self._say("there are no conversations yet")

    def _open(self, number: str) -> None:
        self._listed = self._listed or self._history.list(LOCAL, _LISTED).found
        if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= len(self._listed)):
            raise BadQuestion(f"{number!r} is not a number of /list; type for example: /open 1")
        reading = self._history.get(self._listed[int(number) - 1].id, LOCAL)
        self._conversation = reading.conversation.id
        self._pairs = [(e.question, str(e.answer["text"])) for e in reading.exchanges]
        self._say(reading.conversation.title)
        for question, answer in self._pairs[-_SHOWN:]:
            self._say(f"\n> {question}\n{answer}")

    def _delete(self, _: str) -> None:
        if self._conversation is None:
            raise BadQuestion("no conversation is open; /open N opens one of /list")
        self._dialogue.delete(LOCAL, self._conversation)
        self._conversation, self._listed, self._pairs = None, (), []
        self._say("deleted")

    def _export(self, name: str) -> None:
        if self._conversation is None or not name:
            raise BadQuestion("open a conversation and name a file, for example: /export answers.md")
        found = self._history.get(self._conversation, LOCAL, 1).conversation
        text = conversation_markdown(found, self._history.exchanges(found.id, LOCAL))
        try:
            with Path(name).expanduser().open("x", encoding="utf-8") as file:  # never over another file
                file.write(text)
        except FileExistsError:
            raise BadQuestion(f"{name} is there already; name another file") from None
        except (OSError, ValueError, RuntimeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file name"
            raise BadQuestion(f"{name!r} cannot be written ({reason}); name another file") from error
        self._say(f"written: {name}")
