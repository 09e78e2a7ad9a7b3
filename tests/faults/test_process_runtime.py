"""Containers that do not start, or die: the process runtime says so, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from harness import Bench, job_request, leftovers, scripted_model, until

from sagemaker_transform_emulator.config import ImageMapping, Settings
from sagemaker_transform_emulator.jobs import health
from sagemaker_transform_emulator.jobs.events import ContainerLine, Notice
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

PING_SENTENCE = (
    "AlgorithmError: Model container failed to respond to ping. Please ensure /ping endpoint is implemented "
    "and responds with an HTTP 200 status code"
)

ROOT = Path(__file__).resolve().parents[2]
WRITES_BY_NAME = """
import os, runpy, subprocess, sys

def write(text):
    for name in ("/dev/stdout", "/dev/stderr"):
        log = os.open(name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)  # as nginx opens its logs
        os.write(log, f"{text} {name}\\n".encode())
        os.close(log)

write("first")
write("again")
subprocess.run(["sh", "-c", "echo from a child > /dev/stdout; echo from a child >> /dev/stderr"], check=True)
print("unfinished", end="", flush=True)
runpy.run_module("sagemaker_transform_emulator.containers.scripted", run_name="__main__")
"""


@pytest.fixture
def impatient(jobs: Bench) -> Bench:
    jobs.settings = Settings(images=jobs.settings.images, runtime="process", ping_window_s=2)
    jobs.put("in/a.csv", b"1\n")
    return jobs


@pytest.mark.rule("R4.13")
def test_02_exits_at_once(impatient: Bench) -> None:
    run = impatient.run({"START": "exit:3"})
    assert run.failure_reason == PING_SENTENCE
    assert "exited with code 3 before it answered" in str(run.error)
    assert "giving up with code 3" in str(run.error)


@pytest.mark.rule("R4.11")
def test_03_never_listens(impatient: Bench) -> None:
    run = impatient.run({"START": "silent"})
    assert run.failure_reason == PING_SENTENCE
    assert "nothing in it listens on port" in str(run.error)


def test_04_ping_answers_500(impatient: Bench) -> None:
    run = impatient.run({"PING": "500"})
    assert "last: status 500" in str(run.error)


def test_a_container_that_does_not_get_healthy_says_why_before_the_window_is_over(
    impatient: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "UNEASY_S", 0.3)
    impatient.run({"START": "silent"})
    [notice] = [event for event in impatient.events if isinstance(event, Notice) and "/ping" in event.text]
    assert "nothing in it listens on port" in notice.text
    assert "`emulator check`" in notice.text


def test_06_listens_on_another_port(impatient: Bench) -> None:
    run = impatient.run({"START": "port:45991"})
    assert "it listens on 127.0.0.1:45991 instead of port" in str(run.error)


def test_07_every_container_that_fails_is_named(impatient: Bench) -> None:
    run = impatient.run({"START": "exit:3"}, {}, {"PING": "404"})
    assert 'Container "container-1"' in str(run.error)
    assert 'Container "container-3"' in str(run.error)
    assert 'Container "container-2"' not in str(run.error)
    assert leftovers(impatient.folder) == []


@pytest.mark.rule("R4.35")
def test_stdout_and_stderr_can_be_opened_by_name(jobs: Bench, tmp_path: Path) -> None:
    (tmp_path / "opens.py").write_text(WRITES_BY_NAME)
    mapping = ImageMapping(
        match="scripted*",
        command=("{python}", str(tmp_path / "opens.py")),
        environment={"PYTHONPATH": str(ROOT)},
    )
    jobs.settings = Settings(images=(mapping,), runtime="process")
    jobs.put("in/a.csv", b"1\n")
    assert jobs.run({}).status is JobStatus.COMPLETED
    assert jobs.get("out/a.csv.out") == b"1\n"
    written = [event.text for event in jobs.events if isinstance(event, ContainerLine)]
    assert written[:6] == [
        "first /dev/stdout", "first /dev/stderr", "again /dev/stdout", "again /dev/stderr",
        "from a child", "from a child",
    ]  # fmt: skip
    assert written[6].startswith("unfinishedlistening on ")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to count open files")
def test_no_pipe_outlives_its_container_or_a_failed_start(jobs: Bench, tmp_path: Path) -> None:
    def pipes() -> int:
        found = 0
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):  # the listing's own is closed by now
                found += str(link.readlink()).startswith("pipe:")
        return found

    async def go() -> tuple[int, int, int]:
        jobs.put("in/a.csv", b"1\n")
        await jobs.arun({})
        before = pipes()
        await jobs.arun({})
        after = pipes()
        lost = jobs.settings.images[0].model_copy(update={"directory": str(tmp_path / "absent")})
        jobs.settings = Settings(images=(lost,), runtime="process")
        run = await jobs.arun({})
        assert "cannot be started" in str(run.error)
        return before, after, pipes()

    before, after, failed = run_loop(go())
    assert before == after == failed


@pytest.mark.rule("R6.5")
def test_25_dies_in_mid_request(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n2\n")
    jobs.put("in/b.csv", b"1\n")
    run = jobs.run({"BEHAVIOUR": "die:7"})
    assert run.status is JobStatus.FAILED
    assert run.failure_reason == "AlgorithmError: See job logs for more information"
    assert "exited with code 7 while it had record 1 (bytes 0 to 1)" in str(run.error)
    assert jobs.keys("out") == []
    assert leftovers(jobs.folder) == []


def test_49_cancelling_stops_the_job_and_withdraws_its_outputs(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n")
    jobs.put("in/b.csv", b"30\n" * 5)

    async def go() -> None:
        task = asyncio.create_task(jobs.arun({"BEHAVIOUR": "sleep_body_seconds_then_lines:id"}))
        await until(lambda: jobs.keys("out") == ["out/a.csv.out"])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_loop(go())
    assert jobs.keys("out") == []
    assert jobs.open_uploads() == []
    assert leftovers(jobs.folder) == []


def test_48_containers_of_a_killed_emulator_end_with_it(jobs: Bench, tmp_path: Path) -> None:
    jobs.put("in/a.csv", b"600\n")
    (tmp_path / "m.json").write_text(
        json.dumps(scripted_model({"BEHAVIOUR": "sleep_body_seconds_then_lines:id"}, ledger=tmp_path))
    )
    (tmp_path / "j.json").write_text(json.dumps(job_request()))
    mapping = jobs.settings.images[0]
    (tmp_path / "emulator.toml").write_text(
        f'[[images]]\nmatch = "scripted*"\ncommand = {list(mapping.command)}\n'
        f'directory = "{mapping.directory}"\n'
    )
    environment = {
        **os.environ, "AWS_ENDPOINT_URL_S3": str(jobs.address.endpoint_url), "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }  # fmt: skip
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sagemaker_transform_emulator",
            "run",
            "--model",
            "m.json",
            "--job",
            "j.json",
            "--quiet",
        ],
        cwd=tmp_path,
        env=environment,
    )
    run_loop(until(lambda: len(jobs.ledger()) == 1, 60))
    assert leftovers(jobs.folder)
    child.send_signal(signal.SIGKILL)
    child.wait()
    run_loop(until(lambda: leftovers(jobs.folder) == []))
    assert jobs.keys("out") == []
