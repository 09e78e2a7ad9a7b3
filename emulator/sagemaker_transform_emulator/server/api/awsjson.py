"""AWS JSON 1.0 and 1.1, driven by botocore's own service models: a request in, an answer out. No I/O.

Nothing is generated: the operations, their inputs and outputs are read from the model at run time, so an
operation that AWS has and we lack is refused by its name (R1.1 to R1.5).
"""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.sagemaker.resources import DEFAULT_ACCOUNT, Place
from sagemaker_transform_emulator.server.api.failures import Failure

CONTENT_TYPE = "application/x-amz-json-1.1"
_CREDENTIAL = re.compile(
    r"Credential=([^/,\s]{1,128})/\d{8}/([a-z0-9-]{1,32})/([a-z0-9-]{1,32})/aws4_request"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request for an operation of a service.

    `connection` tells callers apart as far as TCP does; `user_agent` is the client's, and `attempt` counts
    its tries at this request. `gone` returns when the client has gone away without waiting for the answer.
    """

    service: str
    operation: str
    request: dict[str, Any]
    place: Place
    user_agent: str = ""
    connection: tuple[str, int] = ("", 0)
    attempt: int = 1
    gone: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back on the wire."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"")


def parse(body: bytes, _service: str, _operation: str) -> dict[str, Any]:
    """The request's members. Raises ServiceError for anything but a JSON object in UTF-8."""
    try:
        request = json.loads(body.decode() or "{}", parse_constant=_refuse_constant)
        if b"\\ud" in body or b"\\uD" in body:  # half a surrogate pair is no character
            json.dumps(request, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ServiceError("SerializationException", "The request is no valid JSON") from None
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "The request is no JSON object")
    return request


def known(value: Any, service: str, operation: str) -> dict[str, Any]:
    """The validated request without nulls and without members that the model does not have."""
    shape = service_model(service).operation_model(operation).input_shape
    pruned: dict[str, Any] = _pruned(value, shape) if shape else {}
    return pruned


def place_of(authorization: str | None) -> Place:
    """Account and region of a signature: a 12-digit access key is the account, the scope names the region.

    The signature itself is not checked. Raises ServiceError when there is none.
    """
    if not authorization:
        raise ServiceError(
            "MissingAuthenticationTokenException",
            "Request is missing Authentication Token",
            remedy='sign with any credentials, such as those of `eval "$(emulator env)"`',
        )
    found = _CREDENTIAL.search(authorization)
    if found is None:
        raise ServiceError(
            "IncompleteSignatureException",
            "Authorization header requires 'Credential' parameter of the form "
            "ACCESS_KEY/YYYYMMDD/REGION/SERVICE/aws4_request",
        )
    key, region, _ = found.groups()
    return Place(key if re.fullmatch(r"\d{12}", key) else DEFAULT_ACCOUNT, region)


def success(service: str, operation: str, output: Mapping[str, Any] | None) -> Response:
    """The answer with the members that the operation's output shape has (R1.2); empty without a shape."""
    shape = service_model(service).operation_model(operation).output_shape
    if shape is None:
        return respond(200, b"", _content_type(service))
    return respond(200, json.dumps(_serialised(output or {}, shape)).encode(), _content_type(service))


def failure(failed: Failure, service: str = "sagemaker") -> Response:
    """The answer for an error (R1.3). What the user can do about it is in `remedy`, beside AWS's own text."""
    modelled = bool(service) and failed.code in service_model(service).shape_names
    body = {"__type": failed.code, "Message" if modelled else "message": failed.message}
    remedied = body | ({"remedy": failed.remedy} if failed.remedy else {})
    return respond(failed.status, json.dumps(remedied).encode(), _content_type(service))


def respond(status: int, body: bytes, content_type: str = CONTENT_TYPE) -> Response:
    """The answer with the headers every reply of a service carries (R1.2)."""
    headers = (
        ("x-amzn-requestid", str(uuid.uuid4())),
        ("content-type", content_type),
        ("content-length", str(len(body))),
        ("date", formatdate(usegmt=True)),
    )
    return Response(status, headers, body)


def _content_type(service: str) -> str:
    version = service_model(service).metadata.get("jsonVersion", "1.1") if service else "1.1"
    return f"application/x-amz-json-{version}"


def _serialised(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            name: _serialised(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if shape.type_name == "list":
        return [_serialised(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: _serialised(item, shape.value) for key, item in value.items()}
    if shape.type_name == "timestamp":
        return round(value, 3)  # R1.5
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} has no place in JSON")
    return value


def _pruned(value: Any, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {
            name: _pruned(item, shape.members[name])
            for name, item in value.items()
            if item is not None and name in shape.members
        }
    if shape.type_name == "list":
        return [_pruned(item, shape.member) for item in value]
    if shape.type_name == "map":
        return {key: _pruned(item, shape.value) for key, item in value.items()}
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
