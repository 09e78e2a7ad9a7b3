"""Memory over many records: a leak is found, a heap or a cache that fills is left alone."""

from __future__ import annotations

import asyncio
from time import monotonic

from sagemaker_transform_emulator.processes.jvm import CollectedHeap
from sagemaker_transform_emulator.processes.usage import Measured
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.growth import (
    LEAST_SAMPLES,
    MemorySample,
    has_risen,
    is_leak,
    words,
)
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_LEAST_RECORDS = 20
_SLICES = 20
_LEAST_LOOKS = 3
_MOST_ROUNDS = 5
_LONGEST_S = 120.0

GROWTH = Kind(
    "memory-grows", Severity.WARNING, "memory grows with the number of records, and does not level off",
    "a long job ends with `Please use an instance type with more memory`",
    "look for what is kept of each request: caches, lists, logs in memory", "R6.5",
)  # fmt: skip


class _Course:
    """The memory of a container while records are sent."""

    def __init__(self, probe: Probe, container: Measured, bodies: list[bytes]) -> None:
        self.resident: list[MemorySample] = []
        self.heap: list[MemorySample] = []
        self._probe, self._container, self._bodies = probe, container, bodies
        self._sent = 0
        self._collections: int | None = None

    async def send(self, records: int) -> None:
        """So many more records were answered, and memory was looked at. Raises NotRun for a failure."""
        for _ in range(records):
            reply = await self._probe.post(self._bodies[self._sent % len(self._bodies)])
            if not reply.ok:
                raise NotRun(f"after {self._sent} records: {reply.words}")
            self._sent += 1
        usage, heap = await asyncio.to_thread(self._look)
        if usage is None:
            raise NotRun(f"after {self._sent} records the container's memory cannot be told any more")
        self.resident.append(MemorySample(self._sent, usage))
        if heap is not None and heap.collections != self._collections:
            if self._collections is not None:
                self.heap.append(MemorySample(self._sent, heap.kept_bytes))
            self._collections = heap.collections

    def rises(self) -> bool:
        """Whether memory rose in the latest looks at it, that of the heap or all in all."""
        latest = (self.resident[-_SLICES:], self.heap[-_SLICES:])
        return any(len(samples) >= _LEAST_LOOKS and has_risen(samples) for samples in latest)

    def _look(self) -> tuple[int | None, CollectedHeap | None]:
        usage = self._container.usage()
        return usage.memory_bytes if usage else None, self._container.collected_heap()


async def memory(probe: Probe) -> list[Finding]:
    """Memory while thousands of records are sent: the levels that it returns to are compared.

    Where they rise, up to five times the records are sent, to tell what levels off from what does not. Of a
    JVM that counts which its heap returns to when it has collected.
    """
    answers = await probe.answered()
    assert probe.sample is not None
    count = probe.around.options.records_for_growth
    if count < _LEAST_RECORDS:
        raise NotRun(f"--records-for-growth {count} is too few to tell")
    container = probe.container
    if not isinstance(container, Measured) or container.usage() is None:
        raise NotRun("this runtime cannot tell the container's memory on this machine")
    course = _Course(probe, container, [probe.sample.body(record) for record, _ in answers])
    began = monotonic()
    for part in range(_SLICES * _MOST_ROUNDS):
        await course.send(count // _SLICES)
        if part + 1 >= _SLICES and not course.rises():
            return []
        if part + 1 >= _SLICES and monotonic() - began > _LONGEST_S:
            break
    return _verdict(probe.name, course, has_jvm=container.has_jvm())


def _verdict(name: str, course: _Course, *, has_jvm: bool) -> list[Finding]:
    if not has_jvm:
        seen = f"resident memory: {words(course.resident)}"
        return [GROWTH.found(name, seen)] if is_leak(course.resident) else []
    if len(course.heap) < LEAST_SAMPLES:
        raise NotRun(
            "a JVM whose memory grew has collected too seldom to tell, or does not tell: "
            f"{words(course.resident)}; give it a smaller heap (JAVA_TOOL_OPTIONS=-Xmx128m), or more records "
            "with --records-for-growth"
        )
    seen = f"the JVM's heap after its collections: {words(course.heap)}"
    return [GROWTH.found(name, seen)] if is_leak(course.heap) else []


CHECKS = (
    Check(
        "memory",
        "load",
        "Memory levels off within 10,000 records, or 50,000 where it still grows then",
        (GROWTH,),
        memory,
    ),
)
