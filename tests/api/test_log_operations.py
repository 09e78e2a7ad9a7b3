"""What the SDKs rely on when they read logs."""

from __future__ import annotations

from typing import Any

import pytest
from api.inprocess import Wire, application, run

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.jobs.events import ContainerLine, DataLogLine, JobNote
from sagemaker_transform_emulator.sagemaker.requests import ContainerDefinition, Model
from sagemaker_transform_emulator.sagemaker.resources import LOG_GROUP, JobRecord, Place
from sagemaker_transform_emulator.server.log_streams import JobLogs

RECORD = JobRecord(Place(), {"TransformJobName": "job"}, {}, "InProgress", 1000.0, 1000.0)  # type: ignore[arg-type]
PIPELINE = Model("m", (ContainerDefinition("container-1", "a"), ContainerDefinition("second", "b")))
SINGLE = Model("m", (ContainerDefinition("container-1", "a"),))
GROUP = {"logGroupName": LOG_GROUP}


async def streams(wire: Wire, **request: Any) -> list[str]:
    answer = await wire.call("DescribeLogStreams", "Logs_20140328", **GROUP, **request)
    assert "nextToken" not in answer
    return [stream["logStreamName"] for stream in answer["logStreams"]]


async def events(wire: Wire, stream: str, **request: Any) -> tuple[list[str], str, str]:
    answer = await wire.call("GetLogEvents", "Logs_20140328", **GROUP, logStreamName=stream, **request)
    texts = [event["message"] for event in answer["events"]]
    return texts, answer["nextForwardToken"], answer["nextBackwardToken"]


@pytest.mark.rule("R1.36", "R4.35")
def test_all_streams_are_there_at_once_whatever_the_limit(s3: StoreAddress) -> None:
    async def go() -> Any:
        async with application(s3) as wire:
            before = await wire.refused("DescribeLogStreams", "Logs_20140328", **GROUP)
            JobLogs(wire.backend.store, RECORD, PIPELINE, ("i-1", "i-2"))
            return before, await streams(wire, logStreamNamePrefix="job/", orderBy="LogStreamName", limit=1)

    before, found = run(go)
    assert before == ("ResourceNotFoundException", "The specified log group does not exist.")
    parts = ("container-1", "data-log", "second")
    assert found == [f"job/{instance}-1000/{part}" for instance in ("i-1", "i-2") for part in parts]


@pytest.mark.rule("R4.35")
def test_a_single_container_writes_to_the_instances_own_stream(s3: StoreAddress) -> None:
    async def go() -> Any:
        async with application(s3) as wire:
            JobLogs(wire.backend.store, RECORD, SINGLE, ("i-1",))
            return await streams(wire)

    assert run(go) == ["job/i-1-1000", "job/i-1-1000/data-log"]


def test_what_a_user_should_know_of_a_container_is_in_its_log(s3: StoreAddress) -> None:
    async def go() -> Any:
        async with application(s3) as wire:
            logs = JobLogs(wire.backend.store, RECORD, PIPELINE, ("i-1",))
            logs.sink(JobNote("i-1", "second", "xgboost 3.0.5 serves in place of 1.7.4"))
            logs.sink(JobNote("i-1", "", "about the job"))
            second = await events(wire, "job/i-1-1000/second", startFromHead=True)
            return second[0], (await events(wire, "job/i-1-1000/data-log", startFromHead=True))[0]

    assert run(go) == (["emulator: xgboost 3.0.5 serves in place of 1.7.4"], [])


