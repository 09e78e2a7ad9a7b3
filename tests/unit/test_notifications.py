"""Events for a webhook: their form, their order, and receivers that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable

import httpx
import pytest

from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import JobRecord, Place
from sagemaker_transform_emulator.server.eventbridge import Notifier, event_of, notifier

DETAIL = {"TransformJobName": "j", "CreationTime": 1_700_000_000.125, "TransformEndTime": None}


def record(status: JobStatus = JobStatus.COMPLETED) -> JobRecord:
    place = Place("111122223333", "eu-west-1")
    return JobRecord(place, {"TransformJobName": "J"}, {}, status, 1_700_000_000.125, 1_700_000_060.5)


@pytest.mark.rule("R1.34")
def test_the_event_has_eventbridge_s_form() -> None:
    event = event_of(record(), DETAIL)
    assert len(event.pop("id")) == 36
    assert event == {
        "version": "0",
        "detail-type": "SageMaker Transform Job State Change",
        "source": "aws.sagemaker",
        "account": "111122223333",
        "time": "2023-11-14T22:14:20Z",
        "region": "eu-west-1",
        "resources": ["arn:aws:sagemaker:eu-west-1:111122223333:transform-job/j"],
        "detail": {"TransformJobName": "j", "CreationTime": 1_700_000_000_125},
    }


def posted(handler: Callable[[httpx.Request], httpx.Response], count: int) -> None:
    """That many events were handed over, and sent or dropped."""

    async def go() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as client:
            made = Notifier("http://receiver/", lambda _: DETAIL, client)
            for _ in range(count):
                made.observe(record())
            work = asyncio.create_task(made.send_all())
            await made.settle(10)
            work.cancel()

    asyncio.run(go())


def test_events_are_posted_one_after_the_other() -> None:
    seen = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content)["id"])
        return httpx.Response(204)

    posted(take, 5)
    assert len(set(seen)) == 5


@pytest.mark.parametrize("trouble", ["refused", "status"])
def test_a_receiver_in_trouble_is_only_logged(trouble: str, caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        if trouble == "refused":
            raise httpx.ConnectError("connection refused", request=request)
        return httpx.Response(503)

    with caplog.at_level(logging.WARNING):
        posted(fail, 2)
    assert len(caplog.records) == 2
    assert "event of job j dropped: http://receiver/" in caplog.records[0].getMessage()


def test_a_receiver_that_never_answers_fills_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with httpx.AsyncClient() as client:
            made = Notifier("http://receiver/", lambda _: DETAIL, client)
            for _ in range(1_001):
                made.observe(record())

    asyncio.run(go())
    assert [entry.getMessage() for entry in caplog.records] == [
        "event of job J dropped: http://receiver/ does not keep up"
    ]


def test_the_end_waits_only_so_long() -> None:
    async def go() -> None:
        async with notifier("http://127.0.0.1:9/", lambda _: DETAIL, timeout_s=0.2) as made:
            made.observe(record())

    asyncio.run(go())
