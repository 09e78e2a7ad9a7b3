"""Lends connections to the JVM while their requests are plain invocations; the others are uvicorn's.

A connection comes from uvicorn, is served by Java in a thread of its own without a step through Python
(java/sparkml/PlainConnection.java), and comes back with the first request that is anything else, so that
there is one place for whatever is not a success: the application. When that is answered it is lent again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Left
from sagemaker_transform_emulator.containers.sparkml.invocations import Invocations, success_headers

LOG = logging.getLogger(__name__)
CONNECTIONS_LENT = 32
# A connection that asks for the application over and over stays with it: each way costs 0.2 ms
_RETURNS_FREE = 4
_REQUESTS_PER_RETURN = 16


@dataclass
class History:
    """How often a connection was lent, and how many requests were answered meanwhile."""

    loans: int = 0
    served: int = 0

    @property
    def worth_lending(self) -> bool:
        """Whether the loans so far have paid."""
        return self.loans <= _RETURNS_FREE + self.served // _REQUESTS_PER_RETURN


class Lender:
    """Serves lent connections, at most CONNECTIONS_LENT at a time."""

    def __init__(self, engine: Engine, invocations: Invocations) -> None:
        self._engine = engine
        self._invocations = invocations
        self._threads = ThreadPoolExecutor(CONNECTIONS_LENT or 1, thread_name_prefix="plain")
        self._answers = engine.plain_answers(*_parts_of_success())
        self._rehearse()
        self.lent = 0
        self.stopping = False

    def _rehearse(self) -> None:
        """The first client need not wait for what is loaded on first use."""
        self._answers.rehearse()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.close()
            self._engine.plain_connection(self._answers, theirs.fileno()).serve(b"")

    @property
    def free(self) -> bool:
        """Whether another connection can be lent now."""
        return not self.stopping and self.lent < CONNECTIONS_LENT

    def lend(self, protocol: LendingProtocol, connection: socket.socket) -> None:
        """Afterwards Java serves the connection; `protocol.given_back` is called in the loop at the end."""
        self.lent += 1
        self._threads.submit(self._serve, protocol, connection)

    def stop(self) -> None:
        """Afterwards lent connections end with the request under way, and none is lent any more."""
        if not self.stopping:
            self.stopping = True
            self._answers.stop()

    def _serve(self, protocol: LendingProtocol, connection: socket.socket) -> None:
        rest, served = b"", 0
        try:
            java = self._engine.plain_connection(self._answers, connection.fileno())
            protocol.java = java
            left = Left(java.serve(rest))
            while left is Left.UNKNOWN_HEADERS:
                self._make_known(str(java.contentType), str(java.accept))
                left = Left(java.serve(java.rest))
            rest, served = b"" if left is Left.CLOSED else bytes(java.rest), int(java.served)
        except Exception:
            LOG.exception("a connection broke off")
        protocol.loop.call_soon_threadsafe(protocol.given_back, connection, rest, served)

    def _make_known(self, content_type: str, accept: str) -> None:
        plain = self._invocations.plain(content_type, accept)
        input_, format_ = (-1, Format.NOT_ACCEPTABLE) if plain is None else plain
        self._answers.know(content_type, accept, input_, format_)


def _parts_of_success() -> tuple[bytes, list[bytes]]:
    """The head of a success as uvicorn writes it, before and after the date, by format; no length yet."""
    after = []
    for format_ in (Format.CSV, Format.JSON_LINES, Format.JSON_LINES_TEXT):
        (type_name, type_), (length_name, _) = success_headers(format_, 0)
        after.append(b"\r\n%b: %b\r\n%b: " % (type_name, type_, length_name))
    return STATUS_LINE[200] + b"date: ", after


class LendingProtocol(HttpToolsProtocol):
    """uvicorn's HTTP on a connection, which is lent whenever no request is under way."""

    def __init__(
        self, lender: Lender, *, pending: bytes = b"", history: History | None = None, **settings: Any
    ) -> None:
        super().__init__(**settings)
        self._lender = lender
        self._pending = pending
        self._history = history or History()
        self._successor = partial(type(self), lender, history=self._history, **settings)
        self._between_requests = True
        self._connection: socket.socket | None = None
        self.java: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection from a client, or one given back with the bytes that were not for Java."""
        super().connection_made(transport)
        if self._pending:
            self.data_received(self._pending)
            if self._lender.stopping:
                super().shutdown()
        else:
            self._lend()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone; a connection that was only lent lives on."""
        if self._connection is None:
            super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """A request has begun to arrive."""
        self._between_requests = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request has arrived."""
        self._between_requests = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is written; what comes next may be for Java again."""
        super().on_response_complete()
        if self._between_requests and self.cycle.response_complete and not self.transport.is_closing():
            self.loop.call_soon(self._lend_if_quiet)

    def _lend_if_quiet(self) -> None:
        quiet = self._between_requests and self.cycle.response_complete and not self.transport.is_closing()
        if quiet and self._connection is None and not self.transport.get_write_buffer_size():
            self._lend()

    def _lend(self) -> None:
        if not self._lender.free or not self._history.worth_lending:
            return
        self._unset_keepalive_if_required()
        self._history.loans += 1
        descriptor = os.dup(self.transport.get_extra_info("socket").fileno())
        self._connection = socket.socket(fileno=descriptor)
        self.transport.abort()
        self._connection.setblocking(True)
        limit = struct.pack("ll", self.timeout_keep_alive, 0)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._lender.lend(self, self._connection)

    def given_back(self, connection: socket.socket, rest: bytes, served: int) -> None:
        """Java is done with the connection; `rest` was read from it and not answered."""
        self._lender.lent -= 1
        self._history.served += served
        self.server_state.total_requests += served
        if rest:
            task = self.loop.create_task(self._go_on(connection, rest))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        else:
            connection.close()
            self.connections.discard(self)

    async def _go_on(self, connection: socket.socket, rest: bytes) -> None:
        try:
            connection.setblocking(False)
            await self.loop.connect_accepted_socket(partial(self._successor, pending=rest), connection)
        except OSError:
            connection.close()
        finally:
            self.connections.discard(self)

    def shutdown(self) -> None:
        """The server is about to end: nothing new is begun on this connection."""
        self._lender.stop()
        if self._connection is None:
            super().shutdown()
        elif self.java is None or self.java.isIdle():
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RD)
