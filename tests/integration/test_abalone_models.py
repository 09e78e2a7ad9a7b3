"""The abalone helper: the bundle AWS's notebook would give, and features equal to Spark's for every row."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from abalone import COLUMNS, Abalone, abalone

from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare

pytest.importorskip("pyspark", reason="training needs the dependency group `models`")
pytestmark = [pytest.mark.needs("shared"), pytest.mark.slow]


@pytest.fixture(scope="module")
def trained(shared: Path) -> Abalone:
    return abalone(shared / "data/abalone.csv")


def files(archive: Path) -> dict[str, Any]:
    with tarfile.open(archive) as opened:
        return {member.name: json.loads(opened.extractfile(member).read()) for member in opened}


def stages(bundle: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Every stage's model and wires, in order; names of nodes differ between exporters."""
    names = bundle["root/model.json"]["attributes"]["nodes"]["string"]
    folders = [f"root/{name}.node" for name in names]
    return [(bundle[f"{folder}/model.json"], bundle[f"{folder}/node.json"]["shape"]) for folder in folders]


def test_the_bundle_is_the_measured_one(trained: Abalone, shared: Path) -> None:
    measured = json.loads((shared / "cases/sparkml_bundles.json").read_text())["bundles"]["abalone"]
    assert stages(files(trained.sparkml_archive)) == stages(measured)


def test_the_schema_is_the_notebooks(trained: Abalone) -> None:
    schema = json.loads(trained.schema)
    types = [(column["name"], column["type"]) for column in schema["input"]]
    assert types == [(name, "string" if name == "sex" else "double") for name in COLUMNS]
    assert schema["output"] == {"name": "features", "type": "double", "struct": "vector"}


def test_the_engine_makes_sparks_features_of_every_row(trained: Abalone, tmp_path: Path) -> None:
    with tarfile.open(trained.sparkml_archive) as opened:
        opened.extractall(tmp_path, filter="data")
    engine = Engine(prepare(), tmp_path, trained.schema)
    lines = trained.input.splitlines()
    assert len(lines) == len(trained.features) == len(trained.predictions) == 4177
    for line, features in zip(lines, trained.features, strict=True):
        answer = engine.invoke(line, Input.CSV, Format.CSV)
        assert answer[0] == 0
        assert [float(text) for text in answer[1:].split(b",")] == features


def test_the_notebooks_sample_record(trained: Abalone) -> None:
    record = b"F,0.515,0.425,0.14,0.766,0.304,0.1725,0.255"
    assert record in trained.input.splitlines()
    place = trained.input.splitlines().index(record)
    assert trained.features[place] == [0.0, 0.0, 0.515, 0.425, 0.14, 0.766, 0.304, 0.1725, 0.255]


def test_predictions_are_near_the_number_of_rings(trained: Abalone, shared: Path) -> None:
    rings = [
        float(line.rpartition(",")[2]) for line in (shared / "data/abalone.csv").read_text().splitlines()
    ]
    errors = [abs(a - b) for a, b in zip(trained.predictions, rings, strict=True)]
    assert sum(errors) / len(errors) < 2


def test_training_is_kept(trained: Abalone, shared: Path) -> None:
    before = trained.sparkml_archive.stat().st_mtime_ns
    assert abalone(shared / "data/abalone.csv").sparkml_archive.stat().st_mtime_ns == before
