"""The record path: one object of a TransformJob from S3 to S3, top to bottom.

    read (ranged, pinned by ETag) → inflate → split → filter, batch → invoke → join, filter, assemble → write

An output is written whole or not at all (R2.21).

Up to MaxConcurrentTransforms payloads are in flight on an instance; their answers leave in record order
(R2.1, R4.24), and memory is bounded by the payloads in flight, never by the object.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from sagemaker_transform_emulator.errors import (
    DataError,
    InvocationError,
    JobError,
    RecordError,
    StorageError,
)
from sagemaker_transform_emulator.jobs.events import (
    DataLogLine,
    Finding,
    InvocationDone,
    ObjectCompleted,
    ObjectFailed,
    ObjectStarted,
    Progress,
    Sink,
)
from sagemaker_transform_emulator.jobs.invocation import FailedInvocation, Hop, Invoker, ObjectHeads
from sagemaker_transform_emulator.s3.client import S3Object, Storage
from sagemaker_transform_emulator.sagemaker.requests import (
    BatchStrategy,
    CompressionType,
    ExecutionParameters,
    SplitType,
    TransformJob,
)
from sagemaker_transform_emulator.transform.batching import Batcher, Payload, Prepare
from sagemaker_transform_emulator.transform.inflating import Inflater
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.processing import Processing
from sagemaker_transform_emulator.transform.splitting import make_splitter
from sagemaker_transform_emulator.transport import Answer


@dataclass(frozen=True, slots=True)
class InputObject:
    """An object to transform and where its output goes.

    `is_output_too` says that this job also writes to the object's place, as when a job is run again on a
    folder that holds its outputs (R1.21, R2.12).
    """

    source: S3Object
    output: S3Location
    is_output_too: bool = False


@dataclass(slots=True)
class Instance:
    """What one instance of a job works with. `permits` bounds the payloads it holds in memory."""

    name: str
    job: TransformJob
    parameters: ExecutionParameters
    processing: Processing
    invoker: Invoker
    storage: Storage
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
        for _ in range(min(instance.parameters.max_concurrent_transforms, len(objects))):
            group.create_task(work())
    return failures


async def transform_object(instance: Instance, item: InputObject) -> JobError | None:
    """The output is visible, or the error that kept it away is in the data log and returned (R2.21, R6.1)."""
    instance.sink(ObjectStarted(instance.name, item.source, item.output))
    instance.progress.current = str(item.source.location)
    output = instance.job.transform_output
    records = 0
    try:
        async with (
            instance.storage.writer(item.output, output.accept, output.kms_key_id) as writer,
            aclosing(
                read_payloads(
                    instance.job,
                    instance.parameters,
                    instance.storage,
                    await at_present(instance, item),
                    instance.processing.prepare,
                )
            ) as payloads,
            aclosing(in_order(instance, item.source.location, payloads)) as answers,
        ):
            async for payload, answer in answers:
                await writer.write(instance.processing.finish(payload, answer.body))
                count_done(instance.progress, payload, answer)
                records += len(payload.records)
    except (DataError, InvocationError, StorageError) as error:
        report_failure(instance, item.source.location, error)
        return error
    if writer.kept_plain:
        instance.sink(
            Finding(instance.name, "", f"{item.output} is not encrypted: the store has no key service")
        )
    instance.progress.objects_done += 1
    instance.sink(ObjectCompleted(instance.name, item.source, item.output, records, writer.size))
    return None


async def at_present(instance: Instance, item: InputObject) -> S3Object:
    """The version to read: the listed one, unless the job itself may have replaced that by now."""
    return await instance.storage.head(item.source.location) if item.is_output_too else item.source


async def read_payloads(
    job: TransformJob,
    parameters: ExecutionParameters,
    storage: Storage,
    source: S3Object,
    prepare: Prepare | None = None,
) -> AsyncGenerator[Payload]:
    """The object's payloads in order (R2.3 to R2.11, R2.17); `prepare` is the InputFilter."""
    limit = parameters.max_payload_bytes
    splitter = make_splitter(
        job.transform_input.split_type,
        max_record_bytes=limit,
        keep_framing=parameters.batch_strategy is BatchStrategy.MULTI_RECORD,
    )
    unsplit = (
        job.transform_input.split_type is SplitType.NONE
    )  # one record: nothing to batch, nothing to copy
    batcher = Batcher(BatchStrategy.SINGLE_RECORD if unsplit else parameters.batch_strategy, limit, prepare)
    chunks = storage.read(source)
    if job.transform_input.compression_type is CompressionType.GZIP:
        chunks = inflate(chunks)
    try:
        async with aclosing(chunks):
            async for chunk in chunks:
                for payload in batcher.feed(splitter.feed(chunk)):
                    yield payload
        for payload in batcher.feed(splitter.finish()):
            yield payload
        for payload in batcher.finish():
            yield payload
    except RecordError as error:
        raise error.at(f"record {batcher.next_record} (at byte {batcher.next_offset})") from None


