"""Which S3 is used: one that is configured, else a MinIO of the server's own, else the built-in moto."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sagemaker_transform_emulator.config import DUMMY_KEYS, StoreAddress, configured_store
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.client_errors import s3_errors
from sagemaker_transform_emulator.s3.minio_server import minio_binary, minio_store
from sagemaker_transform_emulator.s3.moto_server import LIMITS, embedded_store
from sagemaker_transform_emulator.transform.keys import S3Location

StoreChoice = Literal["auto", "minio", "moto"]


@dataclass(frozen=True, slots=True)
class StoreBehind:
    """The store, what it is in words, whether the emulator runs it and so may empty it, and as which kind."""

    address: StoreAddress
    description: str
    is_own: bool
    is_built_in: bool = False

    @property
    def keys(self) -> tuple[str, str]:
        """The credentials clients need for it."""
        key, secret = DUMMY_KEYS
        return self.address.access_key_id or key, self.address.secret_access_key or secret


@dataclass(frozen=True, slots=True)
class MinioPlace:
    """Where a MinIO of the emulator's own keeps its objects, and the run it belongs to."""

    data: Path
    run_id: str


@contextmanager
def open_store(
    choice: StoreChoice = "auto",
    minio: MinioPlace | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[StoreBehind]:
    """The store, reachable until the block ends: the one way in which commands, library and server open S3.

    With "auto": the configured endpoint, else MinIO where `minio` gives it a place and its program is found,
    else the built-in one. Only a server has a place for MinIO; what ends with its job is quicker without.
    Raises MachineError when the one asked for cannot be had.
    """
    configured = configured_store(environment, for_server=minio is not None) if choice == "auto" else None
    if configured is not None:
        yield StoreBehind(configured, configured.endpoint_url or "", is_own=False)
        return
    binary = minio_binary(environment) if minio is not None and choice != "moto" else None
    if choice == "minio" and binary is None:
        raise MachineError(
            "No MinIO program is found", remedy="build one with `make minio`, or set MINIO_BIN to its path"
        )
    if minio is not None and binary is not None:
        with minio_store(binary, minio.data, minio.run_id) as address:
            yield StoreBehind(address, f"MinIO, objects in {minio.data}", is_own=True)
        return
    with embedded_store() as address:
        yield StoreBehind(address, f"built in ({LIMITS})", is_own=True, is_built_in=True)


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
