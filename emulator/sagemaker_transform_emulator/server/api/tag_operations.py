"""AddTags, ListTags, DeleteTags: for models, transform jobs, model package groups, unversioned packages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.model_packages import GROUP_KIND, PACKAGE_KIND
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.paging import page

MOST_TAGS = 50

_ARN = re.compile(
    r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]+):(\d{12}):"
    r"(model|transform-job|model-package-group|model-package)/([a-zA-Z0-9-]+)"
)


async def add_tags(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The resource has these tags too; the answer lists all it has."""
    arn = _resource(backend, call)
    given = tags_of(call.request)
    if len(backend.store.tags(arn) | given) > MOST_TAGS:
        raise ServiceError("ValidationException", f"A resource can have at most {MOST_TAGS} tags")
    backend.store.set_tags(arn, given)
    return {"Tags": _listed(backend.store.tags(arn))}


async def list_tags(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the resource's tags, by key."""
    tags = backend.store.tags(_resource(backend, call))
    shown, token = page(tags, {**call.request, "SortOrder": "Ascending"}, lambda key: ("", key), MOST_TAGS)
    return {"Tags": _listed({key: tags[key] for key in shown}), "NextToken": token}


async def delete_tags(backend: Backend, call: Call) -> Mapping[str, Any]:
    """The resource has no tags of these keys."""
    backend.store.delete_tags(_resource(backend, call), call.request["TagKeys"])
    return {}


def tags_of(request: Mapping[str, Any]) -> dict[str, str]:
    """The request's Tags by key. Raises ServiceError for a key given twice."""
    given = [(tag["Key"], tag["Value"]) for tag in request.get("Tags") or ()]
    if len(dict(given)) < len(given):
        raise ServiceError("ValidationException", "Duplicate tag keys are not allowed")
    return dict(given)


def _resource(backend: Backend, call: Call) -> str:
    """The ARN as it is remembered. Raises ServiceError for a resource that does not exist or has no tags."""
    arn: str = call.request["ResourceArn"]
    found = _ARN.fullmatch(arn)
    if found is not None:
        region, account, kind, name = found.groups()
        own = _own_arn(backend, Place(account, region), kind, name)
        if own is not None:
            return own
    raise ServiceError(
        "ValidationException",
        f"Could not find a model, transform job, model package group or unversioned package {arn[:256]!r}",
    )


def _own_arn(backend: Backend, place: Place, kind: str, name: str) -> str | None:
    if kind in (GROUP_KIND, PACKAGE_KIND):
        document = backend.store.documents.get(place, kind, name.lower())
        return place.arn(kind, document.name) if document else None
    record = backend.store.model(place, name) if kind == "model" else backend.store.job(place, name)
    return record.arn if record else None


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
