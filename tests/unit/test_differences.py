"""Two outputs, record by record."""

from __future__ import annotations

import pytest

from sagemaker_transform_emulator.tools.output_diff import Tolerance, compare, split_records


def test_equal_outputs_are_identical() -> None:
    result = compare([b"1,2", b"x"], [b"1,2", b"x"])
    assert (result.equal, result.identical, result.different) == (True, 2, 0)


def test_numbers_within_the_tolerance_are_equal() -> None:
    left, right = [b"1.0,a", b"nan"], [b"1.0000001,a", b"NaN"]
    assert not compare(left, right).equal
    result = compare(left, right, Tolerance(relative=1e-6))
    assert (result.equal, result.within) == (True, 2)
    assert result.largest == pytest.approx(1e-7, rel=1e-3)


def test_the_place_is_named() -> None:
    [place] = compare([b"1,2,3"], [b"1,9,3"]).differences
    assert (place.record, place.place, place.left, place.right) == (1, "column 1", "2", "9")
    [place] = compare([b'{"a": {"b": [1, 2]}}'], [b'{"a": {"b": [1, 3]}}']).differences
    assert place.place == "$.a.b[1]"


def test_members_and_records_that_only_one_side_has() -> None:
    [place] = compare([b'{"a": 1}'], [b'{"a": 1, "b": 2}']).differences
    assert (place.place, place.why) == ("$.b", "a value is missing")
    [place] = compare([b"1", b"2"], [b"1"]).differences
    assert (place.record, place.why) == (2, "the right output has no such record")


def test_json_may_be_written_in_another_order() -> None:
    assert compare([b'{"a":1,"b":2}'], [b'{"b": 2, "a": 1}']).equal


def test_only_so_many_differences_are_described() -> None:
    result = compare([b"1"] * 50, [b"2"] * 50, shown=3)
    assert (result.different, len(result.differences)) == (50, 3)


@pytest.mark.parametrize(
    ("body", "records"), [(b"", []), (b"a\nb", [b"a", b"b"]), (b"a\n\nb\n", [b"a", b"", b"b"])]
)
def test_records_are_lines(body: bytes, records: list[bytes]) -> None:
    assert split_records(body) == records
