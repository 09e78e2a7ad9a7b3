"""Which S3 a server uses: one that is configured, else a MinIO it runs itself, else the built-in moto."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress, region
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.client_errors import s3_errors
from sagemaker_transform_emulator.s3.minio_server import minio_binary, minio_store
from sagemaker_transform_emulator.s3.moto_server import LIMITS, embedded_store
from sagemaker_transform_emulator.transform.keys import S3Location

StoreChoice = Literal["auto", "minio", "moto"]


@dataclass(frozen=True, slots=True)
class StoreBehind:
    """The store, what it is in words, and whether the emulator runs it and so may empty it."""

    address: StoreAddress
    description: str
    is_own: bool

    @property
    def keys(self) -> tuple[str, str]:
        """The credentials clients need for it."""
        key, secret = DUMMY_KEYS
        return self.address.access_key_id or key, self.address.secret_access_key or secret


@contextmanager
def open_store(
    choice: StoreChoice, state: Path, run_id: str, environment: Mapping[str, str] = os.environ
) -> Iterator[StoreBehind]:
    """The store, reachable until the block ends.

    With "auto": that of AWS_ENDPOINT_URL_S3, else MinIO when its program is found, else moto. Raises
    MachineError when the one asked for cannot be had.
    """
    endpoint = environment.get("AWS_ENDPOINT_URL_S3")
    if choice == "auto" and endpoint:
        yield StoreBehind(_configured(endpoint, environment), endpoint, is_own=False)
        return
    binary = minio_binary(environment) if choice != "moto" else None
    if choice == "minio" and binary is None:
        raise MachineError(
            "No MinIO program is found", remedy="build one with `make minio`, or set MINIO_BIN to its path"
        )
    if binary is not None:
        data = state / "minio"
        with minio_store(binary, data, run_id) as address:
            yield StoreBehind(address, f"MinIO, objects in {data}", is_own=True)
        return
    with embedded_store() as address:
        yield StoreBehind(address, f"built in ({LIMITS})", is_own=True)


def empty(storage: Storage) -> None:
    """The store has no buckets left. Only for a store of the emulator's own."""
    client = storage.client
    with s3_errors(S3Location("", "")):
        for bucket in client.list_buckets().get("Buckets", ()):
            _empty_bucket(client, bucket["Name"])
            client.delete_bucket(Bucket=bucket["Name"])


def _empty_bucket(client: Any, bucket: str) -> None:
    for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", ()):
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if found:
            entries = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in found]
            client.delete_objects(Bucket=bucket, Delete={"Objects": entries, "Quiet": True})


def _configured(endpoint: str, environment: Mapping[str, str]) -> StoreAddress:
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not (key and secret):
        key, secret = DUMMY_KEYS
    return StoreAddress(endpoint, region(environment), key, secret)
