"""Instances of a job: sets of the model's containers, started and ready to be invoked.

Everything that starts containers stands on this: jobs, and the rehearsals of check, replay and tune.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.errors import EmulatorError, JobError
from sagemaker_transform_emulator.jobs import data_capture as capture
from sagemaker_transform_emulator.jobs import health as pipeline
from sagemaker_transform_emulator.jobs.events import (
    ContainerLine,
    DataLogLine,
    Event,
    InputListed,
    InstanceReady,
    JobNote,
    Notice,
    ObjectCompleted,
    ObjectFailed,
    Progress,
    Sink,
)
from sagemaker_transform_emulator.jobs.fault_injection import parse_faults
from sagemaker_transform_emulator.jobs.record_path import RecordPath
from sagemaker_transform_emulator.model_artifacts.fetch import ModelData, fetch_model_data
from sagemaker_transform_emulator.runtime.base import (
    BIND_LABEL,
    Container,
    ContainerSpec,
    LogSink,
    Prepared,
    RuntimeChoice,
)
from sagemaker_transform_emulator.runtime.workspace import Workspace
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.container_environment import container_environment
from sagemaker_transform_emulator.sagemaker.requests import (
    ExecutionParameters,
    JobStatus,
    Model,
    TransformJob,
)
from sagemaker_transform_emulator.transform.processing import processing_of
from sagemaker_transform_emulator.transport import LeanTransport, Transport


@dataclass(frozen=True, slots=True)
class Services:
    """What jobs share: the store, the choice of a runtime, scratch space and settings."""

    storage: Storage
    runtime: RuntimeChoice
    workspace: Workspace
    settings: Settings
    region: str


@dataclass(slots=True)
class JobRun:
    """A job under way, and afterwards its result. Times are epoch seconds.

    `instance_names` are made up when they are not given.
    """

    model: Model
    job: TransformJob
    sink: Sink = field(default=lambda _: None)
    record_invocations: bool = False
    instance_names: tuple[str, ...] = ()
    on_started: Callable[[], None] = field(default=lambda: None)
    status: JobStatus = JobStatus.IN_PROGRESS
    failure_reason: str | None = None
    error: EmulatorError | None = None
    progress: Progress = field(default_factory=Progress)
    completed: list[ObjectCompleted] = field(default_factory=list)
    failed: list[ObjectFailed] = field(default_factory=list)
    findings: list[JobNote] = field(default_factory=list)
    recent_lines: deque[ContainerLine] = field(default_factory=lambda: deque(maxlen=2000))
    started_at: float | None = None
    ended_at: float | None = None

    def emit(self, event: Event) -> None:
        """Keep what the result needs, and pass the event on."""
        if isinstance(event, ObjectCompleted):
            self.completed.append(event)
        elif isinstance(event, ObjectFailed):
            self.failed.append(event)
        elif isinstance(event, JobNote):
            self.findings.append(event)
        elif isinstance(event, ContainerLine):
            self.recent_lines.append(event)
        elif isinstance(event, InputListed):
            self.progress.objects = len(event.objects)
        self.sink(event)


class Prerequisites(NamedTuple):
    """What all instances of a job share, made once: images, transport, local copies of the archives."""

    prepared: Prepared
    transport: Transport
    archives: Mapping[str, ModelData]


class ReadyInstance(NamedTuple):
    """An instance whose containers are healthy, and the way of the job's records through them."""

    name: str
    containers: tuple[Container, ...]
    path: RecordPath


async def prepare(run: JobRun, services: Services) -> Prerequisites:
    """Images and archives are here. Raises ModelError naming what cannot be had."""
    loop = asyncio.get_running_loop()
    images = [definition.image for definition in run.model.containers]
    prepared = await services.runtime.prepare(images, lambda text: run.emit(Notice(text)))
    folder = services.workspace.folder("archives")

    def tell(text: str) -> None:
        loop.call_soon_threadsafe(run.emit, Notice(text))

    archives = await fetch_model_data(run.model, services.storage, folder, tell)
    return Prerequisites(prepared, LeanTransport(), archives)


