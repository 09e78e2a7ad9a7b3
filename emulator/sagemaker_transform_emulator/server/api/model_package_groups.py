"""CreateModelPackageGroup, DescribeModelPackageGroup, ListModelPackageGroups, DeleteModelPackageGroup."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.errors import NameTakenError, ServiceError
from sagemaker_transform_emulator.sagemaker.model_packages import GROUP_KIND, PACKAGE_KIND, group_named
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.paging import page, within
from sagemaker_transform_emulator.server.api.tag_operations import tags_of
from sagemaker_transform_emulator.server.documents import Document


async def create_model_package_group(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The group exists, without packages."""
    request = call.request
    name = group_named(request["ModelPackageGroupName"], call.place)
    arn, tags = name.arn(GROUP_KIND), tags_of(request)
    names = ("ModelPackageGroupName", "ModelPackageGroupDescription", "ManagedConfiguration")
    body = {member: request[member] for member in names if member in request}
    try:
        backend.store.documents.add(Document(call.place, GROUP_KIND, name.key, body, time.time()))
    except NameTakenError:
        raise ServiceError("ValidationException", f"Model Package Group already exists: {arn}") from None
    backend.store.set_tags(arn, tags)
    return {"ModelPackageGroupArn": arn}


async def describe_model_package_group(backend: Backend, call: Call) -> Mapping[str, Any]:
    """What CreateModelPackageGroup was given, and when."""
    return described(find_group(backend, call, call.request["ModelPackageGroupName"]))


async def list_model_package_groups(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the account's groups in this region, oldest first unless asked otherwise."""
    request = call.request
    found = [
        group
        for group in backend.store.documents.all(call.place, GROUP_KIND)
        if request.get("NameContains", "") in group.body["ModelPackageGroupName"]
        and within(group.created, request, "CreationTime")
        and request.get("CrossAccountFilterOption", "SameAccount") == "SameAccount"
    ]
    by_name = request.get("SortBy") == "Name"
    shown, token = page(
        found,
        {"SortOrder": "Ascending", **request},
        lambda item: ("" if by_name else item.created, item.name),
    )
    summaries = [{**described(item), "CreatedBy": None} for item in shown]
    return {"ModelPackageGroupSummaryList": summaries, "NextToken": token}


async def delete_model_package_group(backend: Backend, call: Call) -> None:
    """The group is forgotten. Raises ServiceError while it has packages."""
    group = find_group(backend, call, call.request["ModelPackageGroupName"])
    arn = arn_of(group)
    packages = backend.store.documents.all(group.place, PACKAGE_KIND)
    if any(package.name.rpartition("/")[0] == group.name for package in packages):
        raise ServiceError(
            "ConflictException",
            f"Model Package Group {arn} cannot be deleted, because it has model packages",
            remedy="delete its model packages first",
        )  # fmt: skip
    backend.store.documents.delete(group.place, GROUP_KIND, group.name)
    backend.store.delete_tags(arn)


def find_group(backend: Backend, call: Call, text: str) -> Document:
    """The group of that name or ARN. Raises ServiceError without one."""
    name = group_named(text, call.place)
    found = backend.store.documents.get(name.place, GROUP_KIND, name.key)
    if found is None:
        raise ServiceError("ValidationException", f"ModelPackageGroup {name.arn(GROUP_KIND)} does not exist.")
    return found


def arn_of(group: Document) -> str:
    """ModelPackageGroupArn."""
    return group.place.arn(GROUP_KIND, group.name)


def described(group: Document) -> dict[str, Any]:
    """DescribeModelPackageGroup's output."""
    told = {name: value for name, value in group.body.items() if name != "LatestVersion"}
    return {
        **told,
        "ModelPackageGroupArn": arn_of(group),
        "CreationTime": group.created,
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
