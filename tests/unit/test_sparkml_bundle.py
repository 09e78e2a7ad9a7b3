"""What the SparkML container knows of a model directory before it asks MLeap."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.sparkml import rehearsal
from sagemaker_transform_emulator.containers.sparkml.bundle import known_labels, require_bundle
from sagemaker_transform_emulator.containers.sparkml.engine import unloadable


def stage(directory: Path, name: str, model: Any, node: Any) -> None:
    folder = directory / "root" / f"{name}.node"
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(model if isinstance(model, str) else json.dumps(model))
    (folder / "node.json").write_text(json.dumps(node))


def indexed(column: str) -> dict[str, Any]:
    return {"name": "n", "shape": {"inputs": [{"port": "input", "name": column}], "outputs": []}}


def test_a_bundle_is_accepted(tmp_path: Path) -> None:
    rehearsal.write(tmp_path)
    require_bundle(tmp_path / "model")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([], "it is empty"),
        (["bundle.json"], "a bundle.json but no folder root/"),
        (["model/bundle.json"], "its sub-folder model/"),
        (["a.zip"], "it holds a.zip"),
        (["a.txt", "b.txt"], "it has no bundle.json, but a.txt, b.txt"),
        ([f"{letter}.txt" for letter in "abcdefg"], "but a.txt, b.txt, c.txt, d.txt, e.txt ..."),
    ],
)
def test_what_is_there_instead_is_said(tmp_path: Path, files: list[str], said: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(StartError) as raised:
        require_bundle(tmp_path)
    assert said in str(raised.value)


def test_labels_of_either_form_are_found_and_the_unreadable_left_out(tmp_path: Path) -> None:
    labels = {"type": "list", "string": ["x", "y"]}
    stage(tmp_path, "old", {"op": "string_indexer", "attributes": {"labels": labels}}, indexed("a"))
    stage(tmp_path, "new", {"op": "string_indexer", "attributes": {"labels_array_0": labels}}, indexed("b"))
    stage(tmp_path, "other", {"op": "binarizer", "attributes": {}}, indexed("c"))
    stage(tmp_path, "broken", "{", indexed("d"))
    stage(tmp_path, "empty", {"op": "string_indexer", "attributes": {"labels": {"string": []}}}, indexed("e"))
    stage(tmp_path, "list", [], indexed("f"))
    assert known_labels(tmp_path) == {"a": "x", "b": "x"}


def test_an_unknown_stage_is_told_by_its_kind(tmp_path: Path) -> None:
    assert "a stage of the kind 'x'" in unloadable(
        tmp_path, "java.util.NoSuchElementException: key not found: x"
    )
    assert "cannot load the bundle" in unloadable(tmp_path, "java.io.IOException: damaged")
