"""How much CPU time and memory containers use, where the machine tells."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

_SESSION, _USER_TICKS, _SYSTEM_TICKS, _RESIDENT_PAGES = 3, 11, 12, 21  # fields of stat after the name


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds since the start, and resident bytes now."""

    cpu_seconds: float
    memory_bytes: int


@runtime_checkable
class Measured(Protocol):
    """A container that knows its usage."""

    def usage(self) -> Usage | None:
        """What it has used, or None when that cannot be told."""
        ...


def session_usage(session: int, proc: Path = Path("/proc")) -> Usage | None:
    """The usage of all processes of a session, None where there is no /proc or nothing is left of it."""
    ticks = pages = 0
    seen = False
    for stat in proc.glob("[0-9]*/stat"):
        with suppress(OSError):  # processes end while one looks
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[_SESSION]) == session:
                seen = True
                ticks += int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])
                pages += int(fields[_RESIDENT_PAGES])
    if not seen:
        return None
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def machine_memory_bytes() -> int:
    """The machine's memory, 0 where it does not say."""
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0
