"""Set single fields of a request by name: `SplitType=Line`, `TransformOutput.Accept=text/csv`. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.sagemaker.constraints import service_model

_NUMBERS = ("integer", "long", "float", "double")


def set_fields(
    request: dict[str, Any], assignments: Iterable[str], operation: str = "CreateTransformJob"
) -> None:
    """Each `NAME=VALUE` stands in the request. NAME is a path, or its last part where that is unique.

    Values are converted to the member's type; structures, maps and lists are written as JSON. Raises
    UsageError for an unknown or ambiguous name and for a value of the wrong type.
    """
    for assignment in assignments:
        name, separator, text = assignment.partition("=")
        if not separator:
            raise UsageError(f"{assignment!r} is not of the form NAME=VALUE")
        path = _resolve(name, operation)
        node = request
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = _converted(name, text, _members(operation)[path])


def set_environment(request: dict[str, Any], pairs: Iterable[str]) -> None:
    """Each `KEY=VALUE` stands in the job's Environment. Raises UsageError for another form."""
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise UsageError(f"{pair!r} is not of the form KEY=VALUE")
        request.setdefault("Environment", {})[name] = value


def _resolve(name: str, operation: str) -> tuple[str, ...]:
    members = _members(operation)
    wanted = tuple(name.split("."))
    found = [path for path in members if path[-len(wanted) :] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        options = ", ".join(".".join(path) for path in found)
        raise UsageError(f"{name!r} is ambiguous: {options}")
    close = get_close_matches(wanted[-1], [path[-1] for path in members], n=3)
    raise UsageError(
        f"{operation} has no field {name!r}", remedy=f"did you mean {' or '.join(close)}?" if close else ""
    )


def _converted(name: str, text: str, kind: str) -> Any:
    try:
        if kind in _NUMBERS:
            return int(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind in ("structure", "map", "list"):
            return json.loads(text)
    except (ValueError, KeyError):
        raise UsageError(f"{name}={text!r}: the field is of type {kind}") from None
    return text


@cache
def _members(operation: str) -> dict[tuple[str, ...], str]:
    shape = service_model().operation_model(operation).input_shape
    return dict(_walk(shape, ()))


def _walk(shape: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, member in shape.members.items():
        yield (*path, name), member.type_name
        if member.type_name == "structure":
            yield from _walk(member, (*path, name))
