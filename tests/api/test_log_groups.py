"""Log groups: created, described, given a retention, deleted; the jobs' group among them."""

from __future__ import annotations

from typing import Any

import pytest
from api.inprocess import Wire, application, run

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.sagemaker.resources import LogWindow, Place

JOBS = "/aws/sagemaker/TransformJobs"
LOGS = "Logs_20140328"
_ALL = LogWindow()
MISSING = ("ResourceNotFoundException", "The specified log group does not exist.")


async def names(wire: Wire, **request: Any) -> list[str]:
    found = await wire.call("DescribeLogGroups", LOGS, **request)
    return [group["logGroupName"] for group in found["logGroups"]]


def talk(s3: StoreAddress, conversation: Any) -> Any:
    async def inside() -> Any:
        async with application(s3) as wire:
            return await conversation(wire)

    return run(inside)


def test_a_group_without_streams_is_there_until_it_is_deleted(s3: StoreAddress) -> None:
    async def conversation(wire: Wire) -> Any:
        group = {"logGroupName": JOBS}
        before = await names(wire), await wire.refused("DescribeLogStreams", LOGS, **group)
        await wire.call("CreateLogGroup", LOGS, **group)
        again = await wire.refused("CreateLogGroup", LOGS, **group)
        await wire.call("PutRetentionPolicy", LOGS, **group, retentionInDays=7)
        described = await wire.call("DescribeLogGroups", LOGS, logGroupNamePrefix="/aws/sagemaker/")
        streams = await wire.call("DescribeLogStreams", LOGS, **group)
        await wire.call("DeleteRetentionPolicy", LOGS, **group)
        forever = await wire.call("DescribeLogGroups", LOGS)
        await wire.call("DeleteLogGroup", LOGS, **group)
        after = await names(wire), await wire.refused("DeleteLogGroup", LOGS, **group)
        return before, again, described, streams, forever, after

    before, again, described, streams, forever, after = talk(s3, conversation)
    assert before == ([], MISSING)
    assert again == ("ResourceAlreadyExistsException", "The specified log group already exists")
    [group] = described["logGroups"]
    assert (group["retentionInDays"], group["logGroupClass"]) == (7, "STANDARD")
    assert group["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{JOBS}:*"
    assert streams == {"logStreams": []}
    assert "retentionInDays" not in forever["logGroups"][0]
    assert after == ([], MISSING)


@pytest.mark.rule("R1.36")
def test_deleting_the_jobs_group_takes_its_streams_and_events_along(s3: StoreAddress) -> None:
    async def conversation(wire: Wire) -> Any:
        store = wire.backend.store
        group = {"logGroupName": JOBS}
        for place in (Place(), Place(region="eu-west-1")):
            store.create_streams(place, ["job/i-1"], 1_000)
            store.log(store.streams(place)[0].id, 5, "line")
        await wire.call("PutRetentionPolicy", LOGS, **group, retentionInDays=1)
        seen = await names(wire), await wire.call("GetLogEvents", LOGS, **group, logStreamName="job/i-1")
        await wire.call("DeleteLogGroup", LOGS, **group)
        gone = await wire.refused("GetLogEvents", LOGS, **group, logStreamName="job/i-1")
        other = store.events(store.streams(Place(region="eu-west-1"))[0].id, _ALL)
        store.create_streams(Place(), ["job/i-1"], 2_000)  # the next job
        fresh = await wire.call("GetLogEvents", LOGS, **group, logStreamName="job/i-1")
        return seen, gone, other, fresh

    (listed, events), gone, other, fresh = talk(s3, conversation)
    assert listed == [JOBS]
    assert [event["message"] for event in events["events"]] == ["line"]
    assert gone == MISSING
    assert [event.message for event in other] == ["line"]
    assert fresh["events"] == []


def test_groups_are_filtered_and_paged_by_name(s3: StoreAddress) -> None:
    async def conversation(wire: Wire) -> Any:
        for name in ("/b/2", "/a/1", "/b/1", "/c"):
            await wire.call("CreateLogGroup", LOGS, logGroupName=name)
        first = await wire.call("DescribeLogGroups", LOGS, limit=3)
        second = await names(wire, limit=3, nextToken=first["nextToken"])
        return (
            [group["logGroupName"] for group in first["logGroups"]], second,
            await names(wire, logGroupNamePrefix="/b"), await names(wire, logGroupNamePattern="/1"),
            await names(wire, logGroupClass="INFREQUENT_ACCESS"),
            await names(wire, logGroupIdentifiers=["/c"]),
            await wire.refused("DescribeLogGroups", LOGS, nextToken="x"),
        )  # fmt: skip

    first, second, prefix, pattern, other_class, named, bad = talk(s3, conversation)
    assert (first, second) == (["/a/1", "/b/1", "/b/2"], ["/c"])
    assert (prefix, pattern, other_class, named) == (["/b/1", "/b/2"], ["/a/1", "/b/1"], [], ["/c"])
    assert bad == ("InvalidParameterException", "The specified nextToken is invalid.")


@pytest.mark.parametrize("days", [0, 2, -1, 3654])
def test_only_certain_numbers_of_days_are_retentions(s3: StoreAddress, days: int) -> None:
    async def conversation(wire: Wire) -> Any:
        await wire.call("CreateLogGroup", LOGS, logGroupName="g")
        return await wire.refused("PutRetentionPolicy", LOGS, logGroupName="g", retentionInDays=days)

    code, text = talk(s3, conversation)
    assert code == "InvalidParameterException"
    assert text.startswith(
        f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy"
    )


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        ("ListProcessingJobs", "ProcessingJobSummaries"), ("ListTrainingJobs", "TrainingJobSummaries"),
        ("ListEndpoints", "Endpoints"), ("ListEndpointConfigs", "EndpointConfigs"),
        ("ListPipelines", "PipelineSummaries"),
    ],
)  # fmt: skip
def test_what_is_not_run_here_is_listed_as_empty(s3: StoreAddress, operation: str, member: str) -> None:
    async def conversation(wire: Wire) -> Any:
        return (
            await wire.call(operation, MaxResults=5, SortOrder="Ascending"),
            await wire.refused(operation, SortBy="Nope"),
            await wire.refused(operation, NextToken="x"),
        )

    listed, constraint, token = talk(s3, conversation)
    assert listed == {member: []}
    assert "failed to satisfy constraint" in constraint[1]
    assert token[0] == "ValidationException"


@pytest.mark.parametrize("operation", ["CreateEndpoint", "CreatePipeline", "CreateTrainingJob"])
def test_what_is_not_run_here_is_refused_with_what_this_is_for(s3: StoreAddress, operation: str) -> None:
    async def conversation(wire: Wire) -> Any:
        return await wire.refused(operation)

    code, text = talk(s3, conversation)
    assert code == "UnknownOperationException"
    assert text.startswith(
        f"The operation {operation} of Amazon SageMaker Service is not part of this emulator of "
    )
    assert "CreateTransformJob" in text
