"""HTTP to a container by httpx: an independent implementation that the transport of jobs is held against.

Slower by an order of magnitude, and written apart from it: both must keep the same promises.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import perf_counter

import httpcore
import httpx
from httpx_sockets import WatchedBackend, WatchedStream

from sagemaker_transform_emulator.errors import DeadlineError, DisconnectedError, MalformedAnswerError
from sagemaker_transform_emulator.transport.answers import AnswerParser
from sagemaker_transform_emulator.transport.base import Answer, Body, Limits, RequestHead, Timings
from sagemaker_transform_emulator.transport.inflating import inflated
from sagemaker_transform_emulator.transport.requests import framing_header, host_header, opening
from sagemaker_transform_emulator.transport.reuse import StaleRule


class HttpxTransport:
    """Makes connections that each own an httpx.AsyncClient with a pool of one."""

    def __init__(self, limits: Limits | None = None, stale: StaleRule | None = None) -> None:
        self._limits = limits or Limits()
        self._stale = stale or StaleRule()

    def connection(self, host: str, port: int) -> HttpxConnection:
        """Return a connection that opens at its first exchange."""
        return HttpxConnection(host, port, self._limits, self._stale)


class HttpxConnection:
    """A reusable line to one container. Not for concurrent use."""

    def __init__(self, host: str, port: int, limits: Limits, stale: StaleRule) -> None:
        self._host = host
        self._port = port
        self._peer = host_header(host, port)
        self._limits = limits
        self._stale = stale
        self._backend = WatchedBackend()
        self._client: httpx.AsyncClient | None = None
        self._idle_since = 0.0

    async def exchange(self, head: RequestHead, body: Body, timeout_s: float) -> Answer:
        """Return the whole answer within `timeout_s` seconds; see Connection.exchange for what it raises."""
        opening(head, self._host, self._port)
        started = perf_counter()
        deadline = asyncio.timeout(timeout_s)
        try:
            async with deadline:
                return await self._attempt_and_resend(head, body, started)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise DeadlineError(f"{self._peer} {self._backend.progress()} within {timeout_s:g} s") from None

    async def close(self) -> None:
        """Leave no socket open. May be called again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _attempt_and_resend(self, head: RequestHead, body: Body, started: float) -> Answer:
        before = self._backend.stream
        try:
            return await self._attempt(head, body, started)
        except DisconnectedError:
            reused = self._backend.stream is before
            waited_s = perf_counter() - started
            if not reused or not self._stale.allows(started - self._idle_since, waited_s):
                raise
        return await self._attempt(head, body, started)

    async def _attempt(self, head: RequestHead, body: Body, started: float) -> Answer:
        parser = AnswerParser(self._peer, head.method, self._limits)
        before = self._backend.stream
        self._backend.watch(parser)
        try:
            response, content = await self._response(head, body)
            stream = self._backend.stream
            assert stream is not None
            return self._answer(response, content, parser, self._timings(stream, before, started))
        except httpcore.ProtocolError as error:
            raise MalformedAnswerError(f"{self._peer} sent something that is not HTTP: {error}") from error
        finally:
            self._drop_unless_reusable(parser)

    async def _response(self, head: RequestHead, body: Body) -> tuple[httpx.Response, bytes]:
        if self._client is None:
            pool = _Pool(self._backend)
            self._client = httpx.AsyncClient(transport=pool, timeout=None, trust_env=False)
        request = self._request(head, body)
        try:
            response = await self._client.send(request, stream=True)
            async with contextlib.aclosing(response):
                return response, b"".join([part async for part in response.aiter_raw()])
        finally:
            if isinstance(request.stream, _Chunks):
                await request.stream.aclose()

    def _request(self, head: RequestHead, body: Body) -> httpx.Request:
        framing = framing_header(head, body)
        headers = (("Host", self._peer), *head.headers, *((framing,) if framing else ()))
        stream = httpx.ByteStream(body) if isinstance(body, bytes) else _Chunks(body())
        return httpx.Request(
            head.method,
            f"http://{self._peer}/",
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            stream=stream,
            # as it is, where httpx.URL would normalise it
            extensions={"target": head.target.encode("latin-1")},
        )

    def _answer(
        self, response: httpx.Response, content: bytes, parser: AnswerParser, timings: Timings
    ) -> Answer:
        headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw
        )
        headers, plain = inflated(self._peer, headers, content, self._limits.body_bytes)
        return Answer(
            response.status_code, headers, plain, timings, parser.closed_by_peer, parser.extra_bytes
        )

    def _timings(self, stream: WatchedStream, before: WatchedStream | None, started: float) -> Timings:
        self._idle_since = ended = perf_counter()
        connect = 0.0 if stream is before else stream.connect_s
        return Timings(connect, stream.first_byte - started, ended - started)

    def _drop_unless_reusable(self, parser: AnswerParser) -> None:
        stream = self._backend.stream
        if stream is not None and not (parser.complete and parser.keep_alive and not parser.extra_bytes):
            stream.drop()


class _Chunks(httpx.AsyncByteStream):
    """A streamed request body whose source is left in order when the request is broken off."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._chunks:
            if chunk:
                yield chunk

    async def aclose(self) -> None:
        close = getattr(self._chunks, "aclose", None)
        if close is not None:
            await close()


class _Pool(httpx.AsyncBaseTransport):
    """httpcore's pool of one connection over our sockets; httpx's own transport takes no network backend."""

    def __init__(self, backend: WatchedBackend) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            max_connections=1, max_keepalive_connections=1, keepalive_expiry=None, network_backend=backend
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=b"/"
        )
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Stream(httpx.AsyncByteStream):
    """The body of an httpcore answer in the type httpx asks for."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
