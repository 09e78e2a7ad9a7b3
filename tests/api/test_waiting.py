"""Whose question about a job is held open, and whose is answered at once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from api.inprocess import ROLE, application, job_request, run

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.transform_job_operations import (
    FRESH_SECONDS,
    describe_transform_job,
)

BOTO = "Boto3/1.44.5 md/Botocore#1.44.5 ua/2.1 os/linux lang/python#3.11.7 m/Z,D,b{} cfg/retry-mode#x"
V2, V3 = "lib/AWS-SageMaker-Python-SDK#2.257.7", "lib/AWS-SageMakerCore#2.27.0"
SLOW = {"Image": "scripted", "Environment": {"PING": "503"}}


async def is_held(call: Call, backend: Any) -> bool:
    """Whether the question has no answer a good while after it was asked."""
    asked = asyncio.create_task(describe_transform_job(backend, call))
    await asyncio.wait({asked}, timeout=0.3)
    held = not asked.done()
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    return held


@pytest.mark.rule("R1.27", "R1.33")
def test_waiters_and_sdks_that_ask_again_wait_and_nobody_else(s3: StoreAddress) -> None:
    async def go() -> dict[str, bool]:
        async with application(s3) as wire:
            await wire.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=SLOW)
            await wire.call("CreateTransformJob", **job_request())
            backend, name = wire.backend, {"TransformJobName": "job"}
            plain = Call(
                "sagemaker", "DescribeTransformJob", name, Place(), BOTO.format(""), ("127.0.0.1", 1)
            )
            waiter = replace(plain, user_agent=BOTO.format(",B"))
            found = {
                "plain": await is_held(plain, backend),
                "plain again": await is_held(plain, backend),
                "waiter": await is_held(waiter, backend),
                "fresh SDK": await is_held(replace(plain, user_agent=V2), backend),
            }
            record = backend.store.job(Place(), "job")
            assert record is not None
            backend.store.update_job(replace(record, created=record.created - FRESH_SECONDS - 1))
            for sdk, version in (("v2", V2), ("v3", V3)):
                elsewhere = replace(plain, user_agent=version, connection=("127.0.0.1", hash(sdk)))
                found[f"{sdk}, first look"] = await is_held(elsewhere, backend)
                found[f"{sdk}, again"] = await is_held(elsewhere, backend)
            backend.settings = backend.settings.model_copy(update={"describe_wait_s": 0.0})
            found["waiter, switched off"] = await is_held(waiter, backend)
            return found

    assert run(go) == {
        "plain": False, "plain again": False, "waiter": True, "fresh SDK": False, "v2, first look": False,
        "v2, again": True, "v3, first look": False, "v3, again": True, "waiter, switched off": False,
    }  # fmt: skip


def test_a_held_question_is_answered_when_the_job_ends_or_the_server_closes(s3: StoreAddress) -> None:
    async def go() -> tuple[str, str]:
        async with application(s3) as wire:
            await wire.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=SLOW)
            answers = []
            for name, end in (("a", None), ("b", wire.backend.controller.closing.set)):
                await wire.call("CreateTransformJob", **job_request(name))
                question = {"TransformJobName": name}
                call = Call("sagemaker", "DescribeTransformJob", question, Place(), BOTO.format(",B"))
                asked = asyncio.create_task(describe_transform_job(wire.backend, call))
                await asyncio.sleep(0)
                if end is None:
                    await wire.post("SageMaker.StopTransformJob", b'{"TransformJobName": "a"}')
                else:
                    end()
                answers.append((await asyncio.wait_for(asked, 60))["TransformJobStatus"])
            return answers[0], answers[1]

    assert run(go) == ("Stopped", "InProgress")
