"""KmsKeyId on a store that has no key service."""

from __future__ import annotations

import asyncio

import pytest
from minio_server import Minio

from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.transform.keys import S3Location

pytestmark = [pytest.mark.needs("minio"), pytest.mark.slow]


@pytest.mark.rule("R2.24")
@pytest.mark.parametrize("size", [3, 9 * 1024 * 1024])
def test_a_minio_without_keys_keeps_outputs_plain(minio: Minio, size: int) -> None:
    async def write() -> bool:
        storage = Storage(minio.address)
        try:
            storage.client.create_bucket(Bucket=f"plain-{size}")
            place = S3Location(f"plain-{size}", "a.out")
            async with storage.writer(place, "text/csv", "arn:aws:kms:us-east-1:0:key/x") as writer:
                await writer.write(b"x" * size)
            found = await storage.head(place)
            assert found.size == size
            return writer.kept_plain
        finally:
            storage.close()

    assert asyncio.run(write())
