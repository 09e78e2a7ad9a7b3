"""One TransformJob from its start to its end: inputs, archives, instances, objects, status.

The caller has admitted the request. A job ends Completed, Failed or Stopped, and whatever it made
besides outputs is gone then.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from sagemaker_transform_emulator.errors import Blame, JobError, StorageError
from sagemaker_transform_emulator.jobs import data_capture as capture
from sagemaker_transform_emulator.jobs import health as pipeline
from sagemaker_transform_emulator.jobs import input_objects as inputs
from sagemaker_transform_emulator.jobs.instances import (
    JobRun,
    Prerequisites,
    Services,
    first_job_error,
    new_instance_id,
    open_instance,
    prepare,
)
from sagemaker_transform_emulator.jobs.objects import InputObject
from sagemaker_transform_emulator.jobs.record_path import Instance, transform_objects
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

__all__ = ["JobRun", "Services", "new_instance_id", "run"]


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
        error = first_job_error(group)
        if error is None:
            raise
        _fail(run, error)
    except JobError as error:
        _fail(run, error)
    finally:
        run.ended_at = time.time()
    return run


async def _transform(run: JobRun, services: Services) -> None:
    needs = await prepare(run, services)
    objects = await inputs.objects_of(run.job, services.storage, run.emit)
    count = run.job.transform_resources.instance_count
    names = run.instance_names or tuple(new_instance_id() for _ in range(count))
    async with asyncio.TaskGroup() as group:
        for number, name in enumerate(names):
            share = objects[number::count]  # R5.1, R5.3: whole objects, round robin in key order
            group.create_task(_run_instance(run, services, needs, share, name))
    config = run.job.data_capture_config
    if config is not None and run.started_at is not None:
        await capture.write_manifests(config, run.completed, run.started_at, services.storage)


async def _run_instance(
    run: JobRun, services: Services, needs: Prerequisites, share: list[InputObject], name: str
) -> None:
    async with open_instance(run, services, needs, name) as ready:
        instance = Instance(
            name,
            ready.path,
            services.storage,
            run.emit,
            run.progress,
            asyncio.Semaphore(ready.path.parameters.max_concurrent_transforms),
            run.record_invocations,
        )
        await _until_done_or_dead(transform_objects(instance, share), pipeline.watch(ready.containers))


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
