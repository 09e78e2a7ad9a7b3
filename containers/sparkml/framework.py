"""Answers as Spring Boot gives them when no controller is involved: 404, 405, 406, 415 and their bodies."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Scope

from sagemaker_transform_emulator.containers.sparkml.media_types import Negotiation

# what each path is for; HEAD goes wherever GET does
METHODS = {"/ping": "GET", "/execution-parameters": "GET", "/invocations": "POST"}
_BLANKS = b" \t"


def error_body(status: int, path: str) -> bytes:
    """The JSON object; `timestamp` is in milliseconds since 1970."""
    content = {
        "timestamp": time.time_ns() // 1_000_000,
        "status": status,
        "error": HTTPStatus(status).phrase,
        "path": path,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


class Framework:
    """The answers that depend on Accept, which `negotiation` reads."""

    def __init__(self, negotiation: Negotiation) -> None:
        self.negotiation = negotiation

    def error(
        self, scope: Scope, status: int, accept: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The framework's own error answer; it has no body when Accept rules JSON out."""
        content_type = self.negotiation.of_object(accept)
        if content_type is None:
            return answer(status, None, b"", headers)
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        return answer(status, content_type, error_body(status, path), headers)

    def wrong_method(self, scope: Scope, accept: str) -> Response:
        """405 for a path that has another method, or the methods themselves for OPTIONS."""
        method = METHODS[scope["path"].removesuffix("/")]
        if scope["method"] == "OPTIONS":
            allowed = "GET,HEAD,OPTIONS" if method == "GET" else "POST,OPTIONS"
            return answer(200, None, b"", {"Allow": allowed})
        return self.error(scope, 405, accept, {"Allow": method})


def joined(values: Iterable[bytes]) -> str:
    """What a header is worth that came so many times: as Jetty joins them, blanks around each taken off."""
    return ",".join(value.strip(_BLANKS).decode("latin-1") for value in values)


def answer(
    status: int, content_type: str | None, body: bytes, headers: Mapping[str, str] | None = None
) -> Response:
    """An answer with exactly that Content-Type; None leaves it out."""
    typed = {} if content_type is None else {"Content-Type": content_type}
    return Response(body, status, {**(headers or {}), **typed})
