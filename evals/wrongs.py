"""Ways to make a right answer wrong in one place, and ways to change it that change nothing.

Each takes an item, its answer, what lies around, and a source of chance; None where it does not apply. Not for: single
sentences that a verifier is fed with (alter.py).
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assistant.conversation import MARKER
from evals.alter import CONTROLS, MUTATIONS, Corpus, Make, Original, language
from evals.cases import Case
from evals.metrics import says
from evals.said import Citation, Said, Sentence
from index.documents import Document
from index.glossary import Glossary


@dataclass(frozen=True, slots=True)
class Around:
    """All documents by id, and all speakers that gold names."""

    documents: Mapping[str, Document]
    speakers: tuple[str, ...]


Alter = Callable[[Case, Said, Around, random.Random], Said | None]


def _with(said: Said, place: int, sentence: Sentence) -> Said:
    """The answer with another sentence, in its text and in the positions that repeat it."""
    old = said.sentences[place]
    sentences = (*said.sentences[:place], sentence, *said.sentences[place + 1 :])

    def told(text: str) -> str:
        return sentence.text if _bare(text) in _bare(old.text) else text

    conflicts = tuple(
        c.model_copy(update={"positions": tuple(
            p.model_copy(update={"text": told(p.text)}) for p in c.positions
        )}) for c in said.conflicts
    )  # fmt: skip
    text = " ".join(s.text for s in sentences)
    return said.model_copy(update={"sentences": sentences, "conflicts": conflicts, "text": text})


def _bare(text: str) -> str:
    return " ".join(MARKER.sub("", text).split())


def _in_text(change: Callable[[str, random.Random], str | None]) -> Alter:
    """A change of one sentence's words, its markers aside."""

    def alter(case: Case, said: Said, around: Around, rng: random.Random) -> Said | None:
        places = list(range(len(said.sentences)))
        rng.shuffle(places)
        for place in places:
            sentence = said.sentences[place]
            head = MARKER.search(sentence.text)
            words, markers = (
                (sentence.text[: head.start()], sentence.text[head.start() :]) if head else (sentence.text, "")
            )
            changed = change(words, rng)
            if changed is not None and changed != words:
                return _with(said, place, sentence.model_copy(update={"text": changed + markers}))
        return None

    return alter


def _of_alter(make: Make) -> Alter:
    """A change that alter.py makes in a sentence; the sentence itself is its passage."""
    nothing = Corpus((), Glossary())
    return _in_text(lambda text, rng: make(Original(text, "", text, language(text), None), nothing, rng))


def _negated(text: str, rng: random.Random) -> str | None:
    original, nothing = Original(text, "", text, language(text), None), Corpus((), Glossary())
    return next(
        (t for k in ("negation added", "negation removed") if (t := MUTATIONS[k](original, nothing, rng))), None
    )


def _speaker(case: Case, said: Said, around: Around, rng: random.Random) -> Said | None:
    """Another speaker put in the place of the one who stands behind a claim."""
    nuggets = {n.id: n for n in case.nuggets}
    for claim in case.claims:
        for place, sentence in enumerate(said.sentences):
            named = [w for w in claim.speaker if says(sentence.text, (w,))]
            if not named or not says(sentence.text, nuggets[claim.nugget].any_of):
                continue
            others = sorted(
                {s for s in around.speakers if not any(says(s, (w,)) or says(w, (s,)) for w in claim.speaker)}
            )
            text, other = sentence.text, rng.choice(others)
            for wording in sorted(named, key=len, reverse=True):
                text = re.sub(re.escape(wording) + r"\w*", other, text, flags=re.IGNORECASE)
            if not says(text, claim.speaker):
                return _with(said, place, sentence.model_copy(update={"text": text}))
    return None


def _uncited(case: Case, said: Said, around: Around, rng: random.Random) -> Said | None:
    """A sentence without its citations."""
    place = rng.randrange(len(said.sentences))
    sentence = said.sentences[place]
    bare = Sentence(text=MARKER.sub("", sentence.text).strip())
    return _with(said, place, bare)


def _recited(change: Callable[[Citation, Around, random.Random], Citation | None]) -> Alter:
    """A change of one citation."""

    def alter(case: Case, said: Said, around: Around, rng: random.Random) -> Said | None:
        place = rng.randrange(len(said.citations)) if said.citations else None
        made = change(said.citations[place], around, rng) if place is not None else None
        if made is None or place is None:
            return None
        return said.model_copy(update={"citations": (*said.citations[:place], made, *said.citations[place + 1 :])})

    return alter


def _other_document(citation: Citation, around: Around, rng: random.Random) -> Citation | None:
    others = sorted(around.documents.keys() - {citation.document_id})
    return citation.model_copy(update={"document_id": rng.choice(others)}) if others else None


