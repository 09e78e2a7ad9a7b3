"""What can be told about a model directory without the JVM: whether it is one, and which labels it knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.containers.serving import StartError

_LAYOUT = "the archive must have bundle.json and the folder root/ at its top"


def require_bundle(model: Path) -> None:
    """`model` looks like an unpacked MLeap bundle. Raises StartError that says what is there instead."""
    if not model.is_dir():
        raise StartError(f"there is no model directory {model}; {_LAYOUT}")
    if (model / "bundle.json").is_file() and (model / "root").is_dir():
        return
    raise StartError(f"{model} is not an MLeap bundle: {_what_is_there(model)}; {_LAYOUT}")


def _what_is_there(model: Path) -> str:
    entries = sorted(model.iterdir())
    if not entries:
        return "it is empty"
    if (model / "bundle.json").is_file():
        return "it has a bundle.json but no folder root/"
    nested = next((path for path in entries if (path / "bundle.json").is_file()), None)
    if nested:
        return f"the bundle is in its sub-folder {nested.name}/, one level too deep"
    zipped = next((path for path in entries if path.suffix == ".zip"), None)
    if zipped:
        return f"it holds {zipped.name} instead of that file's contents"
    names = ", ".join(path.name for path in entries[:5])
    return f"it has no bundle.json, but {names}{' ...' if len(entries) > 5 else ''}"  # noqa: PLR2004 - one line


def known_labels(model: Path) -> dict[str, str]:
    """One known label for each column that a StringIndexer reads. Unreadable files are left out."""
    labels: dict[str, str] = {}
    for path in sorted(model.glob("root/**/model.json")):
        try:
            stage = json.loads(path.read_text("utf-8"))
            node = json.loads(path.with_name("node.json").read_text("utf-8"))
            _add_label(labels, stage, node)
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return labels


def _add_label(labels: dict[str, str], stage: Any, node: Any) -> None:
    if stage["op"] != "string_indexer":
        return
    attributes = stage["attributes"]
    known = attributes.get("labels_array_0") or attributes["labels"]
    labels[str(node["shape"]["inputs"][0]["name"])] = str(known["string"][0])
