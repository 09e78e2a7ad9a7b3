"""The mark on every process that a run starts, and the end of all that carry it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

RUN_VARIABLE = "EMULATOR_RUN_ID"
"""Set in the environment of every process a run starts, so that the sweep ends exactly these."""


def end_processes(run_id: str) -> int:
    """The processes of that run are killed; returns how many there were (Linux; elsewhere 0)."""
    ended = 0
    for entry in Path("/proc").glob("[0-9]*"):
        if _carries_mark(entry, run_id):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(entry.name), signal.SIGKILL)
                ended += 1
    return ended


def _carries_mark(entry: Path, run_id: str) -> bool:
    """Whether that process was started by the run: its environment says so."""
    try:
        return f"{RUN_VARIABLE}={run_id}".encode() in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
