"""A server that says exactly what a test tells it, byte for byte; no framework can send what it sends."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Self


class Wire:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request as it came: head and body, chunks still in their frames."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        if re.search(rb"(?im)^transfer-encoding: chunked", head):
            return head + await self.reader.readuntil(b"0\r\n\r\n")
        length = re.search(rb"(?im)^content-length: (\d+)", head)
        return head + await self.reader.readexactly(int(length[1]) if length else 0)

    async def send(self, *pieces: bytes) -> None:
        """Write each piece on its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def drip(self, data: bytes) -> None:
        await self.send(*(data[i : i + 1] for i in range(len(data))))

    async def reset(self) -> None:
        """Close so that the peer sees ECONNRESET, in spite of what is still unsent or unread."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Wait until the client has closed."""
        while await self.reader.read(65536):
            pass


Script = Callable[[Wire], Awaitable[None]]


class RawServer:
    """Plays one script for each accepted connection, the last one again and again, and then closes it."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._failures: list[Exception] = []
        self._playing: set[asyncio.Task[None]] = set()
        self.connections = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._playing:
            task.cancel()
        if self._playing:
            await asyncio.wait(self._playing)
        if self._failures:
            raise self._failures[0]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = self._scripts[min(self.connections, len(self._scripts) - 1)]
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._play(script, Wire(reader, writer)))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _play(self, script: Script, wire: Wire) -> None:
        try:
            await script(wire)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left, as many tests want it to
        except Exception as error:  # noqa: BLE001 - a mistake in the script fails the test at its end
            self._failures.append(error)
        finally:
            wire.writer.close()
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await wire.writer.wait_closed()


def answering(*pieces: bytes) -> Script:
    """Answer each request with these pieces and keep the connection."""

    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await wire.send(*pieces)

    return script


def answering_once(*pieces: bytes, reset: bool = False) -> Script:
    """Answer one request, then close or reset."""

    async def script(wire: Wire) -> None:
        await wire.request()
        await wire.send(*pieces)
        if reset:
            await wire.reset()

    return script
