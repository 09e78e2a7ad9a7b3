"""BatchStrategy: records become payloads. Pure.

With SingleRecord each record is a payload; with MultiRecord consecutive records are joined while their
bytes stay within MaxPayloadInMB (R2.5 to R2.7). The concatenation of all payloads is the concatenation
of all records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from emulator.errors import RecordError
from emulator.model import BatchStrategy


class Payload(NamedTuple):
    """One request body and the records it came from.

    `first_record` counts from 1 within the object, `offset` is the first byte's place in the (inflated)
    object. `records` are the originals, before an InputFilter; `body` is what is sent.
    """

    first_record: int
    offset: int
    records: tuple[bytes, ...]
    body: bytes

    @property
    def size(self) -> int:
        """Bytes of the original records."""
        return sum(map(len, self.records))

    @property
    def where(self) -> str:
        """Record numbers and byte range in words, for messages."""
        last = self.first_record + len(self.records) - 1
        numbers = f"record {last}" if last == self.first_record else f"records {self.first_record} to {last}"
        return f"{numbers} (bytes {self.offset} to {self.offset + max(self.size, 1) - 1})"


Prepare = Callable[[bytes], bytes]


class Batcher:
    """Groups the records of one object.

    `prepare` is applied to each record before it is counted and sent; None sends the records untouched.
    """

    def __init__(
        self, strategy: BatchStrategy, max_payload_bytes: int | None, prepare: Prepare | None = None
    ) -> None:
        self._single = strategy is BatchStrategy.SINGLE_RECORD
        self._limit = max_payload_bytes
        self._prepare = prepare
        self._number = 1
        self._offset = 0
        self._records: list[bytes] = []
        self._bodies: list[bytes] = []
        self._size = 0

    @property
    def next_record(self) -> int:
        """The number of the record that comes next, from 1."""
        return self._number + len(self._records)

    @property
    def next_offset(self) -> int:
        """The place of the next record's first byte."""
        return self._offset + sum(map(len, self._records))

    def feed(self, records: Iterable[bytes]) -> Iterator[Payload]:
        """Give the payloads that are full. Raises RecordError for a record above the limit (R2.11).

        The limit holds for a record as it is read and as it is sent.
        """
        limit = self._limit
        for record in records:
            size = len(record)
            if limit is not None and size > limit:
                raise _too_large(size, limit)
            body = record
            if self._prepare is not None:
                body = self._prepare(record)
                size = len(body)
                if limit is not None and size > limit:
                    raise _too_large(size, limit)
            if self._single:
                yield Payload(self._number, self._offset, (record,), body)
                self._number += 1
                self._offset += len(record)
                continue
            if limit is not None and self._size + size > limit:
                yield from self.finish()
            self._records.append(record)
            self._bodies.append(body)
            self._size += size

    def finish(self) -> Iterator[Payload]:
        """Give the payload that is still open, if any."""
        if not self._records:
            return
        records = tuple(self._records)
        body = b"".join(self._bodies)
        payload = Payload(self._number, self._offset, records, body)
        self._number += len(records)
        self._offset += sum(map(len, records))
        self._records.clear()
        self._bodies.clear()
        self._size = 0
        yield payload


def _too_large(size: int, limit: int) -> RecordError:
    return RecordError(
        f"Record is larger than MaxPayloadInMB allows: {size} bytes, the limit is {limit} bytes",
        remedy="raise MaxPayloadInMB (at most 100, or 0 for no limit), or make the record smaller",
    )
