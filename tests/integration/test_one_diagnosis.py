"""One failing job, started by each front and looked at from each: they name object, record, cause, remedy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import WaiterError
from harness import SCRIPTED

from sagemaker_transform_emulator import Settings, UsageError, run_transform_job
from sagemaker_transform_emulator.testing import assert_completed
from sagemaker_transform_emulator.testing.server import ChildEmulator, child_emulator

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "debugging"
PUT = "orders.csv=s3://shop/in/orders.csv"
ALONE = ("-c", os.devnull, "--rootdir", ".", "-p", "no:cacheprovider", "-p", "no:randomly")
ROLE = "arn:aws:iam::123456789012:role/emulator"
TOLD = (
    "s3://shop/in/orders.csv",
    "record 1 (bytes 0 to 12)",
    "b'ORDER,AMOUNT'",
    "container-2 (of container-1 → container-2)",
    "status 415: b'Content type text/csv; charset=utf-8 is not supported.'",
    "adds a charset to its Content-Type",
    "set SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",
)


def assert_told(text: str) -> None:
    assert [part for part in TOLD if part not in text] == [], text


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    return folder


def shell(
    folder: Path, *words: str, code: int = 0, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"EMULATOR_STATE_DIR": str(folder / "state"), "COLUMNS": "200", "NO_COLOR": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "sagemaker_transform_emulator", *words],
        cwd=cwd or folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran


@pytest.fixture(scope="module")
def ran(here: Path) -> subprocess.CompletedProcess[str]:
    """What `emulator run` said of the job "shop"."""
    words = ("run", "--model", "model.json", "--job", "job.json", "--put", PUT, "--json")
    return shell(here, *words, code=1)


def test_run_tells_it_on_stderr_and_as_json(ran: subprocess.CompletedProcess[str]) -> None:
    assert_told(ran.stderr)
    [failure] = json.loads(ran.stdout)["failures"]
    assert failure["remedy"].startswith("set SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT")
    told = failure["diagnosis"]
    expected = {
        "version": 1,
        "record": 1,
        "records": 1,
        "first_byte": 0,
        "size": 13,
        "status": 415,
        "attempt": 1,
    }
    assert {name: told[name] for name in expected} == expected
    assert told["next_commands"] == ["emulator trace shop --record 1", "emulator replay shop --record 1"]


def test_describe_logs_and_jobs_tell_it_without_a_server(
    ran: subprocess.CompletedProcess[str], here: Path
) -> None:
    assert_told(shell(here, "describe", "shop").stdout)
    [told] = json.loads(shell(here, "describe", "SHOP", "--json").stdout)["Diagnoses"]
    assert told["container_name"] == "container-2"
    assert_told(shell(here, "logs", "shop", "--follow").stdout)
    [listed] = json.loads(shell(here, "jobs", "--json", "--status", "Failed").stdout)
    assert listed["TransformJobName"] == "shop"
    assert listed["FailureReason"] == "ClientError: See job logs for more information"
    elsewhere = shell(here, "describe", "shop", "--region", "eu-west-1", code=2)
    assert "it is in us-east-1" in elsewhere.stderr
    assert "Could not find a job with name 'other'" in shell(here, "logs", "other", code=2).stderr


def test_what_is_printed_can_be_pasted_in_another_folder(
    ran: subprocess.CompletedProcess[str], here: Path, tmp_path: Path
) -> None:
    for command in json.loads(ran.stdout)["failures"][0]["diagnosis"]["next_commands"]:
        replayed = "replay" in command
        said = shell(here, *command.split()[1:], code=int(replayed), cwd=tmp_path)
        assert "415" in said.stdout
    (tmp_path / "test_record.py").write_text(shell(here, "trace", "shop", "--pytest", cwd=tmp_path).stdout)
    (tmp_path / "emulator.toml").write_bytes((here / "emulator.toml").read_bytes())
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *ALONE, "."],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout
    assert "answered 415" in ended.stdout


def test_files_that_changed_or_went_since_are_named(
    ran: subprocess.CompletedProcess[str], here: Path
) -> None:
    assert "3 records" in shell(here, "explain", "--job", "shop").stdout
    orders = here / "orders.csv"
    before = orders.read_bytes()
    orders.write_bytes(before + b"19,4\n")
    said = shell(here, "explain", "--job", "shop")
    assert "4 records" in said.stdout
    assert "orders.csv, which the job put to s3://shop/in/orders.csv, has changed since" in said.stderr
    orders.unlink()
    assert "is gone" in shell(here, "replay", "shop", "--record", "2", code=2).stderr
    orders.write_bytes(before)
    assert "neither a file" in shell(here, "explain", "--job", "nosuch", code=2).stderr


def test_the_library_tells_it_and_keeps_the_job(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    images = tuple(SCRIPTED.model_copy(update={"match": name}) for name in ("features", "predictor"))
    result = run_transform_job(
        here / "model.json", here / "job.json", put={here / "orders.csv": "s3://shop/in/orders.csv"},
        settings=Settings(images=images, runtime="process"),
    )  # fmt: skip
    assert_told(result.explain())
    for job in (result, "shop", {"TransformJobName": "shop"}):
        with pytest.raises(AssertionError) as failed:
            assert_completed(job)
        assert_told(str(failed.value))
    with pytest.raises(UsageError, match="Could not find"):
        assert_completed("other")


@pytest.fixture(scope="module")
def events() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of events: its URL, and what came."""
    came: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", came
        server.shutdown()


