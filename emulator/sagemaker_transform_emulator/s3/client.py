"""S3 behind the emulator: list, ranged reads, and objects that appear whole or not at all.

boto3 does the talking, in threads; every error of its leaves here as a StorageError that names bucket,
key and remedy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.exceptions
from botocore.config import Config

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.errors import DataError, StorageError, UsageError
from sagemaker_transform_emulator.s3.client_errors import s3_errors
from sagemaker_transform_emulator.s3.multipart_output import OutputWriter, UploadJournal
from sagemaker_transform_emulator.s3.ranged_read import RangedRead
from sagemaker_transform_emulator.sagemaker.requests import MIB
from sagemaker_transform_emulator.transform.keys import S3Location

RANGE_BYTES = 8 * MIB

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object as a listing saw it. `size` in bytes; `etag` pins the version that is read."""

    location: S3Location
    size: int
    etag: str


def _connect(address: StoreAddress) -> Any:
    """boto3's client of that endpoint. Raises UsageError for a profile of AWS_PROFILE that does not exist."""
    try:
        return boto3.client(
            "s3",
            endpoint_url=address.endpoint_url,
            region_name=address.region,
            aws_access_key_id=address.access_key_id,
            aws_secret_access_key=address.secret_access_key,
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": 4},
                max_pool_connections=64,
                s3={"addressing_style": "path"} if address.endpoint_url else {},
            ),
        )
    except botocore.exceptions.ProfileNotFound as error:
        raise UsageError(
            str(error), remedy="unset AWS_PROFILE, or name a profile of ~/.aws/config or ~/.aws/credentials"
        ) from None


