"""Requests that name two hosts or two origins are for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sagemaker_transform_emulator.server.api.allowed_hosts import Guard
from sagemaker_transform_emulator.server.api.gateway import Guarded


def asked(*headers: tuple[bytes, bytes]) -> int:
    """The status of the answer to a request with these headers; 200 when the application got it."""
    said: list[dict[str, Any]] = []

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    guarded = Guarded(application, Guard())
    asyncio.run(guarded({"type": "http", "headers": list(headers)}, receive, send))
    return int(said[0]["status"])


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"evil.example"), (b"host", b"localhost")],
        [(b"host", b"localhost"), (b"host", b"localhost")],
        [(b"host", b"localhost"), (b"origin", b"http://evil.example"), (b"origin", b"http://localhost")],
    ],
)
def test_two_host_or_origin_headers_are_refused(headers: list[tuple[bytes, bytes]]) -> None:
    assert asked(*headers) == 400
    assert asked((b"host", b"localhost")) == 200
    assert asked((b"host", b"evil.example")) == 403
