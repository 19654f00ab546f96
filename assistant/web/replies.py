"""Bodies of responses: JSON that keeps its letters, and Markdown to save. Nothing here may be cached."""

import json
from dataclasses import asdict
from typing import Any

from fastapi.responses import JSONResponse, Response

from index.documents import About, Document

_PRIVATE = {"Cache-Control": "no-store"}


class _Utf8(JSONResponse):
    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def as_json(content: dict[str, Any], **headers: str) -> JSONResponse:
    """`content` as JSON, with more headers where given, `_` for `-` in their names."""
    return _Utf8(content, headers=_PRIVATE | {name.replace("_", "-"): value for name, value in headers.items()})


def as_markdown(text: str, name: str) -> Response:
    """`text` as a Markdown file that a browser saves as `name`."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/markdown", headers=_PRIVATE | disposition)


def about_json(identity: str, about: About) -> dict[str, Any]:
    """Metadata of a source. `form` says whether its text is our summary or the original."""
    return {"document_id": identity, **{k: v for k, v in asdict(about).items() if k != "text"}, "form": about.text}


def source_json(document: Document) -> dict[str, Any]:
    """A source, with its whole text."""
    blocks = [asdict(b) for b in document.blocks]
    return about_json(document.id, document.about) | {"text": document.text, "blocks": blocks}
