"""The SparkML engine inside the test process, for rules that need no HTTP."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from sparkml_server import write_bundle

from sagemaker_transform_emulator.containers.sparkml import rehearsal
from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input, Outcome
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare

Result = tuple[Outcome, str]
FOLDER = tempfile.TemporaryDirectory(prefix="sparkml-")
HEAD = {
    "uid": "00000000-0000-4000-8000-000000000000",
    "name": "test",
    "format": "json",
    "version": "0.20.0",
    "timestamp": "2026-01-01T00:00:00.000",
}
NODE = {"name": "test", "shape": {"inputs": [], "outputs": []}}


def pipeline(**stages: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    """The files of a bundle; each stage is its model.json and its node's shape."""
    nodes = {"type": "list", "string": list(stages)}
    files: dict[str, Any] = {
        "bundle.json": HEAD,
        "root/model.json": {"op": "pipeline", "attributes": {"nodes": nodes}},
        "root/node.json": NODE,
    }
    for name, (model, shape) in stages.items():
        files[f"root/{name}.node/model.json"] = model
        files[f"root/{name}.node/node.json"] = {"name": name, "shape": shape}
    return files


def shape(inputs: Mapping[str, str], outputs: Mapping[str, str]) -> dict[str, Any]:
    def ports(names: Mapping[str, str]) -> list[dict[str, str]]:
        return [{"port": port, "name": name} for port, name in names.items()]

    return {"inputs": ports(inputs), "outputs": ports(outputs)}


def indexer(handle_invalid: str) -> dict[str, Any]:
    labels = {"type": "list", "string": ["a", "b", "c"]}
    attributes = {"labels": labels, "handle_invalid": {"string": handle_invalid}}
    return pipeline(
        indexer=({"op": "string_indexer", "attributes": attributes}, shape({"input": "s"}, {"output": "i"}))
    )


def regression(*coefficients: float, intercept: float = 0.0) -> dict[str, Any]:
    tensor = {
        "type": "tensor",
        "double": list(coefficients),
        "shape": {"dimensions": [{"size": len(coefficients), "name": ""}]},
    }
    attributes = {"coefficients": tensor, "intercept": {"double": intercept}}
    model = {"op": "linear_regression", "attributes": attributes}
    return pipeline(regression=(model, shape({"features": "v"}, {"prediction": "p"})))


BUNDLES = {
    "identity": pipeline(),
    "indexer-error": indexer("error"),
    "indexer-keep": indexer("keep"),
    "indexer-skip": indexer("skip"),
    "regression": regression(0.1, 0.7),
}


@cache
def model(name: str) -> Path:
    directory = Path(FOLDER.name) / name
    if name == "rehearsal":
        rehearsal.write(directory)
        return directory / "model"
    return write_bundle(directory, BUNDLES[name])


@cache
def engine(bundle: str = "identity", schema: str | None = None) -> Engine:
    return Engine(prepare(), model(bundle), schema)


def column(name: str, type_: str, struct: str | None = None) -> dict[str, str]:
    return {"name": name, "type": type_} | ({} if struct is None else {"struct": struct})


def schema(columns: Sequence[Mapping[str, str]], output: Mapping[str, str]) -> dict[str, Any]:
    return {"input": list(columns), "output": dict(output)}


def outcome(answer: bytes) -> Result:
    return Outcome(answer[0]), answer[1:].decode()


def csv(text: str | bytes, environment: Any, bundle: str = "identity", accept: Format = Format.CSV) -> Result:
    """The answer to a CSV body under a schema in the environment, given as an object or as text."""
    known = environment if environment is None or isinstance(environment, str) else json.dumps(environment)
    body = text if isinstance(text, bytes) else text.encode()
    return outcome(engine(bundle, known).invoke(body, Input.CSV, accept))


def scored(
    value: Any, type_: str, struct: str | None = None, accept: Format = Format.CSV, output: str | None = None
) -> Result:
    """One value through a JSON body into one column and out again."""
    asked = schema([column("x", type_, struct)], column("x", type_ if output is None else output, struct))
    return json_body({"schema": asked, "data": [value]}, accept=accept)


def json_body(
    content: Any, bundle: str = "identity", accept: Format = Format.CSV, env: str | None = None
) -> Result:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return outcome(engine(bundle, env).invoke(body, Input.JSON, accept))


def json_lines(text: str, environment: Any, bundle: str = "identity", accept: Format = Format.CSV) -> Result:
    known = None if environment is None else json.dumps(environment)
    return outcome(engine(bundle, known).invoke(text.encode(), Input.JSON_LINES, accept))
