"""Containers in a Docker engine: what they are given, and what is said when they fail."""

from __future__ import annotations

import asyncio
import io
import socket
import tarfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from docker_images import EVALUATING, FOREIGN, REPOSITORY, SCRIPTED, docker, environment_of
from docker_jobs import ONE_PAYLOAD, DockerJobs, left_behind, outside_host, running
from harness import until

from sagemaker_transform_emulator.config import DUMMY_KEYS, ImageMapping
from sagemaker_transform_emulator.jobs.events import ContainerLine, InputListed, JobNote, Notice
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime.docker import networks
from sagemaker_transform_emulator.runtime.docker import runtime as docker_runtime
from sagemaker_transform_emulator.runtime.docker.instance_types import Capacity
from sagemaker_transform_emulator.sagemaker.requests import MIB, JobStatus

pytestmark = pytest.mark.needs("docker")
PING_SENTENCE = "AlgorithmError: Model container failed to respond to ping."
ABSENT = "registry.invalid/nobody/nothing:1"
TWO_OF_THEM = (
    {"Environment": {"BEHAVIOUR": "lines_nl:upper", "RESPONSE_CONTENT_TYPE": "text/csv"}},
    {"Environment": {"BEHAVIOUR": "lines:id"}},
)


def environment(**variables: str) -> dict[str, Any]:
    return {"Environment": variables}


def given_to(docker_jobs: DockerJobs, container: dict[str, Any], **job: Any) -> dict[str, str]:
    """The environment the engine starts the container's program with: Python adds an LC_CTYPE to its own."""
    entries = docker_jobs.ask("open('/proc/self/environ').read()", container, **job).split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def archive(**files: str) -> bytes:
    body = io.BytesIO()
    with tarfile.open(fileobj=body, mode="w:gz") as opened:
        for name, text in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(text)
            opened.addfile(info, io.BytesIO(text.encode()))
    return body.getvalue()


# What a container is given


@pytest.mark.rule("R4.1", "R4.3", "R4.4", "R4.5", "R4.6")
def test_a_single_container_sees_the_documented_environment(docker_jobs: DockerJobs) -> None:
    found = given_to(
        docker_jobs,
        {"Image": EVALUATING, **environment(OWN="model", BOTH="model")},
        Environment={"BOTH": "job"},
        MaxPayloadInMB=2,
    )
    images = environment_of(EVALUATING)
    assert found.items() >= images.items()
    own = {name: value for name, value in found.items() if name not in {*images, "PATH", "HOSTNAME", "HOME"}}
    assert own.pop("AWS_ENDPOINT_URL_S3").startswith("http://")
    key, secret = DUMMY_KEYS
    assert own == {
        "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "SAGEMAKER_REGION": "us-east-1", "OWN": "model", "BOTH": "job",
        "SAGEMAKER_BATCH": "true", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "2",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
    }  # fmt: skip


@pytest.mark.rule("R4.1")
def test_serve_is_the_argument_and_replaces_the_command(docker_jobs: DockerJobs) -> None:
    assert docker_jobs.ask("x", environment(BEHAVIOUR="argv")) == '["serve"]'


@pytest.mark.rule("R4.38")
def test_containers_of_a_pipeline_get_ports_of_their_own(docker_jobs: DockerJobs) -> None:
    run = docker_jobs.run(
        *({"Image": EVALUATING, **environment(N=str(number))} for number in (1, 2)), **ONE_PAYLOAD
    )
    assert run.status is JobStatus.COMPLETED
    docker_jobs.bench.put(
        "in/a.csv", b"'os.environ[\"SAGEMAKER_BIND_TO_PORT\"]+' + repr(os.environ['SAGEMAKER_BIND_TO_PORT'])"
    )
    docker_jobs.run(
        *({"Image": EVALUATING, **environment(N=str(number))} for number in (1, 2)), **ONE_PAYLOAD
    )
    assert docker_jobs.bench.get("out/a.csv.out") == b"80818080"


@pytest.mark.rule("R4.2")
def test_the_model_is_in_its_directory_and_writable(docker_jobs: DockerJobs) -> None:
    docker_jobs.bench.put("model.tar.gz", archive(**{"a.txt": "weights", "code/b.py": "x"}))
    found = docker_jobs.ask(
        "[sorted(os.listdir('/opt/ml/model')), open('/opt/ml/model/a.txt').read(),"
        " open('/opt/ml/model/new','w').write('y'), os.listdir('/opt/ml/model/code')]",
        {"Image": EVALUATING, "ModelDataUrl": "s3://bkt/model.tar.gz"},
    )
    assert found == "[['a.txt', 'code'], 'weights', 1, ['b.py']]"


