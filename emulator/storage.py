"""S3 behind the emulator: list, ranged reads, and objects that appear whole or not at all.

boto3 does the talking, in threads; every error of its leaves here as a StorageError that names bucket,
key and remedy.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.exceptions
from botocore.config import Config

from emulator.errors import DataError, StorageError
from emulator.model import MIB
from emulator.transform.keys import S3Location

RANGE_BYTES = 8 * MIB
PART_BYTES = 8 * MIB
MOST_PARTS = 10_000

_T = TypeVar("_T")
_MISSING = {"NoSuchBucket": "bucket", "NoSuchKey": "object", "404": "object", "NotFound": "object"}
_DENIED = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "Forbidden"}
_CHANGED = {"PreconditionFailed", "412"}
_ENCRYPTION = {"ServerSideEncryption", "SSEKMSKeyId"}
_FULL = {"XMinioStorageFull", "EntityTooLarge", "InsufficientStorage"}


@dataclass(frozen=True, slots=True)
class S3Object:
    """An object as a listing saw it. `size` in bytes; `etag` pins the version that is read."""

    location: S3Location
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where S3 is and with which credentials. None leaves the choice to boto3's usual chain."""

    endpoint_url: str | None = None
    region: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = None


class UploadJournal:
    """Told of every multipart upload before its first part and after its end, for the sweep."""

    def opened(self, location: S3Location, upload_id: str) -> None:
        """Remember the upload."""

    def closed(self, location: S3Location, upload_id: str) -> None:
        """Forget the upload: it was completed or aborted."""


