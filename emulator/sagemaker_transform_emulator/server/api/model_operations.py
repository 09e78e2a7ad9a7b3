"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.errors import NameTakenError, ServiceError
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.runtime.base import BIND_LABEL
from sagemaker_transform_emulator.sagemaker.requests import Model
from sagemaker_transform_emulator.sagemaker.resources import ModelRecord, Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.package_contents import RESOLVED_KIND, with_packages
from sagemaker_transform_emulator.server.api.paging import page, within
from sagemaker_transform_emulator.server.api.tag_operations import tags_of
from sagemaker_transform_emulator.server.documents import Document


async def create_model(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The model is remembered (R1.6 to R1.10)."""
    name = call.request["ModelName"]
    record = ModelRecord(call.place, name, call.request, time.time())
    if backend.store.model(call.place, name):
        raise _taken(record)
    resolved = with_packages(backend, call)
    model = await admit_model(resolved, backend.storage)
    if backend.settings.enforce_bind_to_port_label and model.is_pipeline:
        await _require_bind_labels(backend, model)
    tags = tags_of(call.request)
    try:
        backend.store.add_model(record)
    except NameTakenError:
        raise _taken(record) from None
    if resolved != call.request:
        backend.store.documents.put(Document(call.place, RESOLVED_KIND, name, resolved, record.created))
    backend.store.set_tags(record.arn, tags)
    return {"ModelArn": record.arn}


async def describe_model(backend: Backend, call: Call) -> Mapping[str, Any]:
    """What CreateModel was given, and when (R1.11)."""
    record = find_model(backend, call.place, call.request["ModelName"])
    return {
        "EnableNetworkIsolation": False,
        **record.request,
        "ModelArn": record.arn,
        "CreationTime": record.created,
    }


async def list_models(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the account's models in this region, newest first unless asked otherwise."""
    request = call.request
    found = [
        record
        for record in backend.store.models(call.place)
        if request.get("NameContains", "") in record.name and within(record.created, request, "CreationTime")
    ]
    by_name = request.get("SortBy") == "Name"
    shown, token = page(found, request, lambda item: ("" if by_name else item.created, item.name))
    return {
        "Models": [
            {"ModelName": item.name, "ModelArn": item.arn, "CreationTime": item.created} for item in shown
        ],
        "NextToken": token,
    }


async def delete_model(backend: Backend, call: Call) -> None:
    """The model is forgotten; jobs that use it go on."""
    record = find_model(backend, call.place, call.request["ModelName"])
    backend.store.delete_model(record)
    backend.store.documents.delete(record.place, RESOLVED_KIND, record.name)
    backend.store.delete_tags(record.arn)


def find_model(backend: Backend, place: Place, name: str) -> ModelRecord:
    """The model of that name. Raises ServiceError without one (R1.11, R1.13)."""
    record = backend.store.model(place, name)
    if record is None:
        raise ServiceError("ValidationException", f'Could not find model "{place.arn("model", name)}".')
    return record


async def _require_bind_labels(backend: Backend, model: Model) -> None:
    for definition in model.containers:
        labels = await backend.image_labels(definition.image) if backend.image_labels else None
        if labels is not None and labels.get(BIND_LABEL) != "true":
            raise ServiceError(
                "ValidationException",
                f"Your Ecr Image {definition.image} does not contain required {BIND_LABEL}=true "
                "Docker label(s).",
                remedy=f"add `LABEL {BIND_LABEL}=true` to its Dockerfile, or unset "
                "enforce_bind_to_port_label",
            )


def _taken(record: ModelRecord) -> ServiceError:
    return ServiceError("ValidationException", f'Cannot create already existing model "{record.arn}".')
