"""A lock between the workers of a test run, and between runs on one machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(with_what: str) -> Iterator[None]:
    """No other test process of this user is in a block of that name meanwhile."""
    name = f"sagemaker-transform-emulator-test-{os.getuid()}-{with_what}.lock"
    with (Path(tempfile.gettempdir()) / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
