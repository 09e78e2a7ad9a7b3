"""Whose question about a job is held open, and whose is answered at once."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from api.inprocess import AUTHORIZATION, ROLE, application, job_request, run

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import JobRecord, Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.gateway import Gateway
from sagemaker_transform_emulator.server.api.polling import (
    CAUTIOUS_SECONDS,
    FRESH_SECONDS,
    POLL_SECONDS,
    Hold,
    Polling,
)
from sagemaker_transform_emulator.server.api.transform_job_operations import describe_transform_job

BOTO = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.11.7 m/Z,D,b{} cfg/retry-mode#x"
V2, V3 = "lib/AWS-SageMaker-Python-SDK#2.257.7", "lib/AWS-SageMakerCore#2.27.0"
JAVASCRIPT = "aws-sdk-js/3.940.0 ua/2.1 os/linux#6.1 lang/js md/nodejs#20.20.2 api/sagemaker#3.940.0 m/E,n"
JAVA = "aws-sdk-java/2.40.2 ua/2.1 api/SageMaker#2.40.2 os/Linux lang/java#17 m/{}D,N"
GO = "aws-sdk-go-v2/1.47.4 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux api/sagemaker#1.285.0 m/{}E,g"
SLOW = {"Image": "scripted", "Environment": {"PING": "503"}}
LONGEST = 45.0


def call(agent: str = BOTO.format(""), port: int = 1, **changes: Any) -> Call:
    question = Call("sagemaker", "DescribeTransformJob", {"TransformJobName": "job"}, Place(), agent)
    return replace(question, connection=("127.0.0.1", port), **changes)


def record(name: str = "job", status: JobStatus = JobStatus.IN_PROGRESS, **times: float) -> JobRecord:
    return JobRecord(Place(), {"TransformJobName": name}, {}, status, 0.0, 0.0, **times)


class Clock:
    """One client after the other asks, with pauses between; all are answered without delay."""

    def __init__(self, polling: Polling | None = None) -> None:
        self.polling = polling or Polling()
        self.now = 1_000.0

    def asks(self, caller: Call, *, after: float = 5.0, about: JobRecord | None = None) -> float:
        """For how many seconds the question is held, when it comes so many seconds after the last."""
        self.now += after
        about = about or record()
        hold = self.polling.hold(caller, about, self.now, LONGEST)
        self.polling.answered(caller, about, self.now, self.now)
        return hold.seconds


# Those who say that they wait


@pytest.mark.rule("R1.33")
@pytest.mark.parametrize(
    ("agent", "seconds"),
    [(BOTO.format(",B"), LONGEST), (GO.format("B,"), LONGEST), (JAVA.format("B,"), CAUTIOUS_SECONDS)],
)
def test_a_waiter_is_held_for_the_end_but_not_beyond_its_read_timeout(agent: str, seconds: float) -> None:
    polling = Polling()
    assert polling.hold(call(agent), record(), 1_000, LONGEST) == Hold(seconds, for_end=True)
    assert polling.hold(call(agent), record(), 1_000, 0.0) == Hold()
    assert polling.hold(call(agent), record(ended=5.0), 1_000, LONGEST) == Hold()


@pytest.mark.parametrize("sdk", [V2, V3])
def test_the_python_sdks_wait_once_they_know_the_job_and_it_is_not_fresh(sdk: str) -> None:
    clock = Clock()
    fresh = replace(record(), created=1_000)
    assert clock.asks(call(f"{BOTO} {sdk}"), about=fresh, after=0) == 0
    assert clock.asks(call(f"{BOTO} {sdk}"), about=fresh, after=FRESH_SECONDS - 1) == 0
    assert clock.asks(call(f"{BOTO} {sdk}"), about=fresh, after=2) == LONGEST
    assert clock.asks(call(f"{BOTO} {sdk}", port=2), about=fresh) == 0
    assert clock.asks(call(f"{BOTO} {sdk}", port=2), about=fresh) == LONGEST


def test_javascript_waits_when_it_asks_on_the_heels_of_create() -> None:
    def first(agent: str, after: float, port: int = 1, job: str = "job") -> Hold:
        polling = Polling()
        polling.created(call(agent), record(), 1_000)
        return polling.hold(call(agent, port), record(job), 1_000 + after, LONGEST)

    assert first(JAVASCRIPT, 0.01) == Hold(LONGEST, for_end=True)
    assert first(JAVASCRIPT, 1.5) == Hold()
    assert first(JAVASCRIPT, 0.01, port=2) == Hold()
    assert first(JAVASCRIPT, 0.01, job="another") == Hold()
    assert first(BOTO.format(""), 0.01) == first(GO.format(""), 0.01) == first("curl/8", 0.01) == Hold()


# Those who poll


@pytest.mark.parametrize("agent", [BOTO.format(""), JAVASCRIPT, JAVA.format(""), GO.format(""), "curl/8", ""])
def test_whoever_asks_again_on_its_connection_is_held_as_long_as_it_pauses_and_longer(agent: str) -> None:
    clock = Clock()
    assert [clock.asks(call(agent)) for _ in range(5)] == [0, 5, 10, 20, CAUTIOUS_SECONDS]


def test_a_poller_is_told_of_news_at_once_and_held_for_the_next() -> None:
    clock, stopping = Clock(), record(status=JobStatus.STOPPING)
    assert [clock.asks(call()), clock.asks(call())] == [0, 5]
    assert [clock.asks(call(), about=record(started=1.0)) for _ in range(2)] == [0, 5]
    assert [clock.asks(call(), about=stopping) for _ in range(2)] == [0, 5]


def test_first_questions_are_answered_at_once_whoever_else_asks() -> None:
    clock = Clock()
    clock.polling.is_open = lambda _: True
    clock.asks(call(), after=0)
    assert clock.asks(call(port=2)) == 0, "another process with the same program"
    assert clock.asks(call("curl/8")) == 0, "another client behind the same proxy"
    assert clock.asks(call(), about=record("other")) == 0, "another job"
    assert clock.asks(call(), after=POLL_SECONDS + 1) == 0, "after so long that nobody waits"
    assert clock.asks(call()) == 5


def test_new_connections_are_a_poller_when_they_come_in_a_rhythm() -> None:
    loop = Clock()
    assert [loop.asks(call(port=port)) for port in range(1, 6)] == [0, 0, 10, 20, CAUTIOUS_SECONDS]
    person = Clock()
    pauses = [0.0, 20.0, 7.0, 31.0, 12.0, 3.0]
    assert [person.asks(call(port=port), after=pause) for port, pause in enumerate(pauses)] == [0] * 6


def test_who_reads_the_job_s_logs_meanwhile_is_not_held() -> None:
    clock = Clock()
    stream = {"logStreamName": "JOB/i-0/data-log"}
    reading = Call("logs", "GetLogEvents", stream, Place(), BOTO.format(""), ("127.0.0.1", 9))
    clock.asks(call())
    clock.polling.heard(reading, clock.now)
    assert [clock.asks(call()), clock.asks(call())] == [0, 0]
    assert clock.asks(call("curl/8")) == 0
    assert clock.asks(call("curl/8")) == 5
    clock.now += 60
    assert clock.asks(call()) == CAUTIOUS_SECONDS


def test_a_client_that_timed_out_is_held_less_from_its_retry_on() -> None:
    clock = Clock()
    waiter = call(BOTO.format(",B"))
    clock.polling.left(waiter, record(), clock.now, clock.now + 10)
    assert clock.asks(waiter, after=11) == LONGEST, "somebody else who runs the same program again"
    assert clock.asks(replace(waiter, attempt=2), after=0) == 7
    assert clock.asks(call(BOTO.format(",B"), port=2), about=record("other")) == 7
    assert clock.asks(call(GO.format("B,")), after=0) == LONGEST


def test_only_the_latest_are_remembered() -> None:
    clock = Clock()
    clock.asks(call("first"), after=0)
    for number in range(10_000):
        clock.asks(call(f"agent {number}"), after=0)
    assert clock.asks(call("agent 9999")) == 5
    assert clock.asks(call("first"), after=0) == 0


# What is held


async def asked(backend: Any, caller: Call) -> asyncio.Task[Any]:
    """The question, which has got no answer a good while after it was asked."""
    task = asyncio.create_task(describe_transform_job(backend, caller))
    await asyncio.wait({task}, timeout=0.2)
    assert not task.done()
    return task


async def slow_job(wire: Any, name: str = "job") -> None:
    await wire.call("CreateModel", ModelName=f"m-{name}", ExecutionRoleArn=ROLE, PrimaryContainer=SLOW)
    await wire.call("CreateTransformJob", **{**job_request(name), "ModelName": f"m-{name}"})


@pytest.mark.rule("R1.27", "R1.30")
def test_a_held_question_is_answered_when_the_job_is_stopped(s3: StoreAddress) -> None:
    async def go() -> list[str]:
        async with application(s3) as wire:
            await slow_job(wire)
            poller, waiter = call(), call(BOTO.format(",B"), port=2)
            await describe_transform_job(wire.backend, poller)
            await asyncio.sleep(1)
            tasks = [await asked(wire.backend, each) for each in (poller, waiter)]
            await wire.call("StopTransformJob", TransformJobName="job")
            answers = await asyncio.wait_for(asyncio.gather(*tasks), 60)
            return [answer["TransformJobStatus"] for answer in answers]

    assert run(go) == ["Stopping", "Stopped"]


def test_a_held_question_is_answered_when_the_server_closes(s3: StoreAddress) -> None:
    async def go() -> str:
        async with application(s3) as wire:
            await slow_job(wire)
            task = await asked(wire.backend, call(BOTO.format(",B")))
            wire.backend.controller.closing.set()
            return str((await asyncio.wait_for(task, 5))["TransformJobStatus"])

    assert run(go) == "InProgress"


def test_several_wait_for_several_jobs_each_for_its_own(s3: StoreAddress) -> None:
    async def go() -> list[str]:
        async with application(s3) as wire:
            waiter, names = BOTO.format(",B"), ("a", "b", "c")
            for name in names:
                await slow_job(wire, name)
            tasks = [
                await asked(wire.backend, call(waiter, port, request={"TransformJobName": name}))
                for port, name in enumerate(names * 2)
            ]
            await wire.call("StopTransformJob", TransformJobName="b")
            done, pending = await asyncio.wait(tasks, timeout=3)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            return [(await task)["TransformJobName"] for task in done]

    assert run(go) == ["b", "b"]


def test_nothing_waits_on_for_a_client_that_went_away(s3: StoreAddress) -> None:
    def watching() -> int:
        return sum("_true_after" in repr(task) for task in asyncio.all_tasks())

    async def go() -> tuple[float, int]:
        async with application(s3) as wire:
            await slow_job(wire)
            gateway, began = Gateway(wire.backend, _no_s3), time.monotonic()
            await asyncio.gather(*(gateway(_scope(), _leaves_after(0.3), _into_nothing) for _ in range(20)))
            took = time.monotonic() - began
            await asyncio.sleep(0)
            return took, watching()

    took, left = run(go)
    assert 0.3 <= took < 5
    assert left == 0


def _scope() -> dict[str, Any]:
    headers = {
        "x-amz-target": "SageMaker.DescribeTransformJob", "authorization": AUTHORIZATION,
        "user-agent": BOTO.format(",B"),
    }  # fmt: skip
    return {
        "type": "http", "method": "POST", "path": "/", "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip


def _leaves_after(seconds: float) -> Callable[[], Any]:
    body = json.dumps({"TransformJobName": "job"}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        await asyncio.sleep(seconds)
        return {"type": "http.disconnect"}

    return receive


async def _into_nothing(_message: Any) -> None:
    """Nobody is there any more."""


async def _no_s3(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("this was no request for S3")