@pytest.mark.rule("R4.29", "R4.36")
def test_lines_are_written_as_the_service_writes_them(s3: StoreAddress) -> None:
    async def go() -> Any:
        from datetime import UTC, datetime  # noqa: PLC0415

        async with application(s3) as wire:
            logs = JobLogs(wire.backend.store, RECORD, SINGLE, ("i-1",))
            logs.sink(
                ContainerLine("i-1", "container-1", datetime(2026, 11, 22, tzinfo=UTC), "a\tb\x1b[0m\nc")
            )
            logs.sink(DataLogLine("i-1", "bkt/in/a.csv: Failed to parse line: '1\n' as CSV"))
            return await events(wire, "job/i-1-1000", startFromHead=True), await events(
                wire, "job/i-1-1000/data-log", startFromHead=True
            )

    (container, _, _), (data, _, _) = run(go)
    assert container == ["a#011b#033[0m", "c"]
    assert data[0][23:] == ":[sagemaker logs]: bkt/in/a.csv: Failed to parse line: '1"
    assert len(data[0].split(":[sagemaker")[0]) == len("2022-04-18T00:25:37.442")
    assert data[1] == "' as CSV"


@pytest.mark.rule("R1.36")
def test_a_stream_is_read_forward_to_an_empty_page_and_on_from_its_token(s3: StoreAddress) -> None:
    async def go() -> Any:
        async with application(s3) as wire:
            store = wire.backend.store
            store.create_streams(Place(), ["job/x"], 0)
            stream = store.streams(Place())[0].id
            for number in range(5):
                store.log(stream, 100 + number // 2, f"line {number}")
            first = await events(wire, "job/x", startFromHead=True, limit=3)
            second = await events(wire, "job/x", startFromHead=True, nextToken=first[1])
            end = await events(wire, "job/x", nextToken=second[1])
            store.log(stream, 50, "late, with an earlier time")
            more = await events(wire, "job/x", nextToken=end[1])
            back = await events(wire, "job/x", nextToken=first[2])
            tail = await events(wire, "job/x", limit=2)
            before_tail = await events(wire, "job/x", nextToken=tail[2], limit=2)
            since = await events(wire, "job/x", startFromHead=True, startTime=101, endTime=102)
            bad = await wire.refused(
                "GetLogEvents", "Logs_20140328", **GROUP, logStreamName="job/x", nextToken="nope"
            )
            return first, second, end, more, back, tail, before_tail, since, bad

    first, second, end, more, back, tail, before_tail, since, bad = run(go)
    assert first[0] == ["line 0", "line 1", "line 2"]
    assert second[0] == ["line 3", "line 4"]
    assert (end[0], end[1]) == ([], second[1])
    assert more[0] == ["late, with an earlier time"]
    assert back[0] == []
    assert tail[0] == ["line 4", "late, with an earlier time"]
    assert before_tail[0] == ["line 2", "line 3"]
    assert since[0] == ["line 2", "line 3"]
    assert bad == ("InvalidParameterException", "The specified nextToken is invalid.")


def test_events_of_all_streams_are_filtered_by_words(s3: StoreAddress) -> None:
    async def go() -> Any:
        async with application(s3) as wire:
            store = wire.backend.store
            store.create_streams(Place(), ["job/x", "job/y", "other/z"], 0)
            ids = {stream.name: stream.id for stream in store.streams(Place())}
            store.log(ids["job/y"], 1, "ClientError: 400")
            store.log(ids["job/x"], 2, "all is well")
            store.log(ids["job/x"], 3, "ClientError: 413")
            store.log(ids["other/z"], 3, "ClientError: 500")

            async def found(pattern: str) -> list[str]:
                answer = await wire.call(
                    "FilterLogEvents",
                    "Logs_20140328",
                    **GROUP,
                    logStreamNamePrefix="job/",
                    filterPattern=pattern,
                )
                return [event["message"] for event in answer["events"]]

            return (
                await found("ClientError"), await found('"all is"'), await found("ClientError -413"),
                await found("?413 ?well"),
                await wire.refused("FilterLogEvents", "Logs_20140328", **GROUP, filterPattern="{ $.a = 1 }"),
            )  # fmt: skip

    errors, phrase, without, either, unsupported = run(go)
    assert errors == ["ClientError: 400", "ClientError: 413"]
    assert phrase == ["all is well"]
    assert without == ["ClientError: 400"]
    assert either == ["all is well", "ClientError: 413"]
    assert unsupported[0] == "InvalidParameterException"
