"""Fires broken requests at Slack's route of the real application, in this process, and reports what is not in order.

    python -m tests.fuzz_slack --requests 50000 --seed 1
    python -m tests.fuzz_slack --seed 1 --only 4711      # one request again, with what came back

Events, commands, clicks, shortcuts and forms are bent as in tests/poison.py; most are signed rightly, so that they
reach the bot. A fault is a status of 500 and above, an answer that takes longer than 10 seconds, one that shows the
inside of the program or repeats what was sent, an unsigned request that is let in, a call that the real Slack would
refuse, and a bot that does not answer an orderly question afterwards.
Prints one line of JSON; exit code 1 when there is a fault.
"""

import argparse
import asyncio
import contextlib
import copy
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.types import ASGIApp

from assistant.slack.bot import Bot
from assistant.web.limits import SLACK, Limits
from tests.fuzz import INSIDE, Got, send
from tests.poison import CANARY, Sent, bent, dump
from tests.served import wait
from tests.slack_canned import Canned
from tests.slack_fake import TEAM, USER, FakeSlack, click, command, event, mention, signed
from tests.slack_kit import running, web_of

FORM = "application/x-www-form-urlencoded"
_AT_ONCE, _EVERY, _UNSIGNED = 4, 2000, 0.15


@dataclass(slots=True)
class Site:
    """The application with the bot behind it, and the Slack that it calls."""

    web: ASGIApp
    bot: Bot
    slack: FakeSlack
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest: float = 0.0


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    """All of it, with nobody's limits in the way."""
    many, slack, canned = Limits(questions=10**9, requests=10**9, bad_keys=10**9), FakeSlack(), Canned()
    try:
        with running(slack, folder / "db.sqlite", canned, socket=False) as bot:
            yield Site(web_of(bot, canned, many), bot, slack)
    finally:
        slack.close()


def seeds(slack: FakeSlack) -> list[tuple[bool, dict[str, Any]]]:
    """One of each kind of request that the bot knows, and whether it comes as a form's `payload`."""
    shortcut = {
        "type": "message_action", "callback_id": "check", "team": {"id": TEAM}, "user": {"id": USER},
        "channel": {"id": "C1"}, "message": {"text": CANARY, "ts": "1.2", "user": USER}, "trigger_id": "1.2.x",
        "response_url": f"{slack.base}response/1",
    }  # fmt: skip
    submission = {"type": "view_submission", "team": {"id": TEAM}, "user": {"id": USER},
                  "view": {"callback_id": "settings", "private_metadata": "C1", "state": {"values": {}}}}  # fmt: skip
    return [
        (False, mention(f"Who heads it, {CANARY}?")), (False, mention("as of 2021: who heads it?")),
        (False, event(f"Who? {CANARY}", kind="message", channel="D1")), (False, mention("check: It has 28 laws.")),
        (False, event("and then?", kind="message", thread="1.2")),
        (False, event("", kind="app_home_opened", tab="home")),
        (False, {"type": "url_verification", "challenge": "abc"}), (True, click(slack, "quotes", "v")),
        (True, click(slack, CANARY, CANARY)), (True, shortcut), (True, submission),
    ]  # fmt: skip


def one(slack: FakeSlack, seed: int, number: int) -> tuple[Sent, bool]:
    """The request of this number, and whether Slack signed it."""
    dice = random.Random(f"slack.{seed}.{number}")
    form, value = dice.choice(seeds(slack))
    if dice.random() < 0.1:
        form, value = True, command(slack, f"Who heads it, {CANARY}?")
        told = {k: str(v) for k, v in _whole(bent(dice, value, dice.choice((0, 1, 2)))).items()}
    else:
        value = bent(dice, copy.deepcopy(value), dice.choice((0, 1, 1, 2, 3)))
        told = {"payload": dump(value)}
    text = urlencode(told, errors="replace") if form else dump(value)
    body = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.1 and body:
        body = body[: dice.randrange(len(body))]
    headers = signed(body, dice.choice((FORM, FORM, "application/json", "text/plain")) if form else "application/json")
    ours = dice.random() >= _UNSIGNED
    if not ours:
        good = headers["X-Slack-Signature"]
        headers["X-Slack-Signature"] = dice.choice(("", "v0=", "v0=" + "0" * 64, good[:-1], "é"))
    raw = tuple((k.lower().encode(), v.encode("latin-1", "replace")) for k, v in headers.items())
    return Sent("POST", SLACK, b"", raw, (body,), keyed=False), ours