class Storage:
    """One S3 endpoint. Safe to use from many tasks."""

    def __init__(self, address: StoreAddress = StoreAddress(), journal: UploadJournal | None = None) -> None:
        self.address = address
        self._journal = journal or UploadJournal()
        self._s3: Any = boto3.client(
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

    async def read(self, source: S3Object, range_bytes: int = RANGE_BYTES) -> AsyncGenerator[bytes]:
        """The object's bytes in chunks, the next range fetched while the last is used.

        Every range carries If-Match: an object that was overwritten meanwhile is a DataError, never a
        mixture. At most two ranges are in memory.
        """
        starts = range(0, source.size, range_bytes)
        ahead: asyncio.Task[bytes] | None = None
        try:
            for start in starts:
                chunk = await (ahead or self._fetch(source, start, range_bytes))
                following = start + range_bytes
                ahead = (
                    asyncio.create_task(self._fetch(source, following, range_bytes))
                    if following < source.size
                    else None
                )
                yield chunk
        finally:
            if ahead is not None:
                ahead.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await ahead

    async def get(self, location: S3Location, most_bytes: int = 64 * MIB) -> bytes:
        """A small object whole, such as a manifest."""
        found = await self.head(location)
        if found.size > most_bytes:
            raise DataError(f"{location} has {found.size} bytes; at most {most_bytes} can be read here")
        return b"".join([chunk async for chunk in self.read(found)])

    async def download(self, location: S3Location, target: Path) -> None:
        """Write the object to a local file."""
        await self._call(location, lambda: self._s3.download_file(location.bucket, location.key, str(target)))

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

    async def _fetch(self, source: S3Object, start: int, size: int) -> bytes:
        end = min(start + size, source.size) - 1
        location = source.location

        def fetch() -> bytes:
            answer = self._s3.get_object(
                Bucket=location.bucket, Key=location.key, Range=f"bytes={start}-{end}", IfMatch=source.etag
            )
            body: bytes = answer["Body"].read()
            return body

        chunk = await self._call(location, fetch)
        if len(chunk) != end - start + 1:
            raise StorageError(
                f"{location}: asked for bytes {start} to {end}, got {len(chunk)} bytes",
                blame="InternalServerError",
            )
        return chunk

    async def _call(self, location: S3Location, call: Callable[[], _T]) -> _T:
        def guarded() -> _T:
            with s3_errors(location):
                return call()

        return await asyncio.to_thread(guarded)

    async def _settled(self, location: S3Location, call: Callable[[], _T]) -> _T:
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
        self._journal.closed(location, upload_id)


class OutputWriter:
    """Collects one output object. Small ones are put at the end, larger ones go up part by part.

    `kept_plain` says that a key was asked for and the store has no key service.
    """

    def __init__(self, storage: Storage, location: S3Location, extra: dict[str, str]) -> None:
        self.location = location
        self.size = 0
        self._storage = storage
        self._extra = extra
        self.kept_plain = False
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._upload_id: str | None = None
        self._parts: list[dict[str, Any]] = []
        self._sending: asyncio.Task[dict[str, Any]] | None = None

    @property
    def part_bytes(self) -> int:
        """Size of the next part; it grows so that 10,000 parts hold 5 TiB."""
        return PART_BYTES * (1 + len(self._parts) // 500) ** 2

    async def write(self, data: bytes) -> None:
        """Append. Waits only while an earlier part is on its way, so two parts are in memory at most."""
        self._buffer.append(data)
        self._buffered += len(data)
        self.size += len(data)
        if self._buffered >= self.part_bytes:
            await self._send_part()

    async def complete(self) -> None:
        """Make the object visible."""
        storage, location = self._storage, self.location
        if self._upload_id is None:
            body = b"".join(self._buffer)
            await storage._settled(  # noqa: SLF001 - one module, two halves of one job
                location,
                lambda: self._encrypted(storage.client.put_object, Body=body),
            )
            return
        if self._buffer:
            await self._send_part()
        await self._part_done()
        await storage._settled(  # noqa: SLF001
            location,
            lambda: storage.client.complete_multipart_upload(
                Bucket=location.bucket,
                Key=location.key,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            ),
        )
        storage._journal.closed(location, self._upload_id)  # noqa: SLF001
        self._upload_id = None

    async def abort(self) -> None:
        """Leave nothing behind. An endpoint that is away keeps the upload; the journal remembers it."""
        if self._sending is not None:
            # a thread cannot be cancelled: a part that arrived after the abort would stay
            await asyncio.wait({self._sending})
            self._sending.exception()
            self._sending = None
        if self._upload_id is not None:
            with suppress(StorageError):
                await self._storage.abort_upload(self.location, self._upload_id)
            self._upload_id = None

    def _encrypted(self, call: Callable[..., Any], **arguments: Any) -> Any:
        """Call S3 for this object; a store that has no key service keeps it plain (R2.24)."""
        place = {"Bucket": self.location.bucket, "Key": self.location.key}
        try:
            return call(**place, **self._extra, **arguments)
        except botocore.exceptions.ClientError as error:
            refused = error.response.get("Error", {}).get("Code") == "NotImplemented"
            if not refused or not self._extra.keys() & _ENCRYPTION:
                raise
        self._extra = {name: value for name, value in self._extra.items() if name not in _ENCRYPTION}
        self.kept_plain = True
        return call(**place, **self._extra, **arguments)

    async def _send_part(self) -> None:
        body = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        await self._part_done()
        if self._upload_id is None:
            await self._open()
        self._sending = asyncio.create_task(self._upload(len(self._parts) + 1, body))

    async def _part_done(self) -> None:
        if self._sending is not None:
            self._parts.append(await self._sending)
            self._sending = None

    async def _open(self) -> None:
        location, client, journal = self.location, self._storage.client, self._storage._journal  # noqa: SLF001

        def create() -> None:
            answer = self._encrypted(client.create_multipart_upload)
            self._upload_id = answer["UploadId"]
            journal.opened(location, answer["UploadId"])

        await self._storage._settled(location, create)  # noqa: SLF001

    async def _upload(self, number: int, body: bytes) -> dict[str, Any]:
        location, client = self.location, self._storage.client
        answer = await self._storage._settled(  # noqa: SLF001
            location,
            lambda: client.upload_part(
                Bucket=location.bucket,
                Key=location.key,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=body,
            ),
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}


@contextmanager
def s3_errors(location: S3Location) -> Iterator[None]:
    """Turn boto3's errors into ours, each with the place and the remedy."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        raise _from_answer(error, location) from None
    except botocore.exceptions.NoCredentialsError:
        raise StorageError(
            f"{location}: no credentials for S3",
            remedy="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (local stores take any values)",
        ) from None
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError, OSError) as error:
        raise StorageError(
            f"{location}: S3 does not answer: {error}",
            blame="InternalServerError",
            remedy="check that the endpoint of AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL runs",
        ) from None


def _from_answer(error: botocore.exceptions.ClientError, location: S3Location) -> StorageError | DataError:
    code = str(error.response.get("Error", {}).get("Code", ""))
    said = str(error.response.get("Error", {}).get("Message", "")) or code
    if code in _CHANGED:
        return DataError(
            f"{location} was changed while it was read", remedy="run the job again on data that stay still"
        )
    if code in _MISSING:
        what = _MISSING[code]
        name = f"s3://{location.bucket}" if what == "bucket" else str(location)
        return StorageError(f"The {what} {name} does not exist", remedy="check its name and the S3 endpoint")
    if code in _DENIED:
        return StorageError(
            f"{location}: S3 refuses access ({code}: {said})",
            remedy="check the credentials for this endpoint",
        )
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    outage = status >= 500 or code in _FULL  # noqa: PLR2004 - HTTP's server errors
    return StorageError(
        f"{location}: S3 answered {code}: {said}", blame="InternalServerError" if outage else "ClientError"
    )