class Storage:
    """One S3 endpoint. Safe to use from many tasks."""

    def __init__(self, address: StoreAddress | None = None, journal: UploadJournal | None = None) -> None:
        address = address or StoreAddress()
        self.address = address
        self.journal = journal or UploadJournal()
        self._s3: Any = _connect(address)

    @property
    def client(self) -> Any:
        """The boto3 client, for callers that seed buckets."""
        return self._s3

    def close(self) -> None:
        """Give back the sockets."""
        self._s3.close()

    async def list_prefix(self, prefix: S3Location) -> list[S3Object]:
        """Every object whose key starts with the raw prefix, in UTF-8 byte order (R2.12, R2.14)."""
        return await asyncio.to_thread(self._list_prefix, prefix)

    async def any_object(self, prefix: S3Location) -> bool:
        """Whether at least one key starts with the raw prefix."""
        answer = await self._call(
            prefix, lambda: self._s3.list_objects_v2(Bucket=prefix.bucket, Prefix=prefix.key, MaxKeys=1)
        )
        return bool(answer.get("KeyCount"))

    async def head(self, location: S3Location) -> S3Object:
        """The object at that key. Raises StorageError when it is missing."""
        answer = await self._call(
            location, lambda: self._s3.head_object(Bucket=location.bucket, Key=location.key)
        )
        return S3Object(location, answer["ContentLength"], answer["ETag"])

    async def read(
        self,
        source: S3Object,
        range_bytes: int = RANGE_BYTES,
        unchecked: Callable[[], None] = lambda: None,
    ) -> AsyncGenerator[bytes]:
        """The object's bytes in chunks, the next range fetched while the last is used.

        Every range carries If-Match: an object that was overwritten meanwhile is a DataError, never a
        mixture. Bytes that are not those S3 knows of are a StorageError before the end is reached;
        `unchecked` is called at the end where the store offers nothing to check them by. A range whose
        body is cut is read again, a few times. At most two ranges are in memory.
        """
        reading = RangedRead(self._s3, source, range_bytes)
        async with aclosing(reading.chunks()) as chunks:
            async for chunk in chunks:
                yield chunk
        if reading.unchecked:
            unchecked()

    async def get(self, location: S3Location, most_bytes: int = 64 * MIB) -> bytes:
        """A small object whole, such as a manifest."""
        found = await self.head(location)
        if found.size > most_bytes:
            raise DataError(f"{location} has {found.size} bytes; at most {most_bytes} can be read here")
        return b"".join([chunk async for chunk in self.read(found)])

    async def download(self, location: S3Location, target: Path) -> None:
        """Write the object to a local file, checked as `read` checks."""
        source = await self.head(location)

        def fetch() -> None:
            self._s3.download_file(location.bucket, location.key, str(target))
            reading = RangedRead(self._s3, source, RANGE_BYTES)
            reading.start(reading.head())
            with target.open("rb") as file:
                while data := file.read(MIB):
                    reading.update(data)
            reading.verify()

        await self._call(location, fetch)

    async def put(self, location: S3Location, body: bytes, content_type: str | None = None) -> None:
        """Store a small object whole."""
        extra = {"ContentType": content_type} if content_type else {}
        await self._call(
            location,
            lambda: self._s3.put_object(Bucket=location.bucket, Key=location.key, Body=body, **extra),
        )

    async def delete(self, location: S3Location) -> None:
        """Make sure the object is not there."""
        await self._call(location, lambda: self._s3.delete_object(Bucket=location.bucket, Key=location.key))

    async def abort_upload(self, location: S3Location, upload_id: str) -> None:
        """Make sure the multipart upload is gone; one that is unknown already is."""
        await asyncio.to_thread(self._abort, location, upload_id)

    async def abort_uploads_of(self, location: S3Location, spared: frozenset[str]) -> None:
        """No multipart upload of exactly that key is open but for the spared ids."""

        def listed() -> list[str]:
            with suppress(self._s3.exceptions.NoSuchBucket):
                pages = self._s3.get_paginator("list_multipart_uploads").paginate(
                    Bucket=location.bucket, Prefix=location.key
                )
                entries = [entry for page in pages for entry in page.get("Uploads", ())]
                return [entry["UploadId"] for entry in entries if entry["Key"] == location.key]
            return []

        for upload_id in await self._call(location, listed):
            if upload_id not in spared:
                await self.abort_upload(location, upload_id)

    @asynccontextmanager
    async def writer(
        self, location: S3Location, content_type: str | None, kms_key_id: str | None = None
    ) -> AsyncIterator[OutputWriter]:
        """An output that becomes visible, whole, when the block ends without an error (R2.21).

        On an error or cancellation nothing becomes visible and no upload is left open.
        """
        extra: dict[str, str] = {"ContentType": content_type} if content_type else {}
        if kms_key_id:
            extra |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}  # R2.24
        output = OutputWriter(self, location, extra)
        try:
            yield output
        except BaseException:
            await asyncio.shield(output.abort())
            raise
        await self._complete(output)

    async def _complete(self, output: OutputWriter) -> None:
        """Complete; when cancelled meanwhile, wait for the outcome and take it back."""
        completing = asyncio.create_task(output.complete())
        try:
            await asyncio.shield(completing)
        except asyncio.CancelledError:
            await asyncio.wait({completing})
            await asyncio.shield(output.abort())
            with suppress(StorageError):
                await asyncio.shield(self.delete(output.location))
            raise
        except BaseException:
            await asyncio.shield(output.abort())
            raise

    def _list_prefix(self, prefix: S3Location) -> list[S3Object]:
        with s3_errors(prefix):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=prefix.bucket, Prefix=prefix.key
            )
            found = [
                S3Object(S3Location(prefix.bucket, entry["Key"]), entry["Size"], entry["ETag"])
                for page in pages
                for entry in page.get("Contents", ())
            ]
        return sorted(found, key=lambda item: item.location.key.encode())

    async def _call(self, location: S3Location, call: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            with s3_errors(location):
                return call()

        return await asyncio.to_thread(guarded)

    async def settled(self, location: S3Location, call: Callable[[], _T]) -> _T:
        """As `_call`, for calls that change something: when cancelled, first wait for the outcome.

        A thread cannot be cancelled, and what it does after everyone has left could not be undone.
        """
        calling = asyncio.create_task(self._call(location, call))
        try:
            return await asyncio.shield(calling)
        except asyncio.CancelledError:
            await asyncio.wait({calling})
            raise

    def _abort(self, location: S3Location, upload_id: str) -> None:
        with (
            s3_errors(location),
            suppress(self._s3.exceptions.NoSuchUpload, self._s3.exceptions.NoSuchBucket),
        ):
            self._s3.abort_multipart_upload(Bucket=location.bucket, Key=location.key, UploadId=upload_id)
        self.journal.closed(location, upload_id)
