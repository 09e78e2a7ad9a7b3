"""The XGBoost container under the versions of AWS's images: its bits, and models that only one version reads.

XGBOOST_VERSIONS names the versions, `all` is each; three that differ most are the default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, job_request
from parts import ROOT, XGBOOST_VERSIONS

from sagemaker_transform_emulator.config import Settings, cache_directory
from sagemaker_transform_emulator.jobs.events import ContainerLine, JobNote
from sagemaker_transform_emulator.jobs.services import open_services, run_requests
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime.environments import environment
from sagemaker_transform_emulator.runtime.xgboost_versions import numbers

pytestmark = pytest.mark.needs("xgboost versions")
SCRIPT = Path(__file__).with_name("xgboost_bits.py")
OLD_ALGORITHM = "433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1"
GOLDEN = "EMULATOR_GOLDEN_PIPELINE"


def run_under(version: str, *arguments: str) -> list[dict[str, Any]]:
    """The JSON lines that the script prints with that XGBoost first on the path."""
    path = os.pathsep.join([str(environment(version, cache_directory()).folder), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(SCRIPT), *arguments],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("version", XGBOOST_VERSIONS)
def test_every_way_of_predicting_gives_the_bits_of_booster_predict(version: str) -> None:
    found = run_under(version, "bits")
    assert len(found) >= 18
    for model in found:
        assert model["table"], model
        assert model["rows"], model
        assert model["objective"] == model["asked"]
        assert model["all rounds"] == (model["kind"] != "stopped early"), model
        assert model["in place"] == (numbers(version) >= (1, 4)), model
        assert model["trees"] == (numbers(version) >= (1, 6)), model


def archive(path: Path, model: Path) -> bytes:
    with tarfile.open(path, "w:gz") as tar:
        tar.add(model, "xgboost-model")
    return path.read_bytes()


def run_model(jobs: Bench, model: dict[str, Any], **job: Any) -> JobRun:
    """The job's end, with the built-in containers as processes."""

    async def work() -> JobRun:
        async with open_services(Settings(runtime="process"), jobs.address) as services:
            return await run_requests(
                {"ModelName": "m", **model}, job_request(**job), services, jobs.events.append
            )

    jobs.events.clear()
    return run_loop(work())


def notes(jobs: Bench) -> list[str]:
    return [event.text for event in jobs.events if isinstance(event, JobNote)]


def test_a_pickle_of_the_old_algorithm_is_served_by_its_version_and_by_no_newer_one(
    jobs: Bench, tmp_path: Path
) -> None:
    (made,) = run_under("0.72.1", "pickle", str(tmp_path / "pickle"))
    jobs.put("model.tar.gz", archive(tmp_path / "model.tar.gz", tmp_path / "pickle"))
    jobs.put("in/rows.csv", "\n".join(made["rows"]).encode())
    container = {"Image": OLD_ALGORITHM, "ModelDataUrl": "s3://bkt/model.tar.gz"}
    run = run_model(jobs, {"PrimaryContainer": container})
    assert run.status == "Completed", run.failure_reason
    answers = [float(line) for line in jobs.get("out/rows.csv.out").split()]
    assert answers == made["predictions"]
    assert len(set(answers)) > 5
    (note,) = notes(jobs)
    assert note.startswith("xgboost 0.72.1 serves in place of 0.72, which AWS's image '1' carries")
    assert [finding.text for finding in run.findings] == [note]

    container["Image"] = container["Image"].replace("/xgboost:1", "/sagemaker-xgboost:1.7-1")
    run = run_model(jobs, {"PrimaryContainer": container})
    assert run.status == "Failed"
    assert notes(jobs) == []
    log = "\n".join(event.text for event in jobs.events if isinstance(event, ContainerLine))
    assert "the pickle of another XGBoost than 1.7.4" in log
    assert "image tags 1, 0.90-1, 0.90-2" in log


@pytest.mark.skipif(
    GOLDEN not in os.environ,
    reason=f"{GOLDEN} names no folder with mleap_model.tar.gz and xgb_model.tar.gz of AWS's SDK tests",
)
def test_awss_golden_pipeline_gives_its_answer(jobs: Bench) -> None:
    folder = Path(os.environ[GOLDEN])
    for name in ("mleap_model.tar.gz", "xgb_model.tar.gz"):
        jobs.put(name, (folder / name).read_bytes())
    jobs.put("in/valid.csv", b"1.0,C,38.0,71.5,1.0,female")
    columns = ("Pclass", "Embarked", "Age", "Fare", "SibSp", "Sex")
    schema = {
        "input": [
            {"name": name, "type": "string" if name in {"Embarked", "Sex"} else "float"} for name in columns
        ],
        "output": {"name": "features", "struct": "vector", "type": "double"},
    }
    spark = {
        "Image": "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-sparkml-serving:2.2",
        "ModelDataUrl": "s3://bkt/mleap_model.tar.gz",
        "Environment": {"SAGEMAKER_SPARKML_SCHEMA": json.dumps(schema)},
    }
    xgboost = {"Image": OLD_ALGORITHM, "ModelDataUrl": "s3://bkt/xgb_model.tar.gz"}
    run = run_model(jobs, {"Containers": [spark, xgboost]}, SplitType=None, BatchStrategy=None, Accept=None)
    assert run.status == "Completed", run.failure_reason
    assert jobs.get("out/valid.csv.out") == b"0.714013934135437\n"
