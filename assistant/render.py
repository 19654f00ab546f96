"""An Answer as the JSON of the contract, and as text for a terminal."""

from dataclasses import asdict
from typing import Any

from assistant.conversation import Answer, Citation
from index.documents import Passage


def to_json(answer: Answer, identity: str | None = None) -> dict[str, Any]:
    """The Answer object of the contract; `id` is the caller's, or the trace."""
    return {
        "id": identity if identity is not None else answer.trace,
        "question": answer.question.text,
        "language": answer.language,
        "text": answer.text,
        "refused": answer.refused,
        "reason": answer.reason,
        "sentences": [
            {"text": s.text, "citations": list(s.citations), "holder": s.holder, "stance": s.stance}
            for s in answer.sentences
        ],
        "citations": [citation_json(c) for c in answer.citations],
        "conflicts": [asdict(c) for c in answer.conflicts],
        "confidence": answer.confidence,
        "as_of": answer.question.as_of.isoformat() if answer.question.as_of else None,
        "newest_source": answer.newest_source,
        "passages": [passage_json(p) for p in answer.passages],
        "model": answer.model,
        "index": answer.index,
        "trace": answer.trace,
        "seconds": answer.seconds,
        "notice": answer.notice,
    }


def citation_json(citation: Citation) -> dict[str, Any]:
    """One citation of the contract's Answer."""
    about = citation.passage.about
    return {
        "number": citation.number,
        "document_id": citation.passage.chunk.document_id,
        "title": about.title,
        "publisher": about.publisher,
        "author": about.author,
        "published": about.published,
        "url": about.url,
        "language": about.language,
        "kind": about.kind,
        "holder": about.holder,
        "heading": citation.heading,
        "page": citation.page,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
    }


def passage_json(passage: Passage) -> dict[str, Any]:
    """One passage of the contract's Answer."""
    chunk = passage.chunk
    return {
        "document_id": chunk.document_id,
        "chunk_id": chunk.id,
        "start": chunk.start,
        "end": chunk.end,
        "score": passage.score,
        "found_by": list(passage.found_by),
        "text": chunk.text,
    }


def to_text(answer: dict[str, Any]) -> str:
    """The answer that `to_json` gives, and its sources, for a terminal."""
    lines = [answer["text"], *([answer["notice"]] if answer["notice"] else []), ""]
    for c in answer["citations"]:
        page = f"p. {c['page']}" if c["page"] else None
        where = [c["publisher"], c["author"], c["published"] or "undated", c["kind"], page]
        lines += [f"[{c['number']}] {c['title']}", f"    {' · '.join(filter(None, where))}", f"    “{c['quote']}”"]
        lines += [f"    {c['url']}"] if c["url"] else []
    dated = f"newest source used: {answer['newest_source'] or 'undated'} · " if answer["citations"] else ""
    as_of = f"as of {answer['as_of']} · " if answer["as_of"] else ""
    made = f"confidence {answer['confidence']:.2f} · index {answer['index']} · {answer['seconds']:.2f} s"
    return "\n".join([*lines, f"{as_of}{dated}{made}"])
