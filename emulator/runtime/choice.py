"""Which runtime runs the containers, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from emulator.config import Settings
from emulator.runtime.base import Runtime
from emulator.runtime.process import ProcessRuntime
from emulator.workspace import Workspace


@asynccontextmanager
async def open_runtime(settings: Settings, workspace: Workspace) -> AsyncIterator[Runtime]:
    """The runtime the settings ask for; everything it made is gone when the block ends."""
    runtime = ProcessRuntime(workspace, settings.all_images)
    try:
        yield runtime
    finally:
        await runtime.close()
