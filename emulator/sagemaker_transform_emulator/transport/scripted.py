"""A transport without a network, for tests of whatever talks to containers."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from sagemaker_transform_emulator.errors import TransportError
from sagemaker_transform_emulator.transport.base import Answer, Body, Headers, RequestHead, Timings

NO_TIME = Timings(connect=0.0, first_byte=0.0, total=0.0)


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What one exchange would have put on the wire. A streamed body is collected."""

    host: str
    port: int
    head: RequestHead
    body: bytes
    streamed: bool
    timeout_s: float

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case, or None."""
        return next((value for key, value in self.head.headers if key.lower() == name.lower()), None)


Step = Answer | TransportError
Script = Iterable[Step] | Callable[[SentRequest], Step | Awaitable[Step]]


def answered(
    body: bytes = b"", status: int = 200, headers: Headers = (), *, closed_by_peer: bool = False
) -> Answer:
    """An answer that took no time."""
    return Answer(status, headers, body, NO_TIME, closed_by_peer)


class ScriptedTransport:
    """Gives the steps of a script in order of the requests, on whichever connection they come.

    The script is an iterable of answers and errors to raise, or a function of the request that returns
    one (or an awaitable of one, to hold a request back). `requests` lists what was asked, oldest first;
    `open_connections` counts connections that were used and not closed.
    """

    def __init__(self, script: Script) -> None:
        self._function = script if callable(script) else None
        self._steps = iter(() if callable(script) else script)
        self.requests: list[SentRequest] = []
        self.open_connections = 0

    def connection(self, host: str, port: int) -> ScriptedConnection:
        """Return a connection that plays from the common script."""
        return ScriptedConnection(self, host, port)

    async def play(self, request: SentRequest) -> Answer:
        """The next step for `request`. Raises AssertionError when a list has no more."""
        self.requests.append(request)
        if self._function is None:
            step = next(self._steps, None)
            if step is None:
                raise AssertionError(f"the script has no answer for request {len(self.requests)}")
        else:
            given = self._function(request)
            step = await given if inspect.isawaitable(given) else given
        if isinstance(step, TransportError):
            raise step
        return step


class ScriptedConnection:
    """A line to nowhere."""

    def __init__(self, transport: ScriptedTransport, host: str, port: int) -> None:
        self._transport = transport
        self._host = host
        self._port = port
        self._open = False

    async def exchange(self, head: RequestHead, body: Body, timeout_s: float) -> Answer:
        """Return or raise the next step of the script."""
        if not self._open:
            self._open = True
            self._transport.open_connections += 1
        streamed = not isinstance(body, bytes)
        content = body if isinstance(body, bytes) else b"".join([chunk async for chunk in body()])
        request = SentRequest(self._host, self._port, head, content, streamed, timeout_s)
        return await self._transport.play(request)

    async def close(self) -> None:
        """Count the connection as closed. May be called again."""
        if self._open:
            self._open = False
            self._transport.open_connections -= 1
