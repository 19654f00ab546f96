"""All conversations into another database: each row arrives as it was, or nothing does."""

import argparse
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sql
from pydantic import SecretStr

from assistant import commands, moving
from assistant.exchanges import LOCAL
from assistant.history import DatabaseFailed, History
from assistant.settings import AssistantSettings
from assistant.slack.events import event_task
from assistant.slack.queue import Queue
from assistant.slack.scope import Scope
from index.errors import ConfigurationError
from tests.conftest import ROOT
from tests.postgres import Cluster
from tests.served import environment
from tests.slack_fake import BOT, TEAM, mention

ODD = ("Кто?", "ſ\u0301 \U0001f1e7\U0001f1fe \u202e", "a\0b", "\ud800", "'; DROP TABLE exchanges; --", "%s {} \\", "")


def filled(history: History, conversations: int = 40, large: int = 3) -> History:
    """With conversations of several owners, odd texts, answers of a megabyte, and questions from Slack."""
    dice = random.Random(5)
    for n in range(conversations):
        owner = dice.choice((LOCAL, "alice", "боб"))
        made = history.start(owner, dice.choice(ODD))
        for m in range(dice.randrange(1, 4)):
            text = "я" * 500_000 if n < large and not m else dice.choice(ODD)
            history.append(made, owner, dice.choice(ODD), {"text": text, "trace": f"{n:024}"}, f"{n}.{m}")
    history.judge(owner, f"{n:024}", "up", "да\n")
    found = [event_task(mention(q), Scope(BOT, TEAM)) for q in ("Who?", "Кто?")]
    Queue(history).record([t for t in found if t is not None])
    return history


def everything(history: History) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables, in one order in every database."""
    with history.transaction() as db:
        return {t.name: sorted((tuple(r) for r in db.execute(sql.select(t))), key=repr) for t in moving._tables(db)}


@pytest.fixture
def old(tmp_path: Path) -> Iterator[History]:
    with closing(History(tmp_path / "old.sqlite")) as made:
        yield filled(made)


@pytest.fixture
def new(cluster: Cluster) -> Iterator[History]:
    with closing(History(cluster.database())) as made:
        yield made


def test_each_row_arrives_as_it_was_and_stays_where_it_was(old: History, new: History, tmp_path: Path) -> None:
    before = everything(old)
    rows = moving.copy(old, new, lambda *_: None)
    assert everything(new) == everything(old) == before
    assert rows == {name: len(found) for name, found in before.items()} and rows["slack_tasks"] == 2
    assert new.list(LOCAL) == old.list(LOCAL)  # times are those of UTC on both
    with closing(History(tmp_path / "back.sqlite")) as back:
        moving.copy(new, back, lambda *_: None)
        assert everything(back) == before


def test_a_target_that_holds_something_is_left_as_it_is(old: History, new: History) -> None:
    filled(new, 2, 0)
    before = everything(new)
    with pytest.raises(ConfigurationError, match=r"holds 2 conversations.* already; give an empty database"):
        moving.copy(old, new, lambda *_: None)
    assert everything(new) == before


def test_what_arrives_otherwise_is_seen_and_nothing_stays(old: History, new: History) -> None:
    with new.transaction(writes=True) as db:  # as a careless administrator may have set it up
        db.exec_driver_sql("CREATE FUNCTION bend() RETURNS trigger AS 'BEGIN NEW.question := NEW.question || ''!''; "
                           "RETURN NEW; END' LANGUAGE plpgsql")  # fmt: skip
        db.exec_driver_sql("CREATE TRIGGER bent BEFORE INSERT ON exchanges FOR EACH ROW EXECUTE FUNCTION bend()")
    with pytest.raises(DatabaseFailed, match="gives rows of exchanges back otherwise"):
        moving.copy(old, new, lambda *_: None)
    assert not any(everything(new).values())


@pytest.mark.slow
def test_a_move_that_is_killed_leaves_nothing(cluster: Cluster, tmp_path: Path) -> None:
    with closing(History(tmp_path / "data" / "conversations.sqlite")) as large:
        filled(large, 300, 120)
        before = everything(large)
    settings = AssistantSettings(sources=(tmp_path,), data=tmp_path / "data")
    url = cluster.database()
    process = subprocess.Popen([sys.executable, "-m", "assistant", "move", url], cwd=ROOT, env=environment(settings),
                               stdout=subprocess.DEVNULL)  # fmt: skip
    with closing(History(url)) as target:
        while process.poll() is None and not target.exists():
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL  # in the midst of it
        assert not any(everything(target).values())
        with closing(History(tmp_path / "data" / "conversations.sqlite")) as large:
            assert everything(large) == before


def test_the_command_says_what_it_would_do_and_what_it_did(
    tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = AssistantSettings(sources=(tmp_path,), data=tmp_path / "data")
    with closing(History(settings.data / "conversations.sqlite")) as here:
        filled(here, 3, 0)
        rows = moving.told(moving.held(here))
    url = cluster.database()
    for dry, said in ((True, f"would copy {rows}; the target holds nothing"), (False, f"copied {rows}")):
        with closing(History(url)) as target:
            assert not target.exists()  # the dry run makes no table
        assert commands.move(settings, argparse.Namespace(url=url, dry_run=dry)) == 0
        assert capsys.readouterr().out.startswith(said)
    moved = settings.model_copy(update={"database_url": SecretStr(url)})
    assert commands.move(moved, argparse.Namespace(url=f"sqlite:///{tmp_path}/x.sqlite", dry_run=True)) == 0
    assert capsys.readouterr().out.startswith(f"would copy {rows}")
