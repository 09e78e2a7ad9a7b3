"""Options and parts of the tests of the AWS front."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.moto_server import embedded_store


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-requests", type=int, default=3_000, help="bad requests to send to the API")
    parser.addoption(
        "--every-operation", action="store_true", help="call all of AWS's operations, not one each"
    )


@pytest.fixture(scope="module")
def s3() -> Iterator[StoreAddress]:
    """A store with the bucket bkt and the object in/a.csv."""
    with embedded_store() as address:
        storage = Storage(address)
        storage.client.create_bucket(Bucket="bkt")
        storage.client.put_object(Bucket="bkt", Key="in/a.csv", Body=b"1,2\n3,4\n")
        yield address
        storage.close()
