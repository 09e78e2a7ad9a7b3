"""Single payloads through a model's containers, without a job: what replay, tune and tests stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from sagemaker_transform_emulator.jobs.invocation import Hop, ObjectHeads
from sagemaker_transform_emulator.sagemaker.requests import Model, TransformJob
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one payload. `status` and `body` are the last answer's; None and b"" without one."""

    payload: Payload
    hops: tuple[Hop, ...]
    error: str

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
        self.ready = ready
        self._job = job
        self._source = S3Location.parse(job.transform_input.s3_uri)

    async def send(self, payload: Payload, source: S3Location | None = None) -> Outcome:
        """The payload went through the containers as in the job; failures are outcomes, not errors."""
        hops: list[Hop] = []
        heads = ObjectHeads(self._job, source or self._source, len(self.ready.containers))
        chunked = self.ready.parameters.max_payload_bytes is None
        try:
            await self.ready.invoker.invoke(payload, heads, chunked=chunked, hops=hops)
        except JobError as error:
            return Outcome(payload, tuple(hops), error.message)
        return Outcome(payload, tuple(hops), "")

    async def send_record(self, record: bytes) -> Outcome:
        """The bytes as one payload of one record."""
        return await self.send(Payload(1, 0, (record,), record))


@asynccontextmanager
async def rehearse(
    model: Model, job: TransformJob, services: Services, sink: Sink = lambda _: None
) -> AsyncIterator[Rehearsal]:
    """The model's containers are ready as for the job; they are stopped when the block ends."""
    run = JobRun(model, job, sink)
    needs = await prepare(run, services)
    async with open_instance(run, services, needs, new_instance_id()) as ready:
        yield Rehearsal(job, ready)


def rehearsal_job(model_name: str, **fields: Any) -> TransformJob:
    """A job that reads nothing: enough to start containers and send records to them."""
    request: dict[str, Any] = {
        "TransformJobName": "rehearsal",
        "ModelName": model_name,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://rehearsal/record"}}
        },
        "TransformOutput": {"S3OutputPath": "s3://rehearsal/output"},
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
        "BatchStrategy": "SingleRecord",
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 0},
    }
    request["TransformInput"] |= {
        key: fields.pop(key) for key in ("ContentType", "SplitType") if key in fields
    }
    request["TransformOutput"] |= {
        key: fields.pop(key) for key in ("Accept", "AssembleWith") if key in fields
    }
    return TransformJob.from_request(request | fields)
