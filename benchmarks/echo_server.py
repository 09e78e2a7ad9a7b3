"""The fastest honest echo: each POST is answered with its own body.

Prints its port, and ends when its standard input does. As a container (`echo_server.py serve`) it listens on
SAGEMAKER_BIND_TO_PORT until SIGTERM; what has no body, such as a ping, is answered with an empty JSON object.
"""

from __future__ import annotations

import asyncio
import os
import sys

import httptools
import uvloop


class Echo(asyncio.Protocol):
    """One connection; keeps it alive and understands pipelined requests."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.parts: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        """Some of a request."""
        self.parser.feed_data(data)

    def on_body(self, part: bytes) -> None:
        """Some of its body."""
        self.parts.append(part)

    def on_message_complete(self) -> None:
        """All of it."""
        head = b"HTTP/1.1 200 OK\r\nServer: echo\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n"
        body = b"".join(self.parts) or b"{}"
        self.transport.write(head % len(body) + body)
        self.parts.clear()


async def serve() -> None:
    """Serve until standard input ends, which it does when the starter is gone, or as a container for ever."""
    loop = asyncio.get_running_loop()
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "0"))
    server = await loop.create_server(Echo, "127.0.0.1", port)
    print(server.sockets[0].getsockname()[1], flush=True)
    if sys.argv[1:] == ["serve"]:
        await server.serve_forever()
    await loop.run_in_executor(None, sys.stdin.buffer.read)


if __name__ == "__main__":
    uvloop.run(serve())
