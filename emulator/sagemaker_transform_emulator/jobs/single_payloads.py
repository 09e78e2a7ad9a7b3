"""Single payloads through a model's containers, without a job: what replay and tests stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import JobError
from sagemaker_transform_emulator.jobs.events import Sink
from sagemaker_transform_emulator.jobs.instances import (
    JobRun,
    ReadyInstance,
    Services,
    new_instance_id,
    open_instance,
    prepare,
)
from sagemaker_transform_emulator.jobs.invocation import FailedInvocation, Hop
from sagemaker_transform_emulator.sagemaker.constraints import validate
from sagemaker_transform_emulator.sagemaker.requests import Model, TransformJob
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transform.validation import require_processing

_REHEARSAL: Mapping[str, Any] = {
    "TransformJobName": "rehearsal",
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://rehearsal/record"}}
    },
    "TransformOutput": {"S3OutputPath": "s3://rehearsal/output"},
    "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
}
_ONE_RECORD: Mapping[str, Any] = {
    "BatchStrategy": "SingleRecord",
    "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 0},
}

_PARTS = {
    "ContentType": "TransformInput", "SplitType": "TransformInput", "CompressionType": "TransformInput",
    "Accept": "TransformOutput", "AssembleWith": "TransformOutput",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one payload.

    `status` and `body` are the last answer's; None and b"" without one. `output` is what the job would
    write for it, joined, filtered and assembled; None when the job would fail, and `error` says why.
    """

    payload: Payload
    hops: tuple[Hop, ...]
    error: str
    output: bytes | None = None

    @property
    def status(self) -> int | None:
        """The last status, None when no answer came."""
        answer = self.hops[-1].answer if self.hops else None
        return answer.status if answer else None

    @property
    def body(self) -> bytes:
        """The last answer's body."""
        answer = self.hops[-1].answer if self.hops else None
        return answer.body if answer else b""

    @property
    def explanation(self) -> str:
        """Each hop in a line, and the error: for assertion messages."""
        lines = [
            f"{hop.container}: {hop.answer.status if hop.answer else hop.error}: "
            f"{hop.answer.body[:500]!r}" if hop.answer else f"{hop.container}: no answer: {hop.error}"
            for hop in self.hops
        ]  # fmt: skip
        return "\n".join([*lines, self.error])


class Rehearsal:
    """A ready instance to send payloads to."""

    def __init__(self, job: TransformJob, ready: ReadyInstance) -> None:
        self.path = ready.path
        self._source = S3Location.parse(job.transform_input.s3_uri)

    async def send(self, payload: Payload, source: S3Location | None = None) -> Outcome:
        """The payload went the job's way; a failure is an outcome, not an error. `source` is its object."""
        try:
            done = await self.path.invoke(payload, self.path.heads(source or self._source))
            output = self.path.finish(done)
        except JobError as error:
            hops = error.context.hops if isinstance(error.context, FailedInvocation) else ()
            return Outcome(payload, hops, error.message)
        return Outcome(payload, tuple(done.hops), "", output)

    async def send_records(self, records: Sequence[bytes]) -> Outcome:
        """These records, filtered, as one payload.

        Raises RecordError for a record that the InputFilter or the limit refuses, and UsageError when the
        job would not send them together.
        """
        return await self.send(self.path.payload_of(records))


@asynccontextmanager
async def rehearse(
    model: Model, job: TransformJob, services: Services, sink: Sink = lambda _: None
) -> AsyncIterator[Rehearsal]:
    """The model's containers are ready as for the job; they are stopped when the block ends."""
    run = JobRun(model, job, sink)
    needs = await prepare(run, services)
    async with open_instance(run, services, needs, new_instance_id()) as ready:
        yield Rehearsal(job, ready)


def rehearsal_job(model_name: str, request: Mapping[str, Any] | None = None, **fields: Any) -> TransformJob:
    """The job of a CreateTransformJob request, completed so that it can be rehearsed without an input.

    Without a request: SingleRecord, unsplit, one attempt of 60 seconds. `fields` go over the request's; None
    takes a field out. Raises ServiceError for a request that breaks a constraint.
    """
    merged = _over(_REHEARSAL, _ONE_RECORD if request is None else request)
    for name, value in {"ModelName": model_name, **fields}.items():
        part = merged.get(_PARTS.get(name, ""), merged)
        part.pop(name, None)
        if value is not None:
            part[name] = value
    return job_of(merged)


def job_of(request: dict[str, Any]) -> TransformJob:
    """The job of a request whose input need not exist. Raises ServiceError (R1.4, R1.16, R1.17)."""
    validate("CreateTransformJob", request)
    job = TransformJob.from_request(request)
    require_processing(job)
    return job


def _over(base: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `base` with what is given put over it, structure by structure."""
    merged = deepcopy(dict(base))
    for name, value in given.items():
        below = merged.get(name)
        merged[name] = (
            _over(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else deepcopy(value)
        )
    return merged
