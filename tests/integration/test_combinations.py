"""Both sample pipelines give the independently computed rows, with every runtime on every store.

Each expected output is made of what pyspark's transform and xgboost's predict gave when the models were
trained, without any container or bundle. That every combination gives these very bytes means also that all
give the same.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from abalone import Abalone, abalone
from docker_jobs import left_behind
from harness import job_request
from minio_server import Minio
from parts import ROOT

from sagemaker_transform_emulator.config import Settings, StoreAddress
from sagemaker_transform_emulator.library import run_transform_job
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.moto_server import embedded_store
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

SAMPLE = ROOT / "sample_data"
IN_DOCKER = (pytest.mark.needs("docker", "serving images"), pytest.mark.slow)
IN_MINIO = (pytest.mark.needs("minio"),)
COMBINATIONS = [
    pytest.param("process", "moto", id="process-moto"),
    pytest.param("process", "minio", marks=IN_MINIO, id="process-minio"),
    pytest.param("docker", "moto", marks=IN_DOCKER, id="docker-moto"),
    pytest.param("docker", "minio", marks=(*IN_DOCKER, *IN_MINIO), id="docker-minio"),
]


@dataclass(frozen=True)
class Place:
    """A bucket of the test's own in some store, and the runtime that is to run the containers."""

    storage: Storage
    bucket: str
    runtime: Literal["process", "docker"]

    def put(self, key: str, body: bytes) -> str:
        """The object's URI."""
        self.storage.client.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def run(self, containers: list[dict[str, Any]], rows: bytes, **job: Any) -> bytes:
        """The output of a job over `rows`, with the fields of the notebook's unless told otherwise."""
        definition = (
            {"PrimaryContainer": containers[0]} if len(containers) == 1 else {"Containers": containers}
        )
        fields = {"AssembleWith": "Line", "S3Uri": self.put("in/rows.csv", rows), **job}
        request = job_request(S3OutputPath=f"s3://{self.bucket}/out", **fields)
        settings = Settings(runtime=self.runtime, pull="never")
        run = run_transform_job(
            {"ModelName": "m", **definition}, request, settings=settings, store=self.storage.address
        )
        assert run.status is JobStatus.COMPLETED, run.error
        assert run.records == rows.count(b"\n")
        answer = self.storage.client.get_object(Bucket=self.bucket, Key="out/rows.csv.out")
        body: bytes = answer["Body"].read()
        return body


@contextmanager
def bucket_of_its_own(address: StoreAddress, runtime: Literal["process", "docker"]) -> Iterator[Place]:
    """A bucket that is empty before, and gone with all it holds afterwards."""
    storage = Storage(address)
    name = f"combination-{uuid.uuid4().hex[:12]}"
    storage.client.create_bucket(Bucket=name)
    try:
        yield Place(storage, name, runtime)
    finally:
        for entry in storage.client.list_objects_v2(Bucket=name).get("Contents", ()):
            storage.client.delete_object(Bucket=name, Key=entry["Key"])
        storage.client.delete_bucket(Bucket=name)
        storage.close()


@pytest.fixture
def place(
    runtime: Literal["process", "docker"], store: str, request: pytest.FixtureRequest
) -> Iterator[Place]:
    with ExitStack() as stack:
        if store == "minio":
            server: Minio = request.getfixturevalue("minio")
            address = server.address
        else:
            address = stack.enter_context(embedded_store())
        yield stack.enter_context(bucket_of_its_own(address, runtime))
    if runtime == "docker":
        assert left_behind() == []


@pytest.fixture(scope="module")
def trained(shared: Path) -> Abalone:
    pytest.importorskip("pyspark", reason="training needs the dependency group `models`")
    return abalone(shared / "data/abalone.csv")


def sample_containers(place: Place) -> list[dict[str, Any]]:
    """The containers of sample_data/model.json with their archives in this place."""
    containers: list[dict[str, Any]] = json.loads((SAMPLE / "model.json").read_text())["Containers"]
    for container, name in zip(containers, ("sparkml", "xgboost"), strict=True):
        archive = (SAMPLE / "models" / name / "model.tar.gz").read_bytes()
        container["ModelDataUrl"] = place.put(f"models/{name}.tar.gz", archive)
    return containers


def abalone_containers(place: Place, trained: Abalone) -> list[dict[str, Any]]:
    """The two containers of AWS's abalone notebook."""
    sparkml, xgboost = sample_containers(place)
    sparkml["Environment"] = {"SAGEMAKER_SPARKML_SCHEMA": trained.schema}
    sparkml["ModelDataUrl"] = place.put("models/abalone-sparkml.tar.gz", trained.sparkml_archive.read_bytes())
    xgboost["ModelDataUrl"] = place.put("models/abalone-xgboost.tar.gz", trained.xgboost_archive.read_bytes())
    return [sparkml, xgboost]


def penguin_rows() -> bytes:
    return (SAMPLE / "input/penguins.csv").read_bytes()


def penguin_predictions() -> list[bytes]:
    return (SAMPLE / "expected/penguins.csv").read_bytes().splitlines()


def answers_and_line_ends(predictions: list[bytes]) -> bytes:
    """The XGBoost container ends its answer with a newline, and AssembleWith Line adds its own (R2.20)."""
    return b"".join(text + b"\n\n" for text in predictions)


@pytest.mark.rule("R2.20", "R4.39", "R4.47")
@pytest.mark.parametrize(("runtime", "store"), COMBINATIONS)
def test_every_penguin_is_what_spark_and_xgboost_computed(place: Place) -> None:
    output = place.run(sample_containers(place), penguin_rows())
    assert len(penguin_predictions()) == 344
    assert output == answers_and_line_ends(penguin_predictions())


@pytest.mark.slow
@pytest.mark.needs("shared")
@pytest.mark.rule("R2.20", "R4.39", "R4.47")
@pytest.mark.parametrize(("runtime", "store"), COMBINATIONS)
def test_every_abalone_is_what_spark_and_xgboost_computed(place: Place, trained: Abalone) -> None:
    output = place.run(abalone_containers(place, trained), trained.input)
    assert len(trained.predictions) == 4177
    assert output == answers_and_line_ends([repr(value).encode() for value in trained.predictions])


@pytest.mark.rule("R2.19", "R4.47")
@pytest.mark.slow
@pytest.mark.needs("shared")
@pytest.mark.parametrize(("runtime", "store"), COMBINATIONS[:1])
def test_xgboost_alone_answers_records_together_as_it_does_one_by_one(place: Place, trained: Abalone) -> None:
    container = abalone_containers(place, trained)[1]
    rows = b"".join(",".join(map(repr, row)).encode() + b"\n" for row in trained.features)
    predicted = b"".join(b"%b\n" % repr(value).encode() for value in trained.predictions)
    single = place.run([container], rows, BatchStrategy="SingleRecord", AssembleWith="None")
    multi = place.run([container], rows, BatchStrategy="MultiRecord", AssembleWith="None")
    several_payloads = place.run(
        [container], rows * 6, BatchStrategy="MultiRecord", AssembleWith="None", MaxPayloadInMB=1
    )
    assert len(rows) * 6 > 1024 * 1024
    assert single == multi == predicted
    assert several_payloads == predicted * 6


@pytest.mark.rule("R4.47")
@pytest.mark.parametrize(("runtime", "store"), COMBINATIONS[:1])
def test_sparkml_sees_only_the_first_of_many_records_and_the_rest_are_lost(place: Place) -> None:
    output = place.run(sample_containers(place), penguin_rows(), BatchStrategy="MultiRecord")
    assert output == answers_and_line_ends(penguin_predictions()[:1])
