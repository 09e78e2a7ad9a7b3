"""CreateModelPackage, DescribeModelPackage, ListModelPackages, UpdateModelPackage, DeleteModelPackage."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sagemaker_transform_emulator.errors import NameTakenError, ServiceError
from sagemaker_transform_emulator.sagemaker.model_packages import (
    PACKAGE_KIND,
    group_named,
    new_body,
    rank_of,
    require_one_source,
    require_sense,
    updated_body,
)
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.model_package_groups import find_group
from sagemaker_transform_emulator.server.api.package_contents import (
    arn_of,
    copied_specification,
    find_package,
)
from sagemaker_transform_emulator.server.api.paging import page, within
from sagemaker_transform_emulator.server.api.tag_operations import tags_of
from sagemaker_transform_emulator.server.documents import Document


async def create_model_package(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The package is registered and Completed; with a group it is the group's next version.

    A SourceUri that is the ARN of a model or of a package gives the InferenceSpecification.
    """
    request = dict(call.request)
    require_sense(request)
    documents = backend.store.documents
    tags = tags_of(request)
    repeated = _of_token(backend, call.place, request.get("ClientToken"))
    if repeated:
        return {"ModelPackageArn": arn_of(repeated)}
    request |= copied_specification(backend, call, request.get("SourceUri", ""))
    name = request.get("ModelPackageName")
    if name is None:
        group = find_group(backend, call, request["ModelPackageGroupName"])
        version = group.body.get("LatestVersion", 0) + 1
        body = new_body(request, version) | {"ModelPackageGroupName": group.body["ModelPackageGroupName"]}
        package = Document(group.place, PACKAGE_KIND, f"{group.name}/{version}", body, time.time())
        documents.put(replace(group, body={**group.body, "LatestVersion": version}))
    else:
        package = Document(call.place, PACKAGE_KIND, name.lower(), new_body(request, None), time.time())
    try:
        documents.add(package)
    except NameTakenError:
        raise ServiceError("ValidationException", f"ModelPackage already exists: {arn_of(package)}") from None
    backend.store.set_tags(arn_of(package), tags)
    return {"ModelPackageArn": arn_of(package)}


async def describe_model_package(backend: Backend, call: Call) -> Mapping[str, Any]:
    """Everything about the package."""
    found = described(find_package(backend, call.place, call.request["ModelPackageName"]))
    card = found.get("ModelCard")
    if card and call.request.get("IncludedData") == "MetadataOnly":
        found["ModelCard"] = {**card, "ModelCardContent": None}
    return found


async def list_model_packages(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of packages, oldest first unless asked otherwise: of a group, else the unversioned ones.

    A group that does not exist has none; so it is with AWS, whose own tests rely on it.
    """
    request = call.request
    place, group = call.place, None
    if request.get("ModelPackageGroupName"):
        named = group_named(request["ModelPackageGroupName"], call.place)
        place, group = named.place, named.key
    kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
    packages = [
        package
        for package in backend.store.documents.all(place, PACKAGE_KIND)
        if _is_asked(package, request, group, kind)
    ]
    by_name = request.get("SortBy") == "Name"
    shown, token = page(
        packages,
        {"SortOrder": "Ascending", **request},
        lambda item: ("" if by_name else item.created, rank_of(item.name)),
    )
    return {"ModelPackageSummaryList": [described(item) for item in shown], "NextToken": token}


async def update_model_package(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The versioned package has the changes. Raises ServiceError for an unversioned one."""
    require_one_source(call.request)
    package = find_package(backend, call.place, call.request["ModelPackageArn"])
    if "ModelPackageVersion" not in package.body:
        raise ServiceError("ValidationException", "Only versioned model packages can be updated")
    request = dict(call.request) | copied_specification(backend, call, call.request.get("SourceUri", ""))
    backend.store.documents.put(replace(package, body=updated_body(package.body, request, time.time())))
    return {"ModelPackageArn": arn_of(package)}


async def delete_model_package(backend: Backend, call: Call) -> None:
    """The package is forgotten; models that were made of it stay. Its version is not given again."""
    package = find_package(backend, call.place, call.request["ModelPackageName"])
    backend.store.documents.delete(package.place, PACKAGE_KIND, package.name)
    backend.store.delete_tags(arn_of(package))


def described(package: Document) -> dict[str, Any]:
    """DescribeModelPackage's output, of which summaries and search results show a part."""
    return {
        **package.body,
        "ModelPackageArn": arn_of(package),
        "CreationTime": package.created,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
        "CreatedBy": {},
        "LastModifiedBy": {},
        "LastModifiedTime": package.body.get("LastModifiedTime", package.created),
    }


def _of_token(backend: Backend, place: Place, token: str | None) -> Document | None:
    packages = backend.store.documents.all(place, PACKAGE_KIND) if token else ()
    return next((package for package in packages if package.body.get("ClientToken") == token), None)


def _is_asked(package: Document, request: Mapping[str, Any], group: str | None, kind: str) -> bool:
    versioned = "ModelPackageVersion" in package.body
    name = package.body.get("ModelPackageName") or package.body.get("ModelPackageGroupName", "")
    return (
        kind in ("Both", "Versioned" if versioned else "Unversioned")
        and (group is None or package.name.rpartition("/")[0] == group)
        and request.get("NameContains", "") in name
        and request.get("ModelApprovalStatus", package.body.get("ModelApprovalStatus"))
        == package.body.get("ModelApprovalStatus")
        and within(package.created, request, "CreationTime")
    )
