"""The pipe that a process gets as stdout and stderr, and the reading of its lines.

A pipe, as in the engine: programs open /dev/stdout and /dev/stderr by name, which no socket allows, and a
subprocess of an event loop may well be given sockets.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from sagemaker_transform_emulator.runtime.log_lines import LONGEST_LINE_BYTES, Lines

_STREAM = 1


class LogPipe:
    """Both ends of a new pipe; neither outlives `close`."""

    def __init__(self) -> None:
        self._read_end, self.write_end = os.pipe()
        self._open = {self._read_end, self.write_end}

    def close(self) -> None:
        """The ends that are still ours are closed."""
        while self._open:
            with suppress(OSError):
                os.close(self._open.pop())

    def started(self) -> None:
        """The process has the write end as its stdout and stderr; ours is closed, so the pipe can end."""
        self._open.discard(self.write_end)
        os.close(self.write_end)

    async def read(self, keep: Callable[[str], None]) -> None:
        """`keep` got every line, until nobody has the write end open any more. Call it once."""
        self._open.discard(self._read_end)
        source = os.fdopen(self._read_end, "rb", buffering=0)
        reader = asyncio.StreamReader(LONGEST_LINE_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: protocol, source)
        lines = Lines()
        try:
            while chunk := await reader.read(LONGEST_LINE_BYTES):
                for line in lines.feed(_STREAM, chunk):
                    keep(line)
            for line in lines.end():
                keep(line)
        finally:
            transport.close()
