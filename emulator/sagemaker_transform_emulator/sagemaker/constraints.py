"""The constraints of SageMaker's API, read from botocore's own service model at run time.

botocore's validator checks types and required members only; the service also refuses patterns,
lengths, ranges and unknown enum values, in the words of R1.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from types import NoneType
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

from sagemaker_transform_emulator.errors import ServiceError
from sagemaker_transform_emulator.sagemaker.patterns import matches

_Violation = tuple[Any, str, str]
_SHOWN_CHARACTERS = 4096
_ENUM_BUCKETS = 32
_BITS = {"integer": 32, "long": 64}
_JAVA_TYPES = {"string": "String", "integer": "Integer", "long": "Long", "boolean": "Boolean"}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "boolean": (bool,), "structure": (dict,),
    "float": (int, float), "double": (int, float), "timestamp": (int, float, str), "map": (dict,),
    "list": (list,),
}  # fmt: skip


_CODES = {
    "logs": "InvalidParameterException",
    "iam": "ValidationError",
    "sts": "ValidationError",
    "cloudwatch": "ValidationError",
}
"""What services other than SageMaker call a violation."""


@cache
def service_model(name: str = "sagemaker") -> ServiceModel:
    """The model of a service as botocore ships it."""
    loader = botocore.session.get_session().get_component("data_loader")
    return ServiceModel(loader.load_service_model(name, "service-2"), name)


def validate(operation: str, request: Any, *, service: str = "sagemaker", strict: bool = False) -> None:
    """The request keeps every constraint of the operation's input.

    Raises ServiceError: SerializationException for a wrong JSON type, ValidationException, or what else the
    service calls it, listing all violations otherwise (R1.4). Members the model does not know are ignored,
    as the service does; `strict` refuses them, for files that people write.
    """
    shape = service_model(service).operation_model(operation).input_shape
    if shape is None:
        return
    found = list(_violations(request, shape, "", strict=strict))
    if found:
        noun = "validation error" if len(found) == 1 else "validation errors"
        texts = "; ".join(
            f"Value {_shown(value)} at '{path}' failed to satisfy constraint: {rule}"
            for value, path, rule in found
        )
        raise ServiceError(
            _CODES.get(service, "ValidationException"), f"{len(found)} {noun} detected: {texts}"
        )


def _violations(value: Any, shape: Shape, path: str, *, strict: bool) -> Iterator[_Violation]:
    _require_type(value, shape, path)
    nested: Any = shape
    if shape.type_name == "structure":
        yield from _structure(value, shape, path, strict=strict)
    elif shape.type_name == "list":
        yield from _size(value, shape, path, "length")
        for position, item in enumerate(value, start=1):
            yield from _violations(item, nested.member, f"{path}.{position}.member", strict=strict)
    elif shape.type_name == "map":
        yield from _size(value, shape, path, "length")
        for key, item in value.items():
            yield from _scalar(key, nested.key, path)
            yield from _violations(item, nested.value, f"{path}.{key}.member", strict=strict)
    else:
        yield from _scalar(value, shape, path)


def _structure(value: Any, shape: Any, path: str, *, strict: bool) -> Iterator[_Violation]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield None, _join(path, name), "Member must not be null"
    for name, item in value.items():
        member = shape.members.get(name)
        if member is None and strict:
            known = ", ".join(shape.members)
            raise ServiceError(
                "ValidationException", f"Unknown member {_join(path, name)!r}", remedy=f"known here: {known}"
            )
        if member is not None and item is not None:
            yield from _violations(item, member, _join(path, name), strict=strict)


def _scalar(value: Any, shape: Shape, path: str) -> Iterator[_Violation]:
    rules = shape.metadata
    if shape.type_name == "string":
        if "pattern" in rules and not matches(rules["pattern"], value):
            yield value, path, f"Member must satisfy regular expression pattern: {rules['pattern']}"
        yield from _size(value, shape, path, "length")
        if "enum" in rules and value not in rules["enum"]:
            allowed = ", ".join(in_order_of_service(rules["enum"]))
            yield value, path, f"Member must satisfy enum value set: [{allowed}]"
    elif shape.type_name in ("integer", "long", "float", "double"):
        if "min" in rules and value < rules["min"]:
            yield value, path, f"Member must have value greater than or equal to {rules['min']}"
        if "max" in rules and value > rules["max"]:
            yield value, path, f"Member must have value less than or equal to {rules['max']}"


def _size(value: Any, shape: Shape, path: str, noun: str) -> Iterator[_Violation]:
    rules = shape.metadata
    if "min" in rules and len(value) < rules["min"]:
        yield value, path, f"Member must have {noun} greater than or equal to {rules['min']}"
    if "max" in rules and len(value) > rules["max"]:
        yield value, path, f"Member must have {noun} less than or equal to {rules['max']}"


def _require_type(value: Any, shape: Shape, path: str) -> None:
    wanted = _PYTHON_TYPES.get(shape.type_name)
    if wanted is None or (isinstance(value, wanted) and not (isinstance(value, bool) and bool not in wanted)):
        _require_range(value, shape, path)
        return
    said = {dict: "STRUCTURE_VALUE", list: "LIST_VALUE", bool: "BOOLEAN_VALUE", str: "STRING_VALUE",
            NoneType: "NULL_VALUE"}  # fmt: skip
    seen = said.get(type(value), "NUMBER_VALUE")
    raise ServiceError(
        "SerializationException",
        f"{seen} cannot be converted to {_java_type(shape)}" + (f" at '{path}'" if path else ""),
    )


def _require_range(value: Any, shape: Shape, path: str) -> None:
    """A number fits Java's type for it, and a timestamp is a moment."""
    bits = _BITS.get(shape.type_name)
    fits = bits is None or -(1 << bits - 1) <= value < 1 << bits - 1
    if shape.type_name == "timestamp":
        try:
            epoch_seconds(value)
        except (ValueError, OverflowError):
            fits = False
    if not fits:
        raise ServiceError(
            "SerializationException",
            f"{str(value)[:_SHOWN_CHARACTERS]} is no {_java_type(shape)}" + (f" at '{path}'" if path else ""),
        )


def _java_type(shape: Shape) -> str:
    return _JAVA_TYPES.get(shape.type_name, shape.type_name.capitalize())


def epoch_seconds(value: float | str) -> float:
    """The moment a timestamp member names, in either of its JSON forms. Raises ValueError, OverflowError."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return datetime.fromtimestamp(value, UTC).timestamp()


def in_order_of_service(values: Iterable[str]) -> list[str]:
    """The values of an enum as the service lists them: by Java's hash of the text, modulo 32.

    Values of the same remainder come in the reverse of the model's order. So did four answers of SageMaker
    from 2018 to 2025, with up to 64 instance types each.
    """
    buckets: list[list[str]] = [[] for _ in range(_ENUM_BUCKETS)]
    for value in values:
        code = 0
        for character in value:
            code = 31 * code + ord(character)
        buckets[code % _ENUM_BUCKETS].insert(0, value)
    return [value for bucket in buckets for value in bucket]


def _join(path: str, name: str) -> str:
    member = name[:1].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        text = "[" + ", ".join(map(str, value)) + "]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{key}={item}" for key, item in value.items()) + "}"
    else:
        text = str(value)
    return f"'{text}'" if len(text) <= _SHOWN_CHARACTERS else f"'{text[:_SHOWN_CHARACTERS]}...'"
