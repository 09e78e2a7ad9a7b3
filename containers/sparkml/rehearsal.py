"""A small model and record that a start can be rehearsed with: an indexed label, one-hot, a regression."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SCALAR = {"base": "scalar", "isNullable": False}
_TENSOR = {"base": "tensor", "isNullable": False, "tensorShape": {"dimensions": [{"size": 2, "name": ""}]}}


def _node(name: str, inputs: dict[str, str], outputs: dict[str, str]) -> dict[str, Any]:
    def ports(names: dict[str, str]) -> list[dict[str, str]]:
        return [{"port": port, "name": column} for port, column in names.items()]

    return {"name": name, "shape": {"inputs": ports(inputs), "outputs": ports(outputs)}}


_STAGES = {
    "indexer": (
        {
            "op": "string_indexer",
            "attributes": {
                "labels": {"type": "list", "string": ["a", "b", "c"]},
                "handle_invalid": {"string": "error"},
            },
        },
        ({"input": "label"}, {"output": "index"}),
    ),
    "encoder": (
        {
            "op": "one_hot_encoder",
            "attributes": {
                "category_sizes": {"type": "list", "int": [3]},
                "drop_last": {"boolean": True},
                "handle_invalid": {"string": "error"},
            },
        },
        ({"input0": "index"}, {"output0": "slots"}),
    ),
    "assembler": (
        {
            "op": "vector_assembler",
            "attributes": {"input_shapes": {"type": "list", "data_shape": [_TENSOR, _SCALAR]}},
        },
        ({"input0": "slots", "input1": "size"}, {"output": "features"}),
    ),
    "regression": (
        {
            "op": "linear_regression",
            "attributes": {
                "coefficients": {
                    "type": "tensor",
                    "double": [1.0, 2.0, 3.0],
                    "shape": {"dimensions": [{"size": 3, "name": ""}]},
                },
                "intercept": {"double": 0.5},
            },
        },
        ({"features": "features"}, {"prediction": "prediction"}),
    ),
}
_SCHEMA = {
    "input": [{"name": "label", "type": "string"}, {"name": "size", "type": "double"}],
    "output": {"name": "features", "type": "double", "struct": "vector"},
}


def write(directory: Path) -> None:
    """`directory` holds model/ (an MLeap bundle), schema.json and record.csv."""
    root = directory / "model" / "root"
    stages = {"type": "list", "string": list(_STAGES)}
    bundle = {
        "uid": "00000000-0000-4000-8000-000000000000",
        "name": "rehearsal",
        "format": "json",
        "version": "0.20.0",
        "timestamp": "2026-01-01T00:00:00.000",
    }
    _write(directory / "model" / "bundle.json", bundle)
    _write(root / "model.json", {"op": "pipeline", "attributes": {"nodes": stages}})
    _write(root / "node.json", _node("rehearsal", {}, {}))
    for name, (model, (inputs, outputs)) in _STAGES.items():
        _write(root / f"{name}.node" / "model.json", model)
        _write(root / f"{name}.node" / "node.json", _node(name, inputs, outputs))
    _write(directory / "schema.json", _SCHEMA)
    (directory / "record.csv").write_text("b,0.25", "utf-8")


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), "utf-8")
