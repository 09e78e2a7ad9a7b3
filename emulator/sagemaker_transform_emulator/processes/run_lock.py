"""Whether a run still lives: it holds a lock on a file in its folder until it ends, however it ends."""

from __future__ import annotations

import fcntl
from pathlib import Path


def run_lives(runs_folder: Path, run_id: str) -> bool:
    """Whether the run of that id, whose folder is in `runs_folder`, has not ended: it holds its lock."""
    folder = runs_folder / run_id
    return folder.is_dir() and not is_abandoned(folder)


def is_abandoned(folder: Path) -> bool:
    """Whether the run that this folder belongs to was killed: nobody holds its lock."""
    try:
        with (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return folder.is_dir()  # its removal was interrupted
    except OSError:
        return False  # held: that run lives
    return True
