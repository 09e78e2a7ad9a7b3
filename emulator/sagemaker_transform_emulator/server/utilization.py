"""CPU and memory of running jobs over time, as CloudWatch keeps them: by the minute, for each instance.

Host is <job>/<instance> (R8.2), the containers of an instance count together (R8.3). CPU is in percent of
one CPU, memory in percent of the machine's. Jobs are over in seconds here: there is a sample when a job has
started, then every half second, and every five seconds once it has run that long. Where the runtime cannot
tell, there is no series.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from sagemaker_transform_emulator.jobs.invocation import Invoker
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.processes.usage import Measured, Usage, machine_memory_bytes
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import JobRecord, Place
from sagemaker_transform_emulator.server.documents import Document, Documents

NAMESPACE = "/aws/sagemaker/TransformJobs"
METRICS = ("CPUUtilization", "MemoryUtilization")
KIND = "utilization"
FIRST_SECONDS = 5.0
"""How long a job is looked at often; afterwards it is looked at as often as this."""
SAMPLE_SECONDS = 0.5
MINUTE = 60

_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)


@dataclass(slots=True)
class Minute:
    """What was seen in one minute of a series."""

    count: int = 0
    total: float = 0.0
    least: float = 0.0
    most: float = 0.0

    def add(self, value: float) -> None:
        """One more sample."""
        self.least = value if not self.count else min(self.least, value)
        self.most = max(self.most, value)
        self.count += 1
        self.total += value


Series = dict[int, Minute]
"""Minutes by the epoch second each begins with."""


@dataclass(slots=True)
class _Host:
    cpu_seconds: float
    at: float
    series: dict[str, Series]


class Utilization:
    """Collects over a server's life, inside `sampling`; `observe` is to be told of every change of a job.

    `progress_of` gives the run of a job that is under way; what has ended is kept in `documents`.
    """

    def __init__(self, progress_of: Callable[[JobRecord], JobRun | None], documents: Documents) -> None:
        self._progress_of = progress_of
        self._documents = documents
        self._running: dict[str, JobRecord] = {}
        self._hosts: dict[tuple[Place, str], _Host] = {}

    @asynccontextmanager
    async def sampling(self) -> AsyncIterator[None]:
        """Running jobs are looked at while the block runs."""
        work = asyncio.create_task(self._sample_all())
        try:
            yield
        finally:
            work.cancel()

    def observe(self, record: JobRecord) -> None:
        """Take note of a job's new status."""
        if record.status not in _ENDED:
            self._running[record.arn] = record
            self._sample(record)
            return
        if self._running.pop(record.arn, None):
            self._keep(record)

    def forget(self) -> None:
        """Nothing is remembered of jobs that are under way."""
        self._running.clear()
        self._hosts.clear()

    def hosts(self, place: Place) -> dict[str, dict[str, Series]]:
        """Every instance's series by the metric's name, of running jobs and of those that have ended."""
        found = {
            document.name: {metric: _series(body) for metric, body in document.body.items()}
            for document in self._documents.all(place, KIND)
        }
        live = {host: seen.series for (where, host), seen in self._hosts.items() if where == place}
        return found | {host: series for host, series in live.items() if series}

    async def _sample_all(self) -> None:
        while True:
            await asyncio.sleep(SAMPLE_SECONDS)
            now = time.time()
            for record in list(self._running.values()):
                latest = max(
                    (host.at for key, host in self._hosts.items() if _is_of(key, record)),
                    default=record.created,
                )
                if now - record.created < FIRST_SECONDS or now - latest > FIRST_SECONDS:
                    self._sample(record)

    def _sample(self, record: JobRecord) -> None:
        run = self._progress_of(record)
        if run is None:
            return
        machine = machine_memory_bytes()
        for name, invoker in zip(run.progress.instance_names, run.progress.instances, strict=True):
            used, now = usage_of(invoker), time.time()
            if used is None:
                continue
            host = self._hosts.setdefault(
                (record.place, f"{record.name}/{name}"), _Host(0.0, record.created, {})
            )
            if now > host.at:
                spent = max(0.0, used.cpu_seconds - host.cpu_seconds)
                _add(host.series, "CPUUtilization", now, 100 * spent / (now - host.at))
            if machine:
                _add(host.series, "MemoryUtilization", now, 100 * used.memory_bytes / machine)
            host.cpu_seconds, host.at = used.cpu_seconds, now

    def _keep(self, record: JobRecord) -> None:
        for where, name in [key for key in self._hosts if _is_of(key, record)]:
            host = self._hosts.pop((where, name))
            body = {
                metric: {str(minute): asdict(seen) for minute, seen in series.items()}
                for metric, series in host.series.items()
            }
            if body:
                self._documents.put(Document(where, KIND, name, body, record.created))


def _is_of(key: tuple[Place, str], record: JobRecord) -> bool:
    return key[0] == record.place and key[1].rpartition("/")[0] == record.name


def usage_of(invoker: Invoker) -> Usage | None:
    """The instance's containers together (R8.3), or None when one of them cannot be measured."""
    found = [
        container.usage() if isinstance(container, Measured) else None for container in invoker.containers
    ]
    known = [usage for usage in found if usage is not None]
    if not known or len(known) < len(found):
        return None
    return Usage(sum(usage.cpu_seconds for usage in known), sum(usage.memory_bytes for usage in known))


def _add(series: dict[str, Series], metric: str, now: float, value: float) -> None:
    minute = int(now) // MINUTE * MINUTE
    series.setdefault(metric, {}).setdefault(minute, Minute()).add(value)


def _series(body: Mapping[str, Any]) -> Series:
    return {int(minute): Minute(**seen) for minute, seen in body.items()}
