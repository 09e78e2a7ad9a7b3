"""`emulator run` as a user runs it: output, exit codes, one clear message for a mistake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import job_request, leftovers, run_loop_until, scripted_model


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "emulator.toml").write_text(
        '[[images]]\nmatch = "scripted*"\n'
        'command = ["{python}", "-m", "sagemaker_transform_emulator.containers.scripted"]\n'
    )
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    write(tmp_path, "m.json", scripted_model({"BEHAVIOUR": "lines:sum"}, ledger=tmp_path))
    write(tmp_path, "j.json", job_request(AssembleWith="Line"))
    return tmp_path


def write(folder: Path, name: str, body: Any) -> None:
    (folder / name).write_text(json.dumps(body))


def emulator(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", "sagemaker_transform_emulator", "run", "--runtime", "process", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


USUAL = ("--model", "m.json", "--job", "j.json", "--put", "a.csv=s3://bkt/in/a.csv")


def test_a_job_from_files_to_files(here: Path) -> None:
    done = emulator(here, *USUAL, "--get", "s3://bkt/out=result")
    assert done.returncode == 0, done.stderr
    assert (here / "result/a.csv.out").read_text() == "3\n7\n"
    assert "Completed" in done.stdout
    assert "1,2" in done.stdout
    assert "MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=SINGLE_RECORD" in done.stderr


def test_json_on_stdout_and_nothing_else(here: Path) -> None:
    done = emulator(
        here, *USUAL, "--json", "--quiet", "--strategy", "MultiRecord", "--env", "BEHAVIOUR=count"
    )
    result = json.loads(done.stdout)
    assert result["TransformJobStatus"] == "Completed"
    assert (result["records"], result["invocations"]) == (2, 1)
    assert done.stderr == ""


def test_flags_alone_make_a_job(here: Path) -> None:
    done = emulator(
        here, "--model", "m.json", "--put", "a.csv=s3://bkt/in/a.csv", "--input", "s3://bkt/in/", "--output",
        "s3://bkt/out", "--split-type", "Line", "--strategy", "SingleRecord", "--get", "s3://bkt/out=result",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (here / "result/a.csv.out").read_text() == "37"


def test_a_failed_job_names_object_record_container_and_exits_1(here: Path) -> None:
    write(here, "m.json", scripted_model({"BEHAVIOUR": "reject:3,4:400:no such row"}, ledger=here))
    done = emulator(here, *USUAL, "--get", "s3://bkt/out=result")
    assert done.returncode == 1
    assert "s3://bkt/in/a.csv" in done.stderr
    assert 'Container "container-1" on record 2 (bytes 4 to 7) answered 400: no such row' in done.stderr
    assert "ClientError: See job logs for more information" in done.stdout
    assert not (here / "result").exists()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "arguments", "text"),
    [
        ({}, ("--model", "absent.json", "--job", "j.json"), "Cannot read absent.json"),
        ({"j.json": "{"}, USUAL, "j.json is no JSON"),
        ({"j.json": "[]"}, USUAL, "j.json holds no JSON object"),
        ({}, (*USUAL, "--split-type", "Lines"), "Member must satisfy enum value set"),
        ({}, (*USUAL, "--max-payload", "101"), "MaxPayloadInMB"),
        ({}, (*USUAL, "--max-concurrent", "20", "--max-payload", "6"), "it must be at most 100"),
        ({}, (*USUAL, "--input", "s3://bkt/other/"), "No S3 objects found under S3 URL"),
        ({}, (*USUAL, "--input", "s3://nobody/here"), "No S3 objects found under S3 URL"),
        ({}, (*USUAL, "--put", "absent=s3://bkt/x"), "there is no absent"),
        ({}, (*USUAL, "--env", "NOVALUE"), "is not of the form KEY=VALUE"),
        ({"emulator.toml": "[[images]]\nmatch = 1\n"}, USUAL, "emulator.toml: images.0.match"),
        ({"emulator.toml": "nonsense ="}, USUAL, "emulator.toml is no valid TOML"),
        ({"m.json": '{"ModelName": "m"}'}, USUAL, "Exactly one of PrimaryContainer and Containers"),
        ({"m.json": '{"ModelName": "m_1", "PrimaryContainer": {"Image": "x"}}'}, USUAL, "'modelName'"),
    ],
)
def test_a_mistake_gives_one_message_and_exit_code_2(
    here: Path, change: dict[str, str], arguments: tuple[str, ...], text: str
) -> None:
    for name, body in change.items():
        (here / name).write_text(body)
    done = emulator(here, *arguments)
    assert done.returncode == 2, done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_store_that_is_away_exits_3_or_1_without_a_traceback(here: Path) -> None:
    environment = {**os.environ, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k",
                   "AWS_SECRET_ACCESS_KEY": "s"}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "sagemaker_transform_emulator", "run", "--model", "m.json", "--job", "j.json"],
        cwd=here, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode in (1, 3)
    assert "S3 does not answer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_49_a_signal_stops_the_job_cleanly(here: Path, number: signal.Signals) -> None:
    (here / "a.csv").write_text("600\n")
    write(here, "m.json", scripted_model({"BEHAVIOUR": "sleep_body_seconds_then_lines:id"}, ledger=here))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "sagemaker_transform_emulator", "run", "--runtime", "process", *USUAL],
        cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ledger = here / "ledger-1"
    run_loop_until(lambda: ledger.exists() and "/invocations" in ledger.read_text(), 60)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert "Stopped" in out
    assert "Traceback" not in err
    assert leftovers(here) == []
