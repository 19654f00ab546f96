"""Where one size is measured: its folders, and what is measured there."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.settings import AssistantSettings

Told = dict[str, Any]
# Above it real encoding would take hours on two cores.
REAL_CHUNKS = 20_000
# all-MiniLM-L6-v2: each of its 10.6 million weights, without the table of words, is multiplied and added once a token.
# Attention adds about a twentieth at 160 tokens.
ENGLISH_GFLOP_A_TOKEN = 2 * 10.6e6 / 1e9


@dataclass(frozen=True, slots=True)
class Place:
    """One size in chunks; `folder` keeps documents, indexes and vectors of all sizes."""

    folder: Path
    chunks: int
    questions: int

    @property
    def work(self) -> Path:
        """What belongs to this size alone."""
        return self.folder / str(self.chunks)

    @property
    def sources(self) -> Path:
        """The documents, as files."""
        return self.work / "sources"

    @property
    def data(self) -> Path:
        """Our index."""
        return self.work / "data"

    @property
    def stock(self) -> Path:
        """The stock pipeline's index."""
        return self.work / "stock"

    @property
    def base(self) -> Path:
        """Real vectors that synthetic ones are made of."""
        return self.folder / "base"

    @property
    def is_real(self) -> bool:
        """Whether the documents are encoded, and not given synthetic vectors."""
        return self.chunks <= REAL_CHUNKS

    def settings(self) -> AssistantSettings:
        """Of our index."""
        return AssistantSettings(sources=(self.sources,), data=self.data)

    def environment(self) -> dict[str, str]:
        """The same for a process of its own."""
        return {"ASSISTANT_SOURCES": str(self.sources.absolute()), "ASSISTANT_DATA": str(self.data.absolute())}
