"""The project's images keep their promises: label, user, health, size, and no network needed to serve."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from parts import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from images import IMAGES, Image

pytestmark = [pytest.mark.needs("docker", "images"), pytest.mark.slow]
SERVING = ("sparkml", "xgboost", "scripted")
BIND_LABEL = "com.amazonaws.sagemaker.capabilities.accept-bind-to-port"
LARGEST_MB = {"minio": 300, "sparkml": 500, "xgboost": 700, "scripted": 250, "emulator": 560}
SAMPLE = ROOT / "sample_data"


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def inspected(image: Image) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", image.tag))[0]
    return found


@contextmanager
def running(name: str, *options: str, model: Path | None = None) -> Iterator[str]:
    """A container of the image that was given `serve`, without any network; gone afterwards."""
    container = docker(
        "create", "--network", "none", "--health-interval=1s", *options,
        f"sagemaker-transform-emulator/{name}", "serve",
    ).strip()  # fmt: skip
    try:
        if model is not None:
            docker("cp", f"{model}/.", f"{container}:/opt/ml/model")
        docker("start", container)
        yield container
    finally:
        docker("rm", "--force", "--volumes", container, check=False)


def await_health(container: str) -> str:
    """The first verdict of the image's health check. A container that ended has its log in the failure."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        assert state["Running"], docker("logs", container)
        if state["Health"]["Status"] != "starting":
            return str(state["Health"]["Status"])
        time.sleep(0.3)
    raise AssertionError(f"no verdict; its log:\n{docker('logs', container)}")


def ask(container: str, request: str) -> str:
    """What a request from inside the container is answered; `request` is an expression with urlopen."""
    program = f"from urllib.request import Request, urlopen; print({request}.read().decode())"
    return docker("exec", container, "python", "-c", program).strip()


def unpacked(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_an_image_runs_as_nobody_special_and_is_as_small_as_stated(image: Image) -> None:
    found = inspected(image)
    assert found["Config"]["User"] not in {"", "0", "root"}
    assert found["Size"] / 1e6 < LARGEST_MB[image.name]
    assert found["Config"]["Entrypoint"]
    assert not found["Config"]["Entrypoint"][0].endswith("sh"), "signals must reach the program itself"


@pytest.mark.rule("R1.10")
@pytest.mark.parametrize("name", SERVING)
def test_a_serving_image_promises_to_listen_where_it_is_told(name: str) -> None:
    found = inspected(next(image for image in IMAGES if image.name == name))
    assert found["Config"]["Labels"][BIND_LABEL] == "true"
    assert found["Config"]["ExposedPorts"] == {"8080/tcp": {}}
    assert found["Config"]["Healthcheck"]["Test"][0] == "CMD"


@pytest.mark.rule("R4.1", "R4.38")
@pytest.mark.parametrize("port", [8080, 9123])
def test_the_scripted_image_serves_on_the_port_it_is_given(port: int) -> None:
    with running("scripted", "-e", f"SAGEMAKER_BIND_TO_PORT={port}") as container:
        assert await_health(container) == "healthy"
        url = f"http://127.0.0.1:{port}/invocations"
        assert ask(container, f"urlopen(Request('{url}', b'1,2'))") == "1,2"


def test_the_health_check_notices_a_server_that_is_not_ready() -> None:
    with running("scripted", "-e", "PING=503", "--health-retries=1") as container:
        assert await_health(container) == "unhealthy"


def test_the_sparkml_image_serves_the_sample_model_without_network(tmp_path: Path) -> None:
    model = unpacked(SAMPLE / "models/sparkml/model.tar.gz", tmp_path)
    request = json.loads((SAMPLE / "model.json").read_text())
    schema = request["Containers"][0]["Environment"]["SAGEMAKER_SPARKML_SCHEMA"]
    record = (SAMPLE / "input/penguins.csv").read_text().splitlines()[0]
    with running("sparkml", "-e", f"SAGEMAKER_SPARKML_SCHEMA={schema}", model=model) as container:
        assert await_health(container) == "healthy"
        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        url = "http://127.0.0.1:8080/invocations"
        answer = ask(container, f"urlopen(Request('{url}', {record.encode()!r}, {headers!r}))")
        assert len(answer.split(",")) > len(record.split(",")), "categories become columns of their own"
        assert all(math.isfinite(float(value)) for value in answer.split(","))
        log = docker("logs", container)
        assert "fetching" not in log
        assert "compiling" not in log


def test_the_xgboost_image_serves_the_sample_model_without_network(tmp_path: Path) -> None:
    model = unpacked(SAMPLE / "models/xgboost/model.tar.gz", tmp_path)
    with running("xgboost", model=model) as container:
        assert await_health(container) == "healthy"
        features = ",".join("0" * feature_count(tmp_path))
        headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
        url = "http://127.0.0.1:8080/invocations"
        answer = ask(container, f"urlopen(Request('{url}', b'{features}', {headers!r}))")
        assert 1000 < float(answer) < 10_000, "a penguin's weight in grams"


def feature_count(model: Path) -> int:
    document = json.loads((model / "xgboost-model").read_bytes())
    return int(document["learner"]["learner_model_param"]["num_feature"])


def test_sigterm_ends_a_serving_container_at_once(tmp_path: Path) -> None:
    model = unpacked(SAMPLE / "models/xgboost/model.tar.gz", tmp_path)
    with running("xgboost", model=model) as container:
        await_health(container)
        docker("stop", "--time", "20", container)
        state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        assert state["ExitCode"] in {0, 143}, "137 would be the engine's SIGKILL"


def test_the_emulator_image_knows_its_commands() -> None:
    text = docker(
        "run", "--rm", "--network", "none", "sagemaker-transform-emulator/emulator", "run", "--help"
    )
    assert "--model" in text
