"""Slices: the records of a payload, as a list of them would behave."""

from __future__ import annotations

from array import array

import pytest

from sagemaker_transform_emulator.transform.slices import Slices

RECORDS = [b"a\n", b"", b"bcd\n", b"e"]


def slices(*records: bytes) -> Slices:
    return Slices(b"".join(records), array("Q", map(len, records)))


@pytest.mark.rule("R2.5")
def test_they_are_the_records_in_order() -> None:
    found = slices(*RECORDS)
    assert list(found) == RECORDS
    assert list(reversed(found)) == RECORDS[::-1]
    assert len(found) == 4
    assert list(slices()) == []
    assert b"bcd\n" in found
    assert b"bcd" not in found


@pytest.mark.rule("R2.5")
@pytest.mark.parametrize("position", range(-4, 4))
def test_one_is_found_by_its_place_from_either_end(position: int) -> None:
    assert slices(*RECORDS)[position] == RECORDS[position]


@pytest.mark.parametrize("position", [-5, 4])
def test_there_is_none_outside(position: int) -> None:
    with pytest.raises(IndexError):
        slices(*RECORDS)[position]


@pytest.mark.parametrize(
    "part", [slice(None), slice(1, 3), slice(-2, None), slice(None, None, 2), slice(3, 0, -1), slice(9, 12)]
)
def test_a_range_of_them_is_a_list(part: slice) -> None:
    assert slices(*RECORDS)[part] == RECORDS[part]


def test_they_are_equal_when_both_bytes_and_cuts_are() -> None:
    assert slices(b"ab", b"c") == slices(b"ab", b"c")
    assert slices(b"ab", b"c") != slices(b"a", b"bc")
    assert slices(b"ab", b"c") != slices(b"ab", b"d")
    assert slices(b"a") != [b"a"]
    assert (slices(b"a") == [b"a"]) is False


def test_they_cannot_be_hashed() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(slices(b"a"))


def test_they_hold_no_more_than_their_bytes_and_lengths() -> None:
    assert not hasattr(slices(b"a"), "__dict__")
