"""The transport that jobs use: HTTP/1.1 on asyncio.Protocol, parsed by llhttp.

Made for a closed loop of small exchanges on one kept-alive connection: one write for each request, no
task, one timer. It is right on any event loop and fast on uvloop.
"""

from __future__ import annotations

import asyncio
from time import perf_counter

from sagemaker_transform_emulator.errors import ConnectError, DeadlineError, DisconnectedError
from sagemaker_transform_emulator.transport.base import Answer, Body, Limits, RequestHead, Timings
from sagemaker_transform_emulator.transport.line import Line
from sagemaker_transform_emulator.transport.requests import framing_header, host_header, opening
from sagemaker_transform_emulator.transport.reuse import StaleRule


class LeanTransport:
    """Makes connections that speak HTTP/1.1 on bare sockets."""

    def __init__(self, limits: Limits | None = None, stale: StaleRule | None = None) -> None:
        self._limits = limits or Limits()
        self._stale = stale or StaleRule()

    def connection(self, host: str, port: int) -> LeanConnection:
        """Return a connection that opens at its first exchange."""
        return LeanConnection(host, port, self._limits, self._stale)


class LeanConnection:
    """A reusable line to one container. Not for concurrent use."""

    def __init__(self, host: str, port: int, limits: Limits, stale: StaleRule) -> None:
        self._host = host
        self._port = port
        self._peer = host_header(host, port)
        self._limits = limits
        self._stale = stale
        self._line: Line | None = None
        self._head: RequestHead | None = None
        self._opening = b""

    async def exchange(self, head: RequestHead, body: Body, timeout_s: float) -> Answer:
        """Return the whole answer within `timeout_s` seconds; see Connection.exchange for what it raises."""
        started = perf_counter()
        request = self._request_head(head, body)
        line = self._line
        if line is not None and line.usable:
            try:
                return await self._attempt(
                    line, head.method, request, body, started=started, timeout_s=timeout_s
                )
            except DisconnectedError:
                if not self._stale.allows(started - line.idle_since, perf_counter() - started):
                    raise
        line = await self._open(started, timeout_s)
        connected = perf_counter() - started
        return await self._attempt(
            line, head.method, request, body, started=started, timeout_s=timeout_s, connected=connected
        )

    async def close(self) -> None:
        """Leave no socket open. May be called again."""
        line, self._line = self._line, None
        if line is not None:
            line.drop()
            await line.gone()

    async def _attempt(
        self,
        line: Line,
        method: str,
        request: bytes,
        body: Body,
        *,
        started: float,
        timeout_s: float,
        connected: float = 0.0,
    ) -> Answer:
        try:
            parser = await line.begin(method, request, body, started=started, timeout_s=timeout_s)
        except BaseException:
            line.drop()
            await line.gone()
            raise
        if not line.usable:
            await line.gone()
        line.idle_since = ended = perf_counter()
        return parser.answer(Timings(connected, line.first_byte - started, ended - started))

    async def _open(self, started: float, timeout_s: float) -> Line:
        loop = asyncio.get_running_loop()
        limit = asyncio.timeout(timeout_s - (perf_counter() - started))
        try:
            async with limit:
                _, line = await loop.create_connection(
                    lambda: Line(self._peer, self._limits), self._host, self._port
                )
        except OSError as error:
            if limit.expired():
                raise DeadlineError(
                    f"{self._peer} did not accept a connection within {timeout_s:g} s"
                ) from None
            raise ConnectError(f"{self._peer} did not accept a connection: {error}") from error
        self._line = line
        return line

    def _request_head(self, head: RequestHead, body: Body) -> bytes:
        if head is not self._head:
            self._opening = opening(head, self._host, self._port)
            self._head = head
        if isinstance(body, bytes) and body:
            return b"%bContent-Length: %d\r\n\r\n" % (self._opening, len(body))
        framing = framing_header(head, body)
        last = f"{framing[0]}: {framing[1]}\r\n" if framing else ""
        return b"%b%b\r\n" % (self._opening, last.encode())
