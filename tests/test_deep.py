"""What a live model needs of an evaluation: repeats, and an arbiter that has to agree with people first."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from assistant.conversation import Question
from evals import results
from evals.__main__ import main
from evals.arbiter import Agreement, Label, NotAdmitted, admit, agreement, kappa, keep, prompt_hash
from evals.arbiter import ModelArbiter as Asked
from evals.cases import Case
from evals.gate import ratchet
from evals.judge import judge
from evals.reports.summary import summary
from evals.run import Manner, run
from evals.said import Citation, Said, Sentence
from evals.support import Quote
from index.documents import Document
from index.load import Loader
from tests.model_server import ModelServer
from tests.obedient import Said as Message
from tests.test_gate import TODAY, gated

TEXT = "The budget of the Union State is 5 billion roubles. The two sides agreed to move the forum to Minsk."
ABOUT = 'title = "Budget"\npublisher = "TASS"\nlanguage = "en"\npublished = "2021-05-01"\ntext = "original"\n'
SAME, OTHER = "Both governments settled on holding that meeting elsewhere.", "Both governments quarrelled in public."
QUOTE = "The two sides agreed to move the forum to Minsk."


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    folder = tmp_path_factory.mktemp("deep")
    (folder / "budget.txt").write_text(TEXT, "utf-8")
    (folder / "budget.txt.toml").write_text(ABOUT, "utf-8")
    with Loader((folder,)) as loader:
        return loader.load(folder / "budget.txt")


def knows(messages: Sequence[Message]) -> str:
    """The letter beside the right reply, in whatever order replies are offered."""
    text = messages[-1]["content"]
    wanted = "Everything" if SAME in text or "the same" in text else "do not say it"
    found = re.search(rf"^([ABC])\. .*{wanted}", text, re.MULTILINE)
    assert found is not None
    return f"**{found[1]}**"


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer(knows) as made:
        yield made


@pytest.fixture
def asked(server: ModelServer) -> Iterator[Asked]:
    from assistant.models import make_chat_model

    model = make_chat_model("openai:reader", server.url)
    yield Asked(model)
    model.close()


def answer(document: Document, *texts: str) -> tuple[Case, Said]:
    """Sentences that all cite the same quote."""
    start = document.text.index(QUOTE)
    place = {"doc": document.id, "start": start, "end": start + len(QUOTE), "quote": QUOTE, "sha256": "0"}
    case = Case.model_validate({
        "id": "x", "schema": 1, "split": "dev", "lang": "en", "question": "Where will the forum be?", "kind": "fact",
        "answerability": "answerable", "cluster": "c", "nuggets": [{"id": "n", "any_of": ["governments"]}],
        "evidence": [{"group": "g", "any_of": [place], "supports": ["n"]}],
    })  # fmt: skip
    citation = Citation(number=1, document_id=document.id, start=start, end=start + len(QUOTE), quote=QUOTE)
    sentences = tuple(Sentence(text=f"{t} [1]", citations=(1,)) for t in texts)
    return case, Said(text=" ".join(s.text for s in sentences), sentences=sentences, citations=(citation,))


def precise(document: Document, arbiter: Callable[[str, Sequence[Quote]], bool | None] | None, *texts: str) -> object:
    case, said = answer(document, *texts)
    scores = judge(case, said, {document.id: document}.get, arbiter=arbiter).scores
    return scores.get("precise"), scores.get("unjudged")


def test_other_words_are_decided_by_the_arbiter_alone(document: Document, asked: Asked) -> None:
    assert precise(document, None, SAME, OTHER) == ((0.0, 2.0), None)
    assert precise(document, asked, SAME, OTHER) == ((1.0, 2.0), None)


@pytest.mark.parametrize(
    "wrong",
    ["The two sides agreed to move 7 forums to Minsk.", "The two sides agreed to move the forum to Moscow.",
     "The two sides never agreed to move the forum to Minsk."],
)  # fmt: skip
def test_it_overturns_no_hard_failure(document: Document, wrong: str) -> None:
    heard: list[str] = []

    def always(sentence: str, quotes: Sequence[Quote]) -> bool:
        heard.append(sentence)
        return True

    assert precise(document, always, wrong) == ((0.0, 1.0), None) and heard == []


def test_what_it_cannot_tell_is_left_out_and_counted(document: Document) -> None:
    assert precise(document, lambda *_: None, SAME, QUOTE) == ((1.0, 1.0), (1.0, 2.0))


def test_a_model_that_contradicts_itself_tells_nothing(document: Document) -> None:
    from assistant.models import make_chat_model

    with ModelServer(lambda _: "A") as server:
        model = make_chat_model("openai:reader", server.url)
        assert Asked(model)(SAME, [Quote(QUOTE, "")]) is None and len(server.requests) == 2
        assert Asked(model)(SAME, []) is None
        model.close()
    assert Asked(make_chat_model("openai:reader", server.url))(SAME, [Quote(QUOTE, "")]) is None  # nobody there


def test_kappa_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import cohen_kappa_score

    pairs = [(True, True)] * 40 + [(True, False)] * 9 + [(False, True)] * 5 + [(False, False)] * 21
    assert kappa(pairs) == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))


def labels(right: int, wrong: int) -> list[Label]:
    good = [Label(sentence=f"It is the same, {n}.", quotes=(QUOTE,), supported=n < right) for n in range(right + wrong)]
    bad = [Label(sentence=f"It is another, {n}.", quotes=(QUOTE,), supported=False) for n in range(right + wrong)]
    return good + bad


def test_only_what_agrees_with_people_is_admitted(asked: Asked, tmp_path: Path) -> None:
    path = tmp_path / "arbiters.json"
    with pytest.raises(NotAdmitted, match="nobody knows how openai:reader agrees"):
        admit("openai:reader", ["embedded"], path)
    found = agreement(asked, labels(right=150, wrong=2))
    assert found.told == 304 and found.untold == 0 and found.good
    keep(found, path)
    assert admit("openai:reader", ["embedded"], path) == found
    with pytest.raises(NotAdmitted, match="its own answers"):
        admit("openai:reader", ["embedded", "openai:reader"], path)
    for worse in ({"kappa": 0.6}, {"told": 299}, {"prompt": "another"}):
        keep(Agreement.model_validate(found.model_dump() | worse), path)
        with pytest.raises(NotAdmitted):
            admit("openai:reader", ["embedded"], path)
    assert len(json.loads(path.read_text("utf-8"))) == 1 and found.prompt == prompt_hash()


class Moody:
    """Answers in turn rightly, wrongly and not at all; a second question always in the same way."""

    name = "moody"

    def __init__(self, *answers: Said) -> None:
        self._answers, self._asked = answers, 0

    def ask(self, identity: str, question: Question) -> Said:
        """The next answer; the warm-up question, which has no identity, counts for nothing."""
        if not identity:
            return self._answers[0]
        self._asked += 1
        return self._answers[(self._asked - 1) % len(self._answers)]


def test_repeats_are_counted_as_means_and_the_unsteady_are_told(document: Document) -> None:
    case, right = answer(document, SAME)
    wrong = right.model_copy(update={"text": "No.", "sentences": ()})
    find = {document.id: document}.get
    trials = run([case], Moody(right, wrong, right), find, manner=Manner(repeats=3))
    found = results.collect(trials, [document], "moody")
    (item,) = found.items
    assert item.outcome == "full" and item.outcomes == ("full", "wrong", "full") and found.made.repeats == 3
    assert item.scores["full"] == (0.6667, 1.0) and item.scores["wrong"] == (0.3333, 1.0)
    tied = results.collect(run([case], Moody(right, wrong), find, manner=Manner(repeats=2)), [document], "m")
    assert tied.items[0].outcome == "wrong"  # the worst of equally common ones
    steady = results.collect(run([case], Moody(right), find, manner=Manner(repeats=2)), [document], "m")
    assert steady.items[0].outcomes == ()
    report = summary(found, None, gated(found, None))
    assert "Unstable: 1" in report and "full, wrong, full" in report and "each asked 3 times" in report
    assert ratchet(steady, found, [], TODAY).verdict == "not compared"


def test_commands(server: ModelServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels are imported, the model is tried on labels, and only then may be named."""
    bench = tmp_path / "bench.jsonl"
    rows = [{"question": f"q{n}", "claim": SAME, "references": [QUOTE], "attribution_label": "attributable"}
            for n in range(8)]  # fmt: skip
    bench.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    out = tmp_path / "imported.jsonl"
    assert main(["import", "labels", str(bench), "--labels-out", str(out)]) == 0
    assert 0 < len(out.read_text("utf-8").splitlines()) < 8  # the other half was fitted on
    named = ["--arbiters", str(tmp_path / "arbiters.json")]
    trial = ["arbiter", "--model", "openai:reader", "--base-url", server.url, *named, "--labels"]
    assert main([*trial, str(out)]) == 1 and "are needed" in capsys.readouterr().out
    gold = tmp_path / "gold.jsonl"
    gold.write_text("", "utf-8")
    ask = ["run", "--gold", str(gold), "--sources", str(tmp_path), "--answers", str(gold), *named]
    ask += ["--arbiter", "openai:reader", "--arbiter-base-url", server.url]
    assert main(ask) == 2 and "are needed" in capsys.readouterr().err
    out.write_text("".join(x.model_dump_json() + "\n" for x in labels(right=150, wrong=0)), "utf-8")
    assert main([*trial, str(out)]) == 0 and "may be named" in capsys.readouterr().out
    assert main(ask) == 0
    out.write_text('{"sentence": 5}\n', "utf-8")
    assert main([*trial, str(out)]) == 2 and "line 1" in capsys.readouterr().err
