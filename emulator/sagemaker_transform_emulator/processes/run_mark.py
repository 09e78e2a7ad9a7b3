"""The mark on every process that a run starts, and the end of all that carry it."""

from __future__ import annotations

from contextlib import suppress

import psutil

RUN_VARIABLE = "EMULATOR_RUN_ID"
"""Set in the environment of every process a run starts, so that the sweep ends exactly these."""


def end_processes(run_id: str) -> int:
    """The processes of that run are killed; returns how many there were."""
    ended = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(RUN_VARIABLE) == run_id:
                process.kill()
                ended += 1
    return ended
