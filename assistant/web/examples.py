"""Examples and shapes of the requests and responses of every route, as the OpenAPI document shows them."""

from typing import Any

from pydantic import BaseModel

from assistant.web import shapes

Responses = dict[int | str, dict[str, Any]]
Shape = type[BaseModel]

_TRACE, _REQUEST = "3f0c9a5b7d1e42f8a6c0b9d2", "0f9e8d7c6b5a49388271605f4e3d2c1b"
_CONVERSATION, _INDEX = "2b1f6c1e-6d3c-4c3f-9a51-0e6f7f1f3d2a", "20261124-101500-1a2b3c4d"
_SUMMARY = {
    "id": _CONVERSATION, "title": "How do Minsk and Moscow define the Union State?", "length": 1,
    "created": "2026-11-24T10:15:00+00:00", "changed": "2026-11-24T10:15:02+00:00",
}  # fmt: skip
_QUOTE = "Minsk understands the Union State as a confederation, Moscow as a federation."
_SOURCE = {
    "document_id": "rane-2023-union", "title": "The Union State after 2020", "publisher": "RANE", "author": None,
    "published": "2023-03-13", "url": "https://example.org/union-state", "language": "en", "kind": "analysis",
    "holder": "RANE",
}  # fmt: skip
_LISTED = _SOURCE | {"retrieved": None, "form": "summary"}
_CITED = _SOURCE | {"number": 1, "heading": None, "page": None, "quote": _QUOTE, "start": 412, "end": 489}
_TEXT = "RANE: Minsk understands the Union State as a confederation, Moscow as a federation [1]."
_ANSWER: dict[str, Any] = {
    "id": _TRACE, "question": _SUMMARY["title"], "language": "en", "text": _TEXT, "refused": False, "reason": None,
    "sentences": [{"text": _TEXT, "citations": [1], "holder": "RANE", "stance": "claim"}], "citations": [_CITED],
    "conflicts": [], "confidence": 0.93, "as_of": None, "newest_source": "2023-03-13", "passages": [],
    "model": "extractive", "index": _INDEX, "trace": _TRACE, "seconds": 0.02, "notice": None,
}  # fmt: skip
_REPLY = _ANSWER | {"conversation_id": _CONVERSATION}
_EVENTS = f"""event: start
data: {{"trace":"{_TRACE}","conversation_id":"{_CONVERSATION}","index":"{_INDEX}","model":"extractive"}}

event: sentence
data: {{"number":1,"text":"{_TEXT}","citations":[{{"number":1,"document_id":"rane-2023-union"}}]}}

event: done
data: {{"id":"{_TRACE}","text":"{_TEXT}","refused":false,"conversation_id":"{_CONVERSATION}"}}

"""
_OUR_EVENTS = shapes.events(
    {"start": shapes.Start, "sentence": shapes.Said, "done": shapes.Reply, "error": shapes.Trouble}
)
_OPENAI_EVENTS = shapes.events({"message": shapes.Streamed}, "[DONE]")
_MODEL = {"id": "union-state", "object": "model", "created": 0, "owned_by": "union-state-assistant"}
_MARKED = _TEXT + "\n\nSources\n\n[1] The Union State after 2020. RANE. 2023-03-13. https://example.org/union-state"
_CHOICE = {
    "index": 0, "logprobs": None, "finish_reason": "stop",
    "message": {"role": "assistant", "content": _MARKED, "refusal": None, "annotations": [
        {"type": "url_citation", "url_citation": {
            "title": _SOURCE["title"], "url": _SOURCE["url"], "start_index": 83, "end_index": 86}}]},
}  # fmt: skip
_METRICS = """# HELP assistant_answers_total Answers given, by 'answered' or the reason of the refusal
# TYPE assistant_answers_total counter
assistant_answers_total{model="extractive",outcome="answered"} 41.0
"""

ASK_REQUEST: dict[str, Any] = {"question": _SUMMARY["title"], "as_of": "2023-12-31"}
RENAME_REQUEST: dict[str, Any] = {"title": "Two definitions"}
FEEDBACK_REQUEST: dict[str, Any] = {"trace": _TRACE, "verdict": "up", "comment": "Just what I looked for"}
COMPLETION_REQUEST: dict[str, Any] = {
    "model": "union-state",
    "messages": [{"role": "user", "content": _SUMMARY["title"]}],
}
MCP_REQUEST: dict[str, Any] = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "ask", "arguments": {"question": _SUMMARY["title"], "as_of": "2023-12-31"}},
}  # fmt: skip


def _shown(
    examples: dict[str, Any], shape: Shape | None = None, status: int = 200, problems: tuple[int, ...] = (401, 429)
) -> Responses:
    """Responses of a route, by media type; JSON has a `shape`. 4XX and 422 are problems everywhere."""
    content = {media: {"schema": _schema(media, shape), "example": example} for media, example in examples.items()}
    found: Responses = {status: {"description": "As asked", "content": content}}
    codes: tuple[int | str, ...] = (*problems, 422, "4XX")
    return found | {s: _problem(s if isinstance(s, int) else 400) for s in codes}