@pytest.mark.rule("R4.2")
def test_without_an_archive_the_directory_is_there_and_empty(docker_jobs: DockerJobs) -> None:
    assert docker_jobs.ask("os.listdir('/opt/ml/model')", {"Image": EVALUATING}) == "[]"


def test_a_store_on_the_hosts_loopback_is_reached_through_the_gateway(docker_jobs: DockerJobs) -> None:
    docker_jobs.bench.put("hello", b"from S3")
    s3, endpoint = docker_jobs.bench.storage.client, str(docker_jobs.bench.address.endpoint_url)
    url = s3.generate_presigned_url("get_object", {"Bucket": "bkt", "Key": "hello"}).removeprefix(endpoint)
    asked = (
        f"__import__('urllib.request').request.urlopen(os.environ['AWS_ENDPOINT_URL_S3'] + {url!r}).read()"
    )
    assert docker_jobs.ask(asked, {"Image": EVALUATING}) == "b'from S3'"


@pytest.mark.rule("R4.35")
def test_lines_of_both_streams_arrive_with_their_time(docker_jobs: DockerJobs) -> None:
    docker_jobs.ask(
        "print('to stdout', flush=True), print('to', 'stderr', file=sys.stderr)", {"Image": EVALUATING}
    )
    lines = [event for event in docker_jobs.bench.events if isinstance(event, ContainerLine)]
    assert {"evaluating", "to stdout", "to stderr", "asked to end"} <= {line.text for line in lines}
    assert all(abs(datetime.now(UTC) - line.time) < timedelta(minutes=5) for line in lines)


@pytest.mark.rule("R4.39")
def test_a_foreign_image_runs_as_third_container(docker_jobs: DockerJobs) -> None:
    docker_jobs.bench.put("in/a.csv", b"abc\ndef\n")
    run = docker_jobs.run(*TWO_OF_THEM, {"Image": FOREIGN}, AssembleWith="Line")
    assert run.status is JobStatus.COMPLETED, run.error
    assert docker_jobs.bench.get("out/a.csv.out") == b"CBA\nFED\n"


@pytest.mark.rule("R1.10")
def test_a_missing_label_is_a_finding(docker_jobs: DockerJobs) -> None:
    docker_jobs.run(*TWO_OF_THEM, {"Image": FOREIGN})
    assert docker_jobs.texts(JobNote) == [
        f"image {FOREIGN} lacks the label com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true"
    ]
    docker_jobs.run({"Image": FOREIGN})
    assert not [text for text in docker_jobs.texts(JobNote) if "label" in text]


