"""Label-free tests: what must not change an answer. The sources come in another order, in other chunks, or among ten
times as many documents about other things; every item has to end as it did.

Each change is indexed for real. Distractors are made of words that have nothing to do with the gold, in the three
languages, always the same ones.
"""

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from assistant.settings import AssistantSettings
from assistant.wire import make_assistant
from evals.cases import Case
from evals.judge import Trial
from evals.metrics import Rate
from evals.run import run
from evals.targets import Local
from index import wire

TIMES = 10  # distractors a document
_WORDS = {
    "en": ("The {a} museum of {b} opened in {n}.", "Visitors come to see {c} and {d}.", "It keeps {n} pieces of {c}.",
           "A guide to the {a} rooms was printed in {b}."),
    "ru": ("Музей «{a}» в городе {b} открылся в {n} году.", "Посетители приходят посмотреть на {c} и {d}.",
           "Здесь хранится {n} предметов: {c}.", "Путеводитель по залам {a} напечатан в городе {b}."),
    "be": ("Музей «{a}» у горадзе {b} адкрыўся ў {n} годзе.", "Наведнікі прыходзяць паглядзець на {c} і {d}.",
           "Тут захоўваецца {n} прадметаў: {c}.", "Даведнік па залах {a} надрукаваны ў горадзе {b}."),
}  # fmt: skip
_SOUNDS = {
    "en": "ba co di fe gu la mo ni po ru sa te vu",
    "ru": "ба ко ди фе гу ла мо ни по ру са те ву",
    "be": "ба ко дзі фе гу ла мо ні по ру са тэ ву",
}
_THINGS = {
    "en": ("clocks", "teapots", "kites", "lace", "shells"),
    "ru": ("часы", "чайники", "змеев", "кружево", "раковины"),
    "be": ("гадзіннікі", "імбрыкі", "змеяў", "карункі", "ракавіны"),
}
# Puts what becomes the data folder's sources into `folder`, calling `build` whenever the index is to follow.
Change = Callable[[Path, Path, Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class Stability:
    """A change, and the items that ended otherwise: identity, outcome before, outcome after."""

    name: str
    asked: int
    changed: tuple[tuple[str, str, str], ...]

    @property
    def rate(self) -> Rate:
        """The share of items that ended as before."""
        return Rate(f"the same: {self.name}", self.asked - len(self.changed), self.asked)


def stability(
    cases: Sequence[Case], sources: Path, work: Path, told: Callable[[str], None] = lambda _: None
) -> Iterator[Stability]:
    """Ask all items of the sources as they are, then of each changed copy."""
    told("as they are")
    base = _asked(cases, sources, work / "base", _as_they_are)
    for name, change in CHANGES.items():
        told(name)
        now = _asked(cases, sources, work / name.replace(" ", "-"), change)
        pairs = zip(base, now, strict=True)
        yield Stability(name, len(base), tuple(
            (b.identity, b.outcome, n.outcome) for b, n in pairs if (b.outcome, b.hits) != (n.outcome, n.hits)
        ))  # fmt: skip


def _asked(cases: Sequence[Case], sources: Path, work: Path, change: Change) -> list[Trial]:
    folder = work / "sources"
    folder.mkdir(parents=True)
    settings = AssistantSettings(sources=(folder,), data=work / "data")
    for path in sources.glob("*.toml"):
        shutil.copy(path, folder)
    change(sources, folder, lambda: _built(settings))
    _built(settings)
    with closing(make_assistant(settings)) as assistant:
        return run(cases, Local(assistant), lambda _: None)


def _built(settings: AssistantSettings) -> None:
    wire.build(settings)


def _as_they_are(sources: Path, folder: Path, build: Callable[[], None]) -> None:
    for path in sorted(sources.glob("*.md")):
        shutil.copy(path, folder)


def _in_another_order(sources: Path, folder: Path, build: Callable[[], None]) -> None:
    """In four builds, each of a quarter taken by chance."""
    paths = sorted(sources.glob("*.md"))
    random.Random(1).shuffle(paths)
    for quarter in range(4):
        for path in paths[quarter::4]:
            shutil.copy(path, folder)
        build()


def _in_other_chunks(sources: Path, folder: Path, build: Callable[[], None]) -> None:
    """Each paragraph under a heading of its own, that of its section, which makes it a chunk."""
    for path in sorted(sources.glob("*.md")):
        front, body = path.read_text("utf-8").rsplit("+++", 1)
        heading, lines = "", list[str]()
        for block in body.strip().split("\n\n"):
            if block.startswith("#"):
                heading = block
            else:
                lines += [heading, block] if heading else [block]
        (folder / path.name).write_text(f"{front}+++\n\n" + "\n\n".join(lines) + "\n", "utf-8")


def _among_others(sources: Path, folder: Path, build: Callable[[], None]) -> None:
    _as_they_are(sources, folder, build)
    dice, count = random.Random(1), len(list(sources.glob("*.md")))
    for n in range(TIMES * count):
        language = dice.choice(("en", "en", "ru", "be"))
        title, text = _distractor(language, dice)
        about = {"title": title, "publisher": "Museums", "language": language, "text": "original"}
        head = "".join(f'{k} = "{v}"\n' for k, v in about.items()) + f"published = {dice.randint(1995, 2025)}-05-01\n"
        (folder / f"other-{n:05}.md").write_text(f"+++\n{head}+++\n\n# {title}\n\n{text}\n", "utf-8")


def _distractor(language: str, dice: random.Random) -> tuple[str, str]:
    def name() -> str:
        return "".join(dice.choice(_SOUNDS[language].split()) for _ in range(3)).capitalize()

    values = {"a": name(), "b": name()}
    sentences = [s.format(**values, c=dice.choice(_THINGS[language]), d=dice.choice(_THINGS[language]),
                          n=dice.randint(100, 1990)) for s in _WORDS[language]]  # fmt: skip
    return values["a"], " ".join(sentences)


CHANGES: dict[str, Change] = {
    "another order": _in_another_order, "other chunks": _in_other_chunks, "distractors": _among_others,
}  # fmt: skip
