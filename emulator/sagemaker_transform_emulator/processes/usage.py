"""How much CPU time and memory containers use, where the machine tells."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from sagemaker_transform_emulator.processes.jvm import CollectedHeap

_PARENT, _SESSION, _USER_TICKS, _SYSTEM_TICKS, _RESIDENT_PAGES = (
    1,
    3,
    11,
    12,
    21,
)  # in stat, after the name


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


def session_usage(session: int, proc: Path = Path("/proc")) -> Usage | None:
    """The usage of all processes of a session, None where there is no /proc or nothing is left of it."""
    return _total([fields for _, fields in _session(session, proc)])


def session_pids(session: int, proc: Path = Path("/proc")) -> list[int]:
    """All processes of a session."""
    return [pid for pid, _ in _session(session, proc)]


def tree_usage(pid: int, proc: Path = Path("/proc")) -> Usage | None:
    """The usage of a process and all its descendants, None when it cannot be seen."""
    return _total([fields for _, fields in _tree(pid, proc)])


def tree_pids(pid: int, proc: Path = Path("/proc")) -> list[int]:
    """A process and all its descendants, as far as they can be seen."""
    return [member for member, _ in _tree(pid, proc)]


def _session(session: int, proc: Path) -> list[tuple[int, list[str]]]:
    found = [(int(stat.parent.name), _fields(stat)) for stat in proc.glob("[0-9]*/stat")]
    return [(pid, fields) for pid, fields in found if fields and int(fields[_SESSION]) == session]


def _tree(pid: int, proc: Path) -> list[tuple[int, list[str]]]:
    by_parent: dict[int, list[tuple[int, list[str]]]] = {}
    own = _fields(proc / str(pid) / "stat")
    if own is None:
        return []
    for stat in proc.glob("[0-9]*/stat"):
        fields = _fields(stat)
        if fields:
            by_parent.setdefault(int(fields[_PARENT]), []).append((int(stat.parent.name), fields))
    tree = [(pid, own)]
    for member, _ in tree:
        tree.extend(by_parent.get(member, ()))
    return tree


def _fields(stat: Path) -> list[str] | None:
    with suppress(OSError):  # processes end while one looks
        return stat.read_text().rpartition(")")[2].split()
    return None


def _total(processes: list[list[str]]) -> Usage | None:
    if not processes:
        return None
    ticks = sum(int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS]) for fields in processes)
    pages = sum(int(fields[_RESIDENT_PAGES]) for fields in processes)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))


def machine_memory_bytes() -> int:
    """The machine's memory, 0 where it does not say."""
    with suppress(ValueError, OSError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return 0
