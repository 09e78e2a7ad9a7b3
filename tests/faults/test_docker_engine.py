"""The engine: away, lost in the middle of a job, full of what killed runs left; and the choice of it."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from docker_images import EVALUATING, SCRIPTED, docker
from docker_jobs import DockerJobs, engine_proxy, left_behind, model, running
from harness import SCRIPTED as SCRIPTED_PROCESS
from harness import job_request, until

from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.jobs.events import InstanceReady, Notice
from sagemaker_transform_emulator.jobs.services import open_services
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime.docker import leftovers
from sagemaker_transform_emulator.runtime.docker.engine import Engine, connect
from sagemaker_transform_emulator.runtime.docker.leftovers import sweep_engine
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

NOWHERE = "unix:///nonexistent/docker.sock"
SLEEPING = {"Environment": {"BEHAVIOUR": "sleep:600"}}


@pytest.fixture
def own_host(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a host of this test's own: whoever sweeps this one meanwhile leaves its things alone."""
    name = f"test-{uuid.uuid4().hex}"
    monkeypatch.setattr(leftovers, "_this_host", lambda: name)
    return name


def emulator_on(host: str, *arguments: str) -> list[str]:
    """The command line of an emulator that takes that for the name of its host."""
    program = (
        "import sys; from sagemaker_transform_emulator.cli import main; "
        "from sagemaker_transform_emulator.runtime.docker import leftovers; "
        f"leftovers._this_host = lambda: {host!r}; sys.argv[0] = 'emulator'; main()"
    )
    return [sys.executable, "-c", program, *arguments]


def sweep() -> Any:
    engine: Engine = connect()
    try:
        return sweep_engine(engine)
    finally:
        engine.close()


@pytest.mark.needs("docker")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_09_the_engine_is_lost_in_the_middle_of_a_job(
    docker_jobs: DockerJobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_host: str
) -> None:
    async def go(cut: Any) -> Any:
        task = asyncio.create_task(docker_jobs.arun(SLEEPING))
        await until(lambda: any(isinstance(event, InstanceReady) for event in docker_jobs.bench.events), 60)
        cut()
        return await asyncio.wait_for(task, 30)

    with monkeypatch.context() as patched, engine_proxy(tmp_path / "engine.sock") as proxy:
        patched.setenv("DOCKER_HOST", proxy.url)
        run = run_loop(go(proxy.cut))
    assert run.status is JobStatus.FAILED
    assert run.failure_reason == "InternalServerError: We encountered an internal error. Please try again."
    assert 'The Docker engine went away, asked to tell how container "container-1" is' in str(run.error)
    docker_jobs.bench.events.clear()
    del run
    gc.collect()  # now, in this test: the SDK leaves the socket of a failed connection open
    assert len(left_behind()) == 3  # nobody could remove them
    removed = sweep()
    assert (len(removed.containers), len(removed.networks), len(removed.volumes)) == (1, 1, 1)


@pytest.mark.needs("docker")
def test_48_what_a_killed_emulator_left_is_swept_at_the_next_start(
    docker_jobs: DockerJobs, own_host: str
) -> None:
    folder = docker_jobs.bench.folder
    (folder / "model.json").write_text(json.dumps(model(SLEEPING, SLEEPING)))
    (folder / "job.json").write_text(json.dumps(job_request()))
    child = subprocess.Popen(
        emulator_on(own_host, "run", "--runtime", "docker", "--pull", "never", "--model", "model.json",
                    "--job", "job.json"),
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "AWS_ENDPOINT_URL_S3": str(docker_jobs.bench.address.endpoint_url),
             "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
    )  # fmt: skip
    try:
        run_loop(until(lambda: len(running()) == 2, 60))
        assert sweep().containers == []  # it lives: nothing of it is touched
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert len(left_behind()) == 5
    assert docker_jobs.run({"Image": EVALUATING}).status is JobStatus.COMPLETED
    assert left_behind() == []


@pytest.mark.needs("docker")
def test_clean_removes_ours_only(docker_jobs: DockerJobs, own_host: str) -> None:
    runs = Path(os.environ["EMULATOR_STATE_DIR"]).absolute() / "runs"
    from sagemaker_transform_emulator.runtime.docker.leftovers import owner  # noqa: PLC0415 - beside what uses it
    from sagemaker_transform_emulator.runtime.workspace import open_workspace  # noqa: PLC0415 - as above

    with open_workspace() as over:
        labels = owner(over).labels("0", {"job": "j"})
    elsewhere = {**labels, "sagemaker-transform-emulator.host": "another"}
    flags = {
        name: [part for key, value in chosen.items() for part in ("--label", f"{key}={value}")]
        for name, chosen in (("ours", labels), ("elsewhere", elsewhere), ("foreign", {"app": "other"}))
    }
    made: dict[str, list[str]] = {}
    for name, chosen in flags.items():
        made[name] = [
            docker("create", *chosen, "--network", "none", SCRIPTED),
            docker("network", "create", *chosen, f"clean-{name}-{os.getpid()}"),
            docker("volume", "create", *chosen),
        ]
    try:
        command = emulator_on(own_host, "clean", "--json")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        report = json.loads(done.stdout)
        assert [len(report[kind]) for kind in ("containers", "networks", "volumes")] == [1, 1, 1]
        assert report["volumes"] == [made["ours"][2]]
        assert report["spared"] >= 3
        assert runs.exists()
        for name in ("elsewhere", "foreign"):
            docker("inspect", *made[name])
    finally:
        for name in ("elsewhere", "foreign"):
            container, network, volume = made[name]
            docker("rm", container)
            docker("network", "rm", network)
            docker("volume", "rm", volume)


@pytest.mark.needs("docker")
def test_auto_takes_docker_where_the_images_are(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(runtime="auto")
    assert docker_jobs.run({"Image": EVALUATING}).status is JobStatus.COMPLETED
    assert docker_jobs.texts(Notice)[-1].startswith("runtime: docker, because engine ")


@pytest.mark.needs("docker")
def test_auto_takes_processes_where_a_command_is_named_and_the_image_is_not_there(
    docker_jobs: DockerJobs,
) -> None:
    docker_jobs.settings(runtime="auto", images=(SCRIPTED_PROCESS,), pull="missing")
    assert docker_jobs.run({"Image": "scripted-not-there"}).status is JobStatus.COMPLETED
    [told] = docker_jobs.texts(Notice)
    assert told.startswith("runtime: process, because the engine has no image scripted-not-there, and")


@pytest.mark.needs("docker")
def test_auto_tells_both_reasons_when_neither_can(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(runtime="auto")
    run = docker_jobs.run({"Image": "nobody/nothing:1"})
    assert "Image 'nobody/nothing:1' is not on this machine" in str(run.error)
    assert "No local command is known for image 'nobody/nothing:1'" in str(run.error)


def test_auto_takes_processes_without_an_engine(jobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    jobs.settings = jobs.settings.model_copy(update={"runtime": "auto"})
    jobs.put("in/a.csv", b"1\n")
    assert jobs.run({}).status is JobStatus.COMPLETED
    told = [event.text for event in jobs.events if isinstance(event, Notice)]
    assert told == ["runtime: process, because No Docker engine answers: No such file or directory"]


def test_docker_without_an_engine_is_a_fault_of_the_machine(
    jobs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)

    async def go() -> None:
        async with open_services(jobs.settings.model_copy(update={"runtime": "docker"}), jobs.address):
            raise AssertionError("opened without an engine")

    with pytest.raises(MachineError, match="No Docker engine answers: No such file or directory") as caught:
        run_loop(go())
    assert "--runtime process" in caught.value.remedy