async def inflate(chunks: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The content of a gzip file, in pieces of bounded size."""
    inflater = Inflater()
    async with aclosing(chunks):
        async for chunk in chunks:
            for piece in inflater.feed(chunk):
                yield piece
    inflater.finish()


async def in_order(
    instance: Instance, source: S3Location, payloads: AsyncGenerator[Payload]
) -> AsyncGenerator[tuple[Payload, Answer]]:
    """Each payload with its answer, in record order, at most `permits` of them in memory.

    After the first failing request the object's remaining ones are not sent (R6.2).
    """
    heads = ObjectHeads(instance.job, source, len(instance.invoker.containers))
    if instance.parameters.max_concurrent_transforms == 1:
        async for payload in payloads:
            yield payload, await invoke(instance, source, heads, payload)
        return
    pending: deque[tuple[Payload, asyncio.Task[Answer]]] = deque()
    try:
        async for payload in payloads:
            while pending and (instance.permits.locked() or pending[0][1].done()):
                yield await _take(instance, pending)
            await instance.permits.acquire()
            pending.append((payload, asyncio.create_task(invoke(instance, source, heads, payload))))
        while pending:
            yield await _take(instance, pending)
    finally:
        for _, task in pending:
            task.cancel()
            instance.permits.release()
        for _, task in pending:
            with suppress(asyncio.CancelledError, JobError):
                await task


async def _take(
    instance: Instance, pending: deque[tuple[Payload, asyncio.Task[Answer]]]
) -> tuple[Payload, Answer]:
    payload, task = pending[0]
    answer = await task
    pending.popleft()
    instance.permits.release()
    return payload, answer


async def invoke(instance: Instance, source: S3Location, heads: ObjectHeads, payload: Payload) -> Answer:
    """One payload through the containers; every exchange goes to the sink when the job is recorded."""
    chunked = instance.parameters.max_payload_bytes is None
    if not instance.record_invocations:
        return await instance.invoker.invoke(payload, heads, chunked=chunked)
    hops: list[Hop] = []
    failed = True
    try:
        answer = await instance.invoker.invoke(payload, heads, chunked=chunked, hops=hops)
        failed = False
    finally:
        instance.sink(InvocationDone(instance.name, source, payload, tuple(hops), failed))
    return answer


def count_done(progress: Progress, payload: Payload, answer: Answer) -> None:
    """One more payload is through."""
    progress.payloads += 1
    progress.records += len(payload.records)
    progress.bytes_in += len(payload.body)
    progress.bytes_out += len(answer.body)


def report_failure(instance: Instance, source: S3Location, error: JobError) -> None:
    """The data log has the service's lines for the object (R4.30 to R4.32), the sinks have our diagnosis."""
    for line in error.data_log:
        instance.sink(DataLogLine(instance.name, f"{source.bucket}/{source.key}: {line}"))
    failed = error.context if isinstance(error.context, FailedInvocation) else FailedInvocation(None, ())
    instance.sink(ObjectFailed(instance.name, source, error, failed.payload, failed.hops))
