"""A real `emulator up` in a process of its own, with containers: stops, kills, restarts, locks, waiting."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import botocore.exceptions
import httpx
import pytest
from api.inprocess import ROLE, ROOT, job_request
from botocore.config import Config
from click.testing import Result
from typer.testing import CliRunner

from sagemaker_transform_emulator.cli import app
from sagemaker_transform_emulator.errors import MachineError, UsageError
from sagemaker_transform_emulator.server.main import bound
from sagemaker_transform_emulator.testing.server import ChildEmulator, child_emulator

TOML = f"""
runtime = "process"
[[images]]
match = "scripted*"
command = ["{{python}}", "-m", "sagemaker_transform_emulator.containers.scripted"]
directory = {json.dumps(str(ROOT))}
"""
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
GROUP = "/aws/sagemaker/TransformJobs"


def start(folder: Path, *arguments: str) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "emulator.toml").write_text(TOML)
    return child_emulator(
        folder / "state", arguments=("--s3", "moto", *arguments), environment=CLEAN, directory=folder
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChildEmulator]:
    with start(tmp_path_factory.mktemp("live")) as child:
        yield child


@pytest.fixture
def emulator(server: ChildEmulator) -> ChildEmulator:
    """A clean server."""
    server.reset()
    return server


def prepare(emulator: ChildEmulator, **environment: str) -> Any:
    """The bucket with its input, and the model "m" of two scripted containers; the SageMaker client."""
    s3, sagemaker = emulator.client("s3"), emulator.client("sagemaker")
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="in/a.csv", Body=b"1,2\n3,4\n")
    containers = [
        {"Image": "scripted:1", "Environment": {"BEHAVIOUR": "lines:sum"}},
        {"Image": "scripted:1", "Environment": environment},
    ]
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=ROLE, Containers=containers)
    return sagemaker


def wait(sagemaker: Any, name: str = "job") -> dict[str, Any]:
    """The description of the job when it has ended, by botocore's own waiter."""
    sagemaker.get_waiter("transform_job_completed_or_stopped").wait(TransformJobName=name)
    found: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=name)
    return found


def lines(emulator: ChildEmulator, stream_end: str, job: str = "job") -> list[str]:
    """The messages of the job's stream whose name ends so."""
    logs = emulator.client("logs")
    found = logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=f"{job}/")["logStreams"]
    name = next(item["logStreamName"] for item in found if item["logStreamName"].endswith(stream_end))
    events = logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]
    return [event["message"] for event in events]


@pytest.mark.rule("R1.33")
def test_a_pipeline_runs_and_its_waiter_is_told_at_once(emulator: ChildEmulator) -> None:
    sagemaker = prepare(emulator, BEHAVIOUR="sleep:1")
    sagemaker.create_transform_job(**job_request(BatchStrategy="SingleRecord"))
    began = time.monotonic()
    assert wait(sagemaker)["TransformJobStatus"] == "Completed"
    # the waiter asks once a minute: within one minute means that its first question was held open
    assert time.monotonic() - began < 55
    body = emulator.client("s3").get_object(Bucket="bkt", Key="out/a.csv.out")["Body"].read()
    assert body == b"37"
    assert lines(emulator, "/container-1")[0].startswith("listening on")
    assert lines(emulator, "/data-log")[0].endswith(
        ":[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=SINGLE_RECORD"
    )


@pytest.mark.rule("R1.27", "R1.29")
def test_a_plain_question_is_answered_at_once_and_an_sdk_that_asks_again_waits(
    emulator: ChildEmulator,
) -> None:
    sagemaker = prepare(emulator, PING="503,503,503,503,503,503,503,503,503,503,200")
    sdk = emulator.client("sagemaker", config=Config(user_agent_extra="lib/AWS-SageMaker-Python-SDK#2.257.7"))
    sdk.create_transform_job(**job_request())
    found = sagemaker.describe_transform_job(TransformJobName="job")
    assert found["TransformJobStatus"] == "InProgress"
    assert "TransformStartTime" not in found
    assert sagemaker.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "InProgress"
    assert sdk.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "InProgress"
    assert wait(sagemaker)["TransformJobStatus"] == "Completed"


