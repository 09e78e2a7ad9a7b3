"""S3 under the emulator's own endpoint: every request is handed on to the store, byte for byte.

The request target and all signed headers, Host among them, go on unchanged, so signatures and presigned URLs
hold for a store that checks them. Bodies stream in both directions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpcore
from starlette.types import Message, Receive, Scope, Send

from sagemaker_transform_emulator.server.api.query import printable

_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"upgrade", b"transfer-encoding",
    b"expect",  # answered by our own server when the body is read; never part of a signature
}  # fmt: skip
_ANSWER_DROPS = _HOP_BY_HOP | {b"server"}


class S3Proxy:
    """Forwards requests to the store at `endpoint_url`."""

    def __init__(self, endpoint_url: str) -> None:
        parts = urlsplit(endpoint_url)
        self._origin = httpcore.URL(
            scheme=parts.scheme.encode(), host=(parts.hostname or "").encode(), port=parts.port, target=b"/"
        )
        self._base = parts.path.rstrip("/").encode()
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=256, max_keepalive_connections=64, keepalive_expiry=30.0
        )

    async def close(self) -> None:
        """The sockets are given back."""
        await self._pool.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request with what the store says."""
        started = False

        async def forward(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._exchange(scope, receive, forward)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            if started:
                raise  # the server then cuts the connection: the client sees an incomplete answer
            await _send_error(send, f"The S3 store does not answer: {type(error).__name__}")

    async def _exchange(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = httpcore.Request(
            method=scope["method"].encode(),
            url=self._url(scope),
            headers=_request_headers(scope),
            content=_body(receive) if _has_body(scope) else None,
            extensions={"timeout": {"connect": 5.0, "read": 300.0, "write": 300.0, "pool": 60.0}},
        )
        response = await self._pool.handle_async_request(request)
        try:
            kept = [(name.lower(), value) for name, value in response.headers if _is_kept(name.lower())]
            await send({"type": "http.response.start", "status": response.status, "headers": kept})
            async for chunk in response.aiter_stream():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body"})
        finally:
            await response.aclose()

    def _url(self, scope: Scope) -> httpcore.URL:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        origin = self._origin
        return httpcore.URL(
            scheme=origin.scheme, host=origin.host, port=origin.port,
            target=self._base + scope["raw_path"] + query,
        )  # fmt: skip


def _request_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    chunked = any(name == b"transfer-encoding" for name, _ in scope["headers"])
    kept = [(name, value) for name, value in scope["headers"] if name not in _HOP_BY_HOP]
    return [*kept, (b"transfer-encoding", b"chunked")] if chunked else kept


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _is_kept(name: bytes) -> bool:
    """Whether a header of the store's answer goes on: none that lets pages of other origins in (CORS)."""
    return name not in _ANSWER_DROPS and not name.startswith(b"access-control-")


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise httpcore.ReadError("the client is gone")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _send_error(send: Send, text: str) -> None:
    body = f"<Error><Code>ServiceUnavailable</Code><Message>{printable(text)}</Message></Error>".encode()
    headers = [(b"content-type", b"application/xml"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
