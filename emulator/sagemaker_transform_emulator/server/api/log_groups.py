"""CloudWatch Logs' groups: the one that jobs write to, and those that somebody creates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sagemaker_transform_emulator.errors import NameTakenError, ServiceError
from sagemaker_transform_emulator.sagemaker.resources import LOG_GROUP, Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.paging import page
from sagemaker_transform_emulator.server.documents import Document

KIND = "log-group"
MOST_GROUPS = 50
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip


async def create_log_group(backend: Backend, call: Call) -> None:
    """The group exists, without streams."""
    name = call.request["logGroupName"]
    body = {"kmsKeyId": call.request.get("kmsKeyId"), "class": call.request.get("logGroupClass", "STANDARD")}
    if group_of(backend, call.place, name):
        raise _taken()
    try:
        backend.store.documents.add(Document(call.place, KIND, name, body, time.time()))
    except NameTakenError:
        raise _taken() from None


async def delete_log_group(backend: Backend, call: Call) -> None:
    """The group, its streams and their events are gone. The next job creates the jobs' group again."""
    group = _group(backend, call)
    backend.store.documents.delete(call.place, KIND, group.name)
    if group.name == LOG_GROUP:
        backend.store.delete_streams(call.place)


async def put_retention_policy(backend: Backend, call: Call) -> None:
    """The group says so when it is described. Nothing is deleted for its age here."""
    days = call.request["retentionInDays"]
    if days not in RETENTION_DAYS:
        listed = ", ".join(map(str, RETENTION_DAYS))
        raise ServiceError(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: [{listed}]",
        )
    group = _group(backend, call)
    backend.store.documents.put(replace(group, body={**group.body, "retentionInDays": days}))


async def delete_retention_policy(backend: Backend, call: Call) -> None:
    """The group's events never expire."""
    group = _group(backend, call)
    backend.store.documents.put(replace(group, body={**group.body, "retentionInDays": None}))


async def describe_log_groups(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the groups, by name, whether they have streams or not."""
    request = call.request
    found = [group for group in _groups(backend, call.place) if _matches(group, request)]
    paged = {
        "NextToken": request.get("nextToken"), "MaxResults": request.get("limit"), "SortOrder": "Ascending"
    }  # fmt: skip
    try:
        shown, token = page(found, paged, lambda group: ("", group.name), MOST_GROUPS)
    except ServiceError:
        raise ServiceError("InvalidParameterException", "The specified nextToken is invalid.") from None
    return {"logGroups": [_described(group) for group in shown], "nextToken": token}


def group_of(backend: Backend, place: Place, name: str) -> Document | None:
    """The group of that name. The jobs' group is there as soon as a job has been created."""
    found = backend.store.documents.get(place, KIND, name)
    if found is None and name == LOG_GROUP:
        created = backend.store.oldest_stream(place)
        return None if created is None else Document(place, KIND, name, {}, created / 1000)
    return found


def no_group() -> ServiceError:
    """What operations on a group say that is not there."""
    return ServiceError("ResourceNotFoundException", "The specified log group does not exist.")


def _group(backend: Backend, call: Call) -> Document:
    found = group_of(backend, call.place, call.request["logGroupName"])
    if found is None:
        raise no_group()
    return found


def _groups(backend: Backend, place: Place) -> list[Document]:
    known = {group.name: group for group in backend.store.documents.all(place, KIND)}
    jobs = group_of(backend, place, LOG_GROUP)
    return list((known | ({LOG_GROUP: jobs} if jobs else {})).values())


def _matches(group: Document, request: Mapping[str, Any]) -> bool:
    wanted = request.get("logGroupIdentifiers")
    return (
        group.name.startswith(request.get("logGroupNamePrefix", ""))
        and request.get("logGroupNamePattern", "").lower() in group.name.lower()
        and request.get("logGroupClass", "STANDARD") == group.body.get("class", "STANDARD")
        and (
            wanted is None
            or group.name in [name.split(":log-group:")[-1].removesuffix(":*") for name in wanted]
        )
    )


def _described(group: Document) -> dict[str, Any]:
    place = group.place
    arn = f"arn:aws:logs:{place.region}:{place.account}:log-group:{group.name}"
    return {
        "logGroupName": group.name,
        "creationTime": int(group.created * 1000),
        "retentionInDays": group.body.get("retentionInDays"),
        "metricFilterCount": 0,
        "arn": f"{arn}:*",
        "logGroupArn": arn,
        "logGroupClass": group.body.get("class", "STANDARD"),
        "kmsKeyId": group.body.get("kmsKeyId"),
        "storedBytes": 0,
    }


def _taken() -> ServiceError:
    return ServiceError("ResourceAlreadyExistsException", "The specified log group already exists")
