"""Requests that people write: members the API does not know are refused, with their line and column. Pure.

Requests that come over the API keep them, as the service ignores them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from json import JSONDecoder
from typing import Any

from botocore.model import Shape

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.sagemaker.constraints import service_model

Path = tuple[str | int, ...]
"""Names of members and positions in lists, from the outermost in."""

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = JSONDecoder()


def require_known_members(
    body: Mapping[str, Any], operation: str, *, source: str = "", text: str = ""
) -> None:
    """Every member of the request, nested ones included, is one that the operation has.

    Raises UsageError naming the first that is not: with `text`, the JSON that `source` holds, by line and
    column. Keys of maps such as Environment are free.
    """
    shape = service_model().operation_model(operation).input_shape
    path, members = next(_unknown(body, shape, ()), (None, ()))
    if path is None:
        return
    name = str(path[-1])
    place = ":".join(filter(None, (source, _line_and_column(text, path))))
    where = ".".join(map(str, path[:-1])) or operation
    raise UsageError(
        f"{place + ': ' if place else ''}{where} has no member {name!r}", remedy=suggestion(name, members)
    )


def suggestion(name: str, known: tuple[str, ...]) -> str:
    """Words such as "did you mean …?" when a known name is close, whatever its case; else the known names."""
    lower = {each.lower(): each for each in known}
    close = [lower[each] for each in get_close_matches(name.lower(), lower, n=1)]
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def member_offsets(text: str) -> dict[Path, int]:
    """Where the name of each member begins in a valid JSON text, by the member's path."""
    found: dict[Path, int] = {}
    _scan(text, _skip(text, 0), (), found)
    return found


def _unknown(value: Any, shape: Any, path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    if not isinstance(shape, Shape):
        return
    nested: Any = shape
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, item in value.items():
            if name in nested.members:
                yield from _unknown(item, nested.members[name], (*path, name))
            else:
                yield (*path, name), tuple(nested.members)
    elif shape.type_name == "list" and isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _unknown(item, nested.member, (*path, position))
    elif shape.type_name == "map" and isinstance(value, Mapping):
        for name, item in value.items():
            yield from _unknown(item, nested.value, (*path, name))


def _line_and_column(text: str, path: Path) -> str:
    offset = member_offsets(text).get(path) if text else None
    if offset is None:
        return ""
    return f"{text.count(chr(10), 0, offset) + 1}:{offset - text.rfind(chr(10), 0, offset)}"


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _scan(text: str, at: int, path: Path, found: dict[Path, int]) -> int:
    """The end of the value that begins at `at`, whose members are in `found`."""
    if text[at] not in "{[":
        return _DECODER.raw_decode(text, at)[1]
    is_object, position = text[at] == "{", 0
    at = _skip(text, at + 1)
    while text[at] not in "}]":
        step: str | int = position
        if is_object:
            start = at
            step, at = _DECODER.raw_decode(text, at)
            found[*path, step] = start
            at = _skip(text, _skip(text, at) + 1)
        at = _skip(text, _scan(text, at, (*path, step), found))
        if text[at] == ",":
            at = _skip(text, at + 1)
        position += 1
    return at + 1
