"""`python -m sagemaker_transform_emulator.containers.scripted serve`: answers as its environment says.

BEHAVIOUR (see behaviours.py), RESPONSE_CONTENT_TYPE (default: the request's Accept), PING (statuses, the
last one repeats: "503,503,200"), EXECUTION_PARAMETERS ("404", or a body answered with 200), LEDGER (a
file that gets one JSON line about the process at its start, then one for every request, synced before it
is answered), START ("exit:CODE", "sleep:SECONDS", "silent" for never listening, "port:N" for another port).
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import httptools

from sagemaker_transform_emulator.containers.scripted.behaviours import OK, Call, Reply, World, answer
from sagemaker_transform_emulator.containers.serving import bind_host, bind_port


@dataclass(slots=True)
class Script:
    """The environment's orders and what happened so far."""

    world: World
    behaviour: str
    content_type: str | None
    pings: list[int]
    parameters: str
    ledger: int | None
    calls: int = 0
    requests: list[str] = field(default_factory=list)

    @classmethod
    def from_environment(cls) -> Script:
        """The script of this process."""
        environment = dict(os.environ)
        path = environment.get("LEDGER")
        script = cls(
            World(environment, tuple(sys.argv[1:])),
            environment.get("BEHAVIOUR", "echo"),
            environment.get("RESPONSE_CONTENT_TYPE"),
            [int(code) for code in environment.get("PING", "200").split(",")],
            environment.get("EXECUTION_PARAMETERS", "404"),
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if path else None,
        )
        model = Path(environment.get("SM_MODEL_DIR", "/opt/ml/model"))
        files = sorted(str(file.relative_to(model)) for file in model.rglob("*")) if model.is_dir() else None
        script.write_down(
            {"started": {"environment": environment, "arguments": sys.argv[1:], "model": files}}
        )
        return script

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """The reply to any request; it is in the ledger by then."""
        if path == "/ping":
            code = self.pings.pop(0) if len(self.pings) > 1 else self.pings[0]
            reply = Reply(status=code)
        elif path == "/execution-parameters":
            given = self.parameters
            reply = Reply(status=int(given)) if given.isdigit() else Reply(given.encode())
        elif path == "/invocations" and method == "POST":
            self.calls += 1
            reply = answer(self.behaviour, Call(self.calls, headers, body), self.world)
        else:
            reply = Reply(b"not found", 404)
        self._note(method, path, headers, body, reply)
        return reply

    def write_down(self, entry: Mapping[str, object]) -> None:
        """The entry is a line of the ledger, on disk."""
        if self.ledger is not None:
            line = {"time": time.time(), "process": os.getpid(), **entry}
            os.write(self.ledger, json.dumps(line).encode() + b"\n")
            os.fsync(self.ledger)

    def _note(self, method: str, path: str, headers: dict[str, str], body: bytes, reply: Reply) -> None:
        if self.ledger is not None:
            text = base64.b64encode(body).decode()
            self.write_down(
                {"method": method, "path": path, "status": reply.status, "headers": headers, "body": text}
            )


class Server(asyncio.Protocol):
    """One connection."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._writer.close()

    def on_url(self, url: bytes) -> None:
        """The parser saw a part of the target."""
        self._path += url.decode("latin-1")

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser saw a header."""
        self._headers[name.decode("latin-1")] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """The parser saw a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is whole: answer it."""
        body = b"".join(self._body)
        method = self._parser.get_method().decode()
        reply = self._script.reply(method, self._path, self._headers, body)
        kind = self._script.content_type or self._headers.get("Accept")
        self._begin()
        if reply.exit_code is not None:
            os._exit(reply.exit_code)
        if reply.close:
            self._writer.abort()
        elif reply.delay_s:
            asyncio.get_running_loop().call_later(reply.delay_s, self._send, reply, kind)
        else:
            self._send(reply, kind)

    @property
    def _writer(self) -> asyncio.Transport:
        assert self._transport is not None
        return self._transport

    def _begin(self) -> None:
        self._path = ""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    def _send(self, reply: Reply, kind: str | None) -> None:
        typed = f"Content-Type: {kind}\r\n" if kind and kind != "*/*" and reply.status == OK else ""
        head = f"HTTP/1.1 {reply.status} X\r\n{typed}Content-Length: {len(reply.body)}\r\n\r\n"
        self._writer.write(head.encode("latin-1") + reply.body)


async def _serve(script: Script) -> None:
    order, _, value = os.environ.get("START", "").partition(":")
    port = int(value) if order == "port" else bind_port()
    if order == "exit":
        print(f"giving up with code {value}", flush=True)
        sys.exit(int(value))
    if order == "sleep":
        await asyncio.sleep(float(value))
    if order == "silent":
        await asyncio.Event().wait()
    server = await asyncio.get_running_loop().create_server(lambda: Server(script), bind_host(), port)
    print(f"listening on {port}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until SIGTERM."""
    asyncio.run(_serve(Script.from_environment()))


if __name__ == "__main__":
    main()