@pytest.fixture(scope="module")
def server(here: Path, events: tuple[str, list[dict[str, Any]]]) -> Iterator[ChildEmulator]:
    """A server whose job "shop" has failed."""
    toml = here / "webhook.toml"
    toml.write_text(f'webhook = "{events[0]}"\n' + (here / "emulator.toml").read_text())
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    arguments = ("--s3", "moto", "--config", str(toml))
    with child_emulator(
        here / "up" / "state", arguments=arguments, environment=clean, directory=here
    ) as child:
        s3, sagemaker = child.client("s3"), child.client("sagemaker")
        s3.create_bucket(Bucket="shop")
        s3.upload_file(str(here / "orders.csv"), "shop", "in/orders.csv")
        sagemaker.create_model(**json.loads((here / "model.json").read_text()), ExecutionRoleArn=ROLE)
        sagemaker.create_transform_job(**json.loads((here / "job.json").read_text()))
        with pytest.raises(WaiterError):
            sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="shop")
        yield child


def test_the_terminal_of_up_tells_it(server: ChildEmulator) -> None:
    assert_told(server.log())
    assert "emulator replay shop --record 1" in server.log()


def test_a_log_stream_of_ours_tells_it_and_those_of_aws_do_not(server: ChildEmulator) -> None:
    logs = server.client("logs")
    group = "/aws/sagemaker/TransformJobs"
    listed = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="shop/")["logStreams"]
    assert not any("diagnosis" in stream["logStreamName"] for stream in listed)
    said = "\n".join(
        event["message"]
        for stream in listed
        for event in logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    )
    assert "remedy" not in said
    ours = logs.get_log_events(
        logGroupName=group, logStreamName="emulator-diagnosis/shop", startFromHead=True
    )
    assert_told("\n".join(event["message"] for event in ours["events"]))


