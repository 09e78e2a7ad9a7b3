"""Whether a process has a handler for SIGTERM or ignores it, read from /proc (Linux; elsewhere unknown).

Process 1 of a container gets only signals it has a handler for: others are dropped by the kernel. Waiting
30 seconds between SIGTERM and SIGKILL is then waiting for nothing (R4.7).
"""

from __future__ import annotations

import signal
from pathlib import Path

_BIT = 1 << (signal.SIGTERM - 1)


def deaf_to_sigterm(pid: int) -> bool:
    """Whether that process, which is number 1 of its container, neither handles nor waits for SIGTERM."""
    if not pid:
        return False
    try:
        return is_deaf(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return False


def is_deaf(status: str) -> bool:
    """The same, from the text of /proc/PID/status. A blocked signal may be waited for: it is heard."""
    masks = dict(line.split(":", 1) for line in status.splitlines() if line.startswith("Sig"))
    try:
        heard = int(masks["SigCgt"], 16) | int(masks["SigBlk"], 16)
    except (KeyError, ValueError):
        return False
    return not heard & _BIT
