"""Answers as Spring Boot gives them when no controller is involved: 404, 405, 406, 415 and their bodies."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope

from sagemaker_transform_emulator.containers.sparkml import media_types

# what each path is for; HEAD goes wherever GET does
METHODS = {"/ping": "GET", "/execution-parameters": "GET", "/invocations": "POST"}


def error_body(status: int, path: str) -> bytes:
    """The JSON object; `timestamp` is in milliseconds since 1970."""
    content = {
        "timestamp": time.time_ns() // 1_000_000,
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": path,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def error(scope: Scope, status: int, accept: str, headers: Mapping[str, str] | None = None) -> Response:
    """The framework's own error answer; it has no body when Accept rules JSON out."""
    content_type = media_types.content_type_of_object(accept)
    if content_type is None:
        return answer(status, None, b"", headers)
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    return answer(status, content_type, error_body(status, path), headers)


def wrong_method(scope: Scope, accept: str) -> Response:
    """405 for a path that has another method, or the methods themselves for OPTIONS."""
    method = METHODS[scope["path"].removesuffix("/")]
    if scope["method"] == "OPTIONS":
        return answer(200, None, b"", {"Allow": "GET,HEAD,OPTIONS" if method == "GET" else "POST,OPTIONS"})
    return error(scope, 405, accept, {"Allow": method})


def answer(
    status: int, content_type: str | None, body: bytes, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer with exactly that Content-Type; None leaves it out."""
    typed = {} if content_type is None else {"Content-Type": content_type}
    return Response(body, status, {**(headers or {}), **typed})