def _other_place(citation: Citation, around: Around, rng: random.Random) -> Citation | None:
    """The quote of a document that does not say it, rightly cited."""
    others = sorted(
        k for k, d in around.documents.items() if k != citation.document_id and citation.quote not in d.text
    )
    document = around.documents[rng.choice(others)]
    block = rng.choice(document.blocks)
    quote = document.text[block.start : block.end]
    return citation.model_copy(
        update={"document_id": document.id, "quote": quote, "start": block.start, "end": block.end}
    )  # fmt: skip


def _shifted(citation: Citation, around: Around, rng: random.Random) -> Citation | None:
    by = rng.choice([-3, -1, 1, 3])
    start, end = citation.start + by, citation.end + by
    return citation.model_copy(update={"start": start, "end": end}) if start >= 0 else None


def _reworded(citation: Citation, around: Around, rng: random.Random) -> Citation | None:
    """One word of the quote is another."""
    words = citation.quote.split(" ")
    place = rng.randrange(len(words))
    words[place] = rng.choice([w for w in ("other", "иной", "never", "3") if w != words[place]])
    return citation.model_copy(update={"quote": " ".join(words)})


def _spliced(citation: Citation, around: Around, rng: random.Random) -> Citation | None:
    """Half of the quote and half of what stands elsewhere."""
    document = around.documents[rng.choice(sorted(around.documents))]
    block = rng.choice(document.blocks)
    half, other = len(citation.quote) // 2, document.text[block.start : block.end]
    made = citation.quote[:half] + other[len(other) // 2 :]
    return citation.model_copy(update={"quote": made}) if made != citation.quote else None


def _spoken(text: str, rng: random.Random) -> str | None:
    """Another word within quotation marks."""
    found = re.search(r"[«“]([^«»“”]+)[»”]", text)
    if found is None or len(found[1].split()) < 3:
        return None
    words = found[1].split(" ")
    words[rng.randrange(len(words))] = rng.choice(("другой", "another"))
    return text[: found.start(1)] + " ".join(words) + text[found.end(1) :]


def _spaced(text: str, rng: random.Random) -> str:
    return re.sub(" ", lambda _: rng.choice([" ", "  ", "\u00a0", "\n"]), text)


def _marked(text: str, rng: random.Random) -> str:
    for one, other in (("«", "“"), ("»", "”")) if "«" in text else (("“", "«"), ("”", "»")):
        text = text.replace(one, other)
    return text


def _dashed(text: str, rng: random.Random) -> str:
    return re.sub("[—–]", lambda _: rng.choice("—–-"), text)


def _unstopped(text: str, rng: random.Random) -> str:
    return text.rstrip().rstrip(".") + " "


def _dotless(text: str, rng: random.Random) -> str:
    return text.replace("ё", "е").replace("Ё", "Е")


def _reordered(case: Case, said: Said, around: Around, rng: random.Random) -> Said | None:
    """The sentences in another order."""
    sentences = said.sentences[::-1]
    return said.model_copy(update={"sentences": sentences, "text": " ".join(s.text for s in sentences)})


def _renumbered(case: Case, said: Said, around: Around, rng: random.Random) -> Said | None:
    """Every citation with another number."""

    def renamed(text: str) -> str:
        return MARKER.sub(lambda m: f"[{int(m[1]) + 7}]", text)

    sentences = tuple(
        Sentence(text=renamed(s.text), citations=tuple(n + 7 for n in s.citations)) for s in said.sentences
    )
    citations = tuple(c.model_copy(update={"number": c.number + 7}) for c in said.citations)
    return said.model_copy(update={"sentences": sentences, "citations": citations, "text": renamed(said.text)})


WRONGS: Mapping[str, Alter] = {
    "number": _of_alter(MUTATIONS["number"]), "unit": _of_alter(MUTATIONS["unit"]),
    "date": _of_alter(MUTATIONS["date"]), "negation": _in_text(_negated),
    "antonym": _of_alter(MUTATIONS["antonym"]), "speaker": _speaker, "dropped citation": _uncited,
    "wrong document": _recited(_other_document),
    "another passage": _recited(_other_place), "shifted span": _recited(_shifted),
    "changed quote word": _recited(_reworded), "spliced quotes": _recited(_spliced),
    "word in quotation marks": _in_text(_spoken),
}  # fmt: skip
HARMLESS: Mapping[str, Alter] = {
    "white space": _in_text(_spaced), "quotation marks": _in_text(_marked), "dashes": _in_text(_dashed),
    "typography": _of_alter(CONTROLS["typography"]), "no full stop": _in_text(_unstopped),
    "е for ё": _in_text(_dotless),
    "order of sentences": _reordered, "numbers of citations": _renumbered,
}  # fmt: skip
