"""The first records of a job's input, in memory: what the trials of `tune` read, and where they write."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.objects import InputObject
from sagemaker_transform_emulator.s3.client import RANGE_BYTES, S3Object, Storage
from sagemaker_transform_emulator.sagemaker.requests import (
    MIB,
    CompressionType,
    ExecutionParameters,
    TransformJob,
)
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.payloads import RecordReader

MOST_BYTES = 256 * MIB


class MemoryOutput:
    """One output of a trial."""

    def __init__(self) -> None:
        self.size = 0
        self.kept_plain = False
        self._parts: list[bytes] = []

    async def write(self, data: bytes) -> None:
        """Append."""
        self._parts.append(data)
        self.size += len(data)

    @property
    def body(self) -> bytes:
        """All that was written."""
        return b"".join(self._parts)


@dataclass(slots=True)
class InputSample:
    """Records of some objects, inflated, `size` bytes in all, and the outputs made of them last.

    `whole` says that the input has no more records than these.
    """

    objects: list[InputObject] = field(default_factory=list)
    records: int = 0
    size: int = 0
    whole: bool = True
    outputs: dict[S3Location, bytes] = field(default_factory=dict)
    _bodies: dict[S3Location, bytes] = field(default_factory=dict)

    def add(self, item: InputObject, records: Sequence[bytes]) -> None:
        """The records, in their frames, are an object of the sample."""
        body = b"".join(records)
        location = item.source.location
        self._bodies[location] = body
        self.objects.append(InputObject(S3Object(location, len(body), item.source.etag), item.output))
        self.records += len(records)
        self.size += len(body)

    async def head(self, location: S3Location) -> S3Object:
        """The object."""
        return next(item.source for item in self.objects if item.source.location == location)

    async def read(
        self,
        source: S3Object,
        *,
        unchecked: Callable[[], None] = lambda: None,  # noqa: ARG002 - memory needs no check
    ) -> AsyncGenerator[bytes]:
        """The object in chunks as large as the store's."""
        body = self._bodies[source.location]
        for start in range(0, len(body), RANGE_BYTES):
            yield body[start : start + RANGE_BYTES]

    @asynccontextmanager
    async def writer(
        self,
        location: S3Location,
        content_type: str | None,  # noqa: ARG002 - the protocol's
        kms_key_id: str | None = None,  # noqa: ARG002 - the protocol's
    ) -> AsyncIterator[MemoryOutput]:
        """An output; it is in `outputs` when the block ends without an error."""
        output = MemoryOutput()
        yield output
        self.outputs[location] = output.body


async def take_sample(
    job: TransformJob,
    parameters: ExecutionParameters,
    storage: Storage,
    objects: Sequence[InputObject],
    most: int,
) -> InputSample:
    """The first `most` records of the job's objects, or as many as make 256 MiB.

    Raises DataError for an object that cannot be split, as the job would, and UsageError without a record.
    """
    sample = InputSample()
    for position, item in enumerate(objects):
        reader = RecordReader(job, parameters.max_payload_bytes, keep_framing=True)
        room = most - sample.records, MOST_BYTES - sample.size
        records, ended = await _first(reader, storage.read(item.source), *room)
        sample.add(item, records)
        sample.whole = ended and position + 1 == len(objects)
        if not ended or sample.records >= most or sample.size >= MOST_BYTES:
            break
    if not sample.records:
        raise UsageError("The input holds no record", remedy="put records below TransformInput's S3Uri")
    return sample


async def _first(
    reader: RecordReader, chunks: AsyncGenerator[bytes], most: int, most_bytes: int
) -> tuple[list[bytes], bool]:
    """The first `most` records of an object, or those in about `most_bytes`, and whether it has no more."""
    records: list[bytes] = []
    size = 0

    def take(found: Iterator[bytes]) -> bool:
        nonlocal size
        for record in found:
            if len(records) == most or size >= most_bytes:
                return False
            records.append(record)
            size += len(record)
        return True

    async with aclosing(chunks):
        async for chunk in chunks:
            if not take(reader.feed(chunk)):
                return records, False
    return records, take(reader.finish())


def job_of_sample(job: TransformJob) -> TransformJob:
    """The job as trials run it: its input is inflated already, and its rows get no random ids."""
    source = replace(job.transform_input, compression_type=CompressionType.NONE)
    return replace(job, transform_input=source, data_capture_config=None)
