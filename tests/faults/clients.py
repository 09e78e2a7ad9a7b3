"""Both transports on both event loops, for tests that hold all of them to the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

import uvloop
from faults.rawserver import RawServer, Script
from httpx_transport import HttpxConnection, HttpxTransport

from sagemaker_transform_emulator.transport import Answer, Body, LeanTransport, Limits, RequestHead
from sagemaker_transform_emulator.transport.lean import LeanConnection
from sagemaker_transform_emulator.transport.reuse import StaleRule

T = TypeVar("T")
POST = RequestHead("POST", "/invocations", (("Content-Type", "text/csv"), ("Accept-Encoding", "gzip")))
LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
TRANSPORTS = {"lean": LeanTransport, "httpx": HttpxTransport}
NEVER_STALE = StaleRule(idle_s=float("inf"))
ALWAYS_STALE = StaleRule(idle_s=0.0, within_s=float("inf"))


@dataclass(frozen=True)
class Client:
    """One transport on one event loop."""

    transport: str
    loop: str

    def run(self, talk: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=LOOPS[self.loop]) as runner:
            return runner.run(talk)

    def connection(
        self, port: int, limits: Limits | None = None, stale: StaleRule = NEVER_STALE
    ) -> LeanConnection | HttpxConnection:
        return TRANSPORTS[self.transport](limits, stale).connection("127.0.0.1", port)

    def ask(self, *scripts: Script, **options: Any) -> Answer:
        """The answer to one request to a server that plays `scripts`."""
        return self.ask_often(1, *scripts, **options)[0][0]

    def ask_often(self, times: int, *scripts: Script, **options: Any) -> tuple[list[Answer], int]:
        """The answers to `times` requests on one connection, and how many sockets they took."""
        return self.run(_ask(self, times, scripts, **options))


async def _ask(
    client: Client,
    times: int,
    scripts: tuple[Script, ...],
    *,
    head: RequestHead = POST,
    body: Body = b"1,2,3\n",
    timeout_s: float = 20.0,
    limits: Limits | None = None,
    stale: StaleRule = NEVER_STALE,
) -> tuple[list[Answer], int]:
    async with RawServer(*scripts) as server:
        connection = client.connection(server.port, limits, stale)
        try:
            answers = [await connection.exchange(head, body, timeout_s) for _ in range(times)]
        finally:
            await connection.close()
        return answers, server.connections
