"""AWS's RPC protocol with CBOR bodies, driven by botocore's service models. No I/O."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.parsers import RpcV2CBORParser

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.server.api.awsjson import Response, respond
from sagemaker_transform_emulator.server.api.failures import Failure

CONTENT_TYPE = "application/cbor"
_PROTOCOL = ("smithy-protocol", "rpc-v2-cbor")
_MOST_IN_ONE_BYTE = 23
_LONG_FORMS = ((0xFF, 24, ">B"), (0xFFFF, 25, ">H"), (0xFFFFFFFF, 26, ">I"))


def parse(body: bytes, _service: str, _operation: str) -> dict[str, Any]:
    """The request's members, moments as epoch seconds. Raises ServiceError for anything but one CBOR map."""
    stream = _Peekable(body)
    try:
        found = _plain(RpcV2CBORParser().parse_data_item(stream)) if body else {}
    except Exception:  # noqa: BLE001 - a parser of answers has no one error for bytes that are none
        raise ServiceError("SerializationException", "The request is no valid CBOR") from None
    if not isinstance(found, dict) or stream.read(1):
        raise ServiceError("SerializationException", "The request is no CBOR map")
    return found


def success(service: str, operation: str, output: Mapping[str, Any] | None) -> Response:
    """The answer with the members that the operation's output shape has."""
    shape = service_model(service).operation_model(operation).output_shape
    return _respond(200, _shaped(output or {}, shape) if shape else b"\xa0")


def failure(failed: Failure, _service: str) -> Response:
    """An error in the form of this protocol."""
    told = {"__type": failed.code, "message": failed.sentence}
    return _respond(
        failed.status, _head(5, 2) + b"".join(_text(part) for pair in told.items() for part in pair)
    )


class _Peekable(io.BytesIO):
    """Bytes that can be looked ahead at, and that give no more than there are, whatever a length says."""

    def peek(self, size: int = 1) -> bytes:
        return bytes(self.getbuffer()[self.tell() : self.tell() + size])


def _respond(status: int, body: bytes) -> Response:
    answer = respond(status, body, CONTENT_TYPE)
    return Response(status, (*answer.headers, _PROTOCOL), body)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime) else value


def _shaped(value: Any, shape: Any) -> bytes:
    kind = shape.type_name
    if kind == "structure":
        given = [(name, member) for name, member in shape.members.items() if value.get(name) is not None]
        return _head(5, len(given)) + b"".join(
            _text(name) + _shaped(value[name], member) for name, member in given
        )
    if kind == "list":
        return _head(4, len(value)) + b"".join(_shaped(item, shape.member) for item in value)
    if kind == "map":
        return _head(5, len(value)) + b"".join(
            _text(key) + _shaped(item, shape.value) for key, item in value.items()
        )
    return _scalar(value, kind)


def _scalar(value: Any, kind: str) -> bytes:
    if kind in ("float", "double", "timestamp"):
        return (b"\xc1" if kind == "timestamp" else b"") + b"\xfb" + struct.pack(">d", value)
    if kind == "boolean":
        return b"\xf5" if value else b"\xf4"
    if kind in ("integer", "long"):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    return _text(str(value))


def _text(value: str) -> bytes:
    encoded = value.encode("utf-8", "replace")
    return _head(3, len(encoded)) + encoded


def _head(major: int, value: int) -> bytes:
    """The first bytes of an item of that major type, whose length or value this is."""
    if value <= _MOST_IN_ONE_BYTE:
        return bytes([major << 5 | value])
    for most, additional, form in _LONG_FORMS:
        if value <= most:
            return bytes([major << 5 | additional]) + struct.pack(form, value)
    return bytes([major << 5 | 27]) + struct.pack(">Q", value)