@asynccontextmanager
async def open_instance(
    run: JobRun, services: Services, needs: Prerequisites, name: str
) -> AsyncIterator[ReadyInstance]:
    """A ready instance; its containers are stopped when the block ends. Errors stand in its data log."""
    job, settings = run.job, services.settings
    specs = [
        container_spec(run, services, needs.archives, name, position)
        for position in range(len(run.model.containers))
    ]
    with _blamed_on_instance(run, name):
        async with pipeline.started(needs.prepared.runtime, specs, _log_of(run, name)) as containers:
            _warn_of_missing_labels(run, needs.prepared, name)
            _tell_of_versions(run, needs.prepared, name)
            await pipeline.await_healthy(
                containers,
                needs.transport,
                window_s=settings.ping_window_s,
                interval_s=settings.ping_interval_s,
                tell=lambda text: run.emit(Notice(text)),
            )
            parameters = await pipeline.execution_parameters(
                containers[0],
                job,
                needs.transport,
                lambda text: run.emit(JobNote(name, containers[0].name, text)),
            )
            run.emit(InstanceReady(name, parameters))
            run.emit(DataLogLine(name, str(parameters)))
            if run.started_at is None:
                run.started_at = time.time()
                run.on_started()
            async with open_path(run, services, needs, containers, parameters) as path:
                run.progress.instances.append(path.invoker)
                run.progress.instance_names.append(name)
                yield ReadyInstance(name, containers, path)


@asynccontextmanager
async def open_path(
    run: JobRun,
    services: Services,
    needs: Prerequisites,
    containers: Sequence[Container],
    parameters: ExecutionParameters,
) -> AsyncIterator[RecordPath]:
    """The way of the job's records through these containers, with these settings in force."""
    job, settings = run.job, services.settings
    processing = processing_of(job, capture.identifier(job, run.started_at or time.time()))
    async with pipeline.invoker(
        containers,
        needs.transport,
        job,
        parameters,
        no_answer_is_internal_error=settings.no_answer_is_internal_error,
        faults=parse_faults(settings.faults),
    ) as invoker:
        yield RecordPath(job, parameters, processing, invoker)


def new_instance_id() -> str:
    """An id like those of EC2, such as i-0a1b2c3d4e5f60718 (R4.35)."""
    return f"i-{secrets.token_hex(9)[1:]}"


@contextmanager
def _blamed_on_instance(run: JobRun, name: str) -> Iterator[None]:
    """An error that ends the instance stands in its data log."""
    try:
        yield
    except* JobError as group:
        error = first_job_error(group)
        assert error is not None
        for line in error.data_log:
            run.emit(DataLogLine(name, line))
        raise error from None


def container_spec(
    run: JobRun, services: Services, archives: Mapping[str, ModelData], instance: str, position: int
) -> ContainerSpec:
    """The container at 0-based `position` of the model, as an instance of the job starts it."""
    definition = run.model.containers[position]
    isolated = run.model.enable_network_isolation
    data = archives.get(definition.model_data_url or "")
    return ContainerSpec(
        name=definition.name,
        image=definition.image,
        environment={
            **(data.environment if data else {}),
            **container_environment(definition, run.job, services.region),
        },
        model_archive=data.path if data else None,
        model_data_url=definition.model_data_url or "",
        binds_to_port=run.model.is_pipeline,
        position=position,
        store=None if isolated else services.storage.address,
        network_isolation=isolated,
        instance_type=run.job.transform_resources.instance_type,
        labels={"job": run.job.transform_job_name, "instance": instance, "container": definition.name},
    )


def _warn_of_missing_labels(run: JobRun, prepared: Prepared, instance: str) -> None:
    """A pipeline's image that does not promise to listen where it is told runs all the same (R1.10)."""
    for definition in run.model.containers if run.model.is_pipeline else ():
        if definition.image in prepared.unlabelled:
            text = f"image {definition.image} lacks the label {BIND_LABEL}=true"
            run.emit(JobNote(instance, definition.name, text))


def _tell_of_versions(run: JobRun, prepared: Prepared, instance: str) -> None:
    """Where another version of a library serves than the image carries at AWS, the job says which."""
    for definition in run.model.containers:
        note = prepared.notes.get(definition.image)
        if note is not None:
            run.emit(JobNote(instance, definition.name, note))


def _log_of(run: JobRun, instance: str) -> Callable[[str], LogSink]:
    def of_container(container: str) -> LogSink:
        def keep(at: datetime, text: str) -> None:
            run.emit(ContainerLine(instance, container, at, text))

        return keep

    return of_container


def first_job_error(group: BaseExceptionGroup[BaseException]) -> JobError | None:
    """The first JobError in the group, however deep; None when there is none."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found = first_job_error(error)
            if found is not None:
                return found
        elif isinstance(error, JobError):
            return error
    return None
