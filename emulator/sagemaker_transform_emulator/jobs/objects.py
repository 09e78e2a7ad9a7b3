"""Objects on their way through a job, and what the record path needs of the store that holds them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from sagemaker_transform_emulator.s3.client import S3Object
from sagemaker_transform_emulator.transform.keys import S3Location


@dataclass(frozen=True, slots=True)
class InputObject:
    """An object to transform and where its output goes.

    `is_output_too` says that this job also writes to the object's place, as when a job is run again on a
    folder that holds its outputs (R1.21, R2.12).
    """

    source: S3Object
    output: S3Location
    is_output_too: bool = False


class Output(Protocol):
    """An output that is being written; `kept_plain` says that no key service encrypted it."""

    size: int
    kept_plain: bool

    async def write(self, data: bytes) -> None:
        """Append."""
        ...


class Objects(Protocol):
    """The part of a store that objects pass through."""

    async def head(self, location: S3Location) -> S3Object:
        """The object as it is now."""
        ...

    def read(
        self, source: S3Object, *, unchecked: Callable[[], None] = lambda: None
    ) -> AsyncGenerator[bytes]:
        """Its bytes, in chunks; `unchecked` is called when nothing tells that they are right."""
        ...

    def writer(
        self, location: S3Location, content_type: str | None, kms_key_id: str | None = None
    ) -> AbstractAsyncContextManager[Output]:
        """An output that becomes visible, whole, when the block ends without an error (R2.21)."""
        ...
