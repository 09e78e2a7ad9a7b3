"""One open connection to a container: the asyncio protocol of the lean transport."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from time import perf_counter
from typing import cast

from sagemaker_transform_emulator.errors import DeadlineError, TransportError
from sagemaker_transform_emulator.transport.alarm import Alarm
from sagemaker_transform_emulator.transport.answers import AnswerParser
from sagemaker_transform_emulator.transport.base import Body, Limits
from sagemaker_transform_emulator.transport.heads import HeadMemory

JOIN_BYTES = 64 * 1024
"""Up to here head and body are copied into one write; beyond, the copy costs more than a second write."""
SLICE_BYTES = 256 * 1024
"""What a large body is handed over by, so that no more than this is buffered below us."""
RESCUE_BYTES = 64 * 1024


class Line(asyncio.Protocol):
    """A socket that carries one exchange at a time.

    Whatever comes from the peer outside an exchange, bytes or the end, closes the line; `usable` is false
    then. The outcome of an exchange is the AnswerParser in the future that `begin` returns, or one of the
    TransportErrors, or whatever the iterator of a streamed body raised.
    """

    def __init__(self, peer: str, limits: Limits) -> None:
        self._peer = peer
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._heads = HeadMemory()
        self._timeout_s = 0.0
        self._alarm = Alarm(self._expire)
        self._parser: AnswerParser | None = None
        self._outcome: asyncio.Future[AnswerParser]
        self._paused: asyncio.Future[None] | None = None
        self._rest: memoryview | None = None
        self._feeder: asyncio.Task[None] | None = None
        self._lost = self._loop.create_future()
        self.usable = False
        self.idle_since = 0.0
        self.first_byte = 0.0

    # What the connection does

    def begin(
        self, method: str, head: bytes, body: Body, *, started: float, timeout_s: float
    ) -> asyncio.Future[AnswerParser]:
        """Start an exchange: `head` is written as it is, then the body, in chunks unless it is bytes.

        It ends with a DeadlineError `timeout_s` seconds after `started` on perf_counter.
        """
        if self._parser is not None:
            raise RuntimeError(f"two exchanges at once on one connection to {self._peer}")
        self._parser = AnswerParser(self._peer, method, self._limits, self._heads)
        self._outcome = outcome = self._loop.create_future()
        self._timeout_s = timeout_s
        self._alarm.set(started + timeout_s)
        if not isinstance(body, bytes):
            self._transport.write(head)
            self._feeder = self._loop.create_task(self._send_chunks(body()))
        elif len(body) <= JOIN_BYTES:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._rest = memoryview(body)
            self._send_slices()
        return outcome

    def fail(self, error: BaseException) -> None:
        """End the exchange under way with `error` and drop the socket."""
        outcome = self._outcome
        self.drop()
        if not outcome.done():
            outcome.set_exception(error)

    def drop(self) -> None:
        """Close the socket without ceremony; unsent bytes are discarded."""
        self.usable = False
        self._parser = None
        self._rest = None
        self._alarm.cancel()
        if self._feeder is not None:
            self._feeder.cancel()
        self._transport.abort()

    async def gone(self) -> None:
        """Wait until the socket is closed and the source of a streamed body was left."""
        if self._feeder is not None:
            await asyncio.wait({self._feeder})
            self._feeder = None
        await asyncio.shield(self._lost)

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open; small requests leave at once."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one without saying so
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        """Bytes of the answer, or bytes that nobody asked for."""
        parser = self._parser
        if parser is None:
            self.drop()
            return
        if not parser.received:
            self.first_byte = perf_counter()
        try:
            if parser.feed(data):
                self._finish(parser)
        except TransportError as error:
            self.fail(error)

    def eof_received(self) -> None:
        """The peer will send no more, which ends some answers well and others badly."""
        self._end("closed the connection", clean=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if exc is not None and self._parser is not None:
            self._read_what_came_before_the_reset()
        self._end(f"broke the connection ({exc})" if exc else "closed the connection", clean=exc is None)
        self.usable = False
        self._alarm.cancel()
        if self._feeder is not None:
            self._feeder.cancel()
        self.resume_writing()
        self._lost.set_result(None)

    def pause_writing(self) -> None:
        """The peer reads more slowly than we write."""
        self._paused = self._paused or self._loop.create_future()

    def resume_writing(self) -> None:
        """There is room again."""
        if self._paused is not None:
            self._paused.set_result(None)
            self._paused = None
            self._send_slices()

    # Sending a large or streamed body

    def _send_slices(self) -> None:
        while self._rest is not None and self._paused is None:
            part, rest = self._rest[:SLICE_BYTES], self._rest[SLICE_BYTES:]
            self._rest = rest or None
            self._transport.write(part)

    async def _send_chunks(self, chunks: AsyncIterator[bytes]) -> None:
        try:
            async for chunk in chunks:
                if chunk:
                    self._transport.writelines((b"%x\r\n" % len(chunk), chunk, b"\r\n"))
                if self._paused is not None:
                    await asyncio.shield(self._paused)
            self._transport.write(b"0\r\n\r\n")
        except Exception as error:  # noqa: BLE001 - the caller gets whatever its own source raised
            self.fail(error)
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()

    def _all_written(self) -> bool:
        streaming = self._feeder is not None and not self._feeder.done()
        return self._rest is None and not streaming and not self._transport.get_write_buffer_size()

    # Ending an exchange

    def _expire(self) -> None:
        if self._parser is not None:
            unsent = "" if self._all_written() else ", and the request was not sent completely"
            got = f"did not answer completely (only {self._parser.received} bytes{unsent})"
            self.fail(DeadlineError(f"{self._peer} {got} within {self._timeout_s:g} s"))

    def _finish(self, parser: AnswerParser) -> None:
        if parser.keep_alive and not parser.extra_bytes and self._all_written():
            self._parser = self._feeder = None
            self._alarm.unset()
        else:
            self.drop()
        if not self._outcome.done():
            self._outcome.set_result(parser)

    def _end(self, how: str, *, clean: bool) -> None:
        self.usable = False
        parser = self._parser
        if parser is None:
            return
        try:
            parser.end(how, clean=clean)
        except TransportError as error:
            self.fail(error)
        else:
            self._finish(parser)

    def _read_what_came_before_the_reset(self) -> None:
        """Feed what the kernel still holds when a write failed.

        A container that refuses a large body answers (413) and closes without reading on, so that our next
        write breaks the connection while its answer waits to be read.
        """
        raw = self._transport.get_extra_info("socket")
        try:
            while self._parser is not None and (data := os.read(raw.fileno(), RESCUE_BYTES)):
                self.data_received(data)
        except OSError:
            return
