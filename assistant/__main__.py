"""python -m assistant: ask, chat, serve, slack, mcp, doctor, backup, restore, move. What is typed; what is done stands
in commands.py, which loads in seconds and therefore only when it is needed."""

import argparse
import datetime
import json
import logging
import sys
from pathlib import Path

from assistant import logs, served
from assistant.conversation import LANGUAGES, BadQuestion, Question, day
from assistant.render import to_text
from assistant.settings import AssistantSettings
from index.errors import ConfigurationError, IndexingError
from index.settings import read

_EXAMPLES = """examples:
  python -m assistant ask "How do Minsk and Moscow define the Union State?"
  python -m assistant ask "Who is the state secretary?" --as-of 2022-01-01 --json
  python -m assistant chat
  python -m assistant serve
"""
_MCP = """Speaks the Model Context Protocol on standard input and output, for a program that starts it and asks: an
editor, a desktop assistant, an agent. Tools: ask, search, get_source; they only read. Logs go to standard error.

Programs are told of it like this, in their list of servers (here with the paths of this installation):

CONFIGURATION

Others reach the same tools over HTTP, while `python -m assistant serve` runs: http://127.0.0.1:8000/mcp
"""


def _mcp_help() -> str:
    started = {"command": sys.executable, "args": ["-m", "assistant", "mcp"],
               "env": {"ASSISTANT_DATA": str(Path(".data").absolute())}}  # fmt: skip
    configuration = json.dumps({"mcpServers": {"union-state": started}}, indent=2, ensure_ascii=False)
    return _MCP.replace("CONFIGURATION", configuration)


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main_parser = argparse.ArgumentParser(
        prog="python -m assistant",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Answers about the Union State of Russia and Belarus, with proven quotes.",
    )
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=name)
        return sub

    for sub in (
        asking := command("ask", "one answer with its sources"),
        command("chat", "a conversation in the terminal"),
    ):
        sub.add_argument("--model", help="answer with this model instead of ASSISTANT_MODEL")
        sub.add_argument("--as-of", type=_date, metavar="DATE", help="use only what was published up to YYYY-MM-DD")
        sub.add_argument("--language", choices=LANGUAGES, help="language of the answer (default: the question's)")
    asking.add_argument("question", nargs="?")
    asking.add_argument("--json", action="store_true", help="print the Answer object")
    asking.add_argument("--jsonl", action="store_true", help="read a JSON question a line, write a JSON answer a line")
    again = command("replay", "answer a recorded question again and say whether the bytes are equal")
    again.add_argument("trace", help="the trace of an answer, as its JSON names it")
    again.set_defaults(as_of=None, language=None)
    serving = command("serve", "the web endpoint")
    serving.add_argument(
        "--log-format", choices=logs.FORMS, help="lines of log (default: text on a terminal, else json)"
    )
    command("slack", "the Slack bot, in Socket Mode")
    tools = command("mcp", "tools for other programs, over the Model Context Protocol")
    tools.description, tools.formatter_class = _mcp_help(), argparse.RawDescriptionHelpFormatter
    check = command("doctor", "check the installation and name what is broken")
    check.add_argument("part", nargs="?", choices=["slack"], help="check this part alone")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.add_argument("--settings", action="store_true", help="print the reference of all settings, as Markdown")
    saving = command("backup", "save the index, the conversations and the records of answers as one archive")
    putting = command("restore", "put an archive of `backup` in place of the data folder")
    putting.add_argument("--force", action="store_true", help="keep a data folder that is not empty aside")
    for sub in (saving, putting):
        sub.add_argument("file", type=Path, help="the archive")
    moving = command("move", "copy all conversations into another, empty database, as from SQLite to PostgreSQL")
    moving.add_argument("url", help="its URL as for ASSISTANT_DATABASE_URL; a password is better left to PGPASSWORD")
    moving.add_argument("--dry-run", action="store_true", help="say what would be copied, and change nothing")
    command("key", "make an API key").add_argument("name", help="whose key it is")
    return main_parser


def _date(text: str) -> datetime.date:
    try:
        return day(text)
    except BadQuestion as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(settings: AssistantSettings, options: argparse.Namespace) -> int:
    if options.command == "ask" and _asked_a_server(settings, options):
        return 0
    from assistant import commands

    code: int = getattr(commands, options.command)(settings, options)
    return code


def _asked_a_server(settings: AssistantSettings, options: argparse.Namespace) -> bool:
    """Whether a running server gave the answer and it is printed. Raises BadQuestion."""
    if options.jsonl == (options.question is not None):
        raise BadQuestion("give either a question or --jsonl with questions on standard input")
    if options.jsonl:
        return False
    answer = served.ask(settings, Question(options.question, (), options.as_of, options.language))
    if answer is not None:
        print(json.dumps(answer, ensure_ascii=False) if options.json else to_text(answer))
    return answer is not None


def main() -> int:
    """Run one command; its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    options = parser().parse_args()
    try:
        settings = read(AssistantSettings)
        if getattr(options, "model", None):
            settings = settings.model_copy(update={"model": options.model})
        code = _run(settings, options)
    except BadQuestion as error:
        print(error, file=sys.stderr)
        code = 2
    except (ConfigurationError, IndexingError) as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    return code


if __name__ == "__main__":
    sys.exit(main())
