"""The OpenAPI document of the application: its routes, the shapes of what they say, and which of them need a key."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from assistant.web import shapes

_BEARER = {"type": "http", "scheme": "bearer", "description": "A key; make one with: python -m assistant key NAME"}


def describe(app: FastAPI, public: tuple[str, ...], keys: bool) -> None:
    """Have `app` describe itself. Where there are `keys`, every path needs one but those that are `public`."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            found = get_openapi(title=app.title, version=app.version, routes=app.routes)
            parts = found.setdefault("components", {})
            ours, theirs = shapes.components(), parts.get("schemas", {})
            assert not ours.keys() & theirs.keys()  # one name, one shape
            parts["schemas"] = theirs | ours
            if keys:
                parts["securitySchemes"] = {"bearer": _BEARER}
                _secure(found["paths"], public)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _secure(paths: dict[str, dict[str, Any]], public: tuple[str, ...]) -> None:
    for path, methods in paths.items():
        for route in methods.values():
            if path not in public:
                route["security"] = [{"bearer": []}]
