"""`docker compose up` and the demo, as the documents promise them, in a project of the test's own."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import WaiterError
from parts import ROOT
from ports import free_ports

pytestmark = [
    pytest.mark.needs("docker", "compose", "images"),
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("compose"),  # one project for all
]
SAMPLE = ROOT / "sample_data"
KEYS = {"MINIO_ROOT_USER": "compose-test", "MINIO_ROOT_PASSWORD": "compose-test-secret"}


@dataclass(frozen=True)
class Stack:
    """A Compose project that is up."""

    project: str
    ports: dict[str, int]

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Compose on the project."""
        done = subprocess.run(
            [*command(), "--project-name", self.project, *arguments],
            cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=400,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr + self.logs()
        return done

    def logs(self) -> str:
        """What the services wrote last."""
        return subprocess.run(
            [*command(), "--project-name", self.project, "logs", "--tail", "30"],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        ).stdout  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        """The user's environment with this project's ports and keys."""
        return {**os.environ, **KEYS, **{name: str(port) for name, port in self.ports.items()}}

    def client(self, service: str, port: str) -> Any:
        """A boto3 client for the port."""
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.ports[port]}",
            aws_access_key_id=KEYS["MINIO_ROOT_USER"],
            aws_secret_access_key=KEYS["MINIO_ROOT_PASSWORD"],
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
        )


def command() -> list[str]:
    v2 = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if v2.returncode == 0 else [str(shutil.which("docker-compose"))]


def things_of(project: str) -> list[str]:
    """Containers, networks and volumes of the project."""
    found = []
    for listing in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        label = f"label=com.docker.compose.project={project}"
        shown = subprocess.run(
            ["docker", *listing, "--quiet", "--filter", label], capture_output=True, text=True, check=True
        )
        found += shown.stdout.split()
    return found


def things_of_jobs() -> set[str]:
    """Containers, networks and volumes that emulators in containers made for jobs."""
    found: set[str] = set()
    for listing in (["ps", "--all"], ["network", "ls"], ["volume", "ls"]):
        label = "label=sagemaker-transform-emulator.runs-folder=/var/lib/emulator/runs"
        shown = subprocess.run(
            ["docker", *listing, "--quiet", "--filter", label], capture_output=True, text=True, check=True
        )
        found |= set(shown.stdout.split())
    return found


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    project = f"emulator-test-{uuid.uuid4().hex[:8]}"
    names = ("MINIO_PORT", "MINIO_CONSOLE_PORT", "EMULATOR_PORT")
    found = Stack(project, dict(zip(names, free_ports(len(names)), strict=True)))
    try:
        found.compose("up", "--detach", "--no-build")
        found.compose("up", "--detach", "--no-build", "--wait", "--wait-timeout", "120", "minio", "emulator")
        yield found
    finally:
        found.compose("down", "--volumes", "--timeout", "60", check=False)
        assert things_of(project) == []


def predictions(text: bytes) -> list[float]:
    # the container ends its answer with a newline, AssembleWith adds another one
    return [float(row[0]) for row in csv.reader(io.StringIO(text.decode())) if row]


def test_the_demo_leaves_its_predictions_in_minio(stack: Stack) -> None:
    done = stack.compose("run", "--rm", "-T", "demo")
    assert "Completed" in done.stdout + done.stderr
    s3 = stack.client("s3", "MINIO_PORT")
    body = s3.get_object(Bucket="emulator-demo", Key="output/penguins.csv.out")["Body"].read()
    s3.close()
    expected = predictions((SAMPLE / "expected/penguins.csv").read_bytes())
    assert predictions(body) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("isolated", [False, True], ids=["networked", "isolated"])
def test_the_emulator_takes_jobs_from_clients(stack: Stack, *, isolated: bool) -> None:
    s3, sagemaker = stack.client("s3", "MINIO_PORT"), stack.client("sagemaker", "EMULATOR_PORT")
    bucket = f"jobs-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    for file in ("models/sparkml/model.tar.gz", "models/xgboost/model.tar.gz", "input/penguins.csv"):
        s3.upload_file(str(SAMPLE / file), bucket, file)
    model, job = (
        json.loads((SAMPLE / name).read_text().replace("emulator-demo", bucket))
        for name in ("model.json", "job.json")
    )
    model["ModelName"] = job["ModelName"] = job["TransformJobName"] = bucket
    sagemaker.create_model(**model, EnableNetworkIsolation=isolated)
    sagemaker.create_transform_job(**job)
    try:
        sagemaker.get_waiter("transform_job_completed_or_stopped").wait(
            TransformJobName=bucket, WaiterConfig={"Delay": 1, "MaxAttempts": 240}
        )
    except WaiterError as error:
        pytest.fail(f"{error.last_response.get('FailureReason')}\n{stack.logs()}")
    body = s3.get_object(Bucket=bucket, Key="output/penguins.csv.out")["Body"].read()
    expected = predictions((SAMPLE / "expected/penguins.csv").read_bytes())
    assert predictions(body) == pytest.approx(expected, rel=1e-6)
    s3.close()
    sagemaker.close()


def test_jobs_leave_nothing_in_the_engine(stack: Stack) -> None:
    before = things_of_jobs()
    stack.compose("run", "--rm", "-T", "demo")
    assert things_of_jobs() - before == set()


def test_the_console_of_minio_answers(stack: Stack) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['MINIO_CONSOLE_PORT']}/", timeout=10) as page:
        assert b"MinIO Console" in page.read()


def test_nothing_listens_beyond_loopback(stack: Stack) -> None:
    for service in ("minio", "emulator"):
        container = stack.compose("ps", "--quiet", service).stdout.strip()
        shown = subprocess.run(
            ["docker", "inspect", "--format", "{{json .NetworkSettings.Ports}}", container],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        published = [entry for entries in json.loads(shown.stdout).values() for entry in entries or ()]
        assert published
        assert {entry["HostIp"] for entry in published} == {"127.0.0.1"}


def test_two_projects_on_one_engine_leave_each_others_jobs_alone(stack: Stack) -> None:
    """A run belongs to the host it is on, and no two projects may have one of the same name."""
    container = stack.compose("ps", "--quiet", "emulator").stdout.strip()
    program = (
        "from sagemaker_transform_emulator.runtime.docker.leftovers import _this_host; print(_this_host())"
    )
    found = subprocess.run(
        ["docker", "exec", container, "python", "-c", program], capture_output=True, text=True, check=True
    )
    assert stack.project in found.stdout


def test_a_new_emulator_still_knows_the_jobs(stack: Stack) -> None:
    sagemaker = stack.client("sagemaker", "EMULATOR_PORT")
    before = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    stack.compose("up", "--detach", "--no-build", "--force-recreate", "--no-deps", "--wait", "emulator")
    assert sagemaker.list_transform_jobs()["TransformJobSummaries"] == before
    sagemaker.close()
