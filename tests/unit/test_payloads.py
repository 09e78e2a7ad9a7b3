"""The reading half of the record path: payloads of an object, and of records given one by one."""

from __future__ import annotations

import gzip

import pytest

from sagemaker_transform_emulator.errors import DataError, RecordError, UsageError
from sagemaker_transform_emulator.sagemaker.requests import (
    BatchStrategy,
    CompressionType,
    ExecutionParameters,
    SplitType,
    TransformInput,
    TransformJob,
    TransformOutput,
)
from sagemaker_transform_emulator.transform.payloads import PayloadReader, payload_of, records_of, strategy_of

MULTI, SINGLE = BatchStrategy.MULTI_RECORD, BatchStrategy.SINGLE_RECORD
FRAME = b"\x0a\x23\xd7\xce\x01\x00\x00\x00x\x00\x00\x00"


def job(
    split: SplitType = SplitType.LINE, compression: CompressionType = CompressionType.NONE
) -> TransformJob:
    return TransformJob(
        "j",
        "m",
        TransformInput("s3://bkt/in/", split_type=split, compression_type=compression),
        TransformOutput("s3://bkt/out"),
    )


def parameters(strategy: BatchStrategy = SINGLE, megabytes: int = 6) -> ExecutionParameters:
    return ExecutionParameters(1, strategy, megabytes)


def bodies(body: bytes, made: TransformJob, given: ExecutionParameters) -> list[bytes]:
    reader = PayloadReader(made, given, None)
    payloads = [payload for byte in body for payload in reader.feed(bytes([byte]))]
    return [payload.body for payload in [*payloads, *reader.finish()]]


@pytest.mark.rule("R2.6", "R2.17")
def test_a_gzip_object_is_inflated_before_it_is_split() -> None:
    packed = gzip.compress(b"a\nb\nc")
    assert bodies(packed, job(compression=CompressionType.GZIP), parameters()) == [b"a\n", b"b\n", b"c"]
    with pytest.raises(DataError):
        bodies(packed[:-1], job(compression=CompressionType.GZIP), parameters())
    with pytest.raises(DataError):
        bodies(b"a\nb\n", job(compression=CompressionType.GZIP), parameters())


@pytest.mark.rule("R1.19", "R2.3")
def test_an_unsplit_object_is_one_record_whatever_the_strategy() -> None:
    assert strategy_of(job(SplitType.NONE), parameters(MULTI)) is SINGLE
    assert strategy_of(job(), parameters(MULTI)) is MULTI
    assert bodies(b"a\nb\n", job(SplitType.NONE), parameters(MULTI)) == [b"a\nb\n"]


@pytest.mark.rule("R2.5", "R2.26")
def test_frames_are_kept_only_where_records_are_sent_together() -> None:
    assert bodies(FRAME * 2, job(SplitType.RECORD_IO), parameters(MULTI)) == [FRAME * 2]
    assert bodies(FRAME * 2, job(SplitType.RECORD_IO), parameters()) == [b"x", b"x"]


@pytest.mark.rule("R2.11")
def test_a_record_above_the_limit_is_placed_by_number_and_byte() -> None:
    with pytest.raises(RecordError, match=r"Record 2 \(at byte 2\)"):
        bodies(b"a\n" + b"b" * (1 << 20) + b"\n", job(), parameters(megabytes=1))
    with pytest.raises(RecordError, match=r"Record 2 \(at byte 2\)"):
        bodies(b"a\n" + b"b" * ((1 << 20) + 1), job(), parameters(megabytes=1))


def test_records_of_a_payload_are_cut_as_the_object_was() -> None:
    assert records_of(b"a\nb\n", SplitType.LINE, 2) == [b"a\n", b"b\n"]
    assert records_of(b"a\nb", SplitType.LINE, 1) == [b"a\nb"]
    assert records_of(FRAME * 2, SplitType.RECORD_IO, 2) == [FRAME, FRAME]


def test_given_records_make_the_payload_of_the_job_or_are_refused() -> None:
    together = payload_of([b"a\n", b"b\n"], job(), parameters(MULTI), None, (7, 30))
    assert (together.first_record, together.offset, together.body) == (7, 30, b"a\nb\n")
    assert payload_of([b"a\n"], job(), parameters(), None).body == b"a\n"
    with pytest.raises(UsageError, match="2 records make 2 payloads") as refused:
        payload_of([b"a\n", b"b\n"], job(), parameters(), None)
    assert "MultiRecord" in refused.value.remedy
    with pytest.raises(UsageError, match="0 records make 0 payloads"):
        payload_of([], job(), parameters(MULTI), None)
    with pytest.raises(RecordError, match=r"Record 5 \(at byte 40\)"):
        payload_of([b"b" * ((1 << 20) + 1)], job(), parameters(megabytes=1), None, (5, 40))
