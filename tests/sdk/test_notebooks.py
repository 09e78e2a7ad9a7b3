"""Unmodified programs of each client, each in its own locked environment, against a live emulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts import ROOT
from sdk.environments import make

from sagemaker_transform_emulator.testing.server import ChildEmulator, child_emulator

SAMPLES = ROOT / "sample_data"
EXPECTED = [float(row) for row in (SAMPLES / "expected/penguins.csv").read_text().split()]
KEPT = ("HOME", "PATH", "TMPDIR", "LANG", "SSL_CERT_FILE", "XDG_CACHE_HOME")

pytestmark = [pytest.mark.needs("sdk"), pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildEmulator]:
    folder = tmp_path_factory.mktemp("emulator")
    (folder / "emulator.toml").write_text('runtime = "process"\n')
    with child_emulator(folder / "state", arguments=("--s3", "moto"), directory=folder) as child:
        yield child


def environment(emulator: ChildEmulator, **more: str) -> dict[str, str]:
    """Nothing of this process's AWS settings, all that `emulator env` prints."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | emulator.environment | more


def run_notebook(
    emulator: ChildEmulator, name: str, python: Path, folder: Path
) -> tuple[dict[str, Any], str]:
    """What the program wrote down, and what it printed."""
    result = folder / "result.json"
    ran = subprocess.run(
        [python, ROOT / "tests/sdk/notebooks" / f"{name}.py"],
        env=environment(emulator, SAMPLES=str(SAMPLES), RESULT=str(result)),
        cwd=folder, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    printed = ran.stdout + ran.stderr
    assert ran.returncode == 0, f"{printed[-6000:]}\n--- the emulator:\n{emulator.log()[-3000:]}"
    found: dict[str, Any] = json.loads(result.read_text())
    return found, printed


def assert_rows(rows: list[str]) -> None:
    """Row by row what Spark and XGBoost computed without any container."""
    assert len(rows) == len(EXPECTED)
    assert [float(row) for row in rows] == pytest.approx(EXPECTED, rel=1e-5)


@pytest.mark.rule("R1.7", "R1.31", "R1.35", "R1.36")
def test_the_notebook_runs_with_sdk_v2(
    emulator: ChildEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.reset()
    found, printed = run_notebook(emulator, "sdk_v2", make("sdk-v2") / "bin/python", tmp_path)
    assert_rows(found["rows"])
    assert found["attached"] == [found["model"], "s3://sagemaker-us-east-1-000000000000/penguins/output"]
    assert found["stopped"] == "Stopped"
    assert found["models_left"] == []
    once_each = 2  # transform() prints the logs, wait() prints them again
    assert printed.count("[sagemaker logs]: MaxConcurrentTransforms=") == once_each, printed[:3000]
    report(capsys, "SDK v2", found)


@pytest.mark.rule("R1.26", "R1.29")
def test_the_notebook_runs_with_sdk_v3(
    emulator: ChildEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.reset()
    found, printed = run_notebook(emulator, "sdk_v3", make("sdk-v3") / "bin/python", tmp_path)
    assert_rows(found["rows"])
    assert (found["at_once"], found["status"], found["stopped"]) == ("InProgress", "Completed", "Stopped")
    assert found["listed"] == 3
    assert found["models_left"] == []
    assert "[sagemaker logs]: MaxConcurrentTransforms=" in printed
    report(capsys, "SDK v3", found)


ROLE = "arn:aws:iam::000000000000:role/SageMakerRole"


def test_roles_are_found_by_sdk_v2(emulator: ChildEmulator, tmp_path: Path) -> None:
    emulator.reset()
    found, _ = run_notebook(emulator, "roles_v2", make("sdk-v2") / "bin/python", tmp_path)
    assert found == {
        "created": ROLE,
        "own": ROLE,
        "account": "000000000000",
        "bucket": "sagemaker-us-east-1-000000000000",
    }


def test_roles_are_found_and_judged_fit_by_sdk_v3(emulator: ChildEmulator, tmp_path: Path) -> None:
    emulator.reset()
    found, printed = run_notebook(emulator, "roles_v3", make("sdk-v3") / "bin/python", tmp_path)
    assert found == {"by-name": ROLE, "own": ROLE, "execution_role": ROLE}
    assert "Could not verify permissions" not in printed


@pytest.mark.rule("R1.2", "R1.33")
def test_the_notebook_runs_with_boto3(
    emulator: ChildEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emulator.reset()
    found, _ = run_notebook(emulator, "with_boto3", make("sdk-v2") / "bin/python", tmp_path)
    assert_rows(found["rows"])
    assert found["listed"] == [f"job-{number}" for number in (4, 3, 2, 1)]
    assert found["pages"] == [3, 1]
    assert found["statuses"] == {
        "job-1": "Completed",
        "job-2": "Stopped",
        "job-3": "Stopped",
        "job-4": "Stopped",
    }
    report(capsys, "boto3", found)


@pytest.mark.rule("R1.2", "R1.33")
def test_the_notebook_runs_with_the_command_line(emulator: ChildEmulator, tmp_path: Path) -> None:
    emulator.reset()
    program = make("awscli") / "bin/aws"

    def aws(*arguments: str | Path) -> Any:
        ran = subprocess.run(
            [program, *arguments, "--output", "json"],
            env=environment(emulator), cwd=SAMPLES.parent, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout) if ran.stdout.strip().startswith("{") else ran.stdout

    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"
    aws("s3", "mb", "s3://emulator-demo")
    aws("s3", "cp", "--recursive", SAMPLES / "models", "s3://emulator-demo/models")
    aws("s3", "cp", SAMPLES / "input/penguins.csv", "s3://emulator-demo/input/penguins.csv")
    aws("sagemaker", "create-model", "--cli-input-json", f"file://{SAMPLES}/model.json")
    aws("sagemaker", "create-transform-job", "--cli-input-json", f"file://{SAMPLES}/job.json")
    aws("sagemaker", "wait", "transform-job-completed-or-stopped", "--transform-job-name", "penguins")
    job = aws("sagemaker", "describe-transform-job", "--transform-job-name", "penguins")
    assert job["TransformJobStatus"] == "Completed", emulator.log()
    group = ("--log-group-name", "/aws/sagemaker/TransformJobs")
    streams = aws("logs", "describe-log-streams", *group, "--log-stream-name-prefix", "penguins/")[
        "logStreams"
    ]
    data_log = next(item["logStreamName"] for item in streams if item["logStreamName"].endswith("/data-log"))
    events = aws("logs", "get-log-events", *group, "--log-stream-name", data_log)["events"]
    assert "MaxConcurrentTransforms=" in events[0]["message"]
    aws("s3", "cp", "s3://emulator-demo/output/penguins.csv.out", tmp_path / "out.csv")
    assert_rows((tmp_path / "out.csv").read_text().split())


def report(capsys: pytest.CaptureFixture[str], client: str, found: dict[str, Any]) -> None:
    """Say how long it took: the figure that users feel."""
    with capsys.disabled():
        sys.stdout.write(
            f"\n{client}: transform {found['transform_seconds']:.1f} s, "
            f"all {found['snippet_seconds']:.1f} s\n"
        )
