"""The record path: one object of a TransformJob from S3 to S3, top to bottom.

    read (ranged, pinned by ETag) → inflate → split → filter, batch → invoke → join, filter, assemble → write

An output is written whole or not at all (R2.21).

Up to MaxConcurrentTransforms payloads are in flight on an instance; their answers leave in record order
(R2.1, R4.24), and memory is bounded by the payloads in flight, never by the object.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from sagemaker_transform_emulator.errors import (
    DataError,
    InvocationError,
    JobError,
    RecordError,
    StorageError,
)
from sagemaker_transform_emulator.jobs.events import (
    DataLogLine,
    InvocationDone,
    JobNote,
    ObjectCompleted,
    ObjectFailed,
    ObjectStarted,
    Progress,
    Sink,
)
from sagemaker_transform_emulator.jobs.invocation import FailedInvocation, Invocation, Invoker, ObjectHeads
from sagemaker_transform_emulator.jobs.objects import InputObject, Objects
from sagemaker_transform_emulator.s3.client import S3Object
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters, TransformJob
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.payloads import PayloadReader, payload_of
from sagemaker_transform_emulator.transform.processing import Processing


@dataclass(frozen=True, slots=True)
class Reading:
    """What a job makes of the bytes of an object before any container sees them: its payloads.

    `parameters` are those in force (R4.16).
    """

    job: TransformJob
    parameters: ExecutionParameters
    processing: Processing

    async def payloads(self, chunks: AsyncGenerator[bytes]) -> AsyncGenerator[Payload]:
        """The payloads of an object in order, filtered (R2.3 to R2.11, R2.17, R3.1)."""
        reader = PayloadReader(self.job, self.parameters, self.processing.prepare)
        async with aclosing(chunks):
            async for chunk in chunks:
                for payload in reader.feed(chunk):
                    yield payload
        for payload in reader.finish():
            yield payload

    def payload_of(self, records: Sequence[bytes], first_record: int = 1, offset: int = 0) -> Payload:
        """The payload that these records make together, filtered. Raises RecordError and UsageError."""
        place = (first_record, offset)
        return payload_of(records, self.job, self.parameters, self.processing.prepare, place)


@dataclass(frozen=True, slots=True)
class RecordPath(Reading):
    """The whole way of a job's records: filter and batch, invoke, join, filter and assemble.

    Whatever sends records to a model's containers sends them through here: jobs, `tune`, `replay` and
    sagemaker_transform_emulator.testing.
    """

    invoker: Invoker

    def invoke(self, payload: Payload, heads: ObjectHeads) -> Coroutine[Any, Any, Invocation]:
        """The payload is answered. Raises InvocationError and ContainerError (R4.24 to R4.28)."""
        return self.invoker.invoke(payload, heads)

    def heads(self, source: S3Location) -> ObjectHeads:
        """The heads of the requests with the object's records."""
        chunked = self.parameters.max_payload_bytes is None
        return ObjectHeads(self.job, source, len(self.invoker.containers), chunked=chunked)

    def finish(self, done: Invocation) -> bytes:
        """The output of one payload. Raises RecordError for an answer that does not fit its records."""
        try:
            return self.processing.finish(done.payload, done.answer.body)
        except RecordError as error:
            error.context = FailedInvocation(done.payload, tuple(done.hops))
            raise


@dataclass(slots=True)
class Instance:
    """What one instance of a job works with. `permits` bounds the payloads it holds in memory."""

    name: str
    path: RecordPath
    storage: Objects
    sink: Sink
    progress: Progress
    permits: asyncio.Semaphore
    record_invocations: bool = False


async def transform_objects(instance: Instance, objects: list[InputObject]) -> list[JobError]:
    """Every object was tried, in key order, up to MaxConcurrentTransforms at a time; the failures (R6.1).

    Raises ContainerError when the instance cannot go on.
    """
    waiting = deque(objects)
    failures: list[JobError] = []

    async def work() -> None:
        while waiting:
            failure = await transform_object(instance, waiting.popleft())
            if failure is not None:
                failures.append(failure)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(instance.path.parameters.max_concurrent_transforms, len(objects))):
            group.create_task(work())
    return failures


