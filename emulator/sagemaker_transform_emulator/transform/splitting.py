"""SplitType: an object's bytes become records. Pure; fed chunk by chunk.

A splitter gives the same records however its input is cut into chunks, and for Line their
concatenation is the input (R2.4 to R2.10). Time is linear in the bytes, memory bounded by the longest
record that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sagemaker_transform_emulator.errors import RecordTooLargeError
from sagemaker_transform_emulator.sagemaker.requests import SplitType
from sagemaker_transform_emulator.transform.framing import RecordIOSplitter, TFRecordSplitter


class Splitter(Protocol):
    """Turns chunks into records."""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give the records that end in `chunk`; the rest waits for the next call."""
        ...

    def finish(self) -> Iterator[bytes]:
        """Give what is left when the object has ended."""
        ...


class LineSplitter:
    r"""A record is the bytes up to and including `\n`; the last one may lack it (R2.4, R2.10).

    Quotes, `\r` and Unicode line ends mean nothing here (R2.9).
    """

    def __init__(self, max_record_bytes: int | None) -> None:
        self._limit = max_record_bytes
        self._pieces: list[bytes] = []
        self._pending = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give the lines that end in `chunk`."""
        start = 0
        end = chunk.find(b"\n") + 1
        if end and self._pieces:
            self._pieces.append(chunk[:end])
            yield self._take_pending()
            start, end = end, chunk.find(b"\n", end) + 1
        while end:
            yield chunk[start:end]
            start, end = end, chunk.find(b"\n", end) + 1
        if start < len(chunk):
            self._keep(chunk[start:])

    def finish(self) -> Iterator[bytes]:
        """Give the last line if it has no newline."""
        if self._pieces:
            yield self._take_pending()

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._pending += len(piece)
        if self._limit is not None and self._pending > self._limit:
            raise RecordTooLargeError(self._pending, self._limit)

    def _take_pending(self) -> bytes:
        record = b"".join(self._pieces)
        self._pieces.clear()
        self._pending = 0
        return record


class WholeSplitter:
    """SplitType None: the object is one record, also when it is empty (R2.3, R2.16)."""

    def __init__(self, max_record_bytes: int | None) -> None:
        self._limit = max_record_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Keep the chunk; nothing ends before the object does."""
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._limit is not None and self._size > self._limit:
            raise RecordTooLargeError(self._size, self._limit)
        return iter(())

    def finish(self) -> Iterator[bytes]:
        """Give the whole object."""
        yield b"".join(self._pieces)


def make_splitter(split_type: SplitType, *, max_record_bytes: int | None, keep_framing: bool) -> Splitter:
    """The splitter of a SplitType. Binary framing is kept under MultiRecord only (R2.26)."""
    if split_type is SplitType.LINE:
        return LineSplitter(max_record_bytes)
    if split_type is SplitType.RECORD_IO:
        return RecordIOSplitter(max_record_bytes, keep_framing=keep_framing)
    if split_type is SplitType.TF_RECORD:
        return TFRecordSplitter(max_record_bytes, keep_framing=keep_framing)
    return WholeSplitter(max_record_bytes)
