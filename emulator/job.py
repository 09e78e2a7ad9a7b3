"""One TransformJob from its start to its end: inputs, archives, instances, objects, status.

The caller has admitted the request. A job ends Completed, Failed or Stopped, and whatever it made
besides outputs is gone then.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from emulator import capture, inputs, pipeline
from emulator.artifacts import judge
from emulator.config import Settings
from emulator.environment import container_environment
from emulator.errors import Blame, EmulatorError, JobError, ModelError, StorageError
from emulator.events import (
    ContainerLine,
    DataLogLine,
    Event,
    Finding,
    InputListed,
    InstanceReady,
    Notice,
    ObjectCompleted,
    ObjectFailed,
    Progress,
    Sink,
)
from emulator.model import JobStatus, Model, TransformJob
from emulator.runner import InputObject, Instance, transform_objects
from emulator.runtime.base import BIND_LABEL, ContainerSpec, LogSink, Prepared, RuntimeChoice
from emulator.storage import Storage
from emulator.transform.keys import S3Location
from emulator.transform.processing import processing_of
from emulator.transport import Transport, make_transport
from emulator.workspace import Workspace


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
    started_at: float | None = None
    ended_at: float | None = None

    def emit(self, event: Event) -> None:
        """Keep what the result needs, and pass the event on."""
        if isinstance(event, ObjectCompleted):
            self.completed.append(event)
        elif isinstance(event, ObjectFailed):
            self.failed.append(event)
        elif isinstance(event, InputListed):
            self.progress.objects = len(event.objects)
        self.sink(event)


async def run(run: JobRun, services: Services) -> JobRun:
    """The job has ended: `run.status` says how.

    Cancelling the task is StopTransformJob: the job ends Stopped and its outputs are removed (R1.30);
    CancelledError is raised again then.
    """
    try:
        await _transform(run, services)
        _conclude(run, [event.error for event in run.failed])
    except asyncio.CancelledError:
        run.status = JobStatus.STOPPED
        await asyncio.shield(_withdraw(run, services))
        raise
    except BaseExceptionGroup as group:
        error = _first_job_error(group)
        if error is None:
            raise
        _fail(run, error)
    except JobError as error:
        _fail(run, error)
    finally:
        run.ended_at = time.time()
    return run


async def _transform(run: JobRun, services: Services) -> None:
    job = run.job
    images = [definition.image for definition in run.model.containers]
    prepared = await services.runtime.prepare(images, lambda text: run.emit(Notice(text)))
    objects = await inputs.objects_of(job, services.storage, run.emit)
    folder = services.workspace.folder("archives")
    archives = await _fetch_archives(run.model, services, folder)
    transport = make_transport(services.settings.transport)
    count = job.transform_resources.instance_count
    names = run.instance_names or tuple(new_instance_id() for _ in range(count))
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            share = objects[number::count]  # R5.1, R5.3: whole objects, round robin in key order
            group.create_task(
                _run_instance(run, services, prepared, transport, archives, share=share, name=names[number])
            )


async def _run_instance(
    run: JobRun,
    services: Services,
    prepared: Prepared,
    transport: Transport,
    archives: Mapping[str, Path],
    *,
    share: list[InputObject],
    name: str,
) -> None:
    job, settings = run.job, services.settings
    specs = [_spec(run, services, archives, name, position) for position in range(len(run.model.containers))]
    with _blamed_on_instance(run, name):
        async with pipeline.started(prepared.runtime, specs, _log_of(run, name)) as containers:
            _warn_of_missing_labels(run, prepared, name)
            await pipeline.await_healthy(
                containers, transport, window_s=settings.ping_window_s, interval_s=settings.ping_interval_s
            )
            parameters = await pipeline.execution_parameters(
                containers[0], job, transport, lambda text: run.emit(Finding(name, containers[0].name, text))
            )
            run.emit(InstanceReady(name, parameters))
            run.emit(DataLogLine(name, str(parameters)))
            if run.started_at is None:
                run.started_at = time.time()
                run.on_started()
            processing = processing_of(job, capture.identifier(job, run.started_at))
            async with pipeline.invoker(
                containers,
                transport,
                job,
                parameters,
                no_answer_is_internal_error=settings.no_answer_is_internal_error,
            ) as invoker:
                instance = Instance(
                    name, job, parameters, processing, invoker, services.storage, run.emit, run.progress,
                    asyncio.Semaphore(parameters.max_concurrent_transforms), run.record_invocations,
                )  # fmt: skip
                run.progress.instances.append(invoker)
                run.progress.instance_names.append(name)
                await _until_done_or_dead(transform_objects(instance, share), pipeline.watch(containers))


def new_instance_id() -> str:
    """An id like those of EC2, such as i-0a1b2c3d4e5f60718 (R4.35)."""
    return f"i-{secrets.token_hex(9)[1:]}"


async def _until_done_or_dead(work: object, watch: object) -> None:
    """Run the work while the containers live; a container's death ends it (R6.5)."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(watch)]  # type: ignore[call-overload]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            if not task.done():
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