def test_an_event_of_our_own_source_tells_it(
    server: ChildEmulator, events: tuple[str, list[dict[str, Any]]]
) -> None:
    deadline = time.monotonic() + 20
    while not (found := [event for event in events[1] if event["source"] != "aws.sagemaker"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [event] = found
    assert event["detail-type"] == "Transform Job Diagnosis"
    assert event["detail"]["TransformJobName"] == "shop"
    assert event["detail"]["Diagnosis"]["status"] == 415


def test_the_commands_tell_it_of_a_running_server_and_of_one_that_was_killed(
    server: ChildEmulator, here: Path
) -> None:
    folder = here / "up"
    for words in (("describe", "shop"), ("logs", "shop")):
        assert_told(shell(folder, *words).stdout)
    described = server.client("sagemaker").describe_transform_job(TransformJobName="shop")
    assert described["FailureReason"] == "ClientError: See job logs for more information"
    assert "Diagnoses" not in described
    assert len(json.loads(shell(folder, "jobs", "--json").stdout)) == 1
    server.kill()
    for words in (("describe", "shop"), ("logs", "shop")):
        assert_told(shell(folder, *words).stdout)
    assert len(json.loads(shell(folder, "jobs", "--json").stdout)) == 1


def test_pytest_reports_it_for_a_test_that_fails(here: Path, tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(f"""
import json
from pathlib import Path
import pytest
from botocore.exceptions import WaiterError
from sagemaker_transform_emulator.testing import assert_completed

HERE = Path({str(here)!r})

def test_shop(sagemaker_emulator):
    s3, sagemaker = sagemaker_emulator.client("s3"), sagemaker_emulator.client("sagemaker")
    s3.create_bucket(Bucket="shop")
    s3.upload_file(str(HERE / "orders.csv"), "shop", "in/orders.csv")
    sagemaker.create_model(**json.loads((HERE / "model.json").read_text()), ExecutionRoleArn={ROLE!r})
    sagemaker.create_transform_job(**json.loads((HERE / "job.json").read_text()))
    with pytest.raises(WaiterError):
        sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName="shop")
    try:
        assert_completed("shop")
    except AssertionError as error:
        assert "container-2" in str(error)
    else:
        raise RuntimeError
    assert False, "as a test that looks at the output would"
""")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    config = ("--emulator-config", str(here / "emulator.toml"), "--emulator-s3", "moto")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *ALONE, *config, "."],
        cwd=tmp_path, env=clean, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout
    assert "SageMaker job shop" in ended.stdout
    assert "as a test that looks at the output would" in ended.stdout
    assert_told(ended.stdout)


def test_clean_removes_the_stored_jobs_when_asked(here: Path, tmp_path: Path) -> None:
    words = ("run", "--model", str(here / "model.json"), "--job", str(here / "job.json"), "--quiet", "--json")
    put = f"{here / 'orders.csv'}=s3://shop/in/orders.csv"
    shell(tmp_path, *words, "--put", put, "--config", str(here / "emulator.toml"), code=1)
    assert json.loads(shell(tmp_path, "clean", "--json").stdout)["jobs"] == []
    assert json.loads(shell(tmp_path, "clean", "--json", "--jobs").stdout)["jobs"] == ["shop"]
    assert json.loads(shell(tmp_path, "jobs", "--json").stdout) == []
    assert list((tmp_path / "state" / "traces").iterdir()) == []


def test_run_says_what_explain_doubts(ran: subprocess.CompletedProcess[str]) -> None:
    assert "warning: s3://shop/in/orders.csv: the first record looks like a header" in ran.stderr


def test_diff_compares_the_outputs_of_two_jobs(here: Path, tmp_path: Path) -> None:
    mended = ("--env", "RESPONSE_CONTENT_TYPE=text/csv", "--config", str(here / "emulator.toml"))
    files = ("--model", str(here / "model.json"), "--job", str(here / "job.json"), "--quiet")
    put = ("--put", f"{here / 'orders.csv'}=s3://shop/in/orders.csv")
    for name in ("one", "two"):
        words = ("--set", f"TransformJobName={name}", "--get", f"s3://shop/out={tmp_path / name}")
        shell(tmp_path, "run", *files, *put, *mended, *words)
    assert "identical, 0 equal" in shell(tmp_path, "diff", "one", "two").stdout
    copy = tmp_path / "two" / "orders.csv.out"
    copy.write_bytes(copy.read_bytes().replace(b"2.5", b"2.6"))
    told = json.loads(shell(tmp_path, "diff", "one", "two", "--json", code=1).stdout)
    assert told["outputs"]["orders.csv.out"]["different"] == 1
    copy.unlink()
    assert "is gone" in shell(tmp_path, "diff", "one", "two", code=2).stderr
