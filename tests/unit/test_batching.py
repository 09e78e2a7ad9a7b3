"""BatchStrategy: which records go together, what is refused, and how a payload says where it is from."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy
from sagemaker_transform_emulator.transform.batching import Batcher, Payload
from sagemaker_transform_emulator.transform.slices import Slices

SINGLE, MULTI = BatchStrategy.SINGLE_RECORD, BatchStrategy.MULTI_RECORD
REMEDY = "raise MaxPayloadInMB (at most 100, or 0 for no limit), or make the record smaller"


def double(record: bytes) -> bytes:
    return record * 2


def batched(batcher: Batcher, *records: bytes) -> list[Payload]:
    return [*batcher.feed(records), *batcher.finish()]


def parts(payloads: list[Payload]) -> list[tuple[int, int, list[bytes], bytes]]:
    return [(item.first_record, item.offset, list(item.records), item.body) for item in payloads]


@pytest.mark.rule("R2.6")
def test_with_single_record_each_is_a_payload() -> None:
    assert parts(batched(Batcher(SINGLE, None), b"ab\n", b"", b"c")) == [
        (1, 0, [b"ab\n"], b"ab\n"),
        (2, 3, [b""], b""),
        (3, 3, [b"c"], b"c"),
    ]


@pytest.mark.rule("R2.6", "R3.1")
def test_with_single_record_what_is_sent_is_prepared_and_the_original_kept() -> None:
    assert parts(batched(Batcher(SINGLE, 6, double), b"ab\n", b"c")) == [
        (1, 0, [b"ab\n"], b"ab\nab\n"),
        (2, 3, [b"c"], b"cc"),
    ]


@pytest.mark.rule("R2.5", "R2.7")
def test_with_multi_record_payloads_are_filled_up_to_the_limit_and_equality_is_allowed() -> None:
    assert parts(batched(Batcher(MULTI, 4), b"ab", b"cd", b"e", b"fgh", b"i")) == [
        (1, 0, [b"ab", b"cd"], b"abcd"),
        (3, 4, [b"e", b"fgh"], b"efgh"),
        (5, 8, [b"i"], b"i"),
    ]


@pytest.mark.rule("R2.5", "R2.29")
def test_without_a_limit_all_records_go_together() -> None:
    batcher = Batcher(MULTI, None)
    assert list(batcher.feed([b"ab"] * 1000)) == []
    (payload,) = batcher.finish()
    assert (payload.body, len(payload.records)) == (b"ab" * 1000, 1000)
    assert isinstance(payload.records, Slices)
    assert list(batcher.finish()) == []


@pytest.mark.rule("R2.7", "R3.1")
def test_with_multi_record_the_prepared_bytes_are_counted() -> None:
    assert parts(batched(Batcher(MULTI, 8, double), b"ab", b"cd", b"e", b"fgh", b"i")) == [
        (1, 0, [b"ab", b"cd"], b"ababcdcd"),
        (3, 4, [b"e", b"fgh"], b"eefghfgh"),
        (5, 8, [b"i"], b"ii"),
    ]


@pytest.mark.rule("R2.7", "R3.1")
def test_a_filter_that_takes_much_away_lets_more_records_in() -> None:
    assert parts(
        batched(Batcher(MULTI, 4, lambda record: record[:1]), b"ab", b"cd", b"ef", b"gh", b"ij")
    ) == [
        (1, 0, [b"ab", b"cd", b"ef", b"gh"], b"aceg"),
        (5, 8, [b"ij"], b"i"),
    ]


@pytest.mark.rule("R2.16")
def test_an_empty_record_is_sent_and_no_record_is_not() -> None:
    assert parts(batched(Batcher(MULTI, 4), b"")) == [(1, 0, [b""], b"")]
    assert batched(Batcher(MULTI, 4)) == []
    assert batched(Batcher(SINGLE, 4)) == []


@pytest.mark.rule("R2.11")
@pytest.mark.parametrize("strategy", [SINGLE, MULTI])
def test_a_record_above_the_limit_is_refused_after_those_before_it(strategy: BatchStrategy) -> None:
    assert [item.body for item in batched(Batcher(strategy, 3), b"abc")] == [b"abc"]
    batcher = Batcher(strategy, 3)
    found = batcher.feed([b"xy", b"abcd"])
    if strategy is SINGLE:
        assert next(found).body == b"xy"
    with pytest.raises(RecordError) as caught:
        next(found)
    assert caught.value.text == ("Record is larger than MaxPayloadInMB allows: 4 bytes, the limit is 3 bytes")
    assert caught.value.remedy == REMEDY


@pytest.mark.rule("R2.11", "R3.1")
@pytest.mark.parametrize("strategy", [SINGLE, MULTI])
def test_the_limit_holds_for_a_record_as_it_is_read_and_as_it_is_sent(strategy: BatchStrategy) -> None:
    assert [item.body for item in batched(Batcher(strategy, 6, double), b"abc")] == [b"abcabc"]
    with pytest.raises(RecordError, match="8 bytes, the limit is 6 bytes"):
        batched(Batcher(strategy, 6, double), b"abcd")
    with pytest.raises(RecordError, match="7 bytes, the limit is 6 bytes"):
        batched(Batcher(strategy, 6, lambda _: b""), b"abcdefg")


def test_the_next_record_and_its_place_are_known_at_any_time() -> None:
    batcher = Batcher(MULTI, 4)
    assert (batcher.next_record, batcher.next_offset) == (1, 0)
    list(batcher.feed([b"ab"]))
    assert (batcher.next_record, batcher.next_offset) == (2, 2)
    list(batcher.feed([b"cd", b"e"]))
    assert (batcher.next_record, batcher.next_offset) == (4, 5)
    list(batcher.finish())
    assert (batcher.next_record, batcher.next_offset) == (4, 5)
    single = Batcher(SINGLE, 4)
    list(single.feed([b"ab", b"c"]))
    assert (single.next_record, single.next_offset) == (3, 3)


@pytest.mark.parametrize(
    ("payload", "size", "where"),
    [
        (Payload(1, 0, (b"abc",), b"sent"), 3, "record 1 (bytes 0 to 2)"),
        (Payload(7, 10, (b"abc", b"de"), b""), 5, "records 7 to 8 (bytes 10 to 14)"),
        (Payload(2, 5, (b"",), b""), 0, "record 2 (bytes 5 to 5)"),
        (batched(Batcher(MULTI, None, double), b"abc", b"de")[0], 5, "records 1 to 2 (bytes 0 to 4)"),
    ],
)
def test_a_payload_says_where_its_records_stand_in_the_object(
    payload: Payload, size: int, where: str
) -> None:
    assert payload.size == size
    assert payload.where == where
