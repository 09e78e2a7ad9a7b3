"""What Java virtual machines tell of their heaps, from the performance data file that each keeps in /tmp.

Only that says what a JVM still holds after it has collected: its resident memory rises until the heap is as
large as it may become, whatever is kept. The file is the one that jstat reads; nothing is sent to the JVM.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MAGIC = 0xCAFEC0C0
_LITTLE_ENDIAN = 1
_LONG = ord("J")
_MOST_BYTES = 1 << 20
_COLLECTORS = [f"sun.gc.collector.{number}.invocations" for number in range(3)]
_SURVIVORS = [f"sun.gc.generation.0.space.{number}.used" for number in (1, 2)]
_OLD = "sun.gc.generation.1.space.0.used"


@dataclass(frozen=True, slots=True)
class CollectedHeap:
    """The bytes that were kept at the latest collection, young ones apart, and how many there were so far."""

    kept_bytes: int
    collections: int


def has_jvm(pids: Iterable[int], proc: Path = Path("/proc")) -> bool:
    """Whether one of the processes is a JVM or has one inside, as far as we may look."""
    for pid in pids:
        with suppress(OSError):
            if "libjvm.so" in (proc / str(pid) / "maps").read_text(errors="replace"):
                return True
        with suppress(OSError):
            if (proc / str(pid) / "comm").read_text().strip() == "java":
                return True
    return False


def collected_heap(pids: Iterable[int], proc: Path = Path("/proc")) -> CollectedHeap | None:
    """All heaps of these processes together; None when none of them tells."""
    found = []
    for pid in pids:
        for file in _files(proc / str(pid)):
            with suppress(OSError, ValueError, struct.error):
                if file.stat().st_size <= _MOST_BYTES:
                    found.append(read_heap(file.read_bytes()))
    if not found:
        return None
    return CollectedHeap(sum(heap.kept_bytes for heap in found), sum(heap.collections for heap in found))


def read_heap(data: bytes) -> CollectedHeap:
    """The heap of a performance data file. Raises ValueError for a file or a collector without it."""
    counters = read_counters(data)
    if _OLD not in counters:
        raise ValueError("its collector has no old generation")
    kept = counters[_OLD] + sum(counters.get(name, 0) for name in _SURVIVORS)
    return CollectedHeap(kept, sum(counters.get(name, 0) for name in _COLLECTORS))


def read_counters(data: bytes) -> Mapping[str, int]:
    """The whole numbers of a performance data file, version 2. Raises ValueError for any other file."""
    try:
        magic, order = struct.unpack_from(">IB", data)
        if magic != _MAGIC:
            raise ValueError("no performance data")
        end = "<" if order == _LITTLE_ENDIAN else ">"
        at, count = struct.unpack_from(f"{end}ii", data, 24)
        found = {}
        for _ in range(count):
            length, name_at, _vector, kind, _flags, _units, _variability, value_at = struct.unpack_from(
                f"{end}iiiBBBBi", data, at
            )
            if length <= 0 or name_at < 0 or value_at < 0:
                raise ValueError("damaged performance data")
            if kind == _LONG:
                name = data[at + name_at : data.index(0, at + name_at)].decode("ascii")
                found[name] = struct.unpack_from(f"{end}q", data, at + value_at)[0]
            at += length
    except struct.error:
        raise ValueError("damaged performance data") from None
    return found


def _files(process: Path) -> list[Path]:
    """The process's own data files; a container's are seen below its root, under its own number."""
    try:
        status = (process / "status").read_text()
        number = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1]
        return list((process / "root" / "tmp").glob(f"hsperfdata_*/{number}"))
    except (OSError, StopIteration):
        return []
