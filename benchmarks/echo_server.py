"""The fastest honest echo: each POST is answered with its own body.

Prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import sys

import httptools
import uvloop


class Echo(asyncio.Protocol):
    """One connection; keeps it alive and understands pipelined requests."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        self.parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        """Some of its body."""
        self.body = self.body + part if self.body else part

    def on_message_complete(self) -> None:
        """All of it."""
        head = b"HTTP/1.1 200 OK\r\nServer: echo\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n"
        self.transport.write(head % len(self.body) + self.body)
        self.body = b""


async def serve() -> None:
    """Serve until standard input ends, which it does when the starter is gone."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    uvloop.run(serve())
