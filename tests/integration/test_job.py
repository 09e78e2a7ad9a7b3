"""Whole jobs through scripted containers as real processes."""

from __future__ import annotations

import gzip

import pytest
from harness import Bench, job_request

from sagemaker_transform_emulator import run_transform_job
from sagemaker_transform_emulator.errors import ServiceError, UsageError
from sagemaker_transform_emulator.jobs.events import ObjectFailed
from sagemaker_transform_emulator.sagemaker.requests import JobStatus


@pytest.mark.rule("R2.4", "R2.6", "R2.20", "R4.39", "R4.40")
def test_two_containers_single_record_assembled_by_line(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1,2\n3,4\n")
    run = jobs.run(
        {"BEHAVIOUR": "lines:upper", "RESPONSE_CONTENT_TYPE": "text/csv; charset=utf-8"},
        {"BEHAVIOUR": "lines:sum"},
        AssembleWith="Line",
    )
    assert run.status is JobStatus.COMPLETED
    assert jobs.get("out/a.csv.out") == b"3\n7\n"
    assert [row["body"] for row in jobs.ledger(1)] == [b"1,2\n", b"3,4\n"]
    assert [row["body"] for row in jobs.ledger(2)] == [b"1,2", b"3,4"]
    assert jobs.ledger(1)[0]["headers"]["Accept"] == "*/*"
    assert jobs.ledger(2)[0]["headers"]["Accept"] == "text/csv"
    assert jobs.ledger(2)[0]["headers"]["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.rule("R4.21")
def test_the_container_sees_the_services_headers(jobs: Bench) -> None:
    jobs.put("in/dé.csv", b"1\n")
    jobs.run()
    headers = jobs.ledger()[0]["headers"]
    assert headers["User-Agent"] == "Go-http-client/1.1"
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Content-Length"] == "2"
    assert headers["X-Amzn-Sagemaker-Input-Object"].encode("latin-1").decode() == "bkt/in/dé.csv"
    assert headers["X-Amzn-Sagemaker-Input-Object-Base64"] == "Ymt0L2luL2TDqS5jc3Y="


@pytest.mark.rule("R2.1", "R4.24")
def test_outputs_stay_in_record_order_whatever_the_concurrency(jobs: Bench) -> None:
    records = [f"{(number * 7) % 5}\n" for number in range(60)]
    jobs.put("in/a.csv", "".join(records).encode())
    run = jobs.run(
        {"BEHAVIOUR": "sleep_body_seconds_then_lines:id"}, MaxConcurrentTransforms=8, MaxPayloadInMB=1
    )
    assert run.status is JobStatus.COMPLETED
    assert jobs.get("out/a.csv.out").decode() == "".join(record.strip() for record in records)
    assert run.progress.records == len(records)


@pytest.mark.rule("R6.1", "R6.2", "R2.21", "R4.31", "R1.38")
def test_a_bad_record_costs_its_object_only(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"x\nBAD\ny\n")
    jobs.put("in/b.csv", b"x\n")
    run = jobs.run(
        {"BEHAVIOUR": "reject:BAD:500:boom\nline two"}, ModelClientConfig={"InvocationsMaxRetries": 1}
    )
    assert run.status is JobStatus.FAILED
    assert run.failure_reason == "AlgorithmError: See job logs for more information"
    assert jobs.keys("out") == ["out/b.csv.out"]
    assert [row["body"] for row in jobs.ledger()] == [b"x\n", b"BAD\n", b"BAD\n", b"x\n"]
    assert jobs.data_log()[1:] == [
        "bkt/in/a.csv: Bad HTTP status received from algorithm: 500",
        "bkt/in/a.csv: ",
        "bkt/in/a.csv: Message:",
        "bkt/in/a.csv: boom",
        "bkt/in/a.csv: line two",
    ]
    [failure] = [event for event in jobs.events if isinstance(event, ObjectFailed)]
    assert failure.payload is not None
    assert failure.payload.where == "record 2 (bytes 2 to 5)"
    assert 'Container "container-1" on record 2 (bytes 2 to 5) answered 500' in failure.error.message


@pytest.mark.rule("R4.30", "R4.27")
def test_4xx_is_not_sent_again(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"BAD\n")
    run = jobs.run({"BEHAVIOUR": "status:413:too big"})
    assert run.failure_reason == "ClientError: See job logs for more information"
    assert len(jobs.ledger()) == 1
    assert jobs.data_log()[1] == "bkt/in/a.csv: ClientError: 413"


@pytest.mark.rule("R4.27", "R4.46")
def test_5xx_is_sent_again_from_the_first_container(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"x\n")
    run = jobs.run({}, {"BEHAVIOUR": "fail_times:2:503"})
    assert run.status is JobStatus.COMPLETED
    assert len(jobs.ledger(1)) == len(jobs.ledger(2)) == 3
    assert run.progress.retries == 2


@pytest.mark.rule("R4.26", "R4.32")
def test_a_silent_container_is_asked_retries_plus_one_times(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"x\n")
    run = jobs.run(
        {"BEHAVIOUR": "sleep:30"},
        ModelClientConfig={"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 1},
    )
    assert run.failure_reason == "AlgorithmError: See job logs for more information"
    assert len(jobs.ledger()) == 2
    assert jobs.data_log()[1] == (
        "bkt/in/a.csv: Model server did not respond to /invocations request within 1 seconds"
    )


@pytest.mark.rule("R2.11")
def test_a_record_above_the_limit_is_named_and_not_sent(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"x\n" + b"y" * 1_048_577 + b"\n")
    run = jobs.run(MaxPayloadInMB=1)
    assert run.failure_reason == "ClientError: See job logs for more information"
    assert jobs.keys("out") == []
    assert len(jobs.ledger()) == 1
    assert "Record 2 (at byte 2)" in run.failed[0].error.message
    assert jobs.open_uploads() == []


@pytest.mark.rule("R2.17")
def test_gzip_of_several_members_is_read_whole(jobs: Bench) -> None:
    jobs.put("in/a.gz", gzip.compress(b"1,2\n3,") + gzip.compress(b"4\n"))
    run = jobs.run({"BEHAVIOUR": "lines:sum"}, CompressionType="Gzip", AssembleWith="Line")
    assert run.status is JobStatus.COMPLETED
    assert jobs.get("out/a.gz.out") == b"3\n7\n"


@pytest.mark.rule("R5.1", "R5.2")
def test_objects_are_spread_over_instances(jobs: Bench) -> None:
    for name in "abcd":
        jobs.put(f"in/{name}", b"1\n")
    run = jobs.run(InstanceCount=2)
    assert run.status is JobStatus.COMPLETED
    by_instance: dict[str, int] = {}
    for event in run.completed:
        by_instance[event.instance] = by_instance.get(event.instance, 0) + 1
    assert sorted(by_instance.values()) == [2, 2]
    settings = [line for line in jobs.data_log() if line.startswith("MaxConcurrentTransforms")]
    assert settings == ["MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=SINGLE_RECORD"] * 2


@pytest.mark.rule("R4.10", "R4.12", "R4.15")
def test_ping_until_200_then_parameters_then_invocations(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n")
    jobs.run({"PING": "503,503,200", "EXECUTION_PARAMETERS": '{"MaxConcurrentTransforms": 3}'})
    assert [row["status"] for row in jobs.ledger(path="/ping")] == [503, 503, 200]
    assert len(jobs.ledger(path="/execution-parameters")) == 1
    assert jobs.data_log()[0] == "MaxConcurrentTransforms=3, MaxPayloadInMB=6, BatchStrategy=SINGLE_RECORD"


@pytest.mark.rule("R1.22")
@pytest.mark.parametrize("uri", ["s3://bkt/nothing/", "s3://no-such-bucket/in/"])
def test_an_input_without_objects_is_refused(jobs: Bench, uri: str) -> None:
    with pytest.raises(ServiceError, match="No S3 objects found under S3 URL") as caught:
        jobs.run(S3Uri=uri)
    assert caught.value.code == "ValidationException"


@pytest.mark.rule("R1.8")
def test_missing_model_data_is_refused(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "scripted", "ModelDataUrl": "s3://bkt/m.tar.gz"}}
    with pytest.raises(ServiceError) as refused:
        run_transform_job(model, job_request(), settings=jobs.settings, store=jobs.address)
    assert refused.value.message == "Could not find model data at s3://bkt/m.tar.gz."


def test_a_job_for_another_model_is_refused(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n")
    with pytest.raises(UsageError, match="asks for 'other'"):
        jobs.run(ModelName="other")


@pytest.mark.rule("R6.7")
def test_an_archive_that_is_no_tar_gz_fails_the_job(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n")
    jobs.put("m.tar.gz", b"not a tar")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "scripted", "ModelDataUrl": "s3://bkt/m.tar.gz"}}
    run = run_transform_job(model, job_request(), settings=jobs.settings, store=jobs.address)
    assert run.status is JobStatus.FAILED
    assert run.failure_reason is not None
    assert run.failure_reason.startswith(
        'ClientError: Failed to extract model data archive for container "container-1" from URL "s3://bkt/m.tar.gz".'
    )


@pytest.mark.rule("R6.8")
def test_an_unknown_image_fails_the_job_and_names_the_remedy(jobs: Bench) -> None:
    jobs.put("in/a.csv", b"1\n")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "nobody/knows:1"}}
    run = run_transform_job(model, job_request(), settings=jobs.settings, store=jobs.address)
    assert run.status is JobStatus.FAILED
    assert run.error is not None
    assert "'nobody/knows:1'" in run.error.message
    assert "emulator.toml" in run.error.remedy
