"""Our own containers, with the sample models: nothing above a note."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sagemaker_transform_emulator.cli import app

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample_data"


def checked(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(
        app, ["check", *arguments, "--runtime", "process", "--records-for-growth", "200", "--json"]
    )
    assert done.exit_code == 0, f"{done.exception!r}\n{done.output}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def notes(report: dict[str, Any]) -> set[tuple[str, str]]:
    assert (report["errors"], report["warnings"]) == (0, 0), report["findings"]
    return {(finding["subject"], finding["id"]) for finding in report["findings"]}


def not_run(report: dict[str, Any], position: int) -> set[str]:
    checks = report["containers"][position]["checks"]
    return {check["id"] for check in checks if check["outcome"] == "not run"}


def test_the_sample_pipeline_from_its_directory() -> None:
    report = checked(str(SAMPLE), "--put", f"{SAMPLE}/models=s3://emulator-demo/models")
    assert notes(report) == {
        ("container-1", "content-type-needed"), ("container-1", "records-lost"),
        ("container-2", "content-type-needed"), ("container-2", "answer-charset"),
        ("container-2", "answer-ends-in-newline"),
    }  # fmt: skip
    assert report["containers"][0]["sample"] == str(SAMPLE / "input" / "penguins.csv")
    docker_only = {"label", "files", "isolation", "strict"}
    assert not_run(report, 0) == docker_only | {"pipeline-fit", "pipeline-payload", "trailing-newline"}
    assert not_run(report, 1) == docker_only | {"execution-parameters", "sample", "payload-limit"}


@pytest.mark.parametrize(
    ("kind", "origin"),
    [("sparkml", "rows made from SAGEMAKER_SPARKML_SCHEMA"), ("xgboost", "rows of 13 numbers, as many as")],
)
def test_a_sample_is_made_for_the_kinds_that_tell(tmp_path: Path, kind: str, origin: str) -> None:
    whole = json.loads((SAMPLE / "model.json").read_text())
    container = next(each for each in whole["Containers"] if kind in each["Image"])
    del whole["Containers"]
    file = tmp_path / "model.json"
    file.write_text(json.dumps({**whole, "PrimaryContainer": container}))
    report = checked(
        str(file), "--put", f"{SAMPLE}/models=s3://emulator-demo/models", "--accept", "text/csv",
        "--only", "sample", "--only", "several-records", "--only", "answers",
    )  # fmt: skip
    assert notes(report) <= {("container-1", "records-lost")}
    assert report["containers"][0]["sample"].startswith(origin)
    assert not_run(report, 0) == set()
