"""CompressionType Gzip: the object is inflated before it is split (R2.17). Pure; fed chunk by chunk.

Output comes in pieces of bounded size, so a small object that inflates to a huge one costs time, not
memory. Files of several gzip members, as `cat a.gz b.gz` makes them, are read whole.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from sagemaker_transform_emulator.errors import DataError

_GZIP = 16 + zlib.MAX_WBITS
_REMEDY = "check that the object is a whole gzip file, or set CompressionType to None"


class Inflater:
    """Turns the bytes of a gzip file into its content."""

    def __init__(self, piece_bytes: int = 256 * 1024) -> None:
        self._piece = piece_bytes
        self._member = zlib.decompressobj(_GZIP)
        self._started = False
        self._seen = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give the content that `chunk` adds, in pieces."""
        data = chunk
        while data:
            if self._member.eof:
                data = data.lstrip(b"\0")  # padding after a member is legal
                if not data:
                    break
                self._member = zlib.decompressobj(_GZIP)
            piece = self._inflate(data)
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                yield piece
        self._seen += len(chunk)

    def finish(self) -> None:
        """Raise DataError when the file ended inside a member."""
        if self._started and not self._member.eof:
            raise DataError(
                f"The gzip data end in the middle, after {self._seen} compressed bytes", remedy=_REMEDY
            )

    def _inflate(self, data: bytes) -> bytes:
        self._started = True
        try:
            return self._member.decompress(data, self._piece)
        except zlib.error as error:
            raise DataError(
                f"The gzip data are damaged after compressed byte {self._seen}: {error}", remedy=_REMEDY
            ) from None
