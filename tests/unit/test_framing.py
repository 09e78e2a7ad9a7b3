"""RecordIO and TFRecord frames: what is cut out, what is refused, and in which words."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import pytest

from sagemaker_transform_emulator.errors import DataError
from sagemaker_transform_emulator.transform.framing import RecordIOSplitter, TFRecordSplitter

MAGIC = b"\x0a\x23\xd7\xce"
FITS_RECORD_IO = "check that SplitType RecordIO fits the object's format"
FITS_TF_RECORD = "check that SplitType TFRecord fits the object's format"
RAISE = "raise MaxPayloadInMB (at most 100, or 0 for no limit)"
WHOLE = "check that the object was written whole and that SplitType fits its format"

Splitter = RecordIOSplitter | TFRecordSplitter


def record_io(data: bytes) -> bytes:
    return MAGIC + struct.pack("<I", len(data)) + data + bytes(-len(data) % 4)


def tf_record(data: bytes) -> bytes:
    return struct.pack("<Q", len(data)) + b"CRC1" + data + b"CRC2"


def split(splitter: Splitter, *chunks: bytes) -> list[bytes]:
    found = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    assert list(splitter.finish()) == []
    return found


def refusal(splitter: Splitter, *chunks: bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        split(splitter, *chunks)
    return caught.value


@pytest.mark.rule("R2.26", "R2.27")
@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"abcd", b"abcde"])
def test_a_frame_is_kept_whole_or_stripped_to_its_data(data: bytes) -> None:
    both = record_io(data) + record_io(b"next")
    assert split(RecordIOSplitter(None, keep_framing=True), both) == [record_io(data), record_io(b"next")]
    assert split(RecordIOSplitter(None, keep_framing=False), both) == [data, b"next"]
    both = tf_record(data) + tf_record(b"next")
    assert split(TFRecordSplitter(None, keep_framing=True), both) == [tf_record(data), tf_record(b"next")]
    assert split(TFRecordSplitter(None, keep_framing=False), both) == [data, b"next"]


@pytest.mark.rule("R2.27")
def test_lengths_are_little_endian() -> None:
    long = bytes(range(256)) * 300
    assert split(RecordIOSplitter(None, keep_framing=False), record_io(long)) == [long]
    assert split(TFRecordSplitter(None, keep_framing=False), tf_record(long)) == [long]


@pytest.mark.rule("R2.27")
def test_a_frame_is_given_as_soon_as_its_last_byte_is_there() -> None:
    for splitter, frame in (
        (RecordIOSplitter(None, keep_framing=True), record_io(b"abc")),
        (TFRecordSplitter(None, keep_framing=True), tf_record(b"abc")),
    ):
        for _ in range(2):
            assert [list(splitter.feed(frame[at : at + 1])) for at in range(len(frame) - 1)] == [[]] * (
                len(frame) - 1
            )
            assert list(splitter.feed(frame[-1:])) == [frame]


@pytest.mark.rule("R2.27")
@pytest.mark.parametrize("magic", [b"\x0b\x23\xd7\xce", b"\xce\xd7\x23\x0a", b"abcd"])
def test_another_magic_number_is_refused_with_its_place(magic: bytes) -> None:
    damaged = record_io(b"first") + magic + b"\4\0\0\0data"
    error = refusal(RecordIOSplitter(None, keep_framing=True), damaged[:3], damaged[3:18], damaged[18:])
    assert error.message == (
        f"No RecordIO record at byte 16: the magic number is 0x{int.from_bytes(magic, 'little'):08X}, "
        "expected 0xCED7230A"
    )
    assert error.remedy == FITS_RECORD_IO
    assert error.blame == "ClientError"


@pytest.mark.rule("R2.27")
def test_the_place_of_a_wrong_frame_counts_those_of_the_same_chunk() -> None:
    empty, other = record_io(b""), tf_record(b"")
    error = refusal(RecordIOSplitter(None, keep_framing=True), empty, empty * 3 + b"x" * 8)
    assert error.message.startswith("No RecordIO record at byte 32: ")
    error = refusal(TFRecordSplitter(None, keep_framing=True), other, other * 3 + b"\xff" * 12)
    assert error.message.startswith("No TFRecord at byte 64: ")
    error = refusal(RecordIOSplitter(8, keep_framing=True), empty, empty * 3 + record_io(b"x"))
    assert error.message.startswith("Record of 1 bytes at byte 32 ")


@pytest.mark.rule("R2.27")
def test_a_length_that_no_file_has_is_no_tfrecord() -> None:
    most = 1 << 40
    splitter = TFRecordSplitter(None, keep_framing=True)
    assert list(splitter.feed(struct.pack("<QI", most, 0))) == []
    error = refusal(
        TFRecordSplitter(None, keep_framing=True), tf_record(b"abcd"), struct.pack("<QI", most + 1, 0)
    )
    assert error.message == f"No TFRecord at byte 20: its length reads as {most + 1} bytes"
    assert error.remedy == FITS_TF_RECORD


@pytest.mark.rule("R2.27")
@pytest.mark.parametrize("kept", [1, 7, 8, 9, 15])
def test_a_cut_frame_is_refused_with_its_place(kept: int) -> None:
    error = refusal(
        RecordIOSplitter(None, keep_framing=False), record_io(b"one"), record_io(b"abcdefg")[:kept]
    )
    assert error.message == f"The last record, at byte 12, is cut short: {kept} bytes are left"
    assert error.remedy == WHOLE


@pytest.mark.rule("R2.27")
@pytest.mark.parametrize("kept", [1, 11, 12, 15, 16])
def test_a_cut_tfrecord_is_refused(kept: int) -> None:
    error = refusal(TFRecordSplitter(None, keep_framing=False), tf_record(b"a"), tf_record(b"b")[:kept])
    assert error.message == f"The last record, at byte 17, is cut short: {kept} bytes are left"


@pytest.mark.rule("R2.11", "R2.26")
@pytest.mark.parametrize(
    ("splitter", "frame", "size"),
    [
        (RecordIOSplitter(12, keep_framing=True), record_io(b"abcd"), 5),
        (RecordIOSplitter(4, keep_framing=False), record_io(b"abcd"), 5),
        (TFRecordSplitter(20, keep_framing=True), tf_record(b"abcd"), 5),
        (TFRecordSplitter(4, keep_framing=False), tf_record(b"abcd"), 5),
    ],
)
def test_the_limit_is_that_of_the_bytes_that_are_sent(splitter: Splitter, frame: bytes, size: int) -> None:
    """With their framing under MultiRecord, without it under SingleRecord; equality is allowed."""
    limit = splitter._limit
    assert limit is not None
    assert len(list(splitter.feed(frame * 2))) == 2
    make = record_io if isinstance(splitter, RecordIOSplitter) else tf_record
    error = refusal(splitter, make(b"x" * size))
    assert error.message == (
        f"Record of {size} bytes at byte {2 * len(frame)} is larger than MaxPayloadInMB allows: "
        f"the limit is {limit} bytes"
    )
    assert error.remedy == RAISE


@pytest.mark.rule("R2.11")
def test_a_record_above_the_limit_is_refused_from_its_header_alone() -> None:
    """The memory of a record that nobody may send is never taken."""
    assert _given(RecordIOSplitter(100, keep_framing=False), [MAGIC + struct.pack("<I", 100)]) == []
    with pytest.raises(DataError, match="Record of 101 bytes at byte 0 is larger"):
        _given(RecordIOSplitter(100, keep_framing=False), [MAGIC + struct.pack("<I", 101)])
    with pytest.raises(DataError, match="Record of 101 bytes at byte 0 is larger"):
        _given(TFRecordSplitter(100, keep_framing=False), [struct.pack("<QI", 101, 0)])


def _given(splitter: Splitter, chunks: Iterable[bytes]) -> list[bytes]:
    return [frame for chunk in chunks for frame in splitter.feed(chunk)]
