"""The folder that keeps what is fetched or built once per user, and the lock that guards it.

EMULATOR_CACHE_DIR names it; without that it is `sagemaker-transform-emulator` in XDG_CACHE_HOME or in
`~/.cache`. A folder that is complete is only read, so an image can carry it and mount it read-only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sagemaker_transform_emulator.containers.serving import StartError


def cache_directory() -> Path:
    """The folder of this container inside the cache. It need not exist."""
    named = os.environ.get("EMULATOR_CACHE_DIR")
    if named:
        return Path(named).expanduser() / "sparkml"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sagemaker-transform-emulator" / "sparkml"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold `directory`, made if need be, against other processes. Waits, and says so on stderr.

    Raises StartError when the folder cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / ".lock").open("w")
    except OSError as error:
        raise StartError(
            f"the cache folder {directory} cannot be written ({error.strerror}); make it writable, or set "
            "EMULATOR_CACHE_DIR to a folder that is"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(f"waiting for another process that fills {directory}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def staging(directory: Path) -> Iterator[Path]:
    """A new folder on the same file system, gone afterwards; remains of killed processes go too.

    To be used while `directory` is locked.
    """
    for remains in directory.glob(".staging-*"):
        shutil.rmtree(remains, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".staging-", dir=directory, ignore_cleanup_errors=True) as name:
        yield Path(name)


def tell(message: str) -> None:
    """One line of progress on stderr."""
    sys.stderr.write(f"sparkml: {message}\n")
    sys.stderr.flush()
