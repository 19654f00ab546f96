"""Many users talk to one server at once; nobody may ever see a word or an id of somebody else.

    python -m tests.isolation --chats 2000 --users 200 --cancelled 0.3

Starts the real server in a process of its own, before a chat model that repeats what it is asked, and interleaves the
conversations. Each question carries a word of its conversation alone. A part of the streams is cut midway. Whatever
comes back is searched for words and ids of others: answers, events, lists, conversations, recorded answers, the prompts
that the model gets, the log of the server. Users try each other's ids, by every route that takes one. In the end every
conversation has to hold what its user was told. Prints one line of JSON; exit code 1 when something was seen or failed.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from assistant import logs
from assistant.dialogue import Dialogue
from assistant.history import History
from assistant.settings import AssistantSettings
from assistant.web import server
from assistant.web.app import create_web
from assistant.web.guard import read_keys
from assistant.web.limits import Limits
from assistant.web.stream import Answering
from assistant.wire import make_assistant
from tests.browser import free_port
from tests.model_server import Knobs, ModelServer
from tests.obedient import Said, copy_first
from tests.served import events, small_settings

_AT_ONCE, _SECONDS = 48, 300.0
_CANARY = re.compile(r"kq(\d{4})x(\d{5})z")
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b[0-9a-f]{24}\b")
_NOBODYS, _NO_TRACE = "00000000-0000-4000-8000-000000000000", "0" * 24
_FIRST = (
    "Do roaming fees end in 2026? {0}", "Do roaming fees between both countries end in 2026? {0}", "How do I bake {0}?",
)  # fmt: skip
_THEN = ("And do they in Minsk? {0}", "Do roaming fees in Minsk end in 2027? {0}", "Why, {0}?")


class Echo:
    """A model that repeats what it is asked, and sees whether a prompt holds words of two conversations."""

    def __init__(self, seen: "Seen") -> None:
        self._seen, self._lock = seen, threading.Lock()

    def said(self, messages: Sequence[Said]) -> str:
        """All canaries of the prompt in a sentence of their own, after the first passage."""
        text = "\n".join(m["content"] for m in messages)
        chats = {found[0] for found in _CANARY.finditer(text)}
        with self._lock:
            self._seen.count["prompts"] += 1
            if len(chats) > 1:
                self._seen.leaks.append(f"a prompt holds {sorted(chats)}")
        return f"{copy_first(messages)}\n{' '.join(sorted(chats))} {text[-200:]}"


@dataclass(slots=True)
class Seen:
    """What was seen: leaks and failures, and how often anything happened at all."""

    leaks: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    owners: dict[str, int] = field(default_factory=dict)

    def own(self, identity: str, user: int) -> None:
        """An id that the server gave to this user for something new."""
        if self.owners.setdefault(identity, user) != user:
            self.leaks.append(f"user {user} was given id {identity} of user {self.owners[identity]}")

    def look(self, user: int, chat: int | None, text: str, where: str) -> None:
        """Search what was told to `user`, in this conversation, or about all of the user's where None."""
        for found in _CANARY.finditer(text):
            self.count["own words"] += 1
            if int(found[1]) != user or chat not in (None, int(found[2])):
                self.leaks.append(f"{where} of user {user}, conversation {chat}, holds {found[0]}")
        for identity in set(_ID.findall(text)) & self.owners.keys():
            if self.owners[identity] != user:
                self.leaks.append(f"{where} of user {user} holds id {identity} of user {self.owners[identity]}")

    def expect(self, good: bool, what: str) -> None:
        """Note a failure unless it is good."""
        if not good:
            self.failures.append(what)


@dataclass(slots=True)
class Chat:
    """One conversation and what its user was told in it."""

    number: int
    user: int
    conversation: str | None = None
    told: list[Any] = field(default_factory=list)  # answers, in order
    cut: bool = False  # a stream of it was: whether that turn was kept is not known

    @property
    def word(self) -> str:
        """The word that belongs to it alone."""
        return f"kq{self.user:04d}x{self.number:05d}z"


