"""Local paths and s3:// URLs, read as directories and written as files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_transform_emulator.errors import StorageError, UsageError

S3_REMEDY = "check the bucket, the credentials, and AWS_ENDPOINT_URL where S3 is a local one"


@contextmanager
def local_copy(place: str) -> Iterator[Path]:
    """The directory `place`; what lies under an s3:// prefix is copied to a temporary one for the block."""
    if not place.startswith("s3://"):
        if not Path(place).is_dir():
            raise UsageError(
                f"{place} is not a directory", remedy="give the directory that PipelineModel.save(path) wrote"
            )
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="sparkml-") as scratch:
        download(place, Path(scratch))
        yield Path(scratch)


def put(place: str, content: bytes) -> None:
    """Write `content` to the local path or s3:// URL `place`; missing local directories are made."""
    if place.startswith("s3://"):
        bucket, key = bucket_and_key(place)
        if not key or key.endswith("/"):
            raise UsageError(
                f"{place} does not name an object", remedy="end it with a name: .../model.tar.gz"
            )
        with storage_errors(place):
            boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        return
    path = Path(place)
    if path.is_dir():
        raise UsageError(f"{place} is a directory", remedy=f"name a file: {place.rstrip('/')}/model.tar.gz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror or error}") from None


def download(place: str, folder: Path) -> None:
    """Copy every object under the s3:// prefix `place` into `folder`."""
    bucket, prefix = bucket_and_key(place)
    prefix = f"{prefix.rstrip('/')}/" if prefix else ""
    found = 0
    with storage_errors(place):
        client = boto3.client("s3")
        for item in objects(client, bucket, prefix):
            target = inside(folder, item.removeprefix(prefix))
            target.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, item, str(target))
            found += 1
    if not found:
        raise UsageError(
            f"there are no objects under {place}", remedy="give the prefix PipelineModel.save wrote to"
        )


def objects(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    """The keys under `prefix`, without the empty objects that stand for folders."""
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (item["Key"] for item in page.get("Contents", ()) if not item["Key"].endswith("/"))


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`; a key that would leave it is a UsageError."""
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise UsageError(f"the object key ends in {name!r}, which is no path inside a saved pipeline")
    return folder / name


def bucket_and_key(place: str) -> tuple[str, str]:
    """The two halves of an s3:// URL."""
    parts = urlsplit(place)
    return parts.netloc, parts.path.lstrip("/")


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """S3's refusals as a StorageError that names `place`."""
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise StorageError(f"S3 gave no access to {place}: {error}", remedy=S3_REMEDY) from None
