"""AddTags, ListTags, DeleteTags: for models and transform jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.paging import page

MOST_TAGS = 50

_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]+):(\d{12}):(model|transform-job)/([a-zA-Z0-9-]+)")


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
    arn: str = call.request["ResourceArn"]
    found = _ARN.fullmatch(arn)
    if found is not None:
        region, account, kind, name = found.groups()
        place = Place(account, region)
        record = (
            backend.store.model(place, name) if kind == "model" else backend.store.job(place, name)
        )  # fmt: skip
        if record is not None:
            return record.arn
    raise ServiceError("ValidationException", f"Could not find a model or transform job {arn[:256]!r}")


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