async def transform_object(instance: Instance, item: InputObject) -> JobError | None:
    """The output is visible, or the error that kept it away is in the data log and returned (R2.21, R6.1)."""
    instance.sink(ObjectStarted(instance.name, item.source, item.output))
    instance.progress.current = str(item.source.location)
    path, output = instance.path, instance.path.job.transform_output
    records = 0
    try:
        async with (
            instance.storage.writer(item.output, output.accept, output.kms_key_id) as writer,
            aclosing(path.payloads(read_object(instance, await at_present(instance, item)))) as payloads,
            aclosing(in_order(instance, item.source.location, payloads)) as invocations,
        ):
            async for done in invocations:
                await writer.write(path.finish(done))
                count_done(instance.progress, done)
                records += len(done.payload.records)
    except (DataError, InvocationError, StorageError) as error:
        report_failure(instance, item.source.location, error)
        return error
    if writer.kept_plain:
        instance.sink(
            JobNote(instance.name, "", f"{item.output} is not encrypted: the store has no key service")
        )
    instance.progress.objects_done += 1
    instance.sink(ObjectCompleted(instance.name, item.source, item.output, records, writer.size))
    return None


def read_object(instance: Instance, source: S3Object) -> AsyncGenerator[bytes]:
    """The object's bytes; once in a job a note says that a store offers nothing to check them by."""

    def note() -> None:
        if not instance.progress.unchecked_noted:
            instance.progress.unchecked_noted = True
            text = f"{source.location}: the store offers no checksum by which what was read could be checked"
            instance.sink(JobNote(instance.name, "", text))

    return instance.storage.read(source, unchecked=note)


async def at_present(instance: Instance, item: InputObject) -> S3Object:
    """The version to read: the listed one, unless the job itself may have replaced that by now."""
    return await instance.storage.head(item.source.location) if item.is_output_too else item.source


async def in_order(
    instance: Instance, source: S3Location, payloads: AsyncGenerator[Payload]
) -> AsyncGenerator[Invocation]:
    """Each payload, answered, in record order, at most `permits` of them in memory.

    After the first failing request the object's remaining ones are not sent (R6.2).
    """
    heads = instance.path.heads(source)
    invoke = partial(recorded, instance, source) if instance.record_invocations else instance.path.invoke
    if instance.path.parameters.max_concurrent_transforms == 1:
        async for payload in payloads:
            yield await invoke(payload, heads)
        return
    pending: deque[asyncio.Task[Invocation]] = deque()
    try:
        async for payload in payloads:
            while pending and (instance.permits.locked() or pending[0].done()):
                yield await _take(instance, pending)
            await instance.permits.acquire()
            pending.append(asyncio.create_task(invoke(payload, heads)))
        while pending:
            yield await _take(instance, pending)
    finally:
        for task in pending:
            task.cancel()
            instance.permits.release()
        for task in pending:
            with suppress(asyncio.CancelledError, JobError):
                await task


async def _take(instance: Instance, pending: deque[asyncio.Task[Invocation]]) -> Invocation:
    done = await pending[0]
    pending.popleft()
    instance.permits.release()
    return done


async def recorded(
    instance: Instance, source: S3Location, payload: Payload, heads: ObjectHeads
) -> Invocation:
    """As the path's `invoke`; every exchange goes to the sink."""
    try:
        done = await instance.path.invoke(payload, heads)
    except JobError as error:
        hops = error.context.hops if isinstance(error.context, FailedInvocation) else ()
        instance.sink(InvocationDone(instance.name, source, payload, hops, failed=True))
        raise
    instance.sink(InvocationDone(instance.name, source, payload, tuple(done.hops), failed=False))
    return done


def count_done(progress: Progress, done: Invocation) -> None:
    """One more payload is through."""
    progress.payloads += 1
    progress.records += len(done.payload.records)
    progress.bytes_in += len(done.payload.body)
    progress.bytes_out += len(done.answer.body)


def report_failure(instance: Instance, source: S3Location, error: JobError) -> None:
    """The data log has the service's lines for the object (R4.30 to R4.32), the sinks have our diagnosis."""
    for line in error.data_log:
        instance.sink(DataLogLine(instance.name, f"{source.bucket}/{source.key}: {line}"))
    failed = error.context if isinstance(error.context, FailedInvocation) else FailedInvocation(None, ())
    instance.sink(ObjectFailed(instance.name, source, error, failed.payload, failed.hops))
