"""What each command of `python -m assistant` does; a command returns its exit code. They print: that is their work.

Not for: what is typed (__main__.py), which runs without this file where a server answers.
"""

import argparse
import asyncio
import contextlib
import hashlib
import io
import json
import logging
import os
import re
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rich.console import Console

from assistant import backup as archives
from assistant import doctor as checks
from assistant import logs, moving, reference
from assistant.chain import Assistant
from assistant.chat import Chat
from assistant.compose import NAME
from assistant.conversation import BadQuestion, Question, Turn, day
from assistant.dialogue import Dialogue
from assistant.history import DatabaseFailed, History, NewerDatabase
from assistant.render import to_json, to_text
from assistant.served import announced
from assistant.settings import COLLECTOR, AssistantSettings
from assistant.slack.settings import read_slack
from assistant.tape import Played
from assistant.trace import changed, same
from assistant.wire import make_assistant, make_dialogue, make_history, make_traces
from index.bars import Bars
from index.errors import ConfigurationError

log = logging.getLogger(__name__)
_Events = Callable[[bytes, Mapping[str, str]], tuple[int, dict[str, str], bytes]]  # see assistant.web.slack_events


def ask(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """One answer, or with --jsonl one a line of standard input."""
    assistant = make_assistant(settings)
    try:
        if options.jsonl:
            return _ask_lines(assistant, options)
        answer = to_json(assistant.answer(Question(options.question, (), options.as_of, options.language)))
        print(json.dumps(answer, ensure_ascii=False) if options.json else to_text(answer))
        return 0
    finally:
        assistant.close()


def _ask_lines(assistant: Assistant, options: argparse.Namespace) -> int:
    """Answers in the order of the questions. A bad line gets its error in its place; the rest goes on."""
    code = 0
    for number, line in enumerate(sys.stdin, 1):
        if not line.strip():
            continue
        identity: Any = None
        try:
            raw = json.loads(line)
            if not isinstance(raw, dict):
                raise BadQuestion("a line must be a JSON object with id and question")
            identity = raw.get("id")
            output = to_json(assistant.answer(_question(raw, options)), identity)
        except (BadQuestion, ValueError) as error:
            code, output = 2, {"id": identity, "error": f"line {number}: {error}"}
            print(f"line {number}: {error}", file=sys.stderr)
        print(json.dumps(output, ensure_ascii=False), flush=True)
    return code


def _question(raw: dict[str, Any], options: argparse.Namespace) -> Question:
    unknown = raw.keys() - {"id", "question", "history", "as_of", "language"}
    if unknown or not isinstance(raw.get("question"), str):
        raise BadQuestion(f"unknown fields {sorted(unknown)}" if unknown else "question must be text")
    history = tuple(_turn(t) for t in _list(raw.get("history")))
    as_of = day(raw["as_of"]) if raw.get("as_of") else options.as_of
    return Question(raw["question"], history, as_of, raw.get("language") or options.language)


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise BadQuestion("history must be a list of messages")
    return value or []


def _turn(raw: Any) -> Turn:
    if (
        not isinstance(raw, dict)
        or raw.get("role") not in ("user", "assistant")
        or not isinstance(raw.get("text"), str)
    ):
        raise BadQuestion('a message of the history must be {"role": "user" or "assistant", "text": "…"}')
    return Turn(raw["role"], raw["text"])


def chat(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """A conversation in the terminal, until /quit or the end of input."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a byte that is no text must not end the conversation
    assistant = make_assistant(settings)
    console = Console(highlight=False, markup=False)
    try:
        with _conversations(settings, assistant) as dialogue:
            talk = Chat(
                assistant.answer, dialogue, lambda text: console.print(text, soft_wrap=True),
                lambda line: print(line, file=sys.stderr), options.as_of, options.language,
            )  # fmt: skip
            talk.run(lambda: console.input("\n> ") if sys.stdin.isatty() else _line())
    finally:
        assistant.close()
    return 0


def _line() -> str:
    """The next line of a pipe. Raises EOFError at its end."""
    if line := sys.stdin.readline():
        return line
    raise EOFError


@contextlib.contextmanager
def _conversations(settings: AssistantSettings, assistant: Assistant) -> Iterator[Dialogue]:
    """The conversations of these settings. A database that is down is told and does not hinder; one of a newer version
    is refused."""
    dialogue = make_dialogue(settings, assistant)
    try:
        dialogue.history.open()
    except NewerDatabase:
        raise
    except DatabaseFailed as error:
        log.warning("conversations are not kept: %s", error)
    try:
        yield dialogue
    finally:
        dialogue.history.close()


def serve(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """The web endpoint, until it is stopped."""
    from assistant.web.app import run

    logs.configure(options.log_format or logs.form_for_stderr())
    with _telemetry() as around:
        assistant = make_assistant(settings)
        generation = assistant.ready()
        with (
            _conversations(settings, assistant) as dialogue,
            _slack_over_http(assistant, dialogue) as slack_events,
            announced(settings),
        ):
            log.info("index %s is served at http://%s:%d", generation, settings.host, settings.port)
            redis = settings.redis_url.get_secret_value() if settings.redis_url else None
            run(assistant, dialogue, settings.host, settings.port, settings.api_keys_file, around, slack_events, redis)
    return 0


@contextlib.contextmanager
def _slack_over_http(assistant: Assistant, dialogue: Dialogue) -> Iterator[_Events | None]:
    """What serves `/slack/events`, None where Slack is not set up or comes through a socket."""
    wishes = read_slack()
    if not wishes.http:
        yield None
        return
    from assistant.slack.bot import Bot

    bot = Bot(wishes, assistant, dialogue)
    bot.start()
    log.info("Slack events of %s are served at /slack/events", bot.scope.team)
    try:
        yield bot.http
    finally:
        bot.stop()


def slack(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """The Slack bot in Socket Mode, until it is stopped."""
    wishes = read_slack()
    if wishes.bot_token is None or wishes.app_token is None:
        instead = "; for HTTP events run: python -m assistant serve" if wishes.http else "; see docs/slack.md"
        missing = [n for n in ("bot_token", "app_token") if getattr(wishes, n) is None]
        raise ConfigurationError(f"{' and '.join(f'SLACK_{n.upper()}' for n in missing)} not set{instead}")
    from assistant.slack.bot import Bot
    from assistant.slack.bot import serve as serve_slack

    logs.configure(logs.form_for_stderr())
    until = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: until.set())
    assistant = make_assistant(settings)
    generation = assistant.ready()
    try:
        with _conversations(settings, assistant) as dialogue:
            bot = Bot(wishes, assistant, dialogue)
            log.info("index %s answers in Slack as %s of %s", generation, bot.scope.bot, bot.scope.team)
            serve_slack(bot, wishes.app_token.get_secret_value(), until)
    finally:
        assistant.close()
    return 0


@contextlib.contextmanager
def _telemetry() -> Iterator[Callable[[Any], Any]]:
    """What traces a web application for OpenTelemetry; nothing where its variables name no collector."""
    if not any(os.environ.get(name) for name in COLLECTOR):
        yield lambda web: web
        return
    from assistant.web.telemetry import Telemetry

    telemetry = Telemetry()
    try:
        yield telemetry.traced
    finally:
        telemetry.close()


def mcp(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """The tools for other programs, on the standard streams, until the input ends."""
    from assistant.web.mcp import serve as serve_tools

    # Ctrl-C ends it at once: nothing is to be saved, and what waits for a line of input would wait on.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    assistant = make_assistant(settings)
    try:
        asyncio.run(serve_tools(assistant))
    finally:
        assistant.close()
    return 0


def replay(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """Exit code 1 when the answer made again differs from the recorded one."""
    with contextlib.closing(make_traces(settings)) as traces:
        recorded = traces.load(options.trace)
    if recorded is None:
        place = settings.data / "traces" if settings.database_url is None else "the database of ASSISTANT_DATABASE_URL"
        raise BadQuestion(f"there is no record {options.trace!r} in {place}")
    asked = recorded["question"]
    calls = recorded.get("calls")
    assistant = make_assistant(
        settings.model_copy(update={"model": NAME, "model_base_url": None}), recorded["index"],
        Played(recorded["model"], calls) if calls else None,
    )  # fmt: skip
    try:
        question = _question({"question": asked["text"], **{k: v for k, v in asked.items() if k != "text"}}, options)
        different = same(recorded["answer"], to_json(assistant.answer(question, False, options.trace)))
    finally:
        assistant.close()
    print(f"{options.trace}: {'equal, byte for byte' if not different else 'differs in ' + ', '.join(different)}")
    for what in changed(recorded) if different else []:
        print(f"since then changed: {what}")
    return 1 if different else 0


def doctor(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """Exit code 1 when a check fails. With --settings, only the reference of all settings."""
    if options.settings:
        print(reference.markdown(), end="")
        return 0
    results = [] if options.part == "slack" else checks.run(settings)
    if options.part == "slack" or read_slack().bot_token is not None:
        results += _slack_results(settings)
    if options.json:
        print(json.dumps([{"name": r.name, "ok": r.ok, "found": r.found} for r in results], ensure_ascii=False))
    else:
        for r in results:
            print(f"{'ok  ' if r.ok else 'FAIL'} {r.name}: {r.found}")
    return 0 if all(r.ok for r in results) else 1


def _slack_results(settings: AssistantSettings) -> list[checks.Result]:
    from assistant.slack import doctor as slack_checks

    with contextlib.closing(make_history(settings)) as history:
        return [checks.Result(*found) for found in slack_checks.run(read_slack(), history)]


def backup(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """One archive of the index, the conversations and the records."""
    with Bars() as progress:
        made = archives.save(settings, options.file, progress)
    print(f"{options.file}: index {made.generation}, {len(made.files)} files, {made.size:,} bytes")
    if not made.conversations and settings.database_url is not None:
        print("conversations are on a server and not in it; save them with pg_dump", file=sys.stderr)
    return 0


def restore(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """An archive in place of the data folder."""
    with Bars() as progress:
        done = archives.restore(settings, options.file, options.force, progress)
    print(f"{settings.data}: as of {done.contents.created}, index {done.contents.generation}")
    if done.before is not None:
        print(f"what was there is kept in {done.before}; delete it when it is no longer needed")
    return 0


def move(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """All conversations into another database."""
    source, target = make_history(settings), History(options.url)
    with contextlib.closing(source), contextlib.closing(target):
        if options.dry_run:
            rows, there = moving.held(source), moving.held(target) if target.exists() else {}
            print(f"would copy {moving.told(rows)}; the target holds {moving.told(there)}")
            return 0
        with Bars() as progress:
            rows = moving.copy(source, target, progress)
    print(f"copied {moving.told(rows)}, each row compared; now set ASSISTANT_DATABASE_URL to the new database")
    return 0


def key(settings: AssistantSettings, options: argparse.Namespace) -> int:
    """A new API key, and the line that belongs into the keys file."""
    if not re.fullmatch(r"[\w.-]{1,64}", options.name):
        raise BadQuestion(f"the name {options.name!r} may hold letters, digits, '.', '_' and '-' only")
    secret = secrets.token_urlsafe(32)
    print(f"key (shown once): {secret}")
    print(f"line for ASSISTANT_API_KEYS_FILE: {options.name}:{hashlib.sha256(secret.encode()).hexdigest()}")
    return 0
