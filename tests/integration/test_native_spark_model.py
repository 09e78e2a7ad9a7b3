"""A model.tar.gz that holds a plain Spark PipelineModel serves as it is."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from harness import Bench, job_request

from sagemaker_transform_emulator import run_transform_job
from sagemaker_transform_emulator.jobs.events import Notice
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-sparkml-serving:3.3"
TRAIN = """
import sys
sys.path.insert(0, "sample_data")
from pyspark.ml import Pipeline
from pyspark.ml.feature import StringIndexer, VectorAssembler
from spark import local_session
with local_session("native") as spark:
    rows = spark.createDataFrame([("a", 1.0), ("b", 2.0), ("a", 3.0)], ["kind", "size"])
    stages = [StringIndexer(inputCol="kind", outputCol="index"),
              VectorAssembler(inputCols=["index", "size"], outputCol="features")]
    Pipeline(stages=stages).fit(rows).write().overwrite().save(sys.argv[1])
"""


@pytest.mark.slow
def test_a_saved_pipeline_is_converted_and_the_user_is_told(jobs: Bench, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    subprocess.run([sys.executable, "-c", TRAIN, str(saved)], cwd=ROOT, check=True, capture_output=True)
    with tarfile.open(tmp_path / "native.tar.gz", "w:gz") as out:
        out.add(saved, arcname=".")
    jobs.put("native.tar.gz", (tmp_path / "native.tar.gz").read_bytes())
    jobs.put("in/a.csv", b"a,5\nb,7\n")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://bkt/native.tar.gz"}}
    notices: list[str] = []

    def sink(event: object) -> None:
        if isinstance(event, Notice):
            notices.append(event.text)

    job = job_request(AssembleWith="Line")
    run = run_transform_job(model, job, settings=jobs.settings, store=jobs.address, sink=sink)
    assert run.status is JobStatus.COMPLETED, run.error
    assert jobs.get("out/a.csv.out") == b"0.0,5.0\n1.0,7.0\n"
    assert any("AWS's container would not take it" in text for text in notices)
    command = [
        sys.executable,
        "-m",
        "sagemaker_transform_emulator",
        "export-sparkml",
        str(saved),
        str(tmp_path / "out.tar.gz"),
    ]
    exported = subprocess.run(
        [*command, "--json"], cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert [column["name"] for column in json.loads(exported.stdout)["schema"]["input"]] == ["kind", "size"]
    with tarfile.open(tmp_path / "out.tar.gz") as archive:
        assert "bundle.json" in archive.getnames()
