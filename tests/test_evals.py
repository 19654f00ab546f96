"""The commands of the evaluation, whole: this checkout, a real server, a file of answers; and what they write."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from assistant.conversation import Question, Turn
from assistant.web.app import create_web
from assistant.web.guard import read_keys
from assistant.wire import make_assistant, make_dialogue
from evals import results, session, stable
from evals.__main__ import main
from evals.cases import load, text_sha256
from evals.figures import rates
from evals.judge import judge
from evals.said import BadAnswers, Said, read, read_lines
from evals.targets import Crashed, Server, Unreachable
from tests.served import ASKED, serving, small_settings

FACTS = ("Roaming fees between both countries end in 2026.", "Roaming fees in Minsk end in 2027.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sources of one document, its index, and gold for it: one item is answered, one refused, one that
    the system gets wrong."""
    made = tmp_path_factory.mktemp("evals")
    small_settings(made)
    (document,) = session.documents([made / "sources"]).values()
    sha, starts = text_sha256(document), [(document.text.index(f), f) for f in FACTS]
    places = [{"doc": document.id, "start": n, "end": n + len(f), "quote": f, "sha256": sha} for n, f in starts]
    known = {"schema": 1, "split": "dev", "lang": "en", "kind": "fact", "cluster": "c"}
    answered = {"answerability": "answerable", "evidence": [{"group": "g", "any_of": places, "supports": ["n"]}]}
    fees, nuggets = {"id": "fees", "question": ASKED}, [{"id": "n", "any_of": ["2026", "2027"]}]
    variant = {"id": "p1", "type": "paraphrase", "question": "Roaming fees end in which year?"}
    items = [
        known | answered | fees | {"nuggets": nuggets, "variants": [variant]},
        known | {"id": "oil", "question": "What does <b>oil</b> cost?", "answerability": "unanswerable"},
        known | answered | {"id": "hard", "question": "Who ends roaming fees?", "nuggets": nuggets,
                            "forbidden": [{"any_of": ["fees"], "why": "forbidden here"}]},
    ]  # fmt: skip
    (made / "gold.jsonl").write_text("".join(json.dumps(i) + "\n" for i in items), "utf-8")
    return made


@pytest.fixture(scope="module")
def ran(folder: Path) -> Path:
    """The report of a run of this checkout."""
    out = folder / "out"
    assert main(["run", *given(folder), "--report", str(out), "--variants"]) == 0
    return out


def given(folder: Path) -> list[str]:
    return ["--gold", str(folder / "gold.jsonl"), "--sources", str(folder / "sources"),
            "--baseline", str(folder / "baseline.json"), "--accepted", str(folder / "accepted.toml")]  # fmt: skip


def outcomes(report: Path) -> dict[str, str]:
    return {i["id"]: i["outcome"] for i in json.loads((report / "results.json").read_text("utf-8"))["items"]}


def test_a_run_of_this_checkout_is_reported(ran: Path) -> None:
    assert outcomes(ran)["fees"] == "full" and outcomes(ran)["oil"] == "abstained" and "fees/p1" in outcomes(ran)
    cases = {c.get("name"): c for c in ElementTree.parse(ran / "junit.xml").iter("testcase")}
    assert set(cases) == set(outcomes(ran)) and cases["fees"].find("failure") is None
    failure = cases["hard"].find("failure")
    assert failure is not None and "forbidden here" in failure.get("message", "")
    assert any(f in (failure.text or "") for f in FACTS)
    summary = (ran / "summary.md").read_text("utf-8")
    assert "| quotes verbatim | – | 1.000 |" in summary and "there is no baseline" in summary


def test_the_page_is_inert_and_whole(ran: Path) -> None:
    page = (ran / "report.html").read_text("utf-8")
    assert "What does &lt;b&gt;oil&lt;/b&gt; cost?" in page and "<b>oil" not in page
    assert "<script" not in page and "http://" not in page.replace(" http://www.w3.org", "") and "src=" not in page
    assert page.count("<svg") == 5 and "default-src 'none'" in page and "Reliability" in page


def test_the_same_answers_give_the_same_bytes(folder: Path, ran: Path) -> None:
    outs = [folder / "one", folder / "two"]
    for out in outs:
        code = main(
            ["run", *given(folder), "--variants", "--answers", str(ran / "answers.jsonl"), "--report", str(out)]
        )
        assert code == 0 and outcomes(out) == outcomes(ran)
    for name in ("results.json", "summary.md"):
        assert (outs[0] / name).read_bytes() == (outs[1] / name).read_bytes()


