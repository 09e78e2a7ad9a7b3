"""What a transport to a container is: the seam between the record loop and HTTP.

A `Transport` makes `Connection` objects, one for each concurrency slot and container (R4.23). A
connection opens its socket at the first exchange, keeps it alive between exchanges, and opens a new
one when the peer closed it in between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

Headers = tuple[tuple[str, str], ...]
ReplayableBody = Callable[[], AsyncIterator[bytes]]
Body = bytes | ReplayableBody
"""Bytes are sent with Content-Length; a callable gives the chunks afresh for each attempt and is sent
with chunked transfer encoding (R2.29)."""


@dataclass(frozen=True)
class RequestHead:
    """The part of a request that many records share.

    `headers` are sent as given and in that order, after Host; Content-Length or Transfer-Encoding is
    added by the transport and must not be among them.
    """

    method: str
    target: str
    headers: Headers = ()

    @cached_property
    def encoded(self) -> bytes:
        """Request line and headers as latin-1 bytes, without Host, framing headers and the blank line."""
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n"


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds from the start of the exchange. `connect` is 0.0 on a kept-alive connection."""

    connect: float
    first_byte: float
    total: float


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete HTTP answer. Header names are lower case; a gzip body is already inflated.

    `closed_by_peer` is true when the body had neither length nor chunks and ended with the connection,
    so that a crash looks the same. `extra_bytes` counts what came after the end of the answer.
    """

    status: int
    headers: Headers
    body: bytes
    timings: Timings
    closed_by_peer: bool = False
    extra_bytes: int = 0

    def header(self, name: str) -> str | None:
        """The first header of that lower-case name, or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What an answer may be before it is refused as malformed. Sizes in bytes."""

    head_bytes: int = 256 * 1024
    informational_answers: int = 16
    body_bytes: int = field(default=4 * 1024**3)


class Connection(Protocol):
    """A reusable line to one container. Not for concurrent use."""

    async def exchange(self, head: RequestHead, body: Body, timeout_s: float) -> Answer:
        """Return the whole answer within `timeout_s` seconds, counted over connect, send and receive (R4.25).

        Raises ConnectError, DisconnectedError, MalformedAnswerError or DeadlineError, after which the
        next exchange uses a new socket. Cancelling also drops the socket.
        """
        ...

    async def close(self) -> None:
        """Leave no socket open. May be called again."""
        ...


class Transport(Protocol):
    """Makes connections."""

    def connection(self, host: str, port: int) -> Connection:
        """Return a connection that opens at its first exchange."""
        ...
