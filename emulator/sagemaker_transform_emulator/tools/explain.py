"""What a job would do, without running a container: objects, records, payloads, keys, settings, doubts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from sagemaker_transform_emulator.errors import DataError, JobError, StorageError
from sagemaker_transform_emulator.jobs.input_objects import objects_of
from sagemaker_transform_emulator.jobs.objects import InputObject
from sagemaker_transform_emulator.jobs.record_path import Reading
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters, TransformJob
from sagemaker_transform_emulator.tools.findings import Finding, Severity
from sagemaker_transform_emulator.tools.input_warnings import Doubts
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import OUTPUT_SUFFIX, S3Location
from sagemaker_transform_emulator.transform.processing import processing_of

_PREVIEW_BYTES = 200


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in force and where it comes from."""

    name: str
    value: str
    source: str


@dataclass(slots=True)
class ObjectPlan:
    """What would be sent of one object. Sizes in bytes; `error` is set when it would fail before the end.

    Records are counted as they are read, payloads as they are sent: after the InputFilter.
    """

    key: str
    output: str
    size: int
    instance: int = 0
    records: int = 0
    payloads: int = 0
    first_record: bytes = b""
    largest_record: int = 0
    largest_record_number: int = 0
    first_payload: bytes = b""
    first_payload_size: int = 0
    largest_payload: int = 0
    sent: int = 0
    error: str = ""


@dataclass(slots=True)
class Explanation:
    """The whole answer."""

    settings: list[Setting]
    objects: list[ObjectPlan] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


async def explain(
    request: Mapping[str, Any], job: TransformJob, storage: Storage, parameters: ExecutionParameters
) -> Explanation:
    """The plan of a job that `request` asked for. Every input object is read once; nothing is written.

    `parameters` are those in force (R4.16); a container may still offer others where the job set none.
    """
    answer = Explanation(settings_of(request, job, parameters))
    missing: list[Any] = []
    objects = await objects_of(job, storage, missing.append)
    for event in missing:
        if hasattr(event, "error"):
            answer.findings.append(_failed(str(event.source), event.error))
    count = job.transform_resources.instance_count
    reading = Reading(job, parameters, processing_of(job))
    for position, item in enumerate(objects):
        plan, findings = await _scan(item, reading, storage)
        plan.instance = position % count
        answer.objects.append(plan)
        answer.findings += findings
    answer.findings += await _key_findings(objects, storage)
    return answer


async def doubts_of(job: TransformJob, storage: Storage, most_bytes: int) -> list[Finding]:
    """What is odd about the job's input, as far as it is read: whole objects, `most_bytes` in all.

    What would fail is not among it: the job itself tells that.
    """
    reading = Reading(job, ExecutionParameters.in_force(job), processing_of(job))
    found: list[Finding] = []
    for item in await objects_of(job, storage, lambda _: None):
        most_bytes -= item.source.size
        if most_bytes < 0:
            break
        found += (await _scan(item, reading, storage))[1]
    return [finding for finding in found if finding.severity is not Severity.ERROR]


def settings_of(
    request: Mapping[str, Any], job: TransformJob, parameters: ExecutionParameters
) -> list[Setting]:
    """The settings in force, each with where it comes from (R1.26, R4.16)."""
    client = job.model_client_config
    fixed: list[tuple[str, object]] = [
        ("SplitType", job.transform_input.split_type),
        ("CompressionType", job.transform_input.compression_type),
        ("AssembleWith", job.transform_output.assemble_with),
        ("InvocationsTimeoutInSeconds", client.invocations_timeout_in_seconds),
        ("InvocationsMaxRetries", client.invocations_max_retries),
    ]
    offered: list[tuple[str, object]] = [
        ("BatchStrategy", parameters.batch_strategy),
        ("MaxPayloadInMB", parameters.max_payload_in_mb),
        ("MaxConcurrentTransforms", parameters.max_concurrent_transforms),
    ]
    given = set(_names(request))
    return [
        Setting(name, str(value), "request" if name in given else default)
        for settings, default in ((fixed, "default"), (offered, "default; a container may offer another"))
        for name, value in settings
    ]


def _names(request: Mapping[str, Any]) -> Iterator[str]:
    for name, value in request.items():
        yield name
        if isinstance(value, dict):
            yield from _names(value)


async def _scan(item: InputObject, reading: Reading, storage: Storage) -> tuple[ObjectPlan, list[Finding]]:
    plan = ObjectPlan(str(item.source.location), str(item.output), item.source.size)
    doubts = Doubts(plan.key, reading.job, rewritten=reading.processing.prepare is not None)
    findings: list[Finding] = []
    try:
        async with aclosing(reading.payloads(storage.read(item.source))) as payloads:
            async for payload in payloads:
                _count(plan, payload)
                doubts.look(payload)
    except JobError as error:
        plan.error = str(error)
        findings.append(_failed(plan.key, error))
    return plan, findings + doubts.findings()


def _count(plan: ObjectPlan, payload: Payload) -> None:
    if not plan.records:
        plan.first_record = payload.records[0][:_PREVIEW_BYTES]
        plan.first_payload = payload.body[:_PREVIEW_BYTES]
        plan.first_payload_size = len(payload.body)
    largest = max(range(len(payload.records)), key=lambda index: len(payload.records[index]))
    if len(payload.records[largest]) > plan.largest_record:
        plan.largest_record = len(payload.records[largest])
        plan.largest_record_number = payload.first_record + largest
    plan.records += len(payload.records)
    plan.payloads += 1
    plan.sent += len(payload.body)
    plan.largest_payload = max(plan.largest_payload, len(payload.body))


async def _key_findings(objects: list[InputObject], storage: Storage) -> list[Finding]:
    found = []
    outputs = Counter(str(item.output) for item in objects)
    for output, count in outputs.items():
        if count > 1:
            found.append(
                Finding(
                    "output-collision",
                    Severity.ERROR,
                    output,
                    f"{count} inputs have this output",
                    "the last one to finish wins",
                    "give the inputs different names below the prefix",
                    "R2.18",
                )
            )
    for item in objects:
        key = item.source.location.key
        if key.endswith(OUTPUT_SUFFIX):
            found.append(
                Finding(
                    "output-as-input",
                    Severity.WARNING,
                    str(item.source.location),
                    "an input that looks like an earlier output",
                    "the prefix is a raw string: outputs below it are taken too",
                    "write to a path outside the input prefix",
                    "R2.12",
                )
            )
        if await _exists(item.output, storage):
            found.append(
                Finding(
                    "output-exists",
                    Severity.NOTE,
                    str(item.output),
                    "the output exists already",
                    "it is overwritten when the object succeeds",
                    rule="R2.22",
                )
            )
    return found


async def _exists(location: S3Location, storage: Storage) -> bool:
    try:
        await storage.head(location)
    except (StorageError, DataError):
        return False
    return True


def _failed(key: str, error: JobError) -> Finding:
    return Finding(
        "object-fails",
        Severity.ERROR,
        key,
        str(error),
        "the object gets no output and the job ends Failed",
        error.remedy,
        "R6.1",
    )