def test_accept_then_gate_then_a_regression(folder: Path, ran: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gated = ["run", *given(folder), "--variants", "--gate", "--answers"]
    kept = ["--baseline", str(folder / "baseline.json"), "--accepted", str(folder / "accepted.toml")]
    assert main([*gated, str(ran / "answers.jsonl")]) in (1, 2)  # no baseline
    assert "there is no baseline" in capsys.readouterr().err
    assert main(["accept", str(ran / "results.json"), "--reason", "first", *kept]) == 0
    worse = [json.loads(line) for line in (ran / "answers.jsonl").read_text("utf-8").splitlines()]
    for answer in worse:
        if answer["id"] == "fees":
            answer |= {"text": "No answer.", "refused": True, "sentences": [], "citations": []}
    (folder / "worse.jsonl").write_text("".join(json.dumps(a) + "\n" for a in worse), "utf-8")
    assert main([*gated, str(folder / "worse.jsonl"), "--report", str(folder / "worse")]) == 1
    assert "fees: full before, abstained now; refused, though the sources answer" in capsys.readouterr().err
    summary = (folder / "worse" / "summary.md").read_text("utf-8")
    assert "What got worse: 1" in summary and "expected: 2026" in summary and "evidence: Roaming fees" in summary
    compared = ["compare", str(ran / "results.json"), str(folder / "worse" / "results.json")]
    assert main(compared) == 0 and "1 items worse: fees" in capsys.readouterr().out  # one item is no sure change
    excuse = ["accept", str(folder / "worse" / "results.json"), "--reason", "known", "--expires"]
    assert main([*excuse, "2001-01-01", *kept]) == 2
    assert main([*excuse, "2999-01-01", *kept]) == 0
    main([*gated, str(folder / "worse.jsonl")])
    told = capsys.readouterr().err
    assert "ratchet: passed" in told and "worse, accepted until 2999-01-01: known" in told


def test_bad_use_ends_with_2_and_what_is_out_of_reach_with_3(folder: Path, tmp_path: Path) -> None:
    assert main(["run", *given(folder), "--answers", str(tmp_path / "none.jsonl")]) == 2
    assert main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 2
    assert main(["run", *given(folder), "--url", "file:///etc"]) == 2
    assert main(["run", *given(folder), "--url", "http://127.0.0.1:9"]) == 3
    (tmp_path / "gold.jsonl").write_text("{}", "utf-8")
    assert main(["run", "--gold", str(tmp_path / "gold.jsonl")]) == 2
    with pytest.raises(SystemExit) as stopped:
        main(["run", "--nonsense"])
    assert stopped.value.code == 2


def test_an_item_without_an_answer_has_crashed(folder: Path, ran: Path) -> None:
    lines = (ran / "answers.jsonl").read_text("utf-8").splitlines()
    (folder / "few.jsonl").write_text("\n".join(line for line in lines if '"id": "oil"' not in line), "utf-8")
    code = main(
        ["run", *given(folder), "--answers", str(folder / "few.jsonl"), "--report", str(folder / "few"), "--gate"]
    )
    assert code == 1 and outcomes(folder / "few")["oil"] == "crashed"
    assert [c.get("name") for c in ElementTree.parse(folder / "few" / "junit.xml").iter("testcase")
            if c.find("error") is not None] == ["oil"]  # fmt: skip


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[tuple[str, str]]:
    """A real server that wants a key."""
    (folder / "served").mkdir()
    settings = small_settings(folder / "served")
    (folder / "keys").write_text(f"evals:{hashlib.sha256(b'secret').hexdigest()}\n", "utf-8")
    assistant = make_assistant(settings)
    dialogue = make_dialogue(settings, assistant)
    web = create_web(assistant, dialogue, keys=read_keys(folder / "keys"))
    with serving(web, lambda: None) as url:
        yield url, "secret"
    assistant.close()


def test_a_server_is_asked(folder: Path, ran: Path, server: tuple[str, str], tmp_path: Path) -> None:
    url, key = server
    (tmp_path / "key").write_text(key, "utf-8")
    asked = ["run", *given(folder), "--variants", "--url", url, "--key-file", str(tmp_path / "key")]
    assert main([*asked, "--report", str(tmp_path / "out")]) == 0
    assert outcomes(tmp_path / "out") == outcomes(ran)
    (tmp_path / "key").write_text("wrong", "utf-8")
    assert main(asked) == 3


def test_what_was_said_before_is_said_in_one_conversation(folder: Path, server: tuple[str, str]) -> None:
    (case,) = [c for c in load([folder / "gold.jsonl"]) if c.id == "fees"]
    said = Server(*server).ask("x", Question("And in Minsk?", (Turn("user", ASKED), Turn("assistant", FACTS[0]))))
    assert said.refused or "Minsk" in said.text
    assert judge(case, Server(*server).ask("x", Question(ASKED)), session.documents([folder / "sources"]).get).right


@pytest.mark.parametrize(("status", "expected"), [(500, Crashed), (404, Unreachable), (302, Crashed)])
def test_a_broken_server_is_told_from_a_broken_question(status: int, expected: type[Exception]) -> None:
    with serving(replying([(status, {}, b"{}")]), lambda: None) as url, pytest.raises(expected):
        Server(url).ask("x", Question("a"))


def test_a_busy_server_is_asked_again_when_it_says(folder: Path) -> None:
    waits: list[float] = []
    replies = [(429, {"retry-after": "7"}, b""), (503, {}, b""), (200, {}, b'{"text": "No.", "refused": true}')]
    with serving(replying(replies), lambda: None) as url:
        assert Server(url, sleep=waits.append).ask("x", Question("a")) == Said(text="No.", refused=True)
    assert waits == [7.0, 5.0]
    with serving(replying([(429, {}, b"")]), lambda: None) as url, pytest.raises(Unreachable, match="no time"):
        Server(url, sleep=waits.append).ask("x", Question("a"))


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"text": 5}', b'{"text": "a", "confidence": 7}'])
def test_what_is_no_answer_is_a_crash(body: bytes) -> None:
    with serving(replying([(200, {}, body)]), lambda: None) as url, pytest.raises(Crashed):
        Server(url).ask("x", Question("a"))


