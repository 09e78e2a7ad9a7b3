"""What stands around a job: capture manifests, metrics, events, the outputs' metadata."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from cases import BUCKET, ROLE, job_request
from live import Live, wait_for


def run_job(live: Live, job: dict[str, Any], behaviour: str = "echo", **more: Any) -> dict[str, Any]:
    """The description of a job that has ended, in an account of its own."""
    client = live.sagemaker(live.account())
    client.create_model(
        ModelName="model",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": "scripted:around", "Environment": {"BEHAVIOUR": behaviour}},
    )
    client.create_transform_job(**job_request(job, "around", "model"), **more)
    return wait_for(client, "around")


@pytest.mark.rule("R2.15", "R2.30")
def test_capture_lists_inputs_and_outputs_below_the_hour_of_the_start(live: Live) -> None:
    live.fill({"in/a.csv": b"1\n", "in/sub/b.csv": b"2\n", "in/bad.csv": b"BAD\n"})
    found = run_job(
        live, {"DataCaptureConfig": {"DestinationS3Uri": f"s3://{BUCKET}/cap/"}}, "reject:BAD:400:no"
    )
    assert found["TransformJobStatus"] == "Failed"
    captured = {key: json.loads(body) for key, body in live.contents().items() if key.startswith("cap/")}
    hour = found["TransformStartTime"].astimezone(UTC).strftime("%Y/%m/%d/%H")
    by_kind = {}
    for key, manifest in captured.items():
        place = re.fullmatch(rf"cap/(input|output)/{hour}/([0-9a-f-]{{36}})\.json", key)
        assert place, key
        by_kind[place[1]] = manifest
    assert by_kind == {
        "input": [{"prefix": f"s3://{BUCKET}/in/"}, "a.csv", "sub/b.csv"],
        "output": [{"prefix": f"s3://{BUCKET}/out/"}, "a.csv.out", "sub/b.csv.out"],
    }


@pytest.mark.rule("R2.23")
def test_outputs_have_the_type_that_was_accepted(live: Live) -> None:
    live.fill({"in/a": b"1"})
    run_job(live, {"Accept": "application/x-thing"})
    assert live.s3.head_object(Bucket=BUCKET, Key="out/a.out")["ContentType"] == "application/x-thing"


@pytest.mark.rule("R2.24")
def test_outputs_are_encrypted_with_the_key_of_the_request(live: Live) -> None:
    live.fill({"in/a": b"1"})
    key = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555"
    run_job(live, {"KmsKeyId": key})
    found = live.s3.head_object(Bucket=BUCKET, Key="out/a.out")
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)


@pytest.mark.rule("R1.34")
def test_events_come_in_order_with_times_in_milliseconds(live: Live) -> None:
    live.fill({"in/a": b"1"})
    found = run_job(live, {}, Tags=[{"Key": "team", "Value": "x"}])
    events = live.receiver.of_job(found["TransformJobArn"], "Completed")
    statuses = [event["detail"]["TransformJobStatus"] for event in events]
    assert (statuses[0], statuses[-1]) == ("InProgress", "Completed")
    for event in events:
        assert event["source"] == "aws.sagemaker"
        assert event["resources"] == [found["TransformJobArn"]]
        assert event["detail"]["Tags"] == {"team": "x"}
        created = datetime.fromtimestamp(event["detail"]["CreationTime"] / 1000, UTC)
        assert abs((created - found["CreationTime"]).total_seconds()) < 0.01
    assert isinstance(events[-1]["detail"]["TransformEndTime"], int)


@pytest.mark.rule("R8.1", "R8.2", "R8.3")
def test_metrics_count_what_ran_and_show_hosts_while_they_run(live: Live) -> None:
    live.fill({"in/a": b"1\n2\n", "in/b": b"3\n"})
    before = scrape(live)
    client = live.sagemaker(live.account())
    client.create_model(
        ModelName="model", ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": "scripted:slow", "Environment": {"BEHAVIOUR": "sleep:1.5"}},
    )  # fmt: skip
    client.create_transform_job(**job_request({"SplitType": "Line"}, "measured", "model"))
    hosts: set[str] = set()
    while not {"cpu", "memory"} <= hosts:
        hosts |= {
            match[1]
            for match in re.finditer(
                r'sagemaker_transform_(cpu|memory)_utilization\{Host="measured/i-[0-9a-f]+"\} \d',
                live.metrics(),
            )
        }
        assert wait_for(client, "measured", ("InProgress", "Completed"))["TransformJobStatus"] == "InProgress"
    wait_for(client, "measured")
    after = scrape(live)
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert grown["sagemaker_transform_records_total"] == 3
    assert grown["sagemaker_transform_invocations_total"] == 2
    assert grown["sagemaker_transform_input_bytes_total"] == 6
    assert grown['sagemaker_transform_objects_total{outcome="completed"}'] == 2
    assert grown['sagemaker_transform_jobs_ended_total{status="Completed"}'] == 1
    assert grown['sagemaker_transform_container_seconds_total{container="container-1"}'] >= 3
    assert "measured/" not in live.metrics()


@pytest.mark.rule("R8.1", "R8.2")
def test_cloudwatch_has_the_cpu_and_memory_of_a_job_that_has_ended(live: Live) -> None:
    live.fill({"in/a": b"1\n"})
    account = live.account()
    client = live.sagemaker(account)
    client.create_model(
        ModelName="model", ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": "scripted:slow", "Environment": {"BEHAVIOUR": "sleep:1.5"}},
    )  # fmt: skip
    began = time.time()
    client.create_transform_job(**job_request({}, "seen", "model"))
    wait_for(client, "seen")
    cloudwatch = live.cloudwatch(account)
    metrics = cloudwatch.list_metrics(Namespace="/aws/sagemaker/TransformJobs")["Metrics"]
    [host] = {metric["Dimensions"][0]["Value"] for metric in metrics}
    assert re.fullmatch(r"seen/i-[0-9a-f]+", host)
    queries = [
        {
            "Id": metric["MetricName"].lower(),
            "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"},
        }
        for metric in metrics
    ]
    results = cloudwatch.get_metric_data(
        MetricDataQueries=queries, StartTime=began - 60, EndTime=time.time() + 60
    )["MetricDataResults"]
    values = {result["Label"]: max(result["Values"]) for result in results}
    assert set(values) == {"CPUUtilization", "MemoryUtilization"}
    assert values["CPUUtilization"] > 0  # an interpreter has started
    assert 0 < values["MemoryUtilization"] < 100


def scrape(live: Live) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in live.metrics().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_the_page_for_prometheus_says_what_it_is(live: Live) -> None:
    answer = httpx.get(f"{live.endpoint}/_emulator/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")


@pytest.mark.rule("R6.8")
def test_an_image_that_cannot_be_had_fails_the_job(live: Live) -> None:
    live.fill({"in/a": b"1"})
    client = live.sagemaker(live.account())
    client.create_model(
        ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "nobody/knows:this"}
    )
    client.create_transform_job(**job_request({}, "around", "model"))
    found = wait_for(client, "around")
    assert found["TransformJobStatus"] == "Failed"
    assert found["FailureReason"].startswith("ClientError: ")
    assert "nobody/knows:this" in found["FailureReason"]
    assert "TransformStartTime" not in found


@pytest.mark.rule("R1.5", "R1.12", "R1.14")
def test_times_are_seconds_and_a_used_name_is_the_modelled_error(live: Live) -> None:
    live.fill({"in/a": b"1"})
    account = live.account()
    client = live.sagemaker(account)
    client.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "scripted:time"})
    client.create_transform_job(**job_request({}, "Timed", "model"))
    wait_for(client, "Timed")
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_transform_job(**job_request({}, "timed", "model"))
    scope = f"{account}/20260101/us-east-1/sagemaker/aws4_request"
    body = httpx.post(
        live.endpoint,
        content=b'{"TransformJobName": "Timed"}',
        headers={
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            "X-Amz-Target": "SageMaker.DescribeTransformJob",
        },
    ).text
    for name in ("CreationTime", "TransformStartTime", "TransformEndTime"):
        assert re.search(rf'"{name}": ?1\d{{9}}(\.\d{{1,3}})?[,}}]', body), body
