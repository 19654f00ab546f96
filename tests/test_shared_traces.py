"""Records in the database: every replica makes an answer again, and deletes what another one recorded."""

import argparse
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from assistant.chain import Assistant
from assistant.commands import replay
from assistant.conversation import Answer, Question
from assistant.history import DatabaseFailed
from assistant.settings import AssistantSettings
from assistant.trace import Traces
from assistant.wire import make_assistant, make_dialogue, make_traces
from tests.postgres import Cluster
from tests.served import ASKED, free_port

pytestmark = pytest.mark.slow
TOLD = f"{ASKED} Плата за роуминг, Tell-tale \\u0000?"


def replica(settings: AssistantSettings, folder: Path, url: str) -> AssistantSettings:
    """The same index in a data folder of its own, and the shared database."""
    shutil.copytree(settings.data / "generations", folder / "generations")
    shutil.copy(settings.data / "current", folder / "current")
    return settings.model_copy(update={"data": folder, "database_url": SecretStr(url)})


def answered(settings: AssistantSettings, text: str = TOLD) -> Answer:
    with closing(make_assistant(settings)) as assistant:
        return assistant.answer(Question(text))


def test_every_replica_reads_and_deletes_the_record_of_any(
    settings: AssistantSettings, tmp_path: Path, url: str, small: Assistant
) -> None:
    one, other = (replica(settings, tmp_path / name, url) for name in ("one", "other"))
    trace = answered(one).trace
    assert not (one.data / "traces").exists()
    here, there = make_dialogue(one, small), make_dialogue(other, small)
    with closing(here.history), closing(there.history), closing(make_traces(other)) as traces:
        reply = here.ask("alice", None, Question(TOLD), "request-1")
        record = traces.load(trace)
        assert record is not None and record["question"]["text"] == TOLD and reply.answer["trace"] == trace
        assert record["answer"]["text"] == reply.answer["text"] and traces.load("0" * 24) is None
        there.delete("alice", str(reply.conversation))
        assert traces.load(trace) is None


def test_replay_makes_the_answer_of_another_replica_again(
    settings: AssistantSettings, tmp_path: Path, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    url = cluster.database()
    one, other = (replica(settings, tmp_path / name, url) for name in ("one", "other"))
    trace = answered(one).trace
    asked = argparse.Namespace(trace=trace, as_of=None, language=None)
    assert replay(other, asked) == 0
    assert capsys.readouterr().out == f"{trace}: equal, byte for byte\n"


def test_replicas_that_record_one_answer_at_once_keep_one_record(
    settings: AssistantSettings, tmp_path: Path, url: str
) -> None:
    one = replica(settings, tmp_path / "one", url)
    answer = answered(one)
    with closing(make_traces(one)) as first, closing(make_traces(one)) as second, ThreadPoolExecutor(8) as pool:
        for n in range(10):  # of a new trace each time, so that all of them insert
            new = replace(answer, trace=f"{n:024x}")
            list(pool.map(lambda t, a=new: t.save(a, ()), (first, second) * 4))  # type: ignore[misc]
            found = second.load(new.trace)
            assert found is not None and found["answer"]["trace"] == new.trace


def test_records_that_files_held_before_are_found_and_deleted(
    settings: AssistantSettings, tmp_path: Path, url: str
) -> None:
    one = replica(settings, tmp_path / "one", url)
    trace = answered(one.model_copy(update={"database_url": None})).trace
    assert Traces(one.data / "traces").load(trace)
    with closing(make_traces(one)) as traces:
        assert traces.load(trace)
        traces.forget(trace)
        assert traces.load(trace) is None and not list((one.data / "traces").iterdir())


def test_without_the_database_the_answer_comes_and_leaves_no_record(
    settings: AssistantSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    one = replica(settings, tmp_path / "one", url)
    assert answered(one, ASKED).citations
    assert "leaves no record: the conversation database 'none' on 127.0.0.1 does not work" in caplog.text
    with pytest.raises(DatabaseFailed, match="check ASSISTANT_DATABASE_URL"):
        replay(one, argparse.Namespace(trace="0" * 24))