def replying(replies: list[tuple[int, dict[str, str], bytes]]):  # type: ignore[no-untyped-def]
    """A web application that gives these replies in turn, the last one for ever."""
    left = list(replies)

    async def web(scope, receive, send):  # type: ignore[no-untyped-def]
        if scope["type"] != "http":
            return
        status, headers, body = left.pop(0) if len(left) > 1 else left[0]
        raw = [(k.encode(), v.encode()) for k, v in headers.items()] + [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return web


def test_answers_of_other_systems_may_be_short(tmp_path: Path) -> None:
    said = read({"text": "Fees end in 2026 [1]. They were high.", "citations": []}, "x")
    assert [s.citations for s in said.sentences] == [(1,), ()] and said.passages is None and said.confidence is None
    for text, where in (("[]", "line 1"), ('{"id": "a", "text": "b"}\n{"id": "a", "text": "b"}', "answered twice"),
                        ("{", "no JSON"), ('{"id": "a"}', "text")):  # fmt: skip
        (tmp_path / "answers.jsonl").write_text(text, "utf-8")
        with pytest.raises(BadAnswers, match=where):
            read_lines(tmp_path / "answers.jsonl")


SQUAD = {"data": [{"title": "Minsk \"x\"", "paragraphs": [{
    "context": "Minsk  has 2 million people. It lies on the Svislach. Minsk is old.",
    "qas": [{"id": "q1", "question": "On which river does Minsk lie?",
             "answers": [{"text": "the Svislach", "answer_start": 41}]},
            {"id": "q2", "question": "Who founded Minsk?", "is_impossible": True, "answers": []},
            {"id": "q3", "question": "What is old?", "answers": [{"text": "Minsk", "answer_start": 55}]},
            {"id": "q4", "question": "?", "answers": [{"text": "Brest", "answer_start": 0}]}]}]}]}  # fmt: skip


def test_squad_becomes_sources_and_gold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "squad.json").write_text(json.dumps(SQUAD), "utf-8")
    into = ["--sources-out", str(tmp_path / "sources"), "--gold-out", str(tmp_path / "gold.jsonl")]
    assert main(["import", "squad", str(tmp_path / "squad.json"), *into]) == 0
    assert "3 items" in capsys.readouterr().out
    cases = {c.id: c for c in load([tmp_path / "gold.jsonl"])}
    assert cases["squad-q1"].evidence[0].any_of[0].quote == "It lies on the Svislach."
    assert cases["squad-q3"].evidence[0].any_of[0].quote == "Minsk is old."
    assert cases["squad-q2"].answerability == "unanswerable"
    assert main(["lint", "--gold", str(tmp_path / "gold.jsonl"), "--sources", str(tmp_path / "sources")]) == 0
    (tmp_path / "squad.json").write_text('{"data": [{"paragraphs": 5}]}', "utf-8")
    assert main(["import", "squad", str(tmp_path / "squad.json"), *into]) == 2


def test_wordings_count_in_two_figures_only(ran: Path) -> None:
    found = results.read(ran / "results.json")
    figures = {r.name: r for r in rates(found.items)}
    assert figures["right in every wording"].of == 1 and figures["future leaks"].of == 3


def test_what_must_not_change_an_answer_does_not_and_a_change_is_seen(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stable, "TIMES", 3)
    asked = ["--gold", str(folder / "gold.jsonl"), "--sources", str(folder / "sources")]
    assert main(["stable", *asked, "-v"]) == 0
    told = capsys.readouterr().out
    assert [line.split()[-1] for line in told.splitlines()] == ["3/3"] * 3 and "distractors" in told
    monkeypatch.setitem(
        stable.CHANGES, "another order", lambda sources, to, build: (to / "a.txt").write_text("Empty now.")
    )
    assert main(["stable", *asked, "-v"]) == 1
    assert "another order: fees: full, then abstained" in capsys.readouterr().out


def test_distractors_are_read_as_documents(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    (tmp_path / "from" / "a.md").write_text("One document of ours.", "utf-8")
    stable._among_others(tmp_path / "from", tmp_path / "to", lambda: None)
    found = session.documents([tmp_path / "to"])
    assert len(found) == 11 and {d.about.language for d in found.values()} >= {"en", "ru"}
