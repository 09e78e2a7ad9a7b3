"""Reading one object range by range, in order, checked against what S3 knows of its bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

import botocore.exceptions

from sagemaker_transform_emulator.errors import StorageError
from sagemaker_transform_emulator.s3.client_errors import s3_errors, wrong_bytes
from sagemaker_transform_emulator.s3.integrity import Expected, expected_digest, uniform_parts
from sagemaker_transform_emulator.transform.keys import S3Location

BODY_ATTEMPTS = 4
"""How often a range is asked for whose body is cut; boto3 itself repeats only until a body begins."""
_PAUSE_S = 0.1


class Version(Protocol):
    """The version of an object that is read."""

    @property
    def location(self) -> S3Location:
        """Where it is."""
        ...

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    @property
    def etag(self) -> str:
        """Pins the version."""
        ...


class RangedRead:
    """One pass over an object. `unchecked` says after it that the store offered nothing to check it by."""

    def __init__(self, s3: Any, source: Version, range_bytes: int) -> None:
        self.unchecked = False
        self._s3 = s3
        self._source = source
        self._range_bytes = range_bytes
        self._expected: Expected | None = None

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The bytes, the next range fetched and summed while the last is used; two are in memory at most.

        Raises StorageError at the end when they are not those that S3 knows of.
        """
        size = self._source.size
        ahead: asyncio.Task[bytes] | None = None
        try:
            for start in range(0, size, self._range_bytes):
                chunk = await (ahead or asyncio.to_thread(self._fetch, start))
                following = start + self._range_bytes
                ahead = (
                    asyncio.create_task(asyncio.to_thread(self._fetch, following))
                    if following < size
                    else None
                )
                yield chunk
        finally:
            if ahead is not None:
                ahead.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await ahead

    def head(self, **arguments: Any) -> Mapping[str, Any]:
        """HeadObject of the object; nothing where the store will not have those arguments."""
        location = self._source.location
        try:
            answer: dict[str, Any] = self._s3.head_object(
                Bucket=location.bucket, Key=location.key, **arguments
            )
        except botocore.exceptions.ClientError:
            return {}
        # some stores give a part an ETag of its own
        return answer if "PartNumber" in arguments or answer.get("ETag") == self._source.etag else {}

    def start(self, answer: Mapping[str, Any]) -> None:
        """Sums are made from here on, of what the store's answer offers."""
        source = self._source
        self._expected = expected_digest(source.location.bucket, source.etag, source.size, answer, self.head)
        self.unchecked = self._expected is None

    def update(self, data: bytes) -> None:
        """The next bytes count."""
        if self._expected is not None:
            self._expected.digest.update(data)

    def verify(self) -> None:
        """All bytes were counted. Raises StorageError when they are not those that S3 knows of."""
        expected = self._expected
        if expected is None or expected.digest.digest() == expected.value:
            return
        if expected.parts and not uniform_parts(expected, self.head):
            self.unchecked = True
            return
        raise wrong_bytes(self._source.location, expected.name)

    def _fetch(self, start: int) -> bytes:
        """A range, summed. Ranges come one after the other, hence in order."""
        end = min(start + self._range_bytes, self._source.size)
        with s3_errors(self._source.location):
            answer, chunk = self._range(start, end - 1)
            if start == 0:
                self.start(answer)
            self.update(chunk)
            if end == self._source.size:
                self.verify()
        return chunk

    def _range(self, first: int, last: int) -> tuple[Mapping[str, Any], bytes]:
        """The store's answer and the range's bytes, asked for again while the body is cut (bounded)."""
        source = self._source
        ask: Callable[[], dict[str, Any]] = lambda: self._s3.get_object(  # noqa: E731 - its result is typed so
            Bucket=source.location.bucket,
            Key=source.location.key,
            Range=f"bytes={first}-{last}",
            IfMatch=source.etag,
        )
        for attempt in range(BODY_ATTEMPTS):
            answer = ask()
            try:
                chunk: bytes = answer["Body"].read()
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError, OSError):
                if attempt == BODY_ATTEMPTS - 1:
                    raise
            else:
                if len(chunk) == last - first + 1:
                    return answer, chunk
            time.sleep(_PAUSE_S * 2**attempt)
        raise StorageError(
            f"{source.location}: asked for bytes {first} to {last}, got {len(chunk)} bytes",
            blame="InternalServerError",
        )
