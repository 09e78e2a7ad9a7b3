"""Whether memory grows for as long as records come, or only until it has what it needs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sagemaker_transform_emulator.sagemaker.requests import MIB

LEAST_SAMPLES = 10
"""Two for each of the five parts that are compared."""

_PARTS = 5
_NOISE_BYTES = 8 * MIB
_NOISE_SHARE = 0.05
_STEADY = 0.5


@dataclass(frozen=True, slots=True)
class MemorySample:
    """Memory after so many records."""

    records: int
    memory_bytes: int


def plateaus(samples: Sequence[MemorySample]) -> list[MemorySample]:
    """The least memory of each fifth of the records but the first, when caches fill and code is compiled.

    The least, because what is freed late comes and goes while what is kept stays.
    """
    first, last = samples[0].records, samples[-1].records
    step = (last - first) / _PARTS
    found = []
    for part in range(1, _PARTS):
        inside = [sample for sample in samples if part * step <= sample.records - first <= (part + 1) * step]
        if inside:
            found.append(min(inside, key=lambda sample: sample.memory_bytes))
    return found


def has_risen(samples: Sequence[MemorySample]) -> bool:
    """Whether the last plateau lies above the first by more than memory varies by itself."""
    levels = [sample.memory_bytes for sample in plateaus(samples)]
    return levels[-1] - levels[0] >= max(_NOISE_BYTES, _NOISE_SHARE * levels[0])


def is_leak(samples: Sequence[MemorySample]) -> bool:
    """Whether every plateau lies above the one before, no step being much lower than the others."""
    if len(samples) < LEAST_SAMPLES or not has_risen(samples):
        return False
    levels = [sample.memory_bytes for sample in plateaus(samples)]
    rises = [after - before for before, after in pairwise(levels)]
    return min(rises) >= _STEADY * (levels[-1] - levels[0]) / len(rises)


def words(samples: Sequence[MemorySample]) -> str:
    """The plateaus, and what each record adds, for people."""
    levels = plateaus(samples)
    steps = ", ".join(f"{level.memory_bytes / MIB:.1f} MiB after {level.records:,}" for level in levels)
    first, last = levels[0], levels[-1]
    rate = (last.memory_bytes - first.memory_bytes) / max(1, last.records - first.records)
    return f"{steps} records: {rate:,.0f} bytes a record"
