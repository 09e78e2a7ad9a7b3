"""SplitType RecordIO and TFRecord: binary frames (R2.26, R2.27). Pure; fed chunk by chunk.

RecordIO: u32le magic 0xCED7230A, u32le length, data, zero padding to a multiple of four.
TFRecord: u64le length, u32 checksum, data, u32 checksum; the checksums are not verified.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from sagemaker_transform_emulator.errors import DataError

RECORD_IO_MAGIC = 0xCED7230A


class _FrameSplitter:
    """Cuts frames whose size is known from a header of fixed size."""

    header_size: int

    def __init__(self, max_record_bytes: int | None, *, keep_framing: bool) -> None:
        self._limit = max_record_bytes
        self._keep_framing = keep_framing
        self._buffer = bytearray()
        self._offset = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give the frames that end in `chunk`, with or without their framing."""
        self._buffer += chunk
        start = 0
        while len(self._buffer) - start >= self.header_size:
            data_start, data_end, frame_end = self._measure(start)
            if (
                self._limit is not None
                and self._sent_size(data_start, data_end, frame_end, start) > self._limit
            ):
                raise DataError(
                    f"Record of {data_end - data_start} bytes at byte {self._offset + start} is larger than "
                    f"MaxPayloadInMB allows: the limit is {self._limit} bytes",
                    remedy="raise MaxPayloadInMB (at most 100, or 0 for no limit)",
                )
            if len(self._buffer) < frame_end:
                break
            begin, end = (start, frame_end) if self._keep_framing else (data_start, data_end)
            yield bytes(memoryview(self._buffer)[begin:end])
            start = frame_end
        del self._buffer[:start]
        self._offset += start

    def finish(self) -> Iterator[bytes]:
        """Nothing may be left when the object has ended."""
        if self._buffer:
            raise DataError(
                f"The last record, at byte {self._offset}, is cut short: {len(self._buffer)} bytes are left",
                remedy="check that the object was written whole and that SplitType fits its format",
            )
        return iter(())

    def _sent_size(self, data_start: int, data_end: int, frame_end: int, start: int) -> int:
        return frame_end - start if self._keep_framing else data_end - data_start

    def _measure(self, start: int) -> tuple[int, int, int]:
        raise NotImplementedError


class RecordIOSplitter(_FrameSplitter):
    """Frames of MXNet's RecordIO, as SageMaker's own algorithms read them."""

    header_size = 8

    def _measure(self, start: int) -> tuple[int, int, int]:
        magic, length = struct.unpack_from("<II", self._buffer, start)
        if magic != RECORD_IO_MAGIC:
            raise DataError(
                f"No RecordIO record at byte {self._offset + start}: the magic number is 0x{magic:08X}, "
                f"expected 0x{RECORD_IO_MAGIC:08X}",
                remedy="check that SplitType RecordIO fits the object's format",
            )
        data_end = start + self.header_size + length
        return start + self.header_size, data_end, data_end + (-length % 4)


class TFRecordSplitter(_FrameSplitter):
    """Frames of TensorFlow's TFRecord."""

    header_size = 12
    _MOST = 1 << 40

    def _measure(self, start: int) -> tuple[int, int, int]:
        (length,) = struct.unpack_from("<Q", self._buffer, start)
        if length > self._MOST:
            raise DataError(
                f"No TFRecord at byte {self._offset + start}: its length reads as {length} bytes",
                remedy="check that SplitType TFRecord fits the object's format",
            )
        data_end = start + self.header_size + length
        return start + self.header_size, data_end, data_end + 4
