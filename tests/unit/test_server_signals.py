"""The server's HTTP part leaves the signal handlers of its process alone."""

from __future__ import annotations

import asyncio
import signal
import socket

import uvicorn

from sagemaker_transform_emulator.server.main import _Server


async def _nothing(scope: object, receive: object, send: object) -> None:
    """An application that is never asked."""


async def _handlers_while_serving(server: uvicorn.Server) -> tuple[object, object]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event of it
            await asyncio.sleep(0.01)
        found = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
        server.should_exit = True
        await serving
    return found


def test_serving_changes_no_signal_handler() -> None:
    server = _Server(uvicorn.Config(_nothing, lifespan="off", log_config=None))
    loop = asyncio.new_event_loop()  # unlike asyncio.run, it has no handler of SIGINT of its own
    before = (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))
    try:
        assert loop.run_until_complete(_handlers_while_serving(server)) == before
    finally:
        loop.close()