@contextmanager
def _blamed_on_instance(run: JobRun, name: str) -> Iterator[None]:
    """An error that ends the instance stands in its data log."""
    try:
        yield
    except* JobError as group:
        error = _first_job_error(group)
        assert error is not None
        for line in error.data_log:
            run.emit(DataLogLine(name, line))
        raise error from None


def _spec(
    run: JobRun, services: Services, archives: Mapping[str, Path], instance: str, position: int
) -> ContainerSpec:
    definition = run.model.containers[position]
    isolated = run.model.enable_network_isolation
    return ContainerSpec(
        name=definition.name,
        image=definition.image,
        environment=container_environment(definition, run.job, services.region),
        model_archive=archives.get(definition.model_data_url or ""),
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
            run.emit(Finding(instance, definition.name, text))


def _log_of(run: JobRun, instance: str) -> Callable[[str], LogSink]:
    def of_container(container: str) -> LogSink:
        def keep(at: datetime, text: str) -> None:
            run.emit(ContainerLine(instance, container, at, text))

        return keep

    return of_container


async def _fetch_archives(model: Model, services: Services, folder: Path) -> dict[str, Path]:
    """A judged local copy of every model archive, by its URL (R4.2, R6.7)."""
    archives: dict[str, Path] = {}
    for definition in model.containers:
        url = definition.model_data_url
        if not url or url in archives:
            continue
        path = folder / f"{len(archives)}.tar.gz"
        try:
            await services.storage.download(S3Location.parse(url), path)
        except StorageError as error:
            raise ModelError(
                f'Failed to download model data for container "{definition.name}" from URL "{url}": {error}',
                remedy=error.remedy,
                blame=error.blame,
            ) from None
        await asyncio.to_thread(judge, path, url=url, container=definition.name)
        archives[url] = path
    return archives


async def _withdraw(run: JobRun, services: Services) -> None:
    """The outputs of a stopped job are not stored (R1.30)."""
    for event in run.completed:
        with suppress(StorageError):
            await services.storage.delete(event.output)


def _conclude(run: JobRun, errors: list[JobError]) -> None:
    if not errors:
        run.status = JobStatus.COMPLETED
        return
    order: list[Blame] = ["AlgorithmError", "InternalServerError", "ClientError"]  # R1.38: 5xx outweighs 4xx
    _fail(run, min(errors, key=lambda error: order.index(error.blame)))


def _fail(run: JobRun, error: JobError) -> None:
    run.status = JobStatus.FAILED
    run.failure_reason = error.failure_reason
    run.error = error


def _first_job_error(group: BaseExceptionGroup[BaseException]) -> JobError | None:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            found = _first_job_error(error)
            if found is not None:
                return found
        elif isinstance(error, JobError):
            return error
    return None
