"""Sockets for httpcore whose every byte is seen by our own parser first.

h11 keeps what follows an answer and would take it for the beginning of the next one; it also takes any
number of 1xx answers and refuses heads of more than 100 KiB that come in pieces. So an AnswerParser
watches the stream: it holds a head back until it is complete, cuts off what comes after the end, and
raises the errors both transports share. httpx and h11 still do the parsing of what they are given.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
from collections.abc import Iterable
from time import perf_counter
from typing import Any

import httpcore

from sagemaker_transform_emulator.errors import ConnectError
from sagemaker_transform_emulator.transport.answers import AnswerParser

READ_BYTES = 64 * 1024


class WatchedBackend(httpcore.AsyncNetworkBackend):
    """Opens the sockets of one connection; `stream` is the newest."""

    def __init__(self) -> None:
        self.stream: WatchedStream | None = None
        self._parser: AnswerParser
        self._connecting = False

    def watch(self, parser: AnswerParser) -> None:
        """Let `parser` see the answer that comes next, on this socket or on a new one."""
        self._parser = parser
        self._connecting = False
        if self.stream is not None:
            self.stream.watch(parser)

    def progress(self) -> str:
        """How far the exchange under way got, for a message."""
        if self._connecting:
            return "did not accept a connection"
        return f"did not answer completely (only {self._parser.received} bytes)"

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the deadline of the exchange is the only clock
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> WatchedStream:
        """Return a stream to the first address of `host` that accepts. Raises ConnectError."""
        began = perf_counter()
        self._connecting = True
        try:
            raw = await _connected_socket(host, port)
        except OSError as error:
            raise ConnectError(f"{host}:{port} did not accept a connection: {error}") from error
        self._connecting = False
        self.stream = WatchedStream(raw, self._parser, perf_counter() - began)
        return self.stream


async def _connected_socket(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    failure = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        raw = socket.socket(family, kind, protocol)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(raw, address)
        except OSError as error:
            raw.close()
            failure = error
        except BaseException:
            raw.close()
            raise
        else:
            return raw
    raise failure


class WatchedStream(httpcore.AsyncNetworkStream):
    """A connected socket. Reading works on after a write failed, so that an early answer is not lost."""

    def __init__(self, raw: socket.socket, parser: AnswerParser, connect_s: float) -> None:
        self._socket = raw
        self.connect_s = connect_s
        self.watch(parser)

    def watch(self, parser: AnswerParser) -> None:
        """Let `parser` see what comes from now on."""
        self._parser = parser
        self._held = b""
        self.first_byte = 0.0

    @property
    def closed(self) -> bool:
        """True once the socket is closed on our side."""
        return self._socket.fileno() < 0

    def drop(self) -> None:
        """Close the socket at once; httpcore finds it closed and opens another."""
        self._socket.close()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        """Return the next bytes of the answer, a head only when it is whole; b"" at the end."""
        while not self._parser.complete and (self._parser.status == 0 or not self._held):
            if not await self._receive():
                break
        data, self._held = self._held, b""
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        """Send all of `buffer`, or raise WriteError when the answer or the end comes first."""
        rest = memoryview(buffer)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await self._writable_or_answered()
            except OSError as error:
                raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close the socket."""
        self.drop()

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks: whether an idle connection has something to read, so that it is of no use."""
        if info == "is_readable":
            return self.closed or bool(select.select([self._socket], [], [], 0)[0])
        return None

    async def _receive(self) -> bool:
        try:
            data = await asyncio.get_running_loop().sock_recv(self._socket, READ_BYTES)
        except OSError as error:
            self._parser.end(f"broke the connection ({error})", clean=False)
            return False
        return self._take(data)

    def _take(self, data: bytes) -> bool:
        self.first_byte = self.first_byte or perf_counter()
        if not data:
            self._parser.end("closed the connection", clean=True)
            return False
        self._parser.feed(data)
        self._held += data[: len(data) - self._parser.extra_bytes]
        return True

    async def _writable_or_answered(self) -> None:
        """Wait for room in the send buffer; raise WriteError once a final answer has begun."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not ready.done():
                ready.set_result(None)

        loop.add_reader(self._socket, wake)
        loop.add_writer(self._socket, wake)
        try:
            await ready
        finally:
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
        with contextlib.suppress(BlockingIOError):
            more = self._take(self._socket.recv(READ_BYTES))
            if not more or self._parser.status:
                raise httpcore.WriteError("answered before the request was sent completely")
