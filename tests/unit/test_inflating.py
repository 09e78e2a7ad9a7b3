"""CompressionType Gzip: whole, cut and damaged files."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Sequence

import pytest

from sagemaker_transform_emulator.errors import DataError
from sagemaker_transform_emulator.transform.inflating import Inflater

REMEDY = "check that the object is a whole gzip file, or set CompressionType to None"
CONTENT = b"id,1,2\n" * 50


def inflated(*chunks: bytes, piece_bytes: int = 1000) -> list[bytes]:
    inflater = Inflater(piece_bytes)
    found = [piece for chunk in chunks for piece in inflater.feed(chunk)]
    inflater.finish()
    return found


def refusal(chunks: Sequence[bytes]) -> DataError:
    with pytest.raises(DataError) as caught:
        inflated(*chunks)
    assert caught.value.remedy == REMEDY
    assert caught.value.blame == "ClientError"
    return caught.value


@pytest.mark.rule("R2.17")
def test_the_content_comes_in_full_pieces_and_a_rest() -> None:
    packed = gzip.compress(CONTENT)
    assert inflated(packed, piece_bytes=100) == [CONTENT[at : at + 100] for at in range(0, 350, 100)]
    assert inflated(packed, piece_bytes=350) == [CONTENT]
    assert inflated(packed, piece_bytes=175) == [CONTENT[:175], CONTENT[175:]]
    assert inflated(packed) == [CONTENT]


@pytest.mark.rule("R2.17")
def test_pieces_have_256_kib_unless_told() -> None:
    inflater = Inflater()
    pieces = list(inflater.feed(gzip.compress(bytes(600_000))))
    inflater.finish()
    assert [len(piece) for piece in pieces] == [262_144, 262_144, 75_712]


@pytest.mark.rule("R2.17")
@pytest.mark.parametrize("chunk", [1, 7, 100_000])
def test_a_repetition_may_reach_32_kib_back(chunk: int) -> None:
    content = bytes(random.Random(1).choices(range(256), k=32_000)) * 3
    packed = gzip.compress(content)
    assert len(packed) < 40_000
    chunks = (packed[at : at + chunk] for at in range(0, len(packed), chunk))
    assert b"".join(inflated(*chunks, piece_bytes=500)) == content


@pytest.mark.rule("R2.17")
def test_nothing_at_all_is_an_empty_object() -> None:
    assert inflated() == []
    assert inflated(b"") == []
    assert inflated(gzip.compress(b"")) == []


@pytest.mark.rule("R2.17")
def test_an_empty_chunk_changes_nothing() -> None:
    packed = gzip.compress(CONTENT)
    assert b"".join(inflated(b"", packed[:20], b"", packed[20:], b"")) == CONTENT


@pytest.mark.rule("R2.17")
def test_members_follow_each_other_with_zero_padding_or_without() -> None:
    one, two = gzip.compress(b"one"), gzip.compress(b"two")
    assert inflated(one + two) == [b"one", b"two"]
    assert inflated(one, two) == [b"one", b"two"]
    assert inflated(one + bytes(7) + two + bytes(512)) == [b"one", b"two"]
    assert inflated(one + b"\0", b"\0\0", b"\0" + two, b"\0") == [b"one", b"two"]
    assert inflated(one + gzip.compress(b"") + two) == [b"one", b"two"]


@pytest.mark.rule("R2.17")
@pytest.mark.parametrize("kept", [1, 9, 10, 15, -8, -1])
def test_a_cut_file_is_refused(kept: int) -> None:
    packed = gzip.compress(CONTENT)[:kept]
    error = refusal([packed[:5], packed[5:]])
    assert error.message == f"The gzip data end in the middle, after {len(packed)} compressed bytes"


@pytest.mark.rule("R2.17")
def test_a_file_that_ends_inside_its_second_member_is_refused() -> None:
    one, two = gzip.compress(b"one"), gzip.compress(b"two")
    error = refusal([one, two[:1]])
    assert error.message == f"The gzip data end in the middle, after {len(one) + 1} compressed bytes"


@pytest.mark.rule("R2.17")
@pytest.mark.parametrize(
    "damaged",
    [
        b"plain text, no gzip",
        bytes(8) + gzip.compress(b"padding in front"),
        zlib.compress(b"zlib, not gzip"),
        gzip.compress(b"one") + b"garbage behind the last member",
        gzip.compress(b"one") + b"\0XX",
        gzip.compress(CONTENT)[:-8] + b"\1\2\3\4" + gzip.compress(CONTENT)[-4:],  # another checksum
        gzip.compress(CONTENT)[:-4] + b"\1\0\0\0",  # another size
        gzip.compress(CONTENT)[:12] + b"\xff\xff" + gzip.compress(CONTENT)[14:],
    ],
    ids=["text", "padding", "zlib", "garbage", "garbage behind padding", "checksum", "size", "inside"],
)
def test_a_damaged_file_is_refused(damaged: bytes) -> None:
    error = refusal([damaged])
    assert error.message.startswith("The gzip data are damaged after compressed byte 0: Error -3 ")


@pytest.mark.rule("R2.17")
def test_the_place_of_the_damage_counts_the_chunks_before() -> None:
    packed = gzip.compress(b"one")
    error = refusal([packed[:4], packed[4:], b"garbage"])
    assert error.message.startswith(f"The gzip data are damaged after compressed byte {len(packed)}: ")
    error = refusal([packed, bytes(100), b"garbage"])
    assert error.message.startswith(f"The gzip data are damaged after compressed byte {len(packed) + 100}: ")


@pytest.mark.rule("R2.17")
def test_what_came_before_the_damage_is_given() -> None:
    inflater = Inflater()
    pieces = inflater.feed(gzip.compress(b"one") + b"garbage")
    assert next(pieces) == b"one"
    with pytest.raises(DataError):
        next(pieces)