class Crowd:
    """All users. `dice` decides everything but the order in which the server answers."""

    def __init__(self, url: str, users: int, chats: int, cancelled: float, seed: int, seen: Seen) -> None:
        self.dice, self.seen, self.cancelled = random.Random(seed), seen, cancelled
        self.chats = [Chat(n, n % users) for n in range(chats)]
        self.users = users
        # The server closes idle connections after five seconds; ours go before, so that no request meets a closed one.
        limits = httpx.Limits(max_connections=_AT_ONCE * 2, keepalive_expiry=1.0)
        self.http = httpx.AsyncClient(base_url=url, timeout=_SECONDS, limits=limits)
        self.places = asyncio.Semaphore(_AT_ONCE)

    async def run(self) -> None:
        """Let everybody talk, then read everything."""
        async with self.http:
            await asyncio.gather(*(self._talk(chat, random.Random(self.dice.random())) for chat in self.chats))
            await asyncio.gather(*(self._read_all(user) for user in range(self.users)))

    async def _talk(self, chat: Chat, dice: random.Random) -> None:
        for turn in range(dice.choice((2, 2, 3))):
            async with self.places:
                question = dice.choice(_THEN if turn else _FIRST).format(chat.word)
                body = {"question": question} | ({"conversation_id": chat.conversation} if chat.conversation else {})
                if dice.random() < 0.6:
                    await self._stream(chat, body, turn, dice)
                else:
                    await self._ask(chat, body, turn)
            if dice.random() < 0.4:
                async with self.places:
                    await self._pry(chat, dice)

    def _headers(self, chat: Chat, turn: int) -> dict[str, str]:
        # Users choose the same keys for their requests as others do.
        return self._key(chat.user) | {"Idempotency-Key": f"{chat.number // self.users}-{turn}"}

    def _key(self, user: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {_key(user)}"}

    async def _ask(self, chat: Chat, body: dict[str, Any], turn: int) -> None:
        got = await self.http.post("/api/ask", json=body, headers=self._headers(chat, turn))
        self._asked(chat, got.status_code, got.text)

    def _asked(self, chat: Chat, status: int, text: str) -> None:
        self.seen.look(chat.user, chat.number, text, "an answer")
        if status == 404 and chat.cut:
            chat.conversation = None  # its first answer was cut: there is none
        elif status == 200:
            self._told(chat, json.loads(text))
        else:
            self.seen.failures.append(f"status {status} for a question: {text[:200]}")

    def _told(self, chat: Chat, answer: dict[str, Any]) -> None:
        self.seen.count["answers"] += 1
        self.seen.count["refused"] += answer["refused"]
        conversation = answer.pop("conversation_id")
        self.seen.expect(chat.conversation in (None, conversation), "an answer in another conversation")
        chat.conversation = conversation
        self.seen.own(conversation, chat.user)
        self.seen.own(answer["trace"], chat.user)
        chat.told.append(answer)

    async def _stream(self, chat: Chat, body: dict[str, Any], turn: int, dice: random.Random) -> None:
        cut = dice.choice((0, 1, 2, 3)) if dice.random() < self.cancelled else None
        self.seen.count["streams"] += 1
        lines: list[str] = []
        headers = self._headers(chat, turn)
        async with self.http.stream("POST", "/api/chat", json=body, headers=headers) as response:
            if response.status_code != 200:
                self._asked(chat, response.status_code, (await response.aread()).decode())
                return
            async for line in response.aiter_lines():
                lines.append(line)
                if cut is not None and sum(not said for said in lines) >= cut:
                    self.seen.count["cut"] += 1
                    chat.cut = True
                    break
        text = "\n".join(lines)
        self.seen.look(chat.user, chat.number, text, "a stream")
        for name, data in events(iter(lines)):
            if name == "start":
                self.seen.own(data["trace"], chat.user)
                if data["conversation_id"]:
                    self.seen.own(data["conversation_id"], chat.user)
            elif name == "done":
                self._told(chat, data)
            self.seen.expect(name != "error", f"an error event: {data}")

    async def _pry(self, chat: Chat, dice: random.Random) -> None:
        """Try the ids of somebody else."""
        other = dice.choice(self.chats)
        if other.user == chat.user or not other.told:
            return
        headers = self._key(chat.user)
        pairs = zip(_uses(str(other.conversation), other.told[0]["trace"], chat.word),
                    _uses(_NOBODYS, _NO_TRACE, chat.word), strict=True)  # fmt: skip
        for theirs, nothing in dice.sample(list(pairs), 4):
            stolen, unknown = [await self._try(use, headers) for use in (theirs, nothing)]
            self.seen.count["tried"] += 1
            self.seen.look(chat.user, None, stolen[1], f"{theirs[0]} {theirs[1]}")
            same = stolen[0] == unknown[0] == 404 and stolen[1] == unknown[1]
            self.seen.expect(same, f"{theirs[0]} of another's {theirs[1]}: {stolen} and of nobody's: {unknown}")

    async def _try(self, use: tuple[str, str, Any], headers: dict[str, str]) -> tuple[int, str]:
        """Status and text, without what differs in every answer."""
        method, path, body = use
        got = await self.http.request(method, path, json=body, headers=headers)
        return got.status_code, re.sub(r'"request_id":"[0-9a-f]{32}"', "", got.text)

    async def _read_all(self, user: int) -> None:
        mine = {c.conversation: c for c in self.chats if c.user == user and c.told}
        before, found = "", []
        while before is not None:
            query = {"limit": "7"} | ({"before": before} if before else {})
            async with self.places:
                got = await self.http.get("/api/conversations", params=query, headers=self._key(user))
            self.seen.look(user, None, got.text, "the list")
            page = got.json()
            found += [c["id"] for c in page["conversations"]]
            before = page["next"]
        self.seen.expect(mine.keys() <= set(found), f"user {user} lost conversations")
        self.seen.expect(len(found) == len(set(found)), f"user {user} has conversations twice")
        for conversation in found:
            self.seen.own(conversation, user)
            async with self.places:
                await self._read(user, conversation, mine.get(conversation))

    async def _read(self, user: int, conversation: str, chat: Chat | None) -> None:
        self.seen.count["read"] += 1
        path, headers = f"/api/conversations/{conversation}", self._key(user)
        got = await self.http.get(path, headers=headers)
        number = chat.number if chat else None
        self.seen.look(user, number, got.text, "a conversation")
        kept = [m["answer"] for m in got.json()["messages"] if m["role"] == "assistant"]
        if chat is None:
            return
        rest = iter(kept)
        self.seen.expect(all(told in rest for told in chat.told), f"{path} does not hold what was told")
        self.seen.expect(chat.cut or kept == chat.told, f"{path} holds what was not told")
        trace = chat.told[-1]["trace"]
        for form in ("json", "markdown"):
            got = await self.http.get(f"/api/answers/{trace}?format={form}", headers=headers)
            self.seen.expect(got.status_code == 200, f"answer {trace}: {got.status_code}")
            self.seen.look(user, number, got.text, "a recorded answer")
        judged = {"trace": trace, "verdict": "up", "comment": chat.word}
        got = await self.http.post("/api/feedback", json=judged, headers=headers)
        self.seen.expect(got.status_code == 204, f"feedback: {got.status_code}")
        got = await self.http.get(path, params={"format": "markdown"}, headers=headers)
        self.seen.look(user, number, got.text, "a conversation in Markdown")


def _uses(conversation: str, trace: str, word: str) -> list[tuple[str, str, Any]]:
    """Every route that takes an id."""
    path, asked = f"/api/conversations/{conversation}", {"question": word, "conversation_id": conversation}
    return [
        ("GET", path, None), ("GET", f"{path}?format=markdown", None), ("GET", f"{path}?before=1", None),
        ("PATCH", path, {"title": word}), ("DELETE", path, None), ("POST", "/api/ask", asked),
        ("POST", "/api/chat", asked), ("GET", f"/api/answers/{trace}", None),
        ("GET", f"/api/answers/{trace}?format=markdown", None),
        ("POST", "/api/feedback", {"trace": trace, "verdict": "up", "comment": word}),
    ]  # fmt: skip


def _key(user: int) -> str:
    return f"key-of-user-{user}"


def _write_keys(file: Path, users: int) -> None:
    lines = [f"user-{n}:{hashlib.sha256(_key(n).encode()).hexdigest()}" for n in range(users)]
    file.write_text("\n".join(lines), "utf-8")


def serve(folder: Path, port: int, model: str) -> None:
    """Serve the small index of `folder` until a signal, with room for a crowd."""
    logs.configure("json")
    settings = AssistantSettings(
        sources=(folder / "sources",), data=folder / "data", model="openai:mock", model_base_url=model
    )
    room = Limits(questions=10**6, requests=10**6)
    answering = Answering(room)
    with closing(make_assistant(settings)) as assistant, closing(History(folder / "c.sqlite")) as history:
        dialogue = Dialogue(assistant.answer, history)
        web = create_web(assistant, dialogue, read_keys(folder / "keys"), room, "127.0.0.1", answering)
        server.run(web, "127.0.0.1", port, answering.stop)


@contextlib.contextmanager
def served(folder: Path, users: int, model: str) -> Iterator[str]:
    """The base URL of a server in a process of its own; what it logs goes to `log` in the folder."""
    small_settings(folder)
    _write_keys(folder / "keys", users)
    port = free_port()
    command = [sys.executable, "-m", "tests.isolation", "--serve", str(folder), "--port", str(port), "--model", model]
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen(command, env=os.environ | {"OPENAI_API_KEY": "none"}, stdout=log, stderr=log)
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", child)
            yield f"http://127.0.0.1:{port}"
        finally:
            child.terminate()
            child.wait(30)


def _wait(url: str, child: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and child.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.2)
    raise SystemExit("the server did not get ready")


def run(folder: Path, chats: int, users: int, cancelled: float, seed: int) -> Seen:
    """Let `users` have `chats` conversations."""
    seen = Seen()
    model = ModelServer(Echo(seen).said, Knobs(first=0.002, between=0.0005))
    with model, served(folder, users, model.url) as url:
        asyncio.run(Crowd(url, users, chats, cancelled, seed, seen).run())
    log = (folder / "log").read_text("utf-8", "replace")
    if spoken := _CANARY.search(log):
        seen.leaks.append(f"the log holds {spoken[0]}")
    seen.expect("Traceback" not in log, "the log holds a traceback")
    seen.expect(log.count('"route": "/api/chat"') > 0, "the log is empty")
    return seen


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when something of another was seen, or something failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.isolation", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chats", type=int, default=2000)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--cancelled", type=float, default=0.3, help="share of the streams that are cut")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.serve, options.port, options.model)
        return 0
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        seen = run(Path(folder), options.chats, options.users, options.cancelled, options.seed)
    print("\n".join((seen.leaks + seen.failures)[:25]))
    print(json.dumps({"chats": options.chats, "users": options.users, **dict(sorted(seen.count.items())),
                      "leaks": len(seen.leaks), "failures": len(seen.failures),
                      "seconds": round(time.perf_counter() - started)}))  # fmt: skip
    return 1 if seen.leaks or seen.failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
