"""Payloads from bytes, and the same payload from its records again."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from objects import chunked, record_io, tf_record
from transforming import job

from sagemaker_transform_emulator.errors import DataError, RecordError, UsageError
from sagemaker_transform_emulator.sagemaker.requests import (
    BatchStrategy,
    CompressionType,
    ExecutionParameters,
    SplitType,
    TransformJob,
)
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.payloads import PayloadReader, payload_of, records_of
from sagemaker_transform_emulator.transform.processing import processing_of

SINGLE, MULTI = BatchStrategy.SINGLE_RECORD, BatchStrategy.MULTI_RECORD
FRAMES = {SplitType.RECORD_IO: record_io, SplitType.TF_RECORD: tf_record}


def read(made: TransformJob, parameters: ExecutionParameters, *chunks: bytes) -> list[Payload]:
    reader = PayloadReader(made, parameters, processing_of(made).prepare)
    found = [payload for chunk in chunks for payload in reader.feed(chunk)]
    return found + list(reader.finish())


def split_by(split_type: SplitType) -> TransformJob:
    return job("image/png", split=split_type.value)


def compressed(made: TransformJob) -> TransformJob:
    return replace(made, transform_input=replace(made.transform_input, compression_type=CompressionType.GZIP))


@pytest.mark.rule("R2.17", "R3.1")
@given(st.lists(st.integers(1, 9), min_size=1))
def test_gzip_and_a_filter_make_the_same_payloads_in_any_chunks(sizes: list[int]) -> None:
    made = compressed(job(input_filter="$[1:]"))
    body = gzip.compress(b"a,1,2\nb,3,4\nc,5,6", mtime=0)
    [payload] = read(made, ExecutionParameters(1, MULTI, 1), *chunked(body, sizes))
    assert payload.body == b"1,2\n3,4\n5,6\n"
    assert list(payload.records) == [b"a,1,2\n", b"b,3,4\n", b"c,5,6"]
    assert payload.original == b"a,1,2\nb,3,4\nc,5,6"


@pytest.mark.rule("R2.17")
def test_gzip_that_ends_early_is_refused() -> None:
    body = gzip.compress(b"1\n2\n", mtime=0)
    with pytest.raises(DataError, match="end in the middle"):
        read(compressed(job()), ExecutionParameters(1, SINGLE, 1), body[:-1])


@pytest.mark.rule("R2.4", "R2.26", "R2.29")
@given(
    st.sampled_from([SplitType.LINE, *FRAMES]),
    st.sampled_from([SINGLE, MULTI]),
    st.integers(0, 1),
    st.lists(st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")), min_size=1, max_size=8),
)
def test_a_payload_is_made_again_from_its_bytes(
    split_type: SplitType, strategy: BatchStrategy, megabytes: int, datas: list[bytes]
) -> None:
    frame = FRAMES.get(split_type, lambda data: data + b"\n")
    made, parameters = split_by(split_type), ExecutionParameters(1, strategy, megabytes)
    payloads = read(made, parameters, b"".join(map(frame, datas)))
    assert len(payloads) == (1 if strategy is MULTI else len(datas))
    for payload in payloads:
        records = records_of(payload.original, split_type, len(payload.records))
        again = payload_of(records, made, parameters, None, (payload.first_record, payload.offset))
        assert records == list(payload.records)
        assert (again.first_record, again.offset, again.body) == (
            payload.first_record, payload.offset, payload.body,
        )  # fmt: skip


@pytest.mark.rule("R2.3", "R2.16")
@pytest.mark.parametrize("body", [b"", b"a\nb\n"])
def test_what_is_not_split_is_one_record(body: bytes) -> None:
    made, parameters = split_by(SplitType.NONE), ExecutionParameters(1, MULTI, 6)
    [payload] = read(made, parameters, body)
    assert (payload.body, list(payload.records)) == (body, [body])
    assert payload_of([body], made, parameters, None).body == body


@pytest.mark.rule("R2.5")
@pytest.mark.parametrize(
    ("records", "strategy"), [([], MULTI), ([b"1\n", b"2\n"], SINGLE), ([b"x" * 600_000] * 2, MULTI)]
)
def test_records_that_are_not_sent_as_one_are_refused(records: list[bytes], strategy: BatchStrategy) -> None:
    with pytest.raises(UsageError, match=f"{len(records)} records make"):
        payload_of(records, job(), ExecutionParameters(1, strategy, 1), None)


@pytest.mark.rule("R2.11", "R3.9")
@pytest.mark.parametrize(
    ("made", "body", "place"),
    [
        (job(input_filter="$[1]"), b"1,2\n3\n", "record 2 (at byte 4)"),
        (job(), b"1\n" + b"x" * (1 << 20) + b"\n", "record 2 (at byte 2)"),
    ],
)
@pytest.mark.parametrize("strategy", [SINGLE, MULTI])
def test_a_refused_record_is_named(
    made: TransformJob, body: bytes, place: str, strategy: BatchStrategy
) -> None:
    parameters = ExecutionParameters(1, strategy, 1)
    with pytest.raises(RecordError) as failure:
        read(made, parameters, body)
    assert failure.value.where == place
    with pytest.raises(RecordError) as failure:
        payload_of(body.splitlines(keepends=True)[1:], made, parameters, processing_of(made).prepare, (7, 70))
    assert failure.value.where == "record 7 (at byte 70)"
