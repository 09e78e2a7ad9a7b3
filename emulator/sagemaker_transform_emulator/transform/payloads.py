"""The reading half of the record path: an object's bytes become the payloads that are sent. Pure.

    inflate → split → filter, batch

Fed chunk by chunk; the same payloads come out however the bytes are cut into chunks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from sagemaker_transform_emulator.errors import RecordError, UsageError
from sagemaker_transform_emulator.sagemaker.requests import (
    BatchStrategy,
    CompressionType,
    ExecutionParameters,
    SplitType,
    TransformJob,
)
from sagemaker_transform_emulator.transform.batching import Batcher, Payload, Prepare
from sagemaker_transform_emulator.transform.inflating import Inflater
from sagemaker_transform_emulator.transform.splitting import make_splitter


class RecordReader:
    """The records of one object as the job's CompressionType and SplitType have them (R2.3, R2.4, R2.17).

    `keep_framing` leaves RecordIO and TFRecord records in their frames, so that their concatenation is the
    object (R2.26).
    """

    def __init__(self, job: TransformJob, max_record_bytes: int | None, *, keep_framing: bool) -> None:
        given = job.transform_input
        self._inflater = Inflater() if given.compression_type is CompressionType.GZIP else None
        self._splitter = make_splitter(
            given.split_type, max_record_bytes=max_record_bytes, keep_framing=keep_framing
        )

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Give the records that end in `chunk`. Raises DataError for bytes that are not of the type."""
        if self._inflater is None:
            return self._splitter.feed(chunk)
        return chain.from_iterable(map(self._splitter.feed, self._inflater.feed(chunk)))

    def finish(self) -> Iterator[bytes]:
        """Give what is left when the object has ended. Raises DataError for an object that is cut short."""
        if self._inflater is not None:
            self._inflater.finish()
        return self._splitter.finish()


class PayloadReader:
    """The payloads of one object, in order (R2.3 to R2.11). `prepare` is the InputFilter, or None."""

    def __init__(self, job: TransformJob, parameters: ExecutionParameters, prepare: Prepare | None) -> None:
        self._records = RecordReader(
            job,
            parameters.max_payload_bytes,
            keep_framing=parameters.batch_strategy is BatchStrategy.MULTI_RECORD,
        )
        self._batcher = Batcher(strategy_of(job, parameters), parameters.max_payload_bytes, prepare)

    def feed(self, chunk: bytes) -> Iterator[Payload]:
        """Give the payloads that are full. Raises RecordError with the record's place, and DataError."""
        try:
            yield from self._batcher.feed(self._records.feed(chunk))
        except RecordError as error:
            raise _placed(error, self._batcher) from None

    def finish(self) -> Iterator[Payload]:
        """Give the last payloads. Raises as `feed`."""
        try:
            yield from self._batcher.feed(self._records.finish())
        except RecordError as error:
            raise _placed(error, self._batcher) from None
        yield from self._batcher.finish()


def strategy_of(job: TransformJob, parameters: ExecutionParameters) -> BatchStrategy:
    """How records are batched: unsplit, an object is one record, and there is nothing to batch or copy."""
    unsplit = job.transform_input.split_type is SplitType.NONE
    return BatchStrategy.SINGLE_RECORD if unsplit else parameters.batch_strategy


def records_of(original: bytes, split_type: SplitType, count: int) -> list[bytes]:
    """The `count` records of a payload, cut from their concatenation.

    Frames of RecordIO and TFRecord are kept, as in payloads of several records (R2.26).
    """
    if count == 1:
        return [original]  # it may be out of its frame
    splitter = make_splitter(split_type, max_record_bytes=None, keep_framing=True)
    return [*splitter.feed(original), *splitter.finish()]


def payload_of(
    records: Sequence[bytes],
    job: TransformJob,
    parameters: ExecutionParameters,
    prepare: Prepare | None,
    place: tuple[int, int] = (1, 0),
) -> Payload:
    """The one payload that these records make; `place` is the first one's number and byte in its object.

    Raises RecordError as PayloadReader does, and UsageError when they make no payload or several.
    """
    batcher = Batcher(strategy_of(job, parameters), parameters.max_payload_bytes, prepare, place)
    try:
        payloads = [*batcher.feed(records), *batcher.finish()]
    except RecordError as error:
        raise _placed(error, batcher) from None
    if len(payloads) == 1:
        return payloads[0]
    raise UsageError(
        f"{len(records)} records make {len(payloads)} payloads here ({parameters}, "
        f"SplitType={job.transform_input.split_type}); give records that are sent as one",
        remedy="give one record, or set BatchStrategy to MultiRecord and SplitType to Line",
    )


def _placed(error: RecordError, batcher: Batcher) -> RecordError:
    return error.at(f"record {batcher.next_record} (at byte {batcher.next_offset})")