def _whole(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"text": value}


def faults(got: Got, ours: bool) -> Iterator[str]:
    """What is not in order with an answer."""
    if got.error:
        yield got.error
    if got.status >= 500:
        yield f"status {got.status}"
    if not ours and got.status not in (401, 413):
        yield f"let in without a signature: {got.status}"
    text = got.body.decode("utf-8", "replace")
    if inside := INSIDE.search(text):
        yield f"shows its inside: {inside[0]!r}"
    if got.status >= 400 and CANARY in text:
        yield "an error that repeats what was sent"


async def fire(here: Site, count: int, seed: int) -> None:
    """Send so many, a few at a time, and now and then ask in order whether the bot still answers."""
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            sent, ours = one(here.slack, seed, number)
            got = await send(here.web, sent)
            here.statuses[got.status] += 1
            here.slowest = max(here.slowest, got.seconds)
            here.faults += [f"{seed}.{number}: {f}\n    {sent}\n    {got.status} {got.body[:300]!r}"
                            for f in faults(got, ours)]  # fmt: skip
            if number % _EVERY == _EVERY - 1:
                print(f"{number + 1} sent, {len(here.faults)} faults", file=sys.stderr, flush=True)

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))


def run(here: Site, count: int, seed: int) -> None:
    """Fire, then see that an orderly question is answered once all that was taken on is done."""
    asyncio.run(fire(here, count, seed))
    left = -1  # more is taken on than is done meanwhile, each place's in order; it may take long, but it has to get on
    while (now := _open(here)) and now != left:
        print(f"{now} tasks left", file=sys.stderr, flush=True)
        left = now
        wait(lambda: not _open(here), 60)
    if now:
        with here.bot.queue._history.transaction() as db:
            rows = db.exec_driver_sql("SELECT kind, state, attempts, due, lease, place, payload FROM slack_tasks "
                                      "WHERE state IN ('waiting', 'working')").all()  # fmt: skip
        here.faults.append(f"never done: {here.bot.queue.counts()}, {rows[:5]}")
    asked = mention("Who heads it in the end?")
    body = json.dumps(asked).encode()
    raw = tuple((k.lower().encode(), v.encode()) for k, v in signed(body).items())
    asyncio.run(send(here.web, Sent("POST", SLACK, b"", raw, (body,), keyed=False)))
    if not wait(lambda: len(here.slack.answers(asked["event_id"])) == 1, 30):
        here.faults.append("an orderly question is not answered any more")
    here.faults += [f"Slack would refuse: {problem}" for problem in here.slack.problems]


def _open(here: Site) -> int:
    """How many tasks wait or are worked on."""
    counts = here.bot.queue.counts()
    return counts.get("waiting", 0) + counts.get("working", 0)


def main(arguments: Sequence[str]) -> int:
    """Exit code 1 when there is a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_slack", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="send the request of this number alone")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, site(Path(folder)) as here:
        started = time.perf_counter()
        if options.only is not None:
            sent, ours = one(here.slack, options.seed, options.only)
            got = asyncio.run(send(here.web, sent))
            print(f"{sent}\n{got}\n{list(faults(got, ours))}")
            return 0
        run(here, options.requests, options.seed)
        print("\n".join(here.faults[:40]))
        told = {
            "requests": here.statuses.total(), "statuses": dict(sorted(here.statuses.items())),
            "faults": len(here.faults), "tasks": here.bot.queue.counts(), "slowest": round(here.slowest, 2),
            "seconds": round(time.perf_counter() - started, 1), "seed": options.seed,
        }  # fmt: skip
    print(json.dumps(told))
    return 1 if here.faults else 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # thousands of refusals are expected; only what is found is printed
    raise SystemExit(main(sys.argv[1:]))
