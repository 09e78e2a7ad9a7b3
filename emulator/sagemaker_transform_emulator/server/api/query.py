"""AWS's query protocol, driven by botocore's service models: a form in, XML out. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import service_model
from sagemaker_transform_emulator.server.api.awsjson import Response, respond
from sagemaker_transform_emulator.server.api.failures import Failure

CONTENT_TYPE = "text/xml"
REQUEST_ID = "00000000-0000-0000-0000-000000000000"

_MOST_FIELDS = 10_000
_DEEPEST = 32
_MOST_DIGITS = 9
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
_Tree = dict[str, Any]


def form_of(body: bytes) -> dict[str, str]:
    """The form's fields. Raises ServiceError for more than ten thousand."""
    try:
        fields = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise ServiceError("MalformedInput", f"The form has more than {_MOST_FIELDS} fields") from None
    return dict(fields)


def parse(body: bytes, service: str, operation: str) -> dict[str, Any]:
    """The request's members. Raises ServiceError for numbers, booleans and lists that are none."""
    shape = service_model(service).operation_model(operation).input_shape
    tree: _Tree = {}
    for name, value in form_of(body).items():
        _plant(tree, name.split("."), value)
    found: dict[str, Any] = _value(tree, shape) if shape else {}
    return found


def success(service: str, operation: str, output: Mapping[str, Any] | None) -> Response:
    """The answer with the members that the operation's output shape has."""
    model = service_model(service)
    shape: Any = model.operation_model(operation).output_shape
    inner = _members(output or {}, shape) if shape else ""
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    result = f"<{wrapper}>{inner}</{wrapper}>" if wrapper else inner
    text = (
        f'<{operation}Response xmlns="{model.metadata["xmlNamespace"]}">{result}'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{operation}Response>"
    )
    return respond(200, text.encode(), CONTENT_TYPE)


def failure(failed: Failure, service: str) -> Response:
    """An error in the form of the query services."""
    known = service_model(service).metadata if service else {}
    namespace = known.get("xmlNamespace", "https://iam.amazonaws.com/doc/2010-05-08/")
    text = (
        f'<ErrorResponse xmlns="{escape(namespace)}"><Error><Type>Sender</Type>'
        f"<Code>{printable(failed.code)}</Code><Message>{printable(failed.sentence)}</Message></Error>"
        f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
    return respond(failed.status, text.encode(), CONTENT_TYPE)


def ec2_failure(failed: Failure, _service: str) -> Response:
    """An error in the form of EC2, whose protocol is almost the same."""
    text = (
        f"<Response><Errors><Error><Code>{printable(failed.code)}</Code>"
        f"<Message>{printable(failed.sentence)}</Message></Error></Errors>"
        f"<RequestID>{REQUEST_ID}</RequestID></Response>"
    )
    return respond(failed.status, text.encode(), CONTENT_TYPE)


def printable(text: str) -> str:
    """The text as XML content; what XML cannot hold is a question mark."""
    return escape("".join(character if character.isprintable() else "?" for character in text))


def _plant(tree: _Tree, names: list[str], value: str) -> None:
    """Set the value at `A.member.1.B`; later fields win over earlier ones that are in the way."""
    for name in names[: min(len(names), _DEEPEST) - 1]:
        below = tree.get(name)
        if not isinstance(below, dict):
            below = tree[name] = {}
        tree = below
    tree.setdefault(names[min(len(names), _DEEPEST) - 1], value)


def _value(node: Any, shape: Any) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(node, dict):
        return {
            name: _value(node[wired], member)
            for name, member in shape.members.items()
            if (wired := member.serialization.get("name", name)) in node
        }
    if kind == "list":
        return [_value(item, shape.member) for item in _numbered(node, _item_name(shape))]
    if kind == "map":
        entries = _numbered(node, "" if shape.serialization.get("flattened") else "entry")
        return {
            str(entry.get("key", "")): _value(entry.get("value", ""), shape.value)
            for entry in entries
            if isinstance(entry, dict)
        }
    return _scalar(node, shape)


def _numbered(node: Any, below: str) -> list[Any]:
    """The items of 1, 2, 3, … in order, under the name that lists have on the wire."""
    items = node.get(below, {}) if below and isinstance(node, dict) else node
    if items in ("", {}):
        return []  # how an empty list is written
    if not isinstance(items, dict):
        raise ServiceError("MalformedInput", "A list is written as NAME.member.1, NAME.member.2, …")
    numbers = [name for name in items if name.isascii() and name.isdigit() and len(name) <= _MOST_DIGITS]
    return [items[name] for name in sorted(numbers, key=int)]


def _item_name(shape: Any) -> str:
    if shape.serialization.get("flattened"):
        return ""
    name: str = shape.member.serialization.get("name", "member")
    return name


def _scalar(node: Any, shape: Any) -> Any:
    if not isinstance(node, str):
        raise ServiceError("MalformedInput", "Start of structure or map found where not expected.")
    try:
        if shape.type_name in _NUMBERS:
            return _NUMBERS[shape.type_name](node)
        if shape.type_name == "boolean":
            return {"true": True, "false": False}[node.lower()]
    except (ValueError, KeyError):
        raise ServiceError("MalformedInput", f"{node[:100]!r} is no {shape.type_name}") from None
    return node


def _members(value: Mapping[str, Any], shape: Any) -> str:
    return "".join(
        _element(member.serialization.get("name", name), value[name], member)
        for name, member in shape.members.items()
        if value.get(name) is not None
    )


def _element(name: str, value: Any, shape: Any) -> str:
    if shape.type_name == "structure":
        inner = _members(value, shape)
    elif shape.type_name == "list":
        items = "".join(_element(_item_name(shape) or name, item, shape.member) for item in value)
        if shape.serialization.get("flattened"):
            return items
        inner = items
    elif shape.type_name == "map":
        inner = "".join(
            f"<entry><key>{printable(key)}</key>{_element('value', item, shape.value)}</entry>"
            for key, item in value.items()
        )
    elif shape.type_name == "timestamp":
        inner = datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    else:
        inner = str(value).lower() if isinstance(value, bool) else printable(str(value))
    return f"<{name}>{inner}</{name}>"