def test_a_mapping_names_the_image_that_runs(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(images=(ImageMapping(match="123.dkr.ecr.*/my:*", image=SCRIPTED),))
    run = docker_jobs.run({"Image": "123.dkr.ecr.eu-west-1.amazonaws.com/my:1"})
    assert run.status is JobStatus.COMPLETED, run.error
    assert docker_jobs.texts(Notice) == [
        f"image {SCRIPTED} stands for 123.dkr.ecr.eu-west-1.amazonaws.com/my:1"
    ]


def test_several_instances_share_the_objects(docker_jobs: DockerJobs) -> None:
    for name in "bcd":
        docker_jobs.bench.put(f"in/{name}.csv", b"1\n")
    run = docker_jobs.run(*TWO_OF_THEM, InstanceCount=2)
    assert run.status is JobStatus.COMPLETED, run.error
    assert len({event.instance for event in run.completed}) == 2
    assert len(run.completed) == 4


# How it is confined


def test_network_isolation_leaves_no_way_out(docker_jobs: DockerJobs) -> None:
    with outside_host() as address:
        knock = f"__import__('socket').create_connection({address!r}, 3)"
        assert docker_jobs.ask(knock, {"Image": EVALUATING}).startswith("<socket")
        assert docker_jobs.ask(knock, {"Image": EVALUATING}, isolated=True).startswith(("OSError", "Timeout"))


def test_network_isolation_gives_no_way_to_s3(docker_jobs: DockerJobs) -> None:
    images = environment_of(EVALUATING)
    given = given_to(docker_jobs, {"Image": EVALUATING})
    assert {name for name in given if "KEY" in name or "URL" in name} - images.keys() == {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_S3",
    }  # fmt: skip
    given = given_to(docker_jobs, {"Image": EVALUATING}, isolated=True)
    assert {name for name in given if "KEY" in name or "URL" in name} - images.keys() == set()


def test_the_profile_sagemaker_drops_raw_sockets_and_new_privileges(docker_jobs: DockerJobs) -> None:
    status = docker_jobs.ask("open('/proc/self/status').read()", {"Image": EVALUATING})
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["NoNewPrivs"] == "1"
    assert not int(fields["CapEff"], 16) & 1 << 13  # NET_RAW
    assert int(fields["CapEff"], 16) & 1  # the engine's others stay


def test_the_profile_strict_takes_all_that_can_be_taken(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(profile="strict")
    docker_jobs.bench.put("model.tar.gz", archive(**{"a.txt": "weights"}))
    container = {"Image": EVALUATING, "ModelDataUrl": "s3://bkt/model.tar.gz"}
    capabilities = "[line.split()[1] for line in open('/proc/self/status') if line.startswith('CapEff')]"
    expression = f"(open('/opt/ml/model/a.txt').read(), open('/tmp/b', 'w').write('x'), {capabilities})"
    assert docker_jobs.ask(expression, container) == "('weights', 1, ['0000000000000000'])"
    writable = "[os.access(path, os.W_OK) for path in ('/opt/ml/model', '/srv', '/opt', '/tmp')]"
    assert docker_jobs.ask(writable, container) == "[False, False, False, True]"


def test_26_out_of_memory_names_the_limit(docker_jobs: DockerJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    docker_jobs.settings(instance_limits=True)
    monkeypatch.setattr(docker_runtime, "capacity", lambda kind: Capacity(kind, 1, 64 * MIB))
    docker_jobs.bench.put("in/a.csv", b"len(bytearray(512 << 20))")
    run = docker_jobs.run({"Image": EVALUATING}, **ONE_PAYLOAD)
    assert run.failure_reason is not None
    assert run.failure_reason.startswith("ClientError: Please use an instance type with more memory")
    assert "ran out of memory (its memory limit of 0.0625 GiB, what ml.m4.xlarge has, was reached)" in str(
        run.error
    )
    assert 'Container "container-1"' in str(run.error)


# Start


def test_01_an_absent_image_fails_before_any_input_is_read(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(pull="missing")
    run = docker_jobs.run({"Image": ABSENT})
    assert run.failure_reason is not None
    assert run.failure_reason.startswith(
        f"ClientError: Image '{ABSENT}' is not on this machine and cannot be pulled"
    )
    assert "registry.invalid" in run.failure_reason.removeprefix(f"ClientError: Image '{ABSENT}'")
    assert not any(isinstance(event, InputListed) for event in docker_jobs.bench.events)


def test_01_nothing_is_pulled_when_that_is_forbidden(docker_jobs: DockerJobs) -> None:
    run = docker_jobs.run({"Image": ABSENT})
    assert "pull = never forbids" in str(run.error)


@pytest.mark.rule("R4.13")
def test_02_exits_at_once(docker_jobs: DockerJobs) -> None:
    run = docker_jobs.run(environment(START="exit:3"))
    assert run.failure_reason is not None
    assert run.failure_reason.startswith(PING_SENTENCE)
    assert "exited with code 3 before it answered" in str(run.error)
    assert "giving up with code 3" in str(run.error)


def test_02_an_image_without_a_program_to_serve(docker_jobs: DockerJobs) -> None:
    bare = docker("image", "inspect", FOREIGN, "-f", "{{.Parent}}")
    assert bare
    docker("tag", bare, f"{REPOSITORY}/bare")
    run = docker_jobs.run({"Image": f"{REPOSITORY}/bare"})
    assert "has no ENTRYPOINT and no command named `serve`" in str(run.error)
    assert run.failure_reason == "AlgorithmError: See job logs for more information"


@pytest.mark.rule("R4.11")
def test_03_never_listens(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(ping_window_s=2)
    assert "nothing in it listens on port 8080" in str(docker_jobs.run(environment(START="silent")).error)


def test_06_listens_on_another_port(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(ping_window_s=2)
    run = docker_jobs.run(environment(START="port:9999"))
    assert "it listens on 0.0.0.0:9999 instead of port 8080" in str(run.error)


def test_06_listens_on_its_loopback_only(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(ping_window_s=2)
    run = docker_jobs.run(environment(BIND_HOST="127.0.0.1"))
    assert "it listens on 127.0.0.1:8080, which only itself can reach: it must bind to 0.0.0.0" in str(
        run.error
    )


def test_07_every_container_that_fails_is_named(docker_jobs: DockerJobs) -> None:
    docker_jobs.settings(ping_window_s=2)
    run = docker_jobs.run(environment(START="exit:3"), {}, environment(PING="404"))
    assert 'Container "container-1"' in str(run.error)
    assert 'Container "container-3"' in str(run.error)
    assert 'Container "container-2"' not in str(run.error)


def test_08_a_published_port_is_used_where_the_gateway_is_not_ours(
    docker_jobs: DockerJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(networks, "is_ours", lambda _: False)
    docker_jobs.bench.put("in/a.csv", b"os.environ['AWS_ENDPOINT_URL_S3'].split(':')[1]")
    run = docker_jobs.run({"Image": EVALUATING}, **ONE_PAYLOAD)
    assert run.status is JobStatus.COMPLETED, run.error
    assert docker_jobs.bench.get("out/a.csv.out") == b"//host.docker.internal"
    docker_jobs.settings(ping_window_s=2)
    unready = docker_jobs.run({"Image": EVALUATING, **environment(SAGEMAKER_BIND_TO_PORT="9999")})
    assert unready.failure_reason is not None
    assert unready.failure_reason.startswith(PING_SENTENCE)


def test_port_8080_of_the_host_may_be_taken(docker_jobs: DockerJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "is_ours", lambda _: False)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8080))
            taken.listen()
        except OSError:
            pass  # somebody else has taken it, which does as well
        assert docker_jobs.run({"Image": EVALUATING}).status is JobStatus.COMPLETED


# The run


async def in_mid_request(docker_jobs: DockerJobs) -> tuple[asyncio.Task[Any], str]:
    """A job whose container has a request it will not answer, and the container's id."""
    task = asyncio.create_task(docker_jobs.arun(environment(BEHAVIOUR="sleep:600", LEDGER="/tmp/ledger")))

    async def asked() -> bool:
        ids = await asyncio.to_thread(running)
        if not ids:
            return False
        text = await asyncio.to_thread(
            docker, "exec", ids[0], "sh", "-c", "cat /tmp/ledger 2>/dev/null || true"
        )
        return "/invocations" in text

    while not await asked():
        assert not task.done(), task.result().error
        await asyncio.sleep(0.05)
    return task, running()[0]


@pytest.mark.rule("R6.5")
def test_25_killed_in_mid_request(docker_jobs: DockerJobs) -> None:
    async def go() -> Any:
        task, container = await in_mid_request(docker_jobs)
        await asyncio.to_thread(docker, "kill", container)
        return await asyncio.wait_for(task, 20)

    run = run_loop(go())
    assert run.failure_reason == "AlgorithmError: See job logs for more information"
    assert "was killed by SIGKILL (exit code 137) while it had record 1 (bytes 0 to 1)" in str(run.error)


def test_25_removed_by_somebody(docker_jobs: DockerJobs) -> None:
    async def go() -> Any:
        task, container = await in_mid_request(docker_jobs)
        await asyncio.to_thread(docker, "rm", "-f", container)
        return await asyncio.wait_for(task, 20)

    assert run_loop(go()).status is JobStatus.FAILED


@pytest.mark.rule("R1.30", "R4.7")
def test_50_a_stopped_job_leaves_nothing(docker_jobs: DockerJobs) -> None:
    async def go() -> None:
        task, _ = await in_mid_request(docker_jobs)
        task.cancel()
        await asyncio.wait({task}, timeout=20)
        assert task.cancelled()

    run_loop(go())
    assert docker_jobs.bench.keys("out") == []


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_50_stopped_while_containers_start(docker_jobs: DockerJobs, moment: int) -> None:
    async def go() -> None:
        task = asyncio.create_task(docker_jobs.arun({"Image": EVALUATING}, {"Image": EVALUATING}))
        await until(lambda: len(left_behind()) > moment)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    run_loop(go())
