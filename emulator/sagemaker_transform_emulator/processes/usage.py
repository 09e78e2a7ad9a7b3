"""CPU time and memory of processes: of a session, or of a process and its descendants."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import psutil

from sagemaker_transform_emulator.processes.jvm import CollectedHeap


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

    def has_jvm(self) -> bool:
        """Whether a JVM is among its processes, as far as can be told."""
        ...

    def collected_heap(self) -> CollectedHeap | None:
        """What its JVMs keep after they have collected, or None when that cannot be told."""
        ...


def session_usage(session: int) -> Usage | None:
    """The usage of all processes of a session, None when nothing is left of it."""
    return _total(_session(session))


def session_pids(session: int) -> list[int]:
    """All processes of a session."""
    return [process.pid for process in _session(session)]


def tree_usage(pid: int) -> Usage | None:
    """The usage of a process and all its descendants, None when it cannot be seen."""
    return _total(process_tree(pid))


def tree_pids(pid: int) -> list[int]:
    """A process and all its descendants, as far as they can be seen."""
    return [process.pid for process in process_tree(pid)]


def process_tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, as far as they can be seen."""
    with suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def _session(session: int) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in psutil.pids() if _session_of(pid) == session]


def _session_of(pid: int) -> int | None:
    with suppress(OSError):  # processes end while one looks
        return os.getsid(pid)
    return None


def _total(processes: Iterable[psutil.Process]) -> Usage | None:
    found = [usage for usage in map(_usage, processes) if usage is not None]
    if not found:
        return None
    return Usage(sum(usage.cpu_seconds for usage in found), sum(usage.memory_bytes for usage in found))


def _usage(process: psutil.Process) -> Usage | None:
    with suppress(psutil.Error), process.oneshot():
        times = process.cpu_times()
        return Usage(times.user + times.system, process.memory_info().rss)
    return None


def machine_memory_bytes() -> int:
    """The machine's memory."""
    return int(psutil.virtual_memory().total)
