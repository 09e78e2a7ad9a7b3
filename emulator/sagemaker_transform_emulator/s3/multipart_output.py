"""Writing one output object: in one piece or as a multipart upload, visible only when it is whole."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

import botocore.exceptions

from sagemaker_transform_emulator.errors import StorageError
from sagemaker_transform_emulator.sagemaker.requests import MIB
from sagemaker_transform_emulator.transform.keys import S3Location

PART_BYTES = 8 * MIB
_MD5 = re.compile(r'"([0-9a-f]{32})"')

_T = TypeVar("_T")
_ENCRYPTION = {"ServerSideEncryption", "SSEKMSKeyId"}


class UploadJournal:
    """Told of every multipart upload before it is begun and after its end, for the sweep."""

    def opening(self, location: S3Location) -> str:
        """Remember that an upload of that key may exist from now on; returns the entry's name."""
        return location.key

    def forget(self, entry: str) -> None:
        """Forget that entry: no upload exists of which only the key is known."""

    def opened(self, location: S3Location, upload_id: str) -> None:
        """Remember the upload."""

    def closed(self, location: S3Location, upload_id: str) -> None:
        """Forget the upload: it was completed or aborted."""


class Uploads(Protocol):
    """The part of the storage that a writer needs."""

    @property
    def client(self) -> Any:
        """The boto3 client."""
        ...

    @property
    def journal(self) -> UploadJournal:
        """Where uploads are written down."""
        ...

    async def settled(self, location: S3Location, call: Callable[[], _T]) -> _T:
        """The call's result; a cancelled caller waits for the outcome first."""
        ...

    async def abort_upload(self, location: S3Location, upload_id: str) -> None:
        """The upload is gone."""
        ...


class OutputWriter:
    """Collects one output object. Small ones are put at the end, larger ones go up part by part.

    `kept_plain` says that a key was asked for and the store has no key service.
    """

    def __init__(self, storage: Uploads, location: S3Location, extra: dict[str, str]) -> None:
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
            await storage.settled(
                location,
                lambda: self._encrypted(storage.client.put_object, Body=body),
            )
            return
        if self._buffer:
            await self._send_part()
        await self._part_done()
        await storage.settled(location, self._complete_upload)
        storage.journal.closed(location, self._upload_id)
        self._upload_id = None

    async def abort(self) -> None:
        """Leave nothing behind. An endpoint that is away keeps the upload; the journal remembers it."""
        if self._sending is not None:
            # a thread cannot be cancelled: a part that arrived after the abort would stay
            await asyncio.wait({self._sending})
            if not self._sending.cancelled():  # of a cancelled task, exception() would raise here
                self._sending.exception()
            self._sending = None
        if self._upload_id is not None:
            with suppress(StorageError):
                await self._storage.abort_upload(self.location, self._upload_id)
            self._upload_id = None

    def _complete_upload(self) -> None:
        """Complete the upload. An answer that was lost, or refuses to do it twice, is decided by HEAD."""
        place = {"Bucket": self.location.bucket, "Key": self.location.key}
        client = self._storage.client
        try:
            client.complete_multipart_upload(
                **place, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
            )
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
            expected = multipart_etag([part["ETag"] for part in self._parts])
            if expected is None:
                raise
            try:
                found = client.head_object(**place)
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError):
                found = {}
            if (found.get("ETag"), found.get("ContentLength")) != (expected, self.size):
                raise

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
        location, client, journal = self.location, self._storage.client, self._storage.journal

        def create() -> None:
            entry = journal.opening(location)
            try:
                answer = self._encrypted(client.create_multipart_upload)
            except botocore.exceptions.ClientError as error:
                if _status(error) < HTTPStatus.INTERNAL_SERVER_ERROR:
                    journal.forget(entry)  # it was refused: nothing was begun
                raise
            self._upload_id = answer["UploadId"]
            journal.opened(location, answer["UploadId"])
            if not answer.get("ResponseMetadata", {}).get("RetryAttempts"):
                journal.forget(
                    entry
                )  # else an answer was lost, and an upload may be open that we cannot name

        await self._storage.settled(location, create)

    async def _upload(self, number: int, body: bytes) -> dict[str, Any]:
        location, client = self.location, self._storage.client
        answer = await self._storage.settled(
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


def multipart_etag(parts: Sequence[str]) -> str | None:
    """The ETag of the object that is made of parts with these ETags; None when they are no MD5s."""
    found = [_MD5.fullmatch(etag) for etag in parts]
    digests = [bytes.fromhex(match[1]) for match in found if match]
    if len(digests) < len(parts):
        return None
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f'"{whole}-{len(parts)}"'


def _status(error: botocore.exceptions.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
