"""CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.errors import MachineError, NameTakenError, ServiceError
from sagemaker_transform_emulator.jobs.admission import admit_job
from sagemaker_transform_emulator.sagemaker.requests import JobStatus, Model
from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.model_operations import find_model
from sagemaker_transform_emulator.server.api.package_contents import usable_request
from sagemaker_transform_emulator.server.api.paging import page, within
from sagemaker_transform_emulator.server.api.tag_operations import tags_of


async def create_transform_job(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The job is remembered and under way (R1.12 to R1.25)."""
    request, store = call.request, backend.store
    if store.broken:
        raise MachineError(f"No job can be started: {store.broken}", remedy="free some disk space")
    record = JobRecord(call.place, request, {}, JobStatus.IN_PROGRESS, created := time.time(), created)
    model_record = find_model(backend, call.place, request["ModelName"])
    if store.job(call.place, record.name):
        raise _taken(record)
    model_request = usable_request(backend, model_record)
    model = Model.from_request(model_request)
    job = await admit_job(dict(request), model, backend.storage, call.place.region)
    tags = tags_of(request)
    try:
        backend.controller.start(record.with_model(model_request), model, job)
    except NameTakenError:
        raise _taken(record) from None
    store.set_tags(record.arn, tags)
    backend.polling.created(call, record, time.time())
    return {"TransformJobArn": record.arn}


async def describe_transform_job(backend: Backend, call: Call) -> Mapping[str, Any]:
    """Everything about the job (R1.26, R1.27). Who only waits for news gets the answer when there is some."""
    record, polling, asked = find_job(backend, call), backend.polling, time.time()
    hold = polling.hold(call, record, asked, backend.settings.describe_wait_s)
    if hold.seconds > 0:
        left = await backend.controller.wait_for_news(
            record, hold.seconds, for_end=hold.for_end, gone=call.gone
        )
        if left:
            polling.left(call, record, asked, time.time())
        record = find_job(backend, call)
    polling.answered(call, record, asked, time.time())
    return described(record)


async def list_transform_jobs(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the account's jobs in this region, newest first unless asked otherwise (R1.32)."""
    request = call.request
    found = [record for record in backend.store.jobs(call.place) if _matches(record, request)]
    ranks = {
        "Name": lambda record: ("", record.name),
        "Status": lambda record: (str(record.status), record.name),
        "CreationTime": lambda record: (record.created, record.name),
    }
    shown, token = page(found, request, ranks[request.get("SortBy", "CreationTime")])
    return {"TransformJobSummaries": [_summary(record) for record in shown], "NextToken": token}


async def stop_transform_job(backend: Backend, call: Call) -> None:
    """The job is Stopping (R1.30, R1.31)."""
    record = backend.store.job(call.place, call.request["TransformJobName"])
    if record is None:
        name = call.request["TransformJobName"]
        raise ServiceError("ValidationException", f"Could not find job to update with name: {name}")
    backend.controller.stop(record)


def find_job(backend: Backend, call: Call) -> JobRecord:
    """The job the request names. Raises ServiceError without one (R1.28)."""
    name = call.request["TransformJobName"]
    record = backend.store.job(call.place, name)
    if record is None:
        raise ServiceError("ValidationException", f"Could not find requested job with name: {name}")
    return record


def described(record: JobRecord) -> dict[str, Any]:
    """DescribeTransformJob's output: the request, with what the service fills in (R1.26)."""
    request = dict(record.request)
    return {
        **request,
        "TransformInput": {"CompressionType": "None", "SplitType": "None", **request["TransformInput"]},
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": "", **request["TransformOutput"]},
        "DataProcessing": {
            "InputFilter": "$", "OutputFilter": "$", "JoinSource": "None",
            **(request.get("DataProcessing") or {}),
        },
        "TransformJobArn": record.arn,
        "TransformJobStatus": str(record.status),
        "FailureReason": record.failure_reason,
        "CreationTime": record.created,
        "TransformStartTime": record.started,
        "TransformEndTime": record.ended,
    }  # fmt: skip


def _summary(record: JobRecord) -> dict[str, Any]:
    return {
        "TransformJobName": record.name,
        "TransformJobArn": record.arn,
        "CreationTime": record.created,
        "TransformEndTime": record.ended,
        "LastModifiedTime": record.modified,
        "TransformJobStatus": str(record.status),
        "FailureReason": record.failure_reason,
    }


def _matches(record: JobRecord, request: Mapping[str, Any]) -> bool:
    return (
        request.get("NameContains", "") in record.name
        and request.get("StatusEquals", record.status) == record.status
        and within(record.created, request, "CreationTime")
        and within(record.modified, request, "LastModifiedTime")
    )


def _taken(record: JobRecord) -> ServiceError:
    return ServiceError(
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists "
        f"({record.arn})",
    )
