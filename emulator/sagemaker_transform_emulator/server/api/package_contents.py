"""What packages stand for: the containers of a model made of them, the specification of a package copied."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.model_packages import PACKAGE_KIND, containers_of, package_named
from sagemaker_transform_emulator.sagemaker.resources import ModelRecord, Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.documents import Document

RESOLVED_KIND = "resolved-model"
"""CreateModel requests with the containers of the packages that they name, by the model's name."""

_MODEL_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:\d{12}:model/(.+)")


def find_package(backend: Backend, here: Place, text: str) -> Document:
    """The package of that name or ARN. Raises ServiceError without one."""
    name = package_named(text, here)
    found = backend.store.documents.get(name.place, PACKAGE_KIND, name.key)
    if found is None:
        raise ServiceError("ValidationException", f"ModelPackage {name.arn(PACKAGE_KIND)} does not exist.")
    return found


def arn_of(package: Document) -> str:
    """ModelPackageArn."""
    return package.place.arn(PACKAGE_KIND, package.name)


def usable_request(backend: Backend, record: ModelRecord) -> Mapping[str, Any]:
    """The CreateModel request that jobs run: that of the model, with the containers of its packages."""
    resolved = backend.store.documents.get(record.place, RESOLVED_KIND, record.name)
    return resolved.body if resolved else record.request


def with_packages(backend: Backend, call: Call) -> dict[str, Any]:
    """A CreateModel request whose containers are those of the packages that it names.

    Raises ServiceError for a package that does not exist, is not Approved, or has no containers.
    """
    request = dict(call.request)
    primary, several = request.get("PrimaryContainer"), request.get("Containers")
    given = [primary] if primary else several or []
    if (primary and several) or not any(container.get("ModelPackageName") for container in given):
        return request
    containers = [made for container in given for made in _resolved(backend, call.place, container)]
    rest = {name: value for name, value in request.items() if name not in ("PrimaryContainer", "Containers")}
    if len(containers) > 1:
        return rest | {"Containers": containers}
    return rest | {"PrimaryContainer": containers[0]}


def copied_specification(backend: Backend, call: Call, source: str) -> dict[str, Any]:
    """The InferenceSpecification that a SourceUri stands for, if it is the ARN of a model or a package."""
    model = _MODEL_ARN.fullmatch(source)
    if model:
        record = backend.store.model(call.place, model[1])
        if record is None:
            raise ServiceError("ValidationException", f'Could not find model "{source}".')
        request = usable_request(backend, record)
        names = ("ContainerHostname", "Image", "ModelDataUrl", "ModelDataSource", "Environment")
        containers = request.get("Containers") or [request.get("PrimaryContainer") or {}]
        return {
            "InferenceSpecification": {
                "Containers": [{name: item[name] for name in names if name in item} for item in containers]
            }
        }
    if f":{PACKAGE_KIND}/" in source and source.startswith("arn:"):
        package = find_package(backend, call.place, source)
        copied = ("InferenceSpecification", "AdditionalInferenceSpecifications")
        return {name: package.body[name] for name in copied if name in package.body}
    return {}


def _resolved(backend: Backend, here: Place, container: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = container.get("ModelPackageName")
    if not name:
        return [dict(container)]
    if container.get("Image") or container.get("ModelDataUrl"):
        raise ServiceError(
            "ValidationException", "A container with ModelPackageName cannot have Image or ModelDataUrl"
        )
    package = find_package(backend, here, name)
    status = package.body.get("ModelApprovalStatus")
    if "ModelPackageVersion" in package.body and status != "Approved":
        raise ServiceError(
            "ValidationException", f"ModelPackage {arn_of(package)} is not Approved, its status is {status}",
            remedy="approve it: UpdateModelPackage with ModelApprovalStatus Approved",
        )  # fmt: skip
    if "InferenceSpecification" not in package.body:
        raise ServiceError(
            "ValidationException", f"ModelPackage {arn_of(package)} has no InferenceSpecification"
        )
    made = containers_of(package.body, container.get("Environment") or {})
    hostname = container.get("ContainerHostname")
    return [made[0] | {"ContainerHostname": hostname}] if hostname and len(made) == 1 else made
