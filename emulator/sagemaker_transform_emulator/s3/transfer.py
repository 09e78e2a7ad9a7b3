"""--put and --get: files to S3 before a job, outputs to files after it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import botocore.exceptions

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.client_errors import s3_errors
from sagemaker_transform_emulator.s3.moto_server import LARGEST_OBJECT_BYTES, LIMITS
from sagemaker_transform_emulator.transform.keys import S3Location


def parse_put(text: str) -> tuple[Path, S3Location]:
    """PATH=s3://bucket/key as its two halves. Raises UsageError."""
    path, separator, uri = text.rpartition("=")
    if not separator or not path:
        raise UsageError(
            f"--put {text!r} is not of the form PATH=s3://bucket/key",
            remedy="such as --put data/rows.csv=s3://bucket/input/rows.csv",
        )
    if not Path(path).exists():
        raise UsageError(
            f"--put {text!r}: there is no {path}", remedy="name a file or folder, from the folder you are in"
        )
    return Path(path), S3Location.parse(uri)


def parse_get(text: str) -> tuple[S3Location, Path]:
    """s3://bucket/prefix=FOLDER as its two halves. Raises UsageError."""
    uri, separator, path = text.partition("=")
    if not separator or not path:
        raise UsageError(
            f"--get {text!r} is not of the form s3://bucket/prefix=FOLDER",
            remedy="such as --get s3://bucket/output=results",
        )
    return S3Location.parse(uri), Path(path)


def put(storage: Storage, path: Path, target: S3Location, *, embedded: bool) -> None:
    """The file, or every file below the folder, is in S3; a missing bucket is made."""
    files = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    with s3_errors(S3Location(target.bucket, "")):
        _ensure_bucket(storage, target.bucket)
    for file in files:
        key = (
            target.key if path.is_file() else f"{target.key.rstrip('/')}/{file.relative_to(path).as_posix()}"
        )
        location = S3Location(target.bucket, key.lstrip("/"))
        if embedded and file.stat().st_size > LARGEST_OBJECT_BYTES:
            raise UsageError(
                f"{file} is too large for the built-in store ({LIMITS})",
                remedy="run MinIO and set AWS_ENDPOINT_URL_S3",
            )
        with s3_errors(location):
            storage.client.upload_file(str(file), location.bucket, location.key)


def get(storage: Storage, source: S3Location, folder: Path) -> list[Path]:
    """Every object under the prefix is a file below `folder`; keys that would leave it are refused."""
    written = []
    with s3_errors(source):
        pages = storage.client.get_paginator("list_objects_v2").paginate(
            Bucket=source.bucket, Prefix=source.key
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        for key in keys:
            relative = PurePosixPath(key[len(source.key) :].lstrip("/") or PurePosixPath(key).name)
            if relative.is_absolute() or ".." in relative.parts:
                raise UsageError(f"--get: the key {key!r} would be written outside {folder}")
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            storage.client.download_file(source.bucket, key, str(target))
            written.append(target)
    return written


def _ensure_bucket(storage: Storage, bucket: str) -> None:
    try:
        storage.client.head_bucket(Bucket=bucket)
    except botocore.exceptions.ClientError:
        region = storage.client.meta.region_name
        extra = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        storage.client.create_bucket(Bucket=bucket, **extra)
