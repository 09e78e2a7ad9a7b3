"""SAGEMAKER_SPARKML_SCHEMA: the columns the SparkML container reads, and the one it answers with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import UsageError

TYPES = ("boolean", "byte", "short", "int", "long", "float", "double", "string")
STRUCTS = ("basic", "vector", "array")
SHAPE = '{"input": [{"name": ..., "type": ...}, ...], "output": {"name": ..., "type": ...}}'


@dataclass(frozen=True)
class SchemaColumn:
    """One column: its name, the type of its values, and whether it holds one value, a vector or an array."""

    name: str
    type: str
    struct: str = "basic"

    def as_dict(self) -> dict[str, str]:
        """The column as JSON has it; `struct` is left out where it is the default."""
        named = {"name": self.name, "type": self.type}
        return named if self.struct == "basic" else {**named, "struct": self.struct}


@dataclass(frozen=True)
class SparkMLSchema:
    """The input columns in the order of a CSV record, and the output column."""

    inputs: tuple[SchemaColumn, ...]
    output: SchemaColumn

    def as_dict(self) -> dict[str, Any]:
        """The schema as JSON has it."""
        return {"input": [column.as_dict() for column in self.inputs], "output": self.output.as_dict()}

    def to_json(self) -> str:
        """The value for the environment variable, without blanks: AWS allows 1024 characters."""
        return json.dumps(self.as_dict(), separators=(",", ":"), ensure_ascii=False)


def parse_schema(source: str | Mapping[str, Any] | SparkMLSchema) -> SparkMLSchema:
    """The schema in `source`, a JSON text, its parsed form or a schema. Anything else is a UsageError."""
    if isinstance(source, SparkMLSchema):
        return source
    try:
        document = json.loads(source) if isinstance(source, str) else source
        inputs = tuple(parse_column(column) for column in document["input"])
        return SparkMLSchema(inputs, parse_column(document["output"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"the SparkML schema cannot be read: {type(error).__name__}: {error}",
            remedy=f"SAGEMAKER_SPARKML_SCHEMA has the form {SHAPE}",
        ) from None


def parse_column(source: Mapping[str, Any]) -> SchemaColumn:
    """One column of a schema. A type or struct the container does not know is a UsageError."""
    column = SchemaColumn(str(source["name"]), str(source["type"]), str(source.get("struct", "basic")))
    for value, known in ((column.type, TYPES), (column.struct, STRUCTS)):
        if value not in known:
            raise UsageError(
                f"the SparkML schema gives the column {column.name!r} as {value!r}",
                remedy=f"use one of {', '.join(known)}",
            )
    return column
