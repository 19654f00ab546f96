"""The conversation in the terminal: in this process with lines that are given, and as a command with its signals."""

import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.chain import Assistant
from assistant.chat import GREETING, Chat
from assistant.conversation import Answer, Question
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from tests.conftest import ROOT

ASKED = "When do roaming fees end?"


class Terminal:
    """Types lines and keeps what is shown."""

    def __init__(self, assistant: Assistant, database: Path | str) -> None:
        self.history = History(database)
        self.asked: list[Question] = []
        self.interrupt = False
        self._assistant = assistant
        self._dialogue = Dialogue(self.answer, self.history)

    def answer(self, question: Question) -> Answer:
        self.asked.append(question)
        if self.interrupt:
            raise KeyboardInterrupt
        return self._assistant.answer(question)

    def type(self, *lines: str | Callable[[], object]) -> tuple[str, str]:
        """What a new chat shows and warns of, for these lines and then the end of input; what is no line happens
        between them."""
        shown, warned, given = list[str](), list[str](), iter(lines)

        def read() -> str:
            for line in given:
                if isinstance(line, str):
                    return line
                line()
            raise EOFError

        Chat(self.answer, self._dialogue, shown.append, warned.append).run(read)
        assert shown[0] == GREETING
        return "\n".join(shown[1:]), "\n".join(warned)


@pytest.fixture
def terminal(small: Assistant, tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(small, tmp_path / "conversations.sqlite")
    with contextlib.closing(made.history):
        yield made


def test_a_follow_up_knows_what_was_said(terminal: Terminal) -> None:
    shown, warned = terminal.type(ASKED, "", "  ", "And in Minsk?")
    assert shown.count("confidence") == 2 and not warned
    assert [t.role for t in terminal.asked[1].history] == ["user", "assistant"] and not terminal.asked[0].history
    assert [c.length for c in terminal.history.list("local").found] == [2]


def test_new_list_and_open(terminal: Terminal) -> None:
    shown, _ = terminal.type(
        "/list", ASKED, "/new", "Who pays for roaming?", "/list", "/open 2", "/list", "And in Minsk?"
    )
    assert "no conversations yet" in shown
    assert terminal.asked[2].history[0].text == ASKED
    first, last = [line for line in shown.splitlines() if "  Who pays for roaming?" in line]
    assert first.startswith("*  1") and last.startswith("   1")
    assert f"\n> {ASKED}\n" in shown
    assert [c.title for c in terminal.history.list("local").found] == [ASKED, "Who pays for roaming?"]
    terminal.type("/open 1", "And then?")  # another process goes on with it
    assert [t.text for t in terminal.asked[3].history][::2] == [ASKED, "And in Minsk?"]


@pytest.mark.parametrize("number", ["", "0", "2", "-1", "x", "²", "9" * 50])
def test_open_wants_a_number_of_the_list(terminal: Terminal, number: str) -> None:
    shown, _ = terminal.type(ASKED, f"/open {number}")
    assert "is not a number of /list" in shown


def test_delete_is_for_good(terminal: Terminal) -> None:
    shown, _ = terminal.type("/delete", ASKED, "/delete", "/delete", "And in Minsk?")
    assert shown.count("no conversation is open") == 2 and "deleted" in shown
    assert terminal.asked[1].history == ()
    assert [c.title for c in terminal.history.list("local").found] == ["And in Minsk?"]


def test_export_writes_a_file_and_never_over_another(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "мой файл.md"
    shown, _ = terminal.type(
        "/export x", ASKED, f"/export {file}", f"/export {file}", "/export", f"/export {tmp_path}/a/b"
    )
    assert shown.count("open a conversation and name a file") == 2
    assert "is there already" in shown and "cannot be written" in shown
    assert "### Sources" in file.read_text("utf-8") and "> Roaming fees" in file.read_text("utf-8")


def test_a_conversation_deleted_elsewhere_is_told(terminal: Terminal) -> None:
    def delete() -> None:
        terminal.history.delete(terminal.history.list("local").found[0].id, "local")

    shown, _ = terminal.type(ASKED, delete, "And in Minsk?", "And in Minsk?", "/list")
    assert "no longer there; your next question begins a new one" in shown
    assert len(terminal.asked) == 2 and "*  1" in shown


def test_help_and_what_is_no_command(terminal: Terminal) -> None:
    shown, _ = terminal.type("/help", "/nothing", "/", "/quit", ASKED)
    assert all(f"\n/{name}" in f"\n{shown}" for name in ("new", "list", "open", "delete", "export", "help", "quit"))
    assert "'/nothing' is no command" in shown and "'/' is no command" in shown
    assert terminal.asked == []


def test_a_bad_question_is_told_and_the_conversation_goes_on(terminal: Terminal) -> None:
    shown, warned = terminal.type("x" * 2001, "a\ud800", ASKED)
    assert "shorten it" in shown and "no text" in shown and "Roaming fees" in shown and not warned


def test_ctrl_c_stops_an_answer_and_leaves_nothing_of_it(terminal: Terminal) -> None:
    terminal.interrupt = True
    shown, _ = terminal.type(ASKED, lambda: setattr(terminal, "interrupt", False), "Who pays for roaming?")
    assert shown.startswith("stopped\n")
    assert [c.title for c in terminal.history.list("local").found] == ["Who pays for roaming?"]


def test_without_its_database_it_answers_remembers_and_says_so(small: Assistant) -> None:
    terminal = Terminal(small, "sqlite:////dev/null/none/c.sqlite")
    with contextlib.closing(terminal.history):
        shown, warned = terminal.type(ASKED, "And in Minsk?", "/list", "/open 1")
    assert shown.count("confidence") == 2 and terminal.asked[1].history[0].text == ASKED
    assert [line.partition(":")[0] for line in warned.splitlines()[:2]] == ["this answer is not kept"] * 2
    assert len(warned.splitlines()) == 4 and "cannot be opened" in warned


@pytest.fixture
def command(settings: AssistantSettings) -> Iterator[subprocess.Popen[bytes]]:
    """The command, typing into a terminal, at its first prompt. Its standard input is `stdin`."""
    ours, theirs = pty.openpty()
    place = {"ASSISTANT_SOURCES": str(settings.sources[0]), "ASSISTANT_DATA": str(settings.data)}
    with os.fdopen(ours, "wb", buffering=0) as keyboard:
        process = subprocess.Popen([sys.executable, "-m", "assistant", "chat"], cwd=ROOT, env=os.environ | place,
                                   stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
        os.close(theirs)
        process.stdin = keyboard
        assert process.stdout is not None and process.stderr is not None
        with process.stdout, process.stderr:
            try:
                assert GREETING in process.stdout.readline().decode()
                yield process
            finally:
                process.kill()
                process.wait()


@pytest.mark.parametrize("end", ["ctrl-d", "ctrl-c", "/quit"])
def test_every_way_out_is_clean(command: subprocess.Popen[bytes], end: str) -> None:
    assert command.stdin is not None and command.stdout is not None and command.stderr is not None
    if end == "ctrl-c":
        time.sleep(1)  # until it reads
        command.send_signal(signal.SIGINT)
    else:
        command.stdin.write(b"\x04" if end == "ctrl-d" else b"/quit\n")
    assert command.wait(timeout=20) == 0
    assert command.stderr.read() == b""
