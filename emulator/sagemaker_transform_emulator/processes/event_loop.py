"""The event loop of a program of ours, and the memory settings that go with it."""

from __future__ import annotations

import asyncio
import ctypes
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

_T = TypeVar("_T")
_M_MMAP_THRESHOLD = -3  # malloc.h
_MAPPED_FROM_BYTES = 512 * 1024


def run_loop(work: Coroutine[Any, Any, _T]) -> _T:
    """Run the coroutine on uvloop where there is one, else on asyncio's own loop."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if sys.platform != "win32":
        import uvloop  # noqa: PLC0415 - absent on Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)


def return_large_buffers() -> None:
    """Let freed payloads and parts go back to the system at once.

    glibc would raise its threshold with the first large buffer that is freed, and keep later ones.
    """
    with suppress(OSError, AttributeError):  # another C library decides for itself
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _MAPPED_FROM_BYTES)
