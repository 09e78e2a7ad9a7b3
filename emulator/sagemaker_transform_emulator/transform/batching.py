"""BatchStrategy: records become payloads. Pure.

With SingleRecord each record is a payload; with MultiRecord consecutive records are joined while their
bytes stay within MaxPayloadInMB (R2.5 to R2.7). The concatenation of all payloads is the concatenation
of all records.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy
from sagemaker_transform_emulator.transform.slices import Slices


class Payload(NamedTuple):
    """One request body and the records it came from.

    `first_record` counts from 1 within the object, `offset` is the first byte's place in the (inflated)
    object. `records` are the originals, before an InputFilter; `body` is what is sent.
    """

    first_record: int
    offset: int
    records: Sequence[bytes]
    body: bytes

    @property
    def original(self) -> bytes:
        """The original records, one after the other."""
        return self.records.whole if isinstance(self.records, Slices) else b"".join(self.records)

    @property
    def size(self) -> int:
        """Bytes of the original records."""
        return len(self.records.whole) if isinstance(self.records, Slices) else sum(map(len, self.records))

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
    `place` is the number and the byte of the first record that will come.
    """

    def __init__(
        self,
        strategy: BatchStrategy,
        max_payload_bytes: int | None,
        prepare: Prepare | None = None,
        place: tuple[int, int] = (1, 0),
    ) -> None:
        self._single = strategy is BatchStrategy.SINGLE_RECORD
        self._limit = max_payload_bytes
        self._prepare = prepare
        self._number, self._offset = place
        self._lengths = array("Q")
        self._records = bytearray()
        self._prepared = bytearray()

    @property
    def next_record(self) -> int:
        """The number of the record that comes next, from 1."""
        return self._number + len(self._lengths)

    @property
    def next_offset(self) -> int:
        """The place of the next record's first byte."""
        return self._offset + len(self._records)

    def feed(self, records: Iterable[bytes]) -> Iterator[Payload]:
        """Give the payloads that are full. Raises RecordError for a record above the limit (R2.11).

        The limit holds for a record as it is read and as it is sent.
        """
        limit, prepare = self._limit, self._prepare
        waiting = self._records if prepare is None else self._prepared
        for record in records:
            body = record
            if limit is not None and len(record) > limit:
                raise _too_large(len(record), limit)
            if prepare is not None:
                body = prepare(record)
                if limit is not None and len(body) > limit:
                    raise _too_large(len(body), limit)
            if self._single:
                yield Payload(self._number, self._offset, (record,), body)
                self._number += 1
                self._offset += len(record)
                continue
            if limit is not None and len(waiting) + len(body) > limit:
                yield from self.finish()
            self._lengths.append(len(record))
            self._records += record
            if prepare is not None:
                self._prepared += body

    def finish(self) -> Iterator[Payload]:
        """Give the payload that is still open, if any."""
        if not self._lengths:
            return
        whole, lengths = bytes(self._records), self._lengths
        body = whole if self._prepare is None else bytes(self._prepared)
        payload = Payload(self._number, self._offset, Slices(whole, lengths), body)
        self._number += len(lengths)
        self._offset += len(whole)
        self._lengths = array("Q")
        self._records.clear()
        self._prepared.clear()
        yield payload


def _too_large(size: int, limit: int) -> RecordError:
    return RecordError(
        f"Record is larger than MaxPayloadInMB allows: {size} bytes, the limit is {limit} bytes",
        remedy="raise MaxPayloadInMB (at most 100, or 0 for no limit), or make the record smaller",
    )
