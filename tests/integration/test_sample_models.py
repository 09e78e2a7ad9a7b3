"""The committed sample models, input and requests are what train.py makes of penguins.csv."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import boto3
import pytest
import xgboost
from botocore.validate import ParamValidator
from parts import ROOT

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import parse_schema

SAMPLE = ROOT / "sample_data"
FEATURES = ("species", "island", "bill_length_mm", "bill_depth_mm", "flipper_length_mm", "sex", "year")


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, str(SAMPLE / script), *arguments], capture_output=True, check=True, cwd=ROOT
    )


def document(name: str) -> dict:
    return json.loads((SAMPLE / name).read_bytes())


def penguins() -> list[dict[str, str]]:
    with (SAMPLE / "penguins.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def booster_json() -> bytes:
    with tarfile.open(SAMPLE / "models/xgboost/model.tar.gz") as archive:
        member = archive.extractfile("xgboost-model")
        assert member is not None
        return member.read()


@pytest.mark.slow
def test_training_again_gives_the_committed_files(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="training needs the dependency group `models`")
    run("train.py", "--out", str(tmp_path))
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert len(made) == 6
    for path in made:
        again, committed = (tmp_path / path).read_bytes(), (SAMPLE / path).read_bytes()
        if path.suffix == ".gz":
            # deflate may differ between zlib versions, the archive inside must not
            again, committed = gzip.decompress(again), gzip.decompress(committed)
        assert again == committed, path


def test_the_batch_input_is_every_penguin_without_its_target() -> None:
    lines = (SAMPLE / "input/penguins.csv").read_text().splitlines()
    rows = penguins()
    assert len(lines) == len(rows) == 344
    for line, row in zip(lines, rows, strict=True):
        for name, sent in zip(FEATURES, line.split(","), strict=True):
            missing = "unknown" if name == "sex" else "NaN"
            assert sent == (missing if row[name] == "NA" else row[name])


def test_every_penguin_is_predicted_near_its_mass() -> None:
    predicted = [float(line) for line in (SAMPLE / "expected/penguins.csv").read_text().splitlines()]
    errors = [
        value - float(row["body_mass_g"])
        for value, row in zip(predicted, penguins(), strict=True)
        if row["body_mass_g"] != "NA"
    ]
    assert len(errors) == 342
    assert (sum(error**2 for error in errors) / len(errors)) ** 0.5 < 200
    assert all(2700 < value < 6300 for value in predicted)


@pytest.mark.parametrize(
    ("name", "operation"), [("model.json", "CreateModel"), ("job.json", "CreateTransformJob")]
)
def test_the_requests_are_valid_for_boto3(name: str, operation: str) -> None:
    client = boto3.client("sagemaker", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    shape = client.meta.service_model.operation_model(operation).input_shape
    report = ParamValidator().validate(document(name), shape)
    assert not report.has_errors(), report.generate_report()


def test_the_schema_lists_the_columns_of_a_record_within_aws_limit() -> None:
    text = document("model.json")["Containers"][0]["Environment"]["SAGEMAKER_SPARKML_SCHEMA"]
    schema = parse_schema(text)
    assert tuple(column.name for column in schema.inputs) == FEATURES
    assert (schema.output.name, schema.output.struct) == ("features", "vector")
    assert len(text) <= 1024


def test_the_model_carries_the_base_score_as_older_versions_read_it() -> None:
    parameters = json.loads(booster_json())["learner"]["learner_model_param"]
    assert 3000 < float(parameters["base_score"]) < 6000
    assert xgboost.Booster(model_file=bytearray(booster_json())).num_features() == 13


@pytest.mark.parametrize("name", ["sparkml", "xgboost"])
def test_the_archives_carry_nothing_of_the_machine_they_were_made_on(name: str) -> None:
    packed = (SAMPLE / f"models/{name}/model.tar.gz").read_bytes()
    assert packed[4:8] == bytes(4)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == sorted(member.name for member in members)
    assert {(member.uid, member.gid, member.uname, member.mode) for member in members} == {(0, 0, "", 0o644)}
    assert len({member.mtime for member in members}) == 1


def test_generated_penguins_repeat_with_the_seed_and_look_like_the_input(tmp_path: Path) -> None:
    run("generate.py", "2000", str(tmp_path / "file.csv"))
    piped = run("generate.py", "2000").stdout
    other = run("generate.py", "2000", "--seed", "2").stdout
    assert (tmp_path / "file.csv").read_bytes() == piped != other
    rows = [line.split(",") for line in piped.decode().splitlines()]
    assert len(rows) == 2000
    real = [line.split(",") for line in (SAMPLE / "input/penguins.csv").read_text().splitlines()]
    for column in (0, 1, 5, 6):
        assert {row[column] for row in rows} <= {row[column] for row in real}
    assert any(row[2] == "NaN" for row in rows)