@pytest.mark.rule("R1.30")
def test_50_a_job_is_stopped_in_the_midst_and_leaves_nothing(emulator: ChildEmulator) -> None:
    sagemaker = prepare(emulator, BEHAVIOUR="sleep:60")
    sagemaker.create_transform_job(**job_request())
    while "TransformStartTime" not in sagemaker.describe_transform_job(TransformJobName="job"):
        time.sleep(0.05)
    sagemaker.stop_transform_job(TransformJobName="job")
    sagemaker.stop_transform_job(TransformJobName="job")
    assert wait(sagemaker)["TransformJobStatus"] == "Stopped"
    assert emulator.client("s3").list_objects_v2(Bucket="bkt", Prefix="out")["KeyCount"] == 0
    with pytest.raises(botocore.exceptions.ClientError, match="transform job is in status Stopped"):
        sagemaker.stop_transform_job(TransformJobName="job")


def test_53_many_jobs_run_beside_each_other(emulator: ChildEmulator) -> None:
    sagemaker = prepare(emulator)
    names = [f"job-{number}" for number in range(6)]
    for name in names:
        output = {"S3OutputPath": f"s3://bkt/{name}"}
        sagemaker.create_transform_job(**job_request(name, TransformOutput=output))
    assert [wait(sagemaker, name)["TransformJobStatus"] for name in names] == ["Completed"] * 6
    s3 = emulator.client("s3")
    bodies = {s3.get_object(Bucket="bkt", Key=f"{name}/a.csv.out")["Body"].read() for name in names}
    assert bodies == {b"3\n7"}


def test_reset_leaves_nothing_behind(emulator: ChildEmulator) -> None:
    sagemaker = prepare(emulator, BEHAVIOUR="sleep:60")
    sagemaker.create_transform_job(**job_request())
    emulator.client("s3").create_multipart_upload(Bucket="bkt", Key="open")
    emulator.reset()
    assert sagemaker.list_transform_jobs()["TransformJobSummaries"] == []
    assert sagemaker.list_models()["Models"] == []
    assert emulator.client("s3").list_buckets()["Buckets"] == []
    with urllib.request.urlopen(f"{emulator.endpoint_url}/_emulator/health") as answer:
        health = json.load(answer)
    assert (health["status"], health["jobs_running"]) == ("running", 0)


@pytest.mark.rule("R1.29")
def test_48_a_killed_emulator_has_failed_its_job_and_shows_the_past(tmp_path: Path) -> None:
    with start(tmp_path) as first:
        sagemaker = prepare(first, BEHAVIOUR="sleep:60")
        sagemaker.create_transform_job(**job_request("done", ModelName="m"))
        sagemaker.stop_transform_job(TransformJobName="done")
        wait(sagemaker, "done")
        sagemaker.create_transform_job(**job_request("Cut-Off"))
        while "TransformStartTime" not in sagemaker.describe_transform_job(TransformJobName="cut-off"):
            time.sleep(0.05)
        os.kill(first.about.pid, signal.SIGKILL)
        first.process.wait()
        children = started_by(first)
    with start(tmp_path) as second:
        sagemaker = second.client("sagemaker")
        assert "1 jobs were running when the last emulator died" in second.log()
        found = sagemaker.describe_transform_job(TransformJobName="cut-off")
        assert found["TransformJobName"] == "Cut-Off"
        assert found["TransformJobStatus"] == "Failed"
        assert found["FailureReason"] == (
            "InternalServerError: We encountered an internal error. Please try again."
        )
        past = sagemaker.describe_transform_job(TransformJobName="done")
        assert past["TransformJobStatus"] == "Stopped"
        assert sagemaker.describe_model(ModelName="m")["ModelName"] == "m"
        assert lines(second, "/data-log", "Cut-Off")[-1].endswith(
            ":[sagemaker logs]: emulator stopped while the job was running"
        )
        assert started_by(first) == []
        assert children == [] or not any(Path(f"/proc/{pid}").exists() for pid in children)


