"""Each operation's answers and refusals, word by word."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from api.inprocess import AUTHORIZATION, ROLE, SCRIPTED, Wire, application, ended, job_request, run

from sagemaker_transform_emulator.config import Settings, StoreAddress
from sagemaker_transform_emulator.sagemaker.resources import JobRecord, Place

MODEL = {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "scripted"}}
ARN = "arn:aws:sagemaker:us-east-1:000000000000"
Talk = Callable[[Wire], Coroutine[Any, Any, Any]]


@pytest.fixture
def talk(s3: StoreAddress) -> Callable[..., Any]:
    """Run a conversation with a fresh application that has the model "m"."""

    def go(conversation: Talk, **settings: Any) -> Any:
        async def inside() -> Any:
            given = Settings(**{"images": (SCRIPTED,), "runtime": "process", **settings})
            async with application(s3, given) as wire:
                await wire.call("CreateModel", **MODEL)
                return await conversation(wire)

        return run(inside)

    return go


def past_job(name: str, at: float, status: str = "Completed") -> JobRecord:
    """A job that ended a second after it was created."""
    return JobRecord(Place(), job_request(name), MODEL, status, at, at + 2, at, at + 1)  # type: ignore[arg-type]


def test_a_success_carries_the_headers_of_the_service(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        return await wire.post("SageMaker.ListModels", b"{}")

    answer = talk(conversation)
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    assert {"x-amzn-requestid", "date", "content-length"} <= set(answer.headers)
    assert [item["ModelArn"] for item in answer.json()["Models"]] == [f"{ARN}:model/m"]


@pytest.mark.rule("R1.2", "R1.3", "R1.5", "R1.11")
def test_a_model_is_described_deleted_and_unknown_then(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        described = await wire.call("DescribeModel", ModelName="m")
        deleted = await wire.post("SageMaker.DeleteModel", b'{"ModelName": "m"}')
        gone = await wire.post("SageMaker.DescribeModel", b'{"ModelName": "m"}')
        again = await wire.refused("DeleteModel", ModelName="m")
        return described, deleted, gone, again

    described, deleted, gone, again = talk(conversation)
    created = described.pop("CreationTime")
    assert abs(created - time.time()) < 60
    assert round(created, 3) == created
    assert described == {**MODEL, "ModelArn": f"{ARN}:model/m", "EnableNetworkIsolation": False}
    assert (deleted.status_code, deleted.content) == (200, b"")
    assert gone.status_code == 400
    text = f'Could not find model "{ARN}:model/m".'
    assert gone.json() == {"__type": "ValidationException", "message": text}
    assert again == ("ValidationException", text)


@pytest.mark.rule("R1.6", "R1.7")
def test_a_model_name_is_used_once(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        before = await wire.call("DescribeModel", ModelName="m")
        other = MODEL | {"PrimaryContainer": {"Image": "scripted-other"}}
        refused = await wire.refused("CreateModel", **other)
        return refused, before == await wire.call("DescribeModel", ModelName="m")

    text = f'Cannot create already existing model "{ARN}:model/m".'
    assert talk(conversation) == (("ValidationException", text), True)


@pytest.mark.rule("R1.8")
def test_model_data_must_be_there(talk: Any) -> None:
    container = {"Image": "scripted", "ModelDataUrl": "s3://bkt/m/model.tar.gz"}

    async def conversation(wire: Wire) -> Any:
        return await wire.refused(
            "CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer=container
        )

    text = "Could not find model data at s3://bkt/m/model.tar.gz."
    assert talk(conversation) == ("ValidationException", text)


@pytest.mark.rule("R1.10")
@pytest.mark.parametrize("enforced", [True, False])
def test_containers_of_a_pipeline_need_the_label_when_that_is_enforced(talk: Any, *, enforced: bool) -> None:
    async def labels(image: str) -> dict[str, str]:
        good = {"com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true"}
        return good if image == "scripted-good" else {}

    pipeline = {
        "ModelName": "p",
        "ExecutionRoleArn": ROLE,
        "Containers": [{"Image": "scripted-good"}, {"Image": "scripted-bad"}],
    }

    async def conversation(wire: Wire) -> Any:
        wire.backend.image_labels = labels
        return await wire.post("SageMaker.CreateModel", json.dumps(pipeline).encode())

    answer = talk(conversation, enforce_bind_to_port_label=enforced)
    if enforced:
        assert answer.json()["message"] == (
            "Your Ecr Image scripted-bad does not contain required "
            "com.amazonaws.sagemaker.capabilities.accept-bind-to-port=true Docker label(s)."
        )
    else:
        assert answer.status_code == 200


@pytest.mark.rule("R1.4")
@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"TransformJobName": "my_job"},
            (
                "1 validation error detected: Value 'my_job' at 'transformJobName' failed to satisfy "
                "constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
            ),
        ),
        (
            {"ModelClientConfig": {"InvocationsTimeoutInSeconds": 3601, "InvocationsMaxRetries": 4}},
            (
                "2 validation errors detected: Value '3601' at "
                "'modelClientConfig.invocationsTimeoutInSeconds' "
                "failed to satisfy constraint: Member must have value less than or equal to 3600; Value "
                "'4' at "
                "'modelClientConfig.invocationsMaxRetries' failed to satisfy constraint: Member must have "
                "value "
                "less than or equal to 3"
            ),
        ),
        (
            {"BatchStrategy": "Some"},
            (
                "1 validation error detected: Value 'Some' at 'batchStrategy' failed to satisfy constraint: "
                "Member must satisfy enum value set: [MultiRecord, SingleRecord]"
            ),
        ),
        (
            {"ModelName": None},
            (
                "1 validation error detected: Value null at 'modelName' failed to satisfy constraint: "
                "Member must "
                "not be null"
            ),
        ),
    ],
)
def test_constraints_are_refused_in_the_services_words(talk: Any, changes: Any, text: str) -> None:
    async def conversation(wire: Wire) -> Any:
        return await wire.refused("CreateTransformJob", **job_request(**changes))

    assert talk(conversation) == ("ValidationException", text)


@pytest.mark.rule("R1.13", "R1.22", "R1.24")
def test_a_job_needs_a_model_and_objects(talk: Any) -> None:
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bkt/none/"}}}

    async def conversation(wire: Wire) -> Any:
        return (
            await wire.refused("CreateTransformJob", **job_request(ModelName="nope")),
            await wire.refused("CreateTransformJob", **job_request(TransformInput=source)),
        )

    no_model, no_objects = talk(conversation)
    assert no_model == ("ValidationException", f'Could not find model "{ARN}:model/nope".')
    assert no_objects == (
        "ValidationException",
        (
            'No S3 objects found under S3 URL "s3://bkt/none/" given in input data source. Please '
            "ensure that "
            "the bucket exists in the selected region (us-east-1), that objects exist under that S3 "
            "prefix, and "
            f'that the role "{ROLE}" has "s3:ListBucket" permissions on bucket "bkt".'
        ),
    )


@pytest.mark.rule("R1.14", "R1.25")
def test_53_a_job_name_is_used_once_in_any_case_and_of_two_at_once_one_wins(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        def create(name: str) -> Coroutine[Any, Any, Any]:
            return wire.post("SageMaker.CreateTransformJob", json.dumps(job_request(name)).encode())

        return await asyncio.gather(*(create(name) for name in ("Same-Job", "same-job", "SAME-JOB")))

    answers = talk(conversation)
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]
    won = next(answer.json() for answer in answers if answer.status_code == 200)
    assert won == {"TransformJobArn": f"{ARN}:transform-job/same-job"}
    for answer in answers:
        if answer.status_code == 400:
            assert answer.json() == {
                "__type": "ResourceInUse",
                "Message": "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({ARN}:transform-job/same-job)",
            }


@pytest.mark.rule("R1.15")
def test_a_quota_counts_the_instances_of_running_jobs(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        return await wire.refused("CreateTransformJob", **job_request())

    assert talk(conversation, quotas={"ml.m4.xlarge": 0}) == (
        "ResourceLimitExceeded",
        (
            "The account-level service limit 'ml.m4.xlarge for transform job usage' is 0 Instances, with "
            "current utilization of 0 Instances and a request delta of 1 Instances. Please use AWS "
            "Service Quotas "
            "to request an increase for this quota. If AWS Service Quotas is not available, contact "
            "AWS support "
            "to request an increase for this quota."
        ),
    )


@pytest.mark.rule("R1.18")
def test_the_product_of_concurrency_and_payload_is_limited(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        return await wire.refused("CreateTransformJob", **job_request(MaxConcurrentTransforms=17))

    assert talk(conversation)[0] == "ValidationException"


@pytest.mark.rule("R1.26", "R1.27", "R1.29", "R1.32")
def test_a_job_is_in_progress_at_once_and_completed_later(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        created = await wire.call("CreateTransformJob", **job_request("Job"))
        at_once = await wire.call("DescribeTransformJob", TransformJobName="Job")
        return created, at_once, await ended(wire, "job"), await wire.call("ListTransformJobs")

    created, at_once, done, listed = talk(conversation)
    assert set(created) == {"TransformJobArn"}
    request = job_request("Job")
    stamp = at_once.pop("CreationTime")
    assert at_once == {
        **request,
        "TransformInput": {**request["TransformInput"], "CompressionType": "None"},
        "TransformOutput": {**request["TransformOutput"], "AssembleWith": "None", "KmsKeyId": ""},
        "DataProcessing": {"InputFilter": "$", "OutputFilter": "$", "JoinSource": "None"},
        "TransformJobArn": f"{ARN}:transform-job/job",
        "TransformJobStatus": "InProgress",
    }
    assert done["TransformJobStatus"] == "Completed"
    assert stamp <= done["TransformStartTime"] <= done["TransformEndTime"]
    assert "FailureReason" not in done
    (summary,) = listed["TransformJobSummaries"]
    assert summary.pop("LastModifiedTime") >= done["TransformEndTime"] - 0.001
    assert summary == {
        "TransformJobName": "Job",
        "TransformJobArn": f"{ARN}:transform-job/job",
        "CreationTime": stamp,
        "TransformEndTime": done["TransformEndTime"],
        "TransformJobStatus": "Completed",
    }


@pytest.mark.rule("R1.28", "R1.31")
def test_unknown_and_ended_jobs_are_refused(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        wire.backend.store.add_job(past_job("past", 1.0, "Stopped"))
        return (
            await wire.refused("DescribeTransformJob", TransformJobName="nope"),
            await wire.refused("StopTransformJob", TransformJobName="nope"),
            await wire.refused("StopTransformJob", TransformJobName="past"),
        )

    assert talk(conversation) == (
        ("ValidationException", "Could not find requested job with name: nope"),
        ("ValidationException", "Could not find job to update with name: nope"),
        (
            "ValidationException",
            "The request was rejected because the transform job is in status Stopped",
        ),
    )


@pytest.mark.rule("R1.30", "R1.31")
def test_a_stopped_job_is_stopping_then_stopped_without_output(talk: Any, s3: StoreAddress) -> None:
    slow = {**MODEL, "ModelName": "slow"} | {
        "PrimaryContainer": {"Image": "scripted", "Environment": {"BEHAVIOUR": "sleep:30"}}
    }
    output = {"S3OutputPath": "s3://bkt/stopped"}

    async def conversation(wire: Wire) -> Any:
        await wire.call("CreateModel", **slow)
        await wire.call("CreateTransformJob", **job_request(ModelName="slow", TransformOutput=output))
        stopped = await wire.post("SageMaker.StopTransformJob", b'{"TransformJobName": "job"}')
        again = await wire.post("SageMaker.StopTransformJob", b'{"TransformJobName": "job"}')
        stopping = await wire.call("DescribeTransformJob", TransformJobName="job")
        done = await ended(wire, "job")
        listed = await asyncio.to_thread(
            wire.backend.storage.client.list_objects_v2, Bucket="bkt", Prefix="stopped"
        )
        return stopped, again, stopping, done, listed["KeyCount"]

    stopped, again, stopping, done, outputs = talk(conversation)
    assert (stopped.status_code, stopped.content, again.status_code) == (200, b"", 200)
    assert stopping["TransformJobStatus"] == "Stopping"
    assert done["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in done
    assert outputs == 0


@pytest.mark.rule("R1.32")
def test_lists_are_filtered_before_they_are_paged(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        for number in range(12):
            wire.backend.store.add_job(past_job(f"job-{number:02}", 1000.0 + number))
        wire.backend.store.add_job(past_job("other", 2000.0, "Failed"))

        async def names(**request: Any) -> tuple[list[str], str | None]:
            answer = await wire.call("ListTransformJobs", **request)
            return (
                [item["TransformJobName"] for item in answer["TransformJobSummaries"]],
                answer.get("NextToken"),
            )

        first, token = await names(NameContains="job-")
        wire.backend.store.add_job(past_job("job-new", 3000.0))
        second = await names(NameContains="job-", NextToken=token)
        return (
            first, second,
            await names(SortBy="Name", SortOrder="Ascending", MaxResults=2),
            await names(StatusEquals="Failed"),
            await names(CreationTimeAfter=1010.0, CreationTimeBefore=2000.0),
            await wire.refused("ListTransformJobs", NextToken="bm9wZQ=="),
        )  # fmt: skip

    first, second, by_name, failed, between, bad = talk(conversation)
    assert first == [f"job-{number:02}" for number in range(11, 1, -1)]
    assert second == (["job-01", "job-00"], None)
    assert by_name[0] == ["job-00", "job-01"]
    assert failed[0] == ["other"]
    assert between[0] == ["job-11"]
    assert bad[0] == "ValidationException"


def test_tags_are_added_listed_and_removed(talk: Any) -> None:
    arn = f"{ARN}:model/m"

    async def conversation(wire: Wire) -> Any:
        tags = [{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "dev"}]
        added = await wire.call("AddTags", ResourceArn=arn, Tags=tags)
        removed = await wire.call("DeleteTags", ResourceArn=arn, TagKeys=["team"])
        left = await wire.call("ListTags", ResourceArn=arn)
        return added, removed, left, await wire.refused("ListTags", ResourceArn=f"{ARN}:model/nope")

    added, removed, left, unknown = talk(conversation)
    assert {tag["Key"] for tag in added["Tags"]} == {"team", "stage"}
    assert removed == {}
    assert left == {"Tags": [{"Key": "stage", "Value": "dev"}]}
    assert unknown[0] == "ValidationException"


@pytest.mark.rule("R1.1", "R1.25")
def test_account_and_region_come_from_the_signature(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        signed = AUTHORIZATION.replace("test", "123456789012").replace("us-east-1", "eu-west-1")
        elsewhere = await wire.post("SageMaker.DescribeModel", b'{"ModelName":"m"}', authorization=signed)
        created = await wire.post("SageMaker.CreateModel", json.dumps(MODEL).encode(), authorization=signed)
        form = {"authorization": signed, "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
        who = await wire.http.post("/", content=b"Action=GetCallerIdentity&Version=2011-06-15", headers=form)
        return elsewhere.json()["message"], created.json()["ModelArn"], who.text

    unknown, arn, who = talk(conversation)
    assert unknown == 'Could not find model "arn:aws:sagemaker:eu-west-1:123456789012:model/m".'
    assert arn == "arn:aws:sagemaker:eu-west-1:123456789012:model/m"
    assert "<Account>123456789012</Account>" in who


@pytest.mark.parametrize(
    "target", ["SageMaker.CreateEndpoint", "SageMaker.Nope", "Logs_20140328.PutLogEvents"]
)
def test_operations_that_are_not_here_are_refused_by_name(talk: Any, target: str) -> None:
    async def conversation(wire: Wire) -> Any:
        return await wire.post(target, b"{}")

    said = talk(conversation).json()
    assert said["__type"] == "UnknownOperationException"
    assert target.split(".")[1] in said["message"]


def test_only_local_names_and_no_foreign_pages_are_let_in(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        async def status(**headers: str) -> int:
            return (await wire.http.get("/_emulator/health", headers=headers)).status_code

        by_page = await wire.http.post("/_emulator/reset", headers={"origin": "https://evil.example"})
        return (
            [
                await status(host=host)
                for host in ("localhost:1", "[::1]:4566", "10.0.0.1", "bucket.localhost")
            ],
            [await status(host=host) for host in ("evil.example", "evil.example:4566", "", "a:b:c")],
            await status(origin="https://evil.example"),
            by_page.status_code,
            (await wire.http.get("/_emulator/reset")).status_code,
            (await wire.call("ListModels"))["Models"],
        )

    welcome, refused, page, reset_by_page, reset_by_get, models = talk(conversation)
    assert welcome == [200] * 4
    assert refused == [403] * 4
    assert (page, reset_by_page, reset_by_get) == (403, 403, 404)
    assert len(models) == 1


def test_everything_that_is_no_api_goes_to_s3_with_its_path_untouched(talk: Any) -> None:
    async def conversation(wire: Wire) -> Any:
        path = "/bkt/a%2Fb//c%20d/..%2e"
        answers = [await wire.http.request(method, path) for method in ("GET", "PUT", "POST", "DELETE")]
        return [(answer.status_code, answer.content) for answer in answers]

    assert talk(conversation) == [(299, b"/bkt/a%2Fb//c%20d/..%2e")] * 4
