"""The attribute values of an MLeap 0.20 bundle, and the JSON text they are written in."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Column

Value = dict[str, Any]


def double(value: float) -> Value:
    """A scalar double."""
    return {"double": float(value)}


def int32(value: int) -> Value:
    """A scalar int. MLeap reads an int that was written as a long as 0, so the width matters."""
    return {"int": int(value)}


def int64(value: int) -> Value:
    """A scalar long."""
    return {"long": int(value)}


def boolean(value: object) -> Value:
    """A scalar boolean."""
    return {"boolean": bool(value)}


def string(value: str) -> Value:
    """A scalar string."""
    return {"string": value}


def strings(values: Iterable[str]) -> Value:
    """A list of strings."""
    return {"type": "list", "string": list(values)}


def doubles(values: Iterable[float]) -> Value:
    """A list of doubles."""
    return {"type": "list", "double": [float(value) for value in values]}


def int32s(values: Iterable[int]) -> Value:
    """A list of ints."""
    return {"type": "list", "int": [int(value) for value in values]}


def int64s(values: Iterable[int]) -> Value:
    """A list of longs."""
    return {"type": "list", "long": [int(value) for value in values]}


def vector(values: Sequence[float]) -> Value:
    """A tensor of one dimension."""
    return tensor(values, (len(values),))


def tensor(values: Iterable[float], sizes: Sequence[int], base: str = "double") -> Value:
    """A dense tensor; a matrix comes column by column, with sizes (rows, columns)."""
    return {"type": "tensor", base: [float(value) for value in values], "shape": dimensions(sizes)}


def tensors(items: Iterable[Value]) -> Value:
    """A list of tensors."""
    return {"type": "list", "tensor": [{key: item[key] for key in item if key != "type"} for item in items]}


def shapes(columns: Iterable[Column]) -> Value:
    """A list of data shapes, one for each column."""
    return {"type": "list", "data_shape": [data_shape(column) for column in columns]}


def data_shape(column: Column) -> Value:
    """How MLeap describes what a column holds: a bare value or a vector of known size."""
    if not column.is_vector:
        return {"base": "scalar", "isNullable": False}
    return {"base": "tensor", "isNullable": False, "tensorShape": dimensions((column.known_size,))}


def dimensions(sizes: Sequence[int]) -> Value:
    """The dimensions of a tensor."""
    return {"dimensions": [{"size": size, "name": ""} for size in sizes]}


def to_json(value: Any) -> str:
    """`value` as JSON, with the two things JSON lacks in the spelling MLeap understands.

    An infinity is a number too large for a double, and NaN is null.
    """
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(to_json, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else f"{'-' if value < 0 else ''}1e999"
    return json.dumps(value, ensure_ascii=False)
