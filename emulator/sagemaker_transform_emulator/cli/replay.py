"""`emulator replay`: one record of a job again, with something changed, and the difference byte by byte."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from sagemaker_transform_emulator.config import load_settings
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.jobs.instances import Services
from sagemaker_transform_emulator.jobs.record_path import read_payloads
from sagemaker_transform_emulator.jobs.services import open_services, store_or_embedded
from sagemaker_transform_emulator.jobs.single_payloads import Outcome, rehearse
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.s3.transfer import parse_put, put
from sagemaker_transform_emulator.sagemaker.constraints import validate
from sagemaker_transform_emulator.sagemaker.field_paths import set_environment, set_fields
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters, TransformJob
from sagemaker_transform_emulator.trace import Filter, TracedInvocation, TraceReader, trace_path
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location

Flag = typer.Option


@dataclass(frozen=True, slots=True)
class Replayed:
    """An invocation as it was and as it is now."""

    before: TracedInvocation | None
    now: Outcome


def replay(
    job: Annotated[str, typer.Argument(help="TransformJobName.")],
    record: Annotated[int, Flag(help="The record, from 1.")],
    source: Annotated[str | None, Flag("--object", help="Its object, when several were read.")] = None,
    assignments: Annotated[list[str] | None, Flag("--set", help="NAME=VALUE over the job's request.")] = None,
    env: Annotated[list[str] | None, Flag(help="KEY=VALUE for every container.")] = None,
    image: Annotated[list[str] | None, Flag(help="CONTAINER=IMAGE, or IMAGE for the only one.")] = None,
    put_files: Annotated[list[str] | None, Flag("--put", help="PATH=s3://… to upload first.")] = None,
    keep: Annotated[int, Flag(help="Send it this many times on kept-alive connections.")] = 1,
    runtime: Annotated[str | None, Flag(help="auto, docker or process.")] = None,
    config: Annotated[Path | None, Flag(help="Settings file instead of ./emulator.toml.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Send one record of a job through fresh containers again. Exit code 0 when it is answered, else 1."""
    reader = TraceReader(trace_path(job))
    before = next(reader.find(Filter(record=record, object=source, limit=1)), None)
    model_request, job_request = reader.meta("model"), reader.meta("job")
    set_fields(job_request, assignments or [])
    set_environment(job_request, env or [])
    _set_images(model_request, image or [])
    settings = load_settings(config).changed(runtime=runtime)
    puts = [parse_put(text) for text in put_files or []]

    async def go() -> list[Outcome]:
        async with open_services(settings, address) as services:
            for path, target in puts:
                put(services.storage, path, target, embedded=embedded)
            return await _send(model_request, job_request, before, record, services, keep)

    with store_or_embedded() as (address, embedded):
        outcomes = run_loop(go())
    result = Replayed(before, outcomes[-1])
    print(json.dumps(_plain(result), indent=2) if as_json else _text(result, outcomes))
    sys.exit(0 if not result.now.error else 1)


async def _send(
    model_request: dict[str, Any],
    job_request: dict[str, Any],
    before: TracedInvocation | None,
    record: int,
    services: Services,
    times: int,
) -> list[Outcome]:
    validate("CreateTransformJob", job_request)
    model = await admit_model(model_request, services.storage)
    job = TransformJob.from_request(job_request)
    async with rehearse(model, job, services) as rehearsal:
        payload = _traced_payload(before) or await _read_again(
            job, rehearsal.ready.parameters, services, record
        )
        location = S3Location.parse(before.object) if before else None
        return [await rehearsal.send(payload, location) for _ in range(max(times, 1))]


def _traced_payload(before: TracedInvocation | None) -> Payload | None:
    body = before.hops[0].request_body if before and before.hops else None
    if before is None or body is None or before.hops[0].request_size != len(body):
        return None
    return Payload(before.first_record, before.first_byte, (body,), body)


async def _read_again(
    job: TransformJob, parameters: ExecutionParameters, services: Services, record: int
) -> Payload:
    found = await services.storage.list_prefix(S3Location.parse(job.transform_input.s3_uri))
    for source in found:
        async for payload in read_payloads(job, parameters, services.storage, source):
            if payload.first_record <= record < payload.first_record + len(payload.records):
                return payload
    raise UsageError(
        f"Record {record} is neither in the trace nor in {job.transform_input.s3_uri}",
        remedy="run the job with --trace all, or --put its input again",
    )


def _set_images(model: dict[str, Any], images: list[str]) -> None:
    definitions = model.get("Containers") or [model.get("PrimaryContainer")]
    for text in images:
        name, separator, image = text.partition("=")
        if not separator and len(definitions) == 1:
            definitions[0]["Image"] = text
            continue
        names = [
            definition.get("ContainerHostname") or f"container-{number}"
            for number, definition in enumerate(definitions, start=1)
        ]
        if name not in names:
            raise UsageError(f"--image {text!r}: the model has the containers {', '.join(names)}")
        definitions[names.index(name)]["Image"] = image


def _text(result: Replayed, outcomes: list[Outcome]) -> str:
    now = result.now
    lines = [f"{now.payload.where}: {len(now.payload.body)} bytes sent"]
    for hop in now.hops:
        said = f"{hop.answer.status} {hop.answer.body[:200]!r}" if hop.answer else f"no answer: {hop.error}"
        lines.append(f"  {hop.container}, attempt {hop.attempt}: {said}")
    if len({outcome.body for outcome in outcomes}) > 1:
        lines.append(f"the answers of {len(outcomes)} sendings differ")
    lines.append(_change(result))
    return "\n".join(lines)


def _change(result: Replayed) -> str:
    if result.before is None or not result.before.hops:
        return "the trace does not keep this record's first answer: nothing to compare with"
    was = result.before.hops[-1]
    now = result.now
    if was.status != now.status:
        return f"changed: status {was.status or 'none'} → {now.status or 'none'}"
    old, new = was.answer_body or b"", now.body
    if old == new:
        return "unchanged: the same status and the same bytes"
    place = next(
        (i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new))
    )
    return (
        f"changed at byte {place}: {old[place : place + 40]!r} → {new[place : place + 40]!r} "
        f"({len(old)} → {len(new)} bytes)"
    )


def _plain(result: Replayed) -> dict[str, Any]:
    return {
        "where": result.now.payload.where,
        "status": result.now.status,
        "body": result.now.body.decode("utf-8", "backslashreplace"),
        "error": result.now.error,
        "change": _change(result),
    }
