"""MLeap 0.20 bundles in their JSON form: a tree of nodes, written as a mapping from path to bytes."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.values import Value, strings, to_json

MLEAP_VERSION = "0.20.0"
# A constant, so that exporting a pipeline twice gives the same bytes.
TIMESTAMP = "2000-01-01T00:00:00.000"

Ports = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class MleapModel:
    """An op with its attributes, the extra files it reads, and the models it holds under their names."""

    op: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, MleapModel] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A model wired to columns, a wire being (port, column). A pipeline has `children` instead of wires."""

    model: MleapModel
    inputs: Ports = ()
    outputs: Ports = ()
    children: tuple[Node, ...] | None = None


def pipeline_node(children: Sequence[Node]) -> Node:
    """A node that runs `children` one after another."""
    return Node(MleapModel("pipeline"), children=tuple(children))


def bundle_files(root: Node) -> dict[str, bytes]:
    """Every file of the bundle around the pipeline `root`. Equal pipelines give equal bytes.

    Nodes are named by their op and their position, not by Spark's random uids, and the bundle's own
    uid is derived from the content.
    """
    files = dict(node_files(root, "root", "pipeline", itertools.count()))
    digest = hashlib.sha256()
    for path, content in sorted(files.items()):
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    uid = uuid.uuid5(uuid.NAMESPACE_OID, digest.hexdigest())
    description = {
        "uid": str(uid), "name": "pipeline", "format": "json",
        "version": MLEAP_VERSION, "timestamp": TIMESTAMP,
    }  # fmt: skip
    return {"bundle.json": encoded(description), **files}


def node_files(node: Node, folder: str, name: str, numbers: Iterator[int]) -> Iterator[tuple[str, bytes]]:
    """The files of one node and of the nodes in it."""
    model = node.model
    if node.children is not None:
        names = [f"{child.model.op}_{next(numbers)}" for child in node.children]
        model = MleapModel(model.op, {"nodes": strings(names)})
        for child, child_name in zip(node.children, names, strict=True):
            yield from node_files(child, f"{folder}/{child_name}.node", child_name, numbers)
    yield (
        f"{folder}/node.json",
        encoded({"name": name, "shape": {"inputs": sockets(node.inputs), "outputs": sockets(node.outputs)}}),
    )
    yield from model_files(model, folder)


def model_files(model: MleapModel, folder: str) -> Iterator[tuple[str, bytes]]:
    """The files of one model and of the models in it."""
    yield f"{folder}/model.json", encoded({"op": model.op, "attributes": model.attributes})
    for name, text in model.files.items():
        yield f"{folder}/{name}", text.encode()
    for name, inner in model.models.items():
        yield from model_files(inner, f"{folder}/{name}")


def sockets(ports: Ports) -> list[dict[str, str]]:
    """Wires as node.json lists them."""
    return [{"port": port, "name": column} for port, column in ports]


def encoded(document: Any) -> bytes:
    """`document` as the bytes of a JSON file."""
    return to_json(document).encode()
