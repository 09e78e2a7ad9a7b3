"""`python -m …containers.faulty serve`: keeps the contract but for what FAULT names (see faults.py).

Faults of the start: exit:CODE, silent (never listens), other-port:N (0: any), loopback, late:SECONDS before
it listens, deaf (ignores SIGTERM), needs-s3 (ends where no AWS_ENDPOINT_URL_S3 leads to a store).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from typing import cast

import httptools

from sagemaker_transform_emulator.containers.faulty.faults import Call, Memory, Reply, parse, respond
from sagemaker_transform_emulator.containers.serving import bind_host, bind_port

_WORK_S = 0.02


class World:
    """What all connections share."""

    def __init__(self, faults: dict[str, str]) -> None:
        self.faults = faults
        self.memory = Memory()
        self.calls: Counter[str] = Counter()
        self.under_way = 0
        self.started = time.monotonic()


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        """The parser saw a part of the target."""
        self._path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser saw a header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """The parser saw a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole: answer it."""
        world = self._world
        world.calls[self._path] += 1
        call = Call(
            self._path,
            self._headers,
            b"".join(self._body),
            world.calls[self._path],
            time.monotonic() - world.started,
            "chunked" in self._headers.get("transfer-encoding", ""),
            world.under_way,
        )
        reply = respond(call, world.faults, world.memory)
        self._begin()
        if reply.exit_code is not None:
            os._exit(reply.exit_code)
        delay = reply.delay_s or (_WORK_S if {"one-client", "mix"} & set(world.faults) else 0.0)
        if delay:
            world.under_way += 1
            asyncio.get_running_loop().call_later(delay, self._send_late, reply)
        else:
            self._send(reply)

    def _begin(self) -> None:
        self._path = ""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def _send_late(self, reply: Reply) -> None:
        self._world.under_way -= 1
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        lines = [f"HTTP/1.1 {reply.status} X"]
        lines += [f"Content-Type: {reply.content_type}"] if reply.content_type else []
        length = {"length": 0, "overlong": 0, "cut": 10}.get(reply.framing)
        lines += [f"Content-Length: {len(reply.body) + length}"] if length is not None else []
        lines += ["Connection: close"] if reply.close else []
        extra = b"more" if reply.framing == "overlong" else b""
        self._transport.write("\r\n".join((*lines, "", "")).encode("latin-1") + reply.body + extra)
        if reply.close or reply.framing in ("none", "cut"):
            self._transport.close()


async def _serve(faults: dict[str, str]) -> None:
    if "exit" in faults:
        print("I give up", flush=True)
        sys.exit(int(faults["exit"]))
    if "needs-s3" in faults and "AWS_ENDPOINT_URL_S3" not in os.environ:
        sys.exit("no way to S3")
    if "late" in faults:
        await asyncio.sleep(float(faults["late"]))
    if "deaf" in faults:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
    if "silent" in faults:
        await asyncio.Event().wait()
    port = int(faults["other-port"]) if "other-port" in faults else bind_port()
    host = "127.0.0.1" if "loopback" in faults else bind_host()
    world = World(faults)
    server = await asyncio.get_running_loop().create_server(lambda: Server(world), host, port)
    print(f"listening on {port}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until SIGTERM, unless told not to."""
    if os.getpid() == 1:  # without a handler process 1 does not hear it
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with asyncio.Runner() as runner:
        runner.run(_serve(parse(os.environ.get("FAULT", ""))))


if __name__ == "__main__":
    main()
