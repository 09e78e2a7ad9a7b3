"""Places in S3 that are given as https URLs: models, inputs, outputs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from api.inprocess import ROLE, Wire, application, ended, job_request, run

from sagemaker_transform_emulator.config import StoreAddress

FORMS = (
    "https://bkt.s3.amazonaws.com/{}", "https://bkt.s3.us-west-2.amazonaws.com/{}",
    "https://bkt.s3-us-west-2.amazonaws.com/{}", "https://bkt.s3.dualstack.us-west-2.amazonaws.com/{}",
    "https://s3.amazonaws.com/bkt/{}", "https://s3.us-west-2.amazonaws.com/bkt/{}",
    "https://s3-us-west-2.amazonaws.com/bkt/{}", "https://s3.dualstack.us-west-2.amazonaws.com/bkt/{}",
)  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_job_reads_and_writes_where_the_urls_say(s3: StoreAddress, form: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": form.format("in/a")}
    job = job_request(
        TransformInput={"DataSource": {"S3DataSource": source}, "SplitType": "Line"},
        TransformOutput={"S3OutputPath": form.format("out")},
    )

    async def conversation() -> Any:
        async with application(s3) as wire:
            container = {"Image": "scripted", "ModelDataUrl": form.format("in/a.csv")}
            await wire.call("CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer=container)
            await wire.call(
                "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "scripted"}
            )
            client = wire.backend.storage.client
            await asyncio.to_thread(client.delete_object, Bucket="bkt", Key="out/a.csv.out")
            await wire.call("CreateTransformJob", **job)
            described = await ended(wire, "job")
            made = await asyncio.to_thread(client.get_object, Bucket="bkt", Key="out/a.csv.out")
            return described, await asyncio.to_thread(made["Body"].read)

    described, output = run(conversation)
    assert described["TransformJobStatus"] == "Completed"
    assert described["TransformInput"]["DataSource"]["S3DataSource"] == source
    assert output


def test_urls_of_other_hosts_are_refused_when_they_are_given(s3: StoreAddress) -> None:
    url = "https://example.com/bkt/in"

    async def talk(wire: Wire) -> list[tuple[str, str]]:
        await wire.call(
            "CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "scripted"}
        )
        source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": url}}}
        container = {"Image": "scripted", "ModelDataUrl": url}
        return [
            await wire.refused(
                "CreateModel", ModelName="n", ExecutionRoleArn=ROLE, PrimaryContainer=container
            ),
            await wire.refused("CreateTransformJob", **job_request(TransformInput=source)),
            await wire.refused("CreateTransformJob", **job_request(TransformOutput={"S3OutputPath": url})),
            await wire.refused(
                "CreateTransformJob", **job_request(DataCaptureConfig={"DestinationS3Uri": url})
            ),
        ]

    async def conversation() -> list[tuple[str, str]]:
        async with application(s3) as wire:
            return await talk(wire)

    model, *places = run(conversation)
    assert model == ("ValidationException", f"Could not find model data at {url}.")
    assert places == [("ValidationException", f"'{url}' is no S3 URI")] * 3
