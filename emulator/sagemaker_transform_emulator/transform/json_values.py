"""JSON read and written so that nothing changes but the form (R3.14). Pure.

Numbers keep the characters they were written with: 1.0, 1e5, -0 and integers of any size come out as they
went in. Written JSON is compact, its keys in bytewise order. Strings are written plain: characters
outside ASCII as UTF-8, and none of the escapes (`<` as a six-character sequence) that Go's encoder adds
for HTML. Of a key that occurs twice the last value counts.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any, NoReturn

from sagemaker_transform_emulator.errors import RecordError

_DEEP = "nested too deeply"


class Literal(str):
    """The characters of a number."""

    __slots__ = ()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_float=Literal, parse_int=Literal, parse_constant=_no_constant)


def read_json(text: bytes) -> Any:
    """The value, numbers as Literal. Raises RecordError for anything that is not one JSON value in UTF-8."""
    try:
        return _DECODER.decode(text.decode("utf-8").strip(" \t\r\n"))
    except UnicodeDecodeError as error:
        raise RecordError(f"byte {error.start} is not UTF-8", like_refusal=True) from None
    except RecursionError:
        raise RecordError(_DEEP, like_refusal=True) from None
    except ValueError as error:
        raise RecordError(str(error), like_refusal=True) from None


def write_json(value: Any) -> bytes:
    """The value as compact JSON in UTF-8, without a line end. A lone surrogate becomes U+FFFD, as in Go."""
    pieces: list[str] = []
    try:
        _write(value, pieces)
    except RecursionError:
        raise RecordError(_DEEP, like_refusal=True) from None
    text = "".join(pieces)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _write(value: Any, pieces: list[str]) -> None:
    if isinstance(value, Literal):
        pieces.append(value)
    elif isinstance(value, str):
        pieces.append(encode_basestring(value))
    elif isinstance(value, dict):
        _write_object(value, pieces)
    elif isinstance(value, list):
        mark = "["
        for item in value:
            pieces.append(mark)
            _write(item, pieces)
            mark = ","
        pieces.append("]" if value else "[]")
    else:
        pieces.append({True: "true", False: "false", None: "null"}[value])


def _write_object(value: dict[str, Any], pieces: list[str]) -> None:
    mark = "{"
    for key in sorted(value):  # by code points, which is the order of their bytes in UTF-8
        pieces.append(mark + encode_basestring(key) + ":")
        _write(value[key], pieces)
        mark = ","
    pieces.append("}" if value else "{}")
