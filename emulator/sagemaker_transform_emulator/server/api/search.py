"""Search over model packages and their groups, and over what this emulator has none of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import epoch_seconds
from sagemaker_transform_emulator.sagemaker.model_packages import GROUP_KIND, PACKAGE_KIND, rank_of
from sagemaker_transform_emulator.server.api import model_package_groups, model_packages
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.paging import page

MOST_CONDITIONS = 50
MOST_RESULTS = 10

_NOT_HERE = (
    "TrainingJob", "Experiment", "ExperimentTrial", "ExperimentTrialComponent", "Endpoint", "Pipeline",
    "PipelineExecution", "PipelineVersion", "FeatureGroup", "FeatureMetadata", "Image", "ImageVersion",
    "Project", "HyperParameterTuningJob", "ModelCard", "Job", "HubContent",
)  # fmt: skip
_Record = Mapping[str, Any]


async def search(backend: Backend, call: Call) -> Mapping[str, Any]:
    """A page of the resources that satisfy the expression, last modified first unless asked otherwise."""
    request = call.request
    resource, expression = request["Resource"], request.get("SearchExpression")
    if expression is not None and not 0 < _conditions(expression) <= MOST_CONDITIONS:
        raise _invalid(
            f"A SearchExpression has 1 to {MOST_CONDITIONS} filters, nested filters and subexpressions"
        )
    found = [
        record
        for record in _records(backend, call, resource)
        if expression is None or _matches(record, expression)
    ]
    if request.get("CrossAccountFilterOption") == "CrossAccount":
        found = []
    by = request.get("SortBy", "LastModifiedTime")
    shown, token = page(found, request, lambda record: (_sortable(record, by), record["rank"]), MOST_RESULTS)
    return {
        "Results": [{resource: record} for record in shown],
        "NextToken": token,
        "TotalHits": {"Value": len(found), "Relation": "EqualTo"},
    }


def _records(backend: Backend, call: Call, resource: str) -> Iterator[dict[str, Any]]:
    """The resources with all members that SearchRecord has, and `rank`, which tells two of one time apart."""
    documents, tags = backend.store.documents, backend.store.tags
    if resource == "ModelPackage":
        for package in documents.all(call.place, PACKAGE_KIND):
            told = model_packages.described(package)
            yield {**told, "Tags": _listed(tags(told["ModelPackageArn"])), "rank": rank_of(package.name)}
    elif resource == "ModelPackageGroup":
        for group in documents.all(call.place, GROUP_KIND):
            told = {**model_package_groups.described(group), "LastModifiedTime": group.created}
            yield {**told, "Tags": _listed(tags(told["ModelPackageGroupArn"])), "rank": group.name}
    elif resource not in _NOT_HERE:
        raise _invalid(f"Search over {resource} is not part of this emulator; use its List operation")


def _conditions(expression: Mapping[str, Any]) -> int:
    below = expression.get("SubExpressions") or ()
    nested = expression.get("NestedFilters") or ()
    own = len(expression.get("Filters") or ()) + sum(1 + len(item["Filters"]) for item in nested)
    return own + sum(1 + _conditions(item) for item in below)


def _matches(record: _Record, expression: Mapping[str, Any]) -> bool:
    verdicts = [
        *(_holds(list(_values(record, item["Name"])), item) for item in expression.get("Filters") or ()),
        *(_nested_holds(record, item) for item in expression.get("NestedFilters") or ()),
        *(_matches(record, item) for item in expression.get("SubExpressions") or ()),
    ]
    return any(verdicts) if expression.get("Operator") == "Or" else all(verdicts)


def _nested_holds(record: _Record, nested: Mapping[str, Any]) -> bool:
    """Whether one element of the list satisfies all the filters, whose names begin with the list's."""
    prefix = nested["NestedPropertyName"]
    return any(
        all(
            _holds(list(_values(element, item["Name"].removeprefix(f"{prefix}."))), item)
            for item in nested["Filters"]
        )
        for element in _values(record, prefix)
        if isinstance(element, Mapping)
    )


def _values(node: Any, path: str) -> Iterator[Any]:
    """What stands at a path such as InferenceSpecification.Containers.Image, Tags.KEY; lists are entered."""
    if isinstance(node, list):
        for item in node:
            yield from _values(item, path)
    elif not path:
        yield node
    elif isinstance(node, Mapping):
        name, _, rest = path.partition(".")
        if node.get("Key") == path:
            yield node.get("Value")
        elif path in node:  # keys of maps may have dots
            yield from _values(node[path], "")
        elif name in node:
            yield from _values(node[name], rest)


def _holds(values: list[Any], condition: Mapping[str, Any]) -> bool:
    operator, wanted = condition.get("Operator", "Equals"), condition.get("Value")
    if operator in ("Exists", "NotExists"):
        return bool(values) is (operator == "Exists")
    if wanted is None:
        raise _invalid(f"The filter on {condition['Name'][:256]!r} needs a Value")
    if operator == "NotEquals":
        return all(_text(value) != wanted and _compared(value, wanted) != 0 for value in values)
    if operator == "Equals":
        return any(_text(value) == wanted or _compared(value, wanted) == 0 for value in values)
    if operator == "Contains":
        return any(wanted in _text(value) for value in values)
    if operator == "In":
        return any(_text(value) in [part.strip() for part in wanted.split(",")] for value in values)
    orders = {"GreaterThan": (1,), "GreaterThanOrEqualTo": (0, 1), "LessThan": (-1,)}
    return any(_compared(value, wanted) in orders.get(operator, (-1, 0)) for value in values)


def _compared(value: Any, wanted: str) -> int | None:
    """-1, 0 or 1 as a number or a moment is below, at or above the one in the text; None for other kinds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    for read in (float, epoch_seconds):
        try:
            against = read(wanted)
        except (ValueError, OverflowError):
            continue
        return None if math.isnan(against) else (value > against) - (value < against)
    return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sortable(record: _Record, path: str) -> str:
    """A text that orders as the values at the path do, numbers before texts, nothing before both."""
    value = next(_values(record, path), None)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"1{value:030.6f}"
    return "0" if value is None else f"2{_text(value)}"


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _invalid(text: str) -> ServiceError:
    return ServiceError("ValidationException", text)
