"""Which runtime serves an image whose library version matters, and what the job says of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from harness import Bench, job_request
from xgboost_help import booster

from sagemaker_transform_emulator.cli.display import summary
from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.jobs.events import ContainerLine, JobNote
from sagemaker_transform_emulator.jobs.services import open_services, run_requests
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import tar_gz
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime import choice, environment_making, environments
from sagemaker_transform_emulator.runtime.base import Prepared
from sagemaker_transform_emulator.runtime.choice import AutoRuntime

IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:1.7-1"


class FakeDocker:
    """An engine that has every image, some of them in another library version."""

    version = "28"

    def __init__(self, other: Sequence[str]) -> None:
        self._other = other

    async def absent(self, _: Sequence[str]) -> list[str]:
        return []

    async def of_other_version(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self._other]

    async def prepare(self, *_: Any) -> Prepared:
        return Prepared("docker")  # type: ignore[arg-type]


def prepare(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, *images: str, other: Sequence[str]
) -> tuple[Any, list[str]]:
    """What an automatic choice prepared, and what it told."""

    async def open_docker(*_: Any) -> FakeDocker:
        return FakeDocker(other)

    async def ensure(wanted: environments.Environment, tell: Any) -> Any:
        tell(f"making {wanted.version}")
        return wanted.folder

    monkeypatch.setattr(choice, "open_docker", open_docker)
    monkeypatch.setattr("sagemaker_transform_emulator.runtime.libraries.ensure", ensure)
    told: list[str] = []
    runtime = AutoRuntime(settings, None)  # type: ignore[arg-type]
    prepared = asyncio.run(runtime.prepare(images, told.append))
    return prepared.runtime, told


def test_processes_run_a_model_whose_version_no_image_here_carries(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime, told = prepare(monkeypatch, Settings(), IMAGE, other=[IMAGE])
    assert runtime.name == "process"
    assert told[0] == "making 1.7.4"
    assert told[1].startswith(
        "runtime: process, because the engine has no image with the library version of "
    )


@pytest.mark.parametrize(
    ("settings", "image", "other"),
    [
        (Settings(), IMAGE, ()),
        (Settings(xgboost="installed"), IMAGE, (IMAGE,)),  # processes have no better version
        (Settings(), "x/sagemaker-xgboost:mine", ("x/sagemaker-xgboost:mine",)),
    ],
)
def test_docker_runs_it_where_processes_would_serve_no_better(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, image: str, other: Sequence[str]
) -> None:
    runtime, told = prepare(monkeypatch, settings, image, other=other)
    assert runtime == "docker"
    assert told == ["runtime: docker, because engine 28 has every image of the model"]


def run_xgboost(jobs: Bench, settings: Settings) -> Any:
    jobs.put("model.tar.gz", tar_gz({"xgboost-model": bytes(booster().save_raw("json"))}))
    jobs.put("in/a.csv", b"0.1,0.2,0.3,0.4\n")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://bkt/model.tar.gz"}}

    async def work() -> Any:
        async with open_services(settings, jobs.address) as services:
            return await run_requests(model, job_request(InstanceCount=2), services, jobs.events.append)

    return run_loop(work())


def test_a_job_says_once_which_version_stands_in(jobs: Bench) -> None:
    jobs.put("in/b.csv", b"0.5,0.6,0.7,0.8\n")
    run = run_xgboost(jobs, Settings(runtime="process", xgboost="installed"))
    assert run.status == "Completed"
    wanted = (
        "xgboost 3.0.5 serves in place of 1.7.4, which AWS's image '1.7-1' carries: "
        'emulator.toml says xgboost = "installed"'
    )
    found = [event.text for event in jobs.events if isinstance(event, JobNote)]
    assert found == [wanted] * 2  # on each instance
    assert summary(run)["findings"] == [{"container": "container-1", "text": wanted}]
    assert any(isinstance(event, ContainerLine) for event in jobs.events)


def test_a_job_whose_environment_cannot_be_made_fails_with_the_remedy(
    jobs: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("EMULATOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(environment_making, "_installer", lambda: ["false"])
    run = run_xgboost(jobs, Settings(runtime="process"))
    assert run.status == "Failed"
    assert isinstance(run.error, ModelError)
    assert "The environment of xgboost 1.7.4 cannot be made" in run.failure_reason
    assert "EMULATOR_CACHE_DIR" in run.error.remedy
