"""Metrics in Prometheus' text form: running totals, and the gauges CloudWatch shows for transform jobs.

CloudWatch's CPUUtilization and MemoryUtilization have the dimension Host, <job>/<instance> (R8.1, R8.2), and
count all containers of an instance together (R8.3). CPU is in percent of one CPU since the last scrape,
memory in percent of the machine's. Where the runtime cannot tell, the gauge is absent.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from sagemaker_transform_emulator.jobs.events import Event, ObjectCompleted, ObjectFailed, Sink
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.processes.usage import machine_memory_bytes
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.server.utilization import usage_of

_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)
_TOTALS = {
    "records": "Records sent to containers and answered",
    "invocations": "Payloads sent to containers and answered",
    "retries": "Attempts beyond an invocation's first",
    "input_bytes": "Bytes of payloads sent",
    "output_bytes": "Bytes of answers received",
}


@dataclass(slots=True)
class _Host:
    """An instance at its last scrape."""

    cpu_seconds: float
    at: float


class Metrics:
    """Collects over the life of a server.

    `progress_of` gives the run of a job that is under way. `sink` and `observe` are to be told of every
    job's events and changes.
    """

    def __init__(self, progress_of: Callable[[JobRecord], JobRun | None]) -> None:
        self._progress_of = progress_of
        self._running: dict[str, JobRecord] = {}
        self._ended: Counter[str] = Counter({status.value: 0 for status in _ENDED})
        self._objects: Counter[str] = Counter(completed=0, failed=0)
        self._totals: Counter[str] = Counter(dict.fromkeys(_TOTALS, 0))
        self._seconds: Counter[str] = Counter()
        self._hosts: dict[str, _Host] = {}
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)

    def render(self) -> bytes:
        """All metrics as text, for Content-Type `text/plain; version=0.0.4`."""
        return generate_latest(self._registry)

    def sink(self, record: JobRecord) -> Sink:
        """What to tell of that job's events."""

        def tell(event: Event) -> None:
            if isinstance(event, ObjectCompleted):
                self._objects["completed"] += 1
            elif isinstance(event, ObjectFailed):
                self._objects["failed"] += 1

        self._running[record.arn] = record
        return tell

    def observe(self, record: JobRecord) -> None:
        """Take note of a job's new status."""
        if record.status not in _ENDED:
            self._running[record.arn] = record
            return
        self._running.pop(record.arn, None)
        self._ended[record.status.value] += 1
        run = self._progress_of(record)
        if run is not None:
            totals, seconds = _totals_of(run)
            self._totals += totals
            self._seconds += seconds

    def collect(self) -> Iterable[Metric]:
        """The families, as prometheus_client asks for them."""
        runs = [(record, run) for record in self._running.values() if (run := self._progress_of(record))]
        yield from self._job_counts()
        totals, seconds = Counter(self._totals), Counter(self._seconds)
        for _, run in runs:
            more_totals, more_seconds = _totals_of(run)
            totals.update(more_totals)
            seconds.update(more_seconds)
        for name, text in _TOTALS.items():
            yield CounterMetricFamily(f"sagemaker_transform_{name}", text, value=totals[name])
        waited = CounterMetricFamily(
            "sagemaker_transform_container_seconds", "Seconds spent waiting for answers", labels=["container"]
        )
        for container, value in sorted(seconds.items()):
            waited.add_metric([container], value)
        yield waited
        yield from self._utilization(runs)

    def _job_counts(self) -> Iterable[Metric]:
        running = GaugeMetricFamily("sagemaker_transform_jobs", "Jobs under way", labels=["status"])
        found = Counter(record.status.value for record in self._running.values())
        for status in (JobStatus.IN_PROGRESS, JobStatus.STOPPING):
            running.add_metric([status.value], found[status.value])
        yield running
        ended = CounterMetricFamily(
            "sagemaker_transform_jobs_ended", "Jobs that have ended", labels=["status"]
        )
        for status_name, value in self._ended.items():
            ended.add_metric([status_name], value)
        yield ended
        objects = CounterMetricFamily("sagemaker_transform_objects", "Input objects", labels=["outcome"])
        for outcome, value in self._objects.items():
            objects.add_metric([outcome], value)
        yield objects

    def _utilization(self, runs: list[tuple[JobRecord, JobRun]]) -> Iterable[Metric]:
        cpu = GaugeMetricFamily("sagemaker_transform_cpu_utilization", "CPUUtilization", labels=["Host"])
        memory = GaugeMetricFamily(
            "sagemaker_transform_memory_utilization", "MemoryUtilization", labels=["Host"]
        )
        machine, hosts = machine_memory_bytes(), self._hosts
        self._hosts = {}
        for record, run in runs:
            for name, invoker in zip(run.progress.instance_names, run.progress.instances, strict=True):
                host, used = f"{record.name}/{name}", usage_of(invoker)
                if used is None:
                    continue
                now = time.monotonic()
                self._hosts[host] = _Host(used.cpu_seconds, now)
                before = hosts.get(host)
                if before is not None and now > before.at:
                    spent = max(0.0, used.cpu_seconds - before.cpu_seconds)
                    cpu.add_metric([host], 100 * spent / (now - before.at))
                if machine:
                    memory.add_metric([host], 100 * used.memory_bytes / machine)
        yield cpu
        yield memory


def _totals_of(run: JobRun) -> tuple[Counter[str], Counter[str]]:
    progress = run.progress
    totals = Counter(
        records=progress.records,
        invocations=progress.payloads,
        retries=progress.retries,
        input_bytes=progress.bytes_in,
        output_bytes=progress.bytes_out,
    )
    return totals, Counter(progress.container_seconds)