def started_by(emulator: ChildEmulator) -> list[int]:
    """Processes that work in the emulator's state directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(emulator.state / "runs").encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_49_a_signal_stops_the_jobs_and_the_exit_code_tells_which(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    with start(tmp_path) as child:
        sagemaker = prepare(child, BEHAVIOUR="sleep:60")
        sagemaker.create_transform_job(**job_request())
        while "TransformStartTime" not in sagemaker.describe_transform_job(TransformJobName="job"):
            time.sleep(0.05)
        os.kill(child.about.pid, number)
        assert child.process.wait(10) == code
        assert not (child.state / "server.json").exists()
    with start(tmp_path) as again:
        found = again.client("sagemaker").describe_transform_job(TransformJobName="job")
        assert found["TransformJobStatus"] == "Stopped"


def test_51_a_second_emulator_on_the_same_state_or_port_is_refused(
    server: ChildEmulator, tmp_path: Path
) -> None:
    with (
        pytest.raises(MachineError, match=f"already running on .*, pid {server.about.pid}"),
        child_emulator(server.state, arguments=("--s3", "moto"), environment=CLEAN),
    ):
        pass
    port = server.endpoint_url.rpartition(":")[2]
    with (
        pytest.raises(MachineError, match=f"already in use; an emulator is .* there, pid {server.about.pid}"),
        child_emulator(tmp_path, arguments=("--s3", "moto", "--port", port), environment=CLEAN),
    ):
        pass


def test_all_that_a_server_keeps_is_in_the_folder_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "emulator.toml").write_text(TOML)
    other = {"EMULATOR_STATE_DIR": str(tmp_path / "other"), "XDG_STATE_HOME": str(tmp_path / "user")}
    with child_emulator(
        tmp_path / "state",
        arguments=("--s3", "moto", "--trace", "all"),
        environment=CLEAN | other,
        directory=tmp_path,
    ) as child:
        sagemaker = prepare(child)
        sagemaker.create_transform_job(**job_request())
        assert wait(sagemaker)["TransformJobStatus"] == "Completed"
    assert {"jobs", "runs", "traces"} <= {path.name for path in child.state.iterdir()}
    assert not (tmp_path / "other").exists()
    assert not (tmp_path / "user").exists()


def test_the_command_changes_no_variable_of_its_process(
    server: ChildEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "mine"))
    before = dict(os.environ)
    port = server.endpoint_url.rpartition(":")[2]
    ended = CliRunner().invoke(
        app, ["up", "--s3", "moto", "--port", port, "--state-dir", str(tmp_path / "s")]
    )
    assert isinstance(ended.exception, MachineError | SystemExit)
    assert dict(os.environ) == before


def test_what_a_foreign_server_says_of_itself_is_not_repeated() -> None:
    said = b'{"pid": 1, "region": "\x1b[31m"}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(said), said)

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=serve, args=(listener,), daemon=True).start()
        port = listener.getsockname()[1]
        with pytest.raises(MachineError) as caught, bound("127.0.0.1", port):
            pass
    assert str(caught.value).splitlines()[0] == f"Cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_foreign_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        with (
            pytest.raises(MachineError, match=f"Cannot listen on 127.0.0.1:{port}: Address already in use"),
            child_emulator(tmp_path, arguments=("--s3", "moto", "--port", port), environment=CLEAN),
        ):
            pass


def test_the_emulator_does_not_stand_on_itself(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = CLEAN | {"AWS_ENDPOINT_URL_S3": f"http://localhost:{port}"}
    with (
        pytest.raises(MachineError, match="the emulator's own address"),
        child_emulator(tmp_path, arguments=("--port", port), environment=environment),
    ):
        pass


def env_of(endpoint: str, folder: Path, **environment: str) -> dict[str, str]:
    """What `emulator env --endpoint` prints in a shell that knows nothing of the server's folder."""
    words = ["env", "--endpoint", endpoint, "--json", "--state-dir", str(folder)]
    ran = subprocess.run(
        [sys.executable, "-m", "sagemaker_transform_emulator", *words],
        env=CLEAN | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    found: dict[str, str] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("store", [pytest.param("minio", marks=pytest.mark.needs("minio")), "moto"])
def test_env_of_a_url_gives_keys_that_the_store_takes(tmp_path: Path, store: str) -> None:
    theirs = {"AWS_ACCESS_KEY_ID": "AKIDOFMYCOMPANY", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1"}
    with start(tmp_path, "--s3", store) as child, start(tmp_path / "other") as other:
        told = env_of(child.endpoint_url, other.state, **theirs)
        s3 = boto3.client(
            "s3", told["AWS_REGION"], endpoint_url=told["AWS_ENDPOINT_URL"],
            aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        s3.create_bucket(Bucket="bkt")
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bkt"]
        assert told == child.environment | {
            "SAGEMAKER_USER_CONFIG_OVERRIDE": other.environment["SAGEMAKER_USER_CONFIG_OVERRIDE"]
        }


def test_the_keys_of_a_store_that_was_brought_along_are_told_to_its_owner_only(tmp_path: Path) -> None:
    mine = {"AWS_ACCESS_KEY_ID": "mine", "AWS_SECRET_ACCESS_KEY": "my-secret"}
    brought = CLEAN | mine | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    with child_emulator(tmp_path / "state", environment=brought, directory=tmp_path) as child:
        page = httpx.get(f"{child.endpoint_url}/_emulator/health")
        assert page.json()["access_key_id"] == "mine"
        assert "my-secret" not in page.text
        assert env_of(child.endpoint_url, child.state)["AWS_SECRET_ACCESS_KEY"] == "my-secret"
        assert env_of(child.endpoint_url, tmp_path / "x", **mine)["AWS_SECRET_ACCESS_KEY"] == "my-secret"
        minio = {
            "MINIO_ROOT_USER": "mine",
            "MINIO_ROOT_PASSWORD": "my-secret",
            "AWS_ACCESS_KEY_ID": "another",
        }
        assert env_of(child.endpoint_url, tmp_path / "x", **minio)["AWS_SECRET_ACCESS_KEY"] == "my-secret"
        with pytest.raises(AssertionError, match="the secret of 'mine' is not known here"):
            env_of(child.endpoint_url, tmp_path / "x", AWS_ACCESS_KEY_ID="another", AWS_SECRET_ACCESS_KEY="y")


@pytest.mark.needs("minio")
def test_signatures_hold_through_to_a_store_that_checks_them(tmp_path: Path) -> None:
    with start(tmp_path, "--s3", "minio") as child:
        carry_large_objects(child)
        forged = child.client("s3", aws_secret_access_key="wrong-secret")
        with pytest.raises(botocore.exceptions.ClientError, match="SignatureDoesNotMatch"):
            forged.list_buckets()
        sagemaker = prepare(child)
        sagemaker.create_transform_job(**job_request())
        assert wait(sagemaker)["TransformJobStatus"] == "Completed"
        child.stop()
    with start(tmp_path, "--s3", "minio") as again:
        body = again.client("s3").get_object(Bucket="bkt", Key="out/a.csv.out")["Body"].read()
        assert body == b"3\n7"
        again.reset()
        assert again.client("s3").list_buckets()["Buckets"] == []


def test_large_uploads_ranges_and_presigned_urls_go_through_to_s3(emulator: ChildEmulator) -> None:
    carry_large_objects(emulator)


def carry_large_objects(emulator: ChildEmulator) -> None:
    """Multipart uploads, ranges, odd keys, presigned URLs."""
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket="big")
    parts = [bytes([65 + number]) * (5 << 20) for number in range(3)]
    upload = s3.create_multipart_upload(Bucket="big", Key="a b/c+%ü.bin")["UploadId"]
    names = {"Bucket": "big", "Key": "a b/c+%ü.bin", "UploadId": upload}
    done = [
        {"PartNumber": number, "ETag": s3.upload_part(**names, PartNumber=number, Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    s3.complete_multipart_upload(**names, MultipartUpload={"Parts": done})
    whole = s3.get_object(Bucket="big", Key="a b/c+%ü.bin")["Body"].read()
    assert whole == b"".join(parts)
    piece = s3.get_object(Bucket="big", Key="a b/c+%ü.bin", Range="bytes=5242870-5242890")
    assert (piece["ResponseMetadata"]["HTTPStatusCode"], piece["Body"].read()) == (
        206,
        whole[5242870:5242891],
    )
    for version in ("s3", "s3v4"):
        signer = emulator.client("s3", config=Config(signature_version=version))
        url = signer.generate_presigned_url("get_object", Params={"Bucket": "big", "Key": "a b/c+%ü.bin"})
        assert httpx.get(url).content == whole
        put = signer.generate_presigned_url("put_object", Params={"Bucket": "big", "Key": "put"})
        assert httpx.put(put, content=b"by url").status_code == 200
    assert s3.head_object(Bucket="big", Key="put")["ContentLength"] == 6


def test_the_commands_find_jobs_of_any_region(emulator: ChildEmulator) -> None:
    def run(*words: str, region: str | None = None) -> Result:
        environment = {**dict.fromkeys(os.environ.keys() - CLEAN.keys()), "AWS_REGION": region}
        return CliRunner().invoke(
            app, [*words, "--state-dir", str(emulator.state), "--json"], env=environment
        )

    def refused(*words: str) -> str:
        error = run(*words).exception
        assert isinstance(error, UsageError)
        return f"{error.message}; {error.remedy}"

    def arns(done: Result) -> list[str]:
        return [job["TransformJobArn"].split(":", 3)[3] for job in json.loads(done.stdout)]

    def described(*words: str, region: str | None = None) -> str:
        arn: str = json.loads(run("describe", *words, region=region).stdout)["TransformJobArn"]
        return arn.split(":", 3)[3]

    prepare(emulator)
    container = {"Image": "scripted:1", "Environment": {"BEHAVIOUR": "sleep:500"}}
    for place, job in (("eu-west-1", "there"), ("us-east-1", "here"), ("us-west-2", "here")):
        sagemaker = emulator.client("sagemaker", region_name=place)
        sagemaker.create_model(ModelName="x", ExecutionRoleArn=ROLE, PrimaryContainer=container)
        sagemaker.create_transform_job(**job_request(job) | {"ModelName": "x"})
    east, west, europe = (
        f"{place}:000000000000:transform-job/{name}"
        for place, name in (("us-east-1", "here"), ("us-west-2", "here"), ("eu-west-1", "there"))
    )
    assert arns(run("jobs")) == [west, east, europe]
    assert arns(run("jobs", "--region", "eu-west-1", region="us-east-1")) == [europe]
    assert arns(run("jobs", "--region", "eu-north-1")) == []
    only = run("jobs", region="us-east-1")
    assert (arns(only), "eu-west-1 and us-west-2, too" in only.stderr) == ([east], True)
    assert described("there") == described("there", region="us-east-1") == europe
    assert described("HERE", region="us-west-2") == west
    assert described("here", "--region", "us-east-1", region="us-west-2") == east
    assert "are in us-east-1 and us-west-2; choose with --region" in refused("stop", "here")
    assert "it is in eu-west-1; use --region" in refused("stop", "there", "--region", "us-east-1")
    assert "'a b', which is no region" in refused("jobs", "--region", "a b")
    assert "Could not find a job with name 'nowhere' in any region" in refused("describe", "nowhere")
    for job, *words in (["there"], ["here", "--region", "us-west-2"]):
        assert json.loads(run("stop", job, *words).stdout)["TransformJobStatus"] == "Stopped"
        assert run("logs", job, "-f", *words).exit_code == 0
    still = json.loads(run("describe", "here", region="us-east-1").stdout)
    assert still["TransformJobStatus"] == "InProgress"


def test_the_commands_show_and_stop_jobs(emulator: ChildEmulator) -> None:
    def command(*words: str) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "sagemaker_transform_emulator",
             *words, "--state-dir", str(emulator.state)],
            env=CLEAN, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    sagemaker = prepare(emulator, BEHAVIOUR="sleep:60")
    sagemaker.create_transform_job(**job_request())
    stopped = json.loads(command("stop", "job", "--json"))
    assert stopped == {"TransformJobName": "job", "TransformJobStatus": "Stopped"}
    assert [item["TransformJobName"] for item in json.loads(command("jobs", "--json"))] == ["job"]
    assert "Stopped" in command("jobs")
    assert json.loads(command("describe", "job", "--json"))["TransformJobStatus"] == "Stopped"
    assert "TransformInput.SplitType" in command("describe", "job")
    for line in command("logs", "job", "-f", "--json").splitlines():
        assert set(json.loads(line)) == {"stream", "timestamp", "message"}
    exported = command("env").splitlines()
    assert f"export AWS_ENDPOINT_URL={emulator.endpoint_url}" in exported
    assert any(line.startswith("export SAGEMAKER_USER_CONFIG_OVERRIDE=") for line in exported)
