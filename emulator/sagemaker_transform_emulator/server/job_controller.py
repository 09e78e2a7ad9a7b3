"""The jobs of a server: started, stopped, and after a restart marked as ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from sagemaker_transform_emulator.config import Settings, StoreAddress
from sagemaker_transform_emulator.errors import EmulatorError, ServiceError
from sagemaker_transform_emulator.jobs import transform_job
from sagemaker_transform_emulator.jobs.events import Sink, to_all
from sagemaker_transform_emulator.jobs.services import open_services
from sagemaker_transform_emulator.jobs.transform_job import JobRun, new_instance_id
from sagemaker_transform_emulator.sagemaker.requests import TRANSITIONS, JobStatus, Model, TransformJob
from sagemaker_transform_emulator.sagemaker.resources import JobRecord, Place
from sagemaker_transform_emulator.server.database import Store
from sagemaker_transform_emulator.server.log_streams import JobLogs, note_interruption

INTERNAL_ERROR = "InternalServerError: We encountered an internal error. Please try again."
Observer = Callable[[JobRecord], None]
"""Told of a job after each change of its status."""
SinkFactory = Callable[[JobRecord], Sink]
"""Makes a sink for the events of a job that starts."""

_log = logging.getLogger("sagemaker_transform_emulator.server.job_controller")


@dataclass(slots=True)
class _Running:
    record: JobRecord
    run: JobRun
    work: asyncio.Task[object] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class JobController:
    """Starts and ends jobs, and keeps the store's word about them true."""

    def __init__(
        self, store: Store, address: StoreAddress, settings: Settings, state: Path | None = None
    ) -> None:
        self.observers: list[Observer] = []
        self.sink_factories: list[SinkFactory] = []
        self.closing = asyncio.Event()
        self._store = store
        self._address = address
        self._settings = settings
        self._state = state
        self._running: dict[tuple[Place, str], _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def recover(self) -> int:
        """Jobs that were under way when the last server died have ended; their number."""
        unfinished = self._store.unfinished_jobs()
        for record in unfinished:
            note_interruption(self._store, record)
            stopping = record.status is JobStatus.STOPPING
            self._save(
                record.changed(JobStatus.STOPPED, time.time(), ended=time.time())
                if stopping
                else record.changed(
                    JobStatus.FAILED, time.time(), ended=time.time(), failure_reason=INTERNAL_ERROR
                )
            )
        return len(unfinished)

    def start(self, record: JobRecord, model: Model, job: TransformJob) -> None:
        """The job is remembered and under way.

        Raises NameTakenError for a name in use and ServiceError beyond a quota (R1.15).
        """
        self._require_quota(job)
        self._store.add_job(record)
        instances = tuple(new_instance_id() for _ in range(job.transform_resources.instance_count))
        logs = JobLogs(self._store, record, model, instances)
        sinks = [logs.sink, *(make(record) for make in self.sink_factories)]
        recorded = self._settings.trace in ("sample", "all")
        run = JobRun(model, job, to_all(*sinks), recorded, instances)
        running = _Running(record, run)
        run.on_started = lambda: self._change(running, JobStatus.IN_PROGRESS, started=run.started_at)
        self._running[record.key] = running
        self._tell(record)
        task = asyncio.create_task(self._supervise(running, logs))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def set_faults(self, faults: tuple[str, ...]) -> None:
        """Jobs that start from now on meet these faults and no others."""
        self._settings = self._settings.changed(faults=faults)

    def stop(self, record: JobRecord) -> None:
        """The job is Stopping, and Stopped soon (R1.30). Raises ServiceError when it has ended (R1.31)."""
        running = self._running.get(record.key)
        if running is None:
            raise ServiceError(
                "ValidationException",
                f"The request was rejected because the transform job is in status {record.status}",
            )
        if running.record.status is JobStatus.IN_PROGRESS:
            self._change(running, JobStatus.STOPPING)
            if running.work is not None:
                running.work.cancel()

    async def wait_for_news(
        self,
        record: JobRecord,
        seconds: float,
        *,
        for_end: bool = True,
        gone: Callable[[], Awaitable[None]] | None = None,
    ) -> bool:
        """Return when there is news of the job, the server closes, `gone` has returned, or that time is over.

        News is the end, or with `for_end=False` the start, too, and any change of status. Tells whether
        `gone` returned.
        """
        running = self._running.get(record.key)
        if running is None or seconds <= 0:
            return False
        news = running.ended if for_end else running.changed
        waits = [asyncio.create_task(event.wait()) for event in (news, self.closing)]
        leaving = asyncio.create_task(_true_after(gone)) if gone else None
        waits += [leaving] if leaving else []
        try:
            done, _ = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return leaving in done
        finally:
            for wait in waits:
                wait.cancel()

    async def stop_all(self, seconds: float) -> bool:
        """Every job is stopped as StopTransformJob does it; False when some had not ended by then."""
        for running in list(self._running.values()):
            with suppress(ServiceError):
                self.stop(running.record)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        return not self._running

    @property
    def running(self) -> int:
        """How many jobs are under way."""
        return len(self._running)

    def progress(self, record: JobRecord) -> JobRun | None:
        """The run of a job that is under way, for those who show it."""
        running = self._running.get(record.key)
        return running.run if running else None

    async def _supervise(self, running: _Running, logs: JobLogs) -> None:
        run = running.run
        running.work = asyncio.create_task(self._work(running))
        if running.record.status is JobStatus.STOPPING:  # stopped before the task came to run
            running.work.cancel()
        await asyncio.wait({running.work})
        error = None if running.work.cancelled() else running.work.exception()
        if error is not None:
            run.status, run.failure_reason = JobStatus.FAILED, INTERNAL_ERROR
            said = _diagnosis(error)
            run.error = run.error or EmulatorError(said)
            logs.data_line(said)
            _log.error("job %s: %s", running.record.name, said, exc_info=_unexpected(error))
        elif run.status is JobStatus.IN_PROGRESS:
            run.status = JobStatus.STOPPED
        self._end(running)

    async def _work(self, running: _Running) -> None:
        async with open_services(self._settings, self._address, self._state) as services:
            region = running.record.place.region
            await transform_job.run(running.run, replace(services, region=region))

    def _end(self, running: _Running) -> None:
        run = running.run
        if running.record.status is JobStatus.IN_PROGRESS and run.status is JobStatus.STOPPED:
            self._change(running, JobStatus.STOPPING)
        ended = run.ended_at or time.time()
        try:
            self._change(running, run.status, ended=ended, failure_reason=run.failure_reason)
        except EmulatorError as error:
            _log.error("job %s: its end cannot be written down: %s", running.record.name, error)
        finally:
            del self._running[running.record.key]
            running.ended.set()
            running.changed.set()

    def _change(self, running: _Running, status: JobStatus, **values: object) -> None:
        before = running.record
        if status is not before.status and status not in TRANSITIONS[before.status]:
            raise AssertionError(f"{before.name}: {before.status} cannot become {status}")
        if status is JobStatus.IN_PROGRESS and before.status is not status:
            return
        running.record = before.changed(status, time.time(), **values)
        self._save(running.record)
        running.changed.set()
        running.changed = asyncio.Event()

    def _save(self, record: JobRecord) -> None:
        self._store.update_job(record)
        self._tell(record)

    def _tell(self, record: JobRecord) -> None:
        for observer in self.observers:
            try:
                observer(record)
            except Exception:  # noqa: BLE001 - whatever a hook does, the job goes on
                _log.exception("an observer of job %s failed", record.name)

    def _require_quota(self, job: TransformJob) -> None:
        kind, wanted = job.transform_resources.instance_type, job.transform_resources.instance_count
        limit = self._settings.quotas.get(kind)
        if limit is None:
            return
        used = sum(
            running.run.job.transform_resources.instance_count
            for running in self._running.values()
            if running.run.job.transform_resources.instance_type == kind
        )
        if used + wanted > limit:
            raise ServiceError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{kind} for transform job usage' is {limit} Instances, "
                f"with current utilization of {used} Instances and a request delta of {wanted} Instances. "
                "Please use AWS Service Quotas to request an increase for this quota. If AWS Service "
                "Quotas is not available, contact AWS support to request an increase for this quota.",
                remedy="the limit is set under [quotas] in emulator.toml",
            )


async def _true_after(event: Callable[[], Awaitable[None]]) -> Literal[True]:
    await event()
    return True


def _diagnosis(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, EmulatorError):
        return error.message + (f" ({error.remedy})" if error.remedy else "")
    return f"the emulator failed: {type(error).__name__}: {error}"


def _unexpected(error: BaseException) -> BaseException | None:
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return None if isinstance(first, EmulatorError) else error