def _schema(media: str, shape: Shape | None) -> dict[str, Any]:
    if media == "text/event-stream":
        return _OPENAI_EVENTS if shape is shapes.Completed else _OUR_EVENTS
    return shapes.reference(shape) if shape is not None and media == "application/json" else {"type": "string"}


def _problem(status: int) -> dict[str, Any]:
    example = {"type": "about:blank", "title": "What went wrong", "status": status, "request_id": _REQUEST,
               "detail": "What to do"}  # fmt: skip
    content = {"application/problem+json": {"schema": shapes.reference(shapes.Trouble), "example": example}}
    return {"description": "A problem", "content": content}


def _called(example: Any) -> Responses:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "What went wrong: what to do"}}
    bad = {"description": "An error", "content": {"application/json": {"schema": {"type": "object"}, "example": error}}}
    codes: tuple[int | str, ...] = (400, 401, 406, 422, 429, 503)
    return _shown({"application/json": example}, shapes.Called, 200, ()) | dict.fromkeys(codes, bad)


def _completed(examples: dict[str, Any], shape: Shape) -> Responses:
    error = {"error": {"message": "What went wrong: what to do", "type": "invalid_request_error", "param": None,
                       "code": None, "request_id": _REQUEST}}  # fmt: skip
    schema = shapes.reference(shapes.Failure)
    bad = {"description": "An error", "content": {"application/json": {"schema": schema, "example": error}}}
    codes: tuple[int | str, ...] = (400, 401, 404, 422, 429, 503, 504, "4XX")
    return _shown(examples, shape, 200, ()) | dict.fromkeys(codes, bad)


_ASKED, _FOUND = (401, 404, 429, 503, 504), (401, 404, 429, 503)
ASK = _shown({"application/json": _REPLY}, shapes.Reply, 200, _ASKED)
CHAT = _shown({"text/event-stream": _EVENTS}, None, 200, _ASKED)
ANSWER = _shown(
    {"application/json": _ANSWER, "text/markdown": f"# {_SUMMARY['title']}\n\n{_TEXT}\n"}, shapes.Answer, 200, _FOUND
)
_MESSAGES = [
    {"number": 1, "at": _SUMMARY["created"], "role": "user", "text": _SUMMARY["title"]},
    {"number": 1, "at": _SUMMARY["created"], "role": "assistant", "text": _TEXT, "answer": _ANSWER, "feedback": None},
]
CONVERSATIONS = _shown(
    {"application/json": {"conversations": [_SUMMARY], "next": None}}, shapes.Conversations, 200, _FOUND
)
CONVERSATION = _shown({"application/json": _SUMMARY | {"messages": _MESSAGES, "next": None},
                       "text/markdown": f"# {_SUMMARY['title']}\n"}, shapes.Messages, 200, _FOUND)  # fmt: skip
RENAMED = _shown({"application/json": _SUMMARY | {"title": "Two definitions"}}, shapes.Conversation, 200, _FOUND)
NOTHING = _shown({}, None, 204, _FOUND)
SOURCES = _shown({"application/json": {"sources": [_LISTED]}}, shapes.Sources)
SOURCE = _shown({"application/json": _LISTED | {"text": _QUOTE, "blocks": [
    {"start": 0, "end": 77, "heading": None, "page": None}]}}, shapes.Text, 200, _FOUND)  # fmt: skip
ALIVE = _shown({"application/json": {"status": "alive"}}, shapes.Health, 200, ())
READY = _shown({"application/json": {"status": "ready", "index": _INDEX}}, shapes.Health, 200, (503,))
METRICS = _shown({"text/plain": _METRICS})
_SAME: Responses = {304: {"description": "It has not changed"}}
PAGE = _SAME | _shown({"text/html": "<!doctype html><title>Union State assistant</title>"}, None, 200, ())
_COMPLETED = {
    "id": f"chatcmpl-{_TRACE}", "object": "chat.completion", "created": 1795515300, "model": "union-state",
    "system_fingerprint": _INDEX, "choices": [_CHOICE], "citations": [_CITED],
    "usage": {"prompt_tokens": 12, "completion_tokens": 44, "total_tokens": 56},
}  # fmt: skip
_CHUNKS = f"""data: {{"id":"chatcmpl-{_REQUEST}","object":"chat.completion.chunk","created":1795515300,"choices":[]}}

data: [DONE]

"""
COMPLETION = _completed({"application/json": _COMPLETED, "text/event-stream": _CHUNKS}, shapes.Completed)
MODELS = _completed({"application/json": {"object": "list", "data": [_MODEL]}}, shapes.Models)
_RESULT = {"content": [{"type": "text", "text": _TEXT}], "structuredContent": _ANSWER, "isError": False}
MCP = _called({"jsonrpc": "2.0", "id": 1, "result": _RESULT})
