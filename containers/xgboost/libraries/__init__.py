"""The XGBoost versions that can serve besides the installed one: a lock file with hashes for each.

`<version>.in` says what a version needs beside the packages that every one uses, `<version>.txt` is its lock
(`make lock`). What they name is laid over the container's environment, first on the path.
"""

from __future__ import annotations

from pathlib import Path

DIRECTORY = Path(__file__).parent


def lock_file(version: str) -> Path:
    """The lock of that version. It need not exist."""
    return DIRECTORY / f"{version}.txt"


def versions() -> frozenset[str]:
    """All versions that have a lock."""
    return frozenset(path.stem for path in DIRECTORY.glob("*.txt"))
