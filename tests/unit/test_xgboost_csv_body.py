"""CSV bodies: the short ways give what csv.Sniffer and NumPy give, or leave the judgement to them."""

from __future__ import annotations

import csv
import sys

import numpy as np
import pytest
from census import missing_cases
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.containers.xgboost import number_text
from sagemaker_transform_emulator.containers.xgboost.csv_body import (
    exact_table,
    guess_delimiter,
    is_plain,
    large_table,
    small_rows,
    sniff_delimiter,
    unix_lines,
)

NUMBERS = st.one_of(
    st.floats(width=32).map(repr),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**6), 10**6).map(str),
    st.sampled_from(
        ["", "nan", "NaN", "-nan", "5.", ".5", "+5", "1e5", "5.0E-1", "1e39", "1e-999", " 7", "-0.0", "e5"]
    ),
)
DELIMITERS = st.sampled_from([",", ", ", ";", "\t", " ", ":", "|"])


@st.composite
def csv_lines(draw: st.DrawFn) -> str:
    return draw(DELIMITERS).join(draw(st.lists(NUMBERS, min_size=1, max_size=12)))


@st.composite
def plain_bodies(draw: st.DrawFn) -> str:
    width = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=1, max_size=8))
    if draw(st.booleans()):
        rows[draw(st.integers(0, len(rows) - 1))].append("1")
    if draw(st.booleans()):
        rows.insert(draw(st.integers(0, len(rows))), [])
    return "\n".join(",".join(row) for row in rows).strip()


def sniffed(line: str) -> str | None:
    try:
        return csv.Sniffer().sniff(line).delimiter
    except csv.Error:
        return None


def guessed(line: str) -> str | None:
    try:
        return sniff_delimiter(line)
    except csv.Error:
        return None


@given(st.one_of(csv_lines(), st.text(st.characters(exclude_characters="\n"), max_size=60)))
def test_the_guess_is_that_of_csv_sniffer(line: str) -> None:
    assert guessed(line) == sniffed(line)


@given(st.text("'\",;|0.5a ", max_size=30))
def test_the_guess_is_that_of_csv_sniffer_among_quotes(line: str) -> None:
    assert guessed(line) == sniffed(line)


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("1,2", ","),
        ("1;2", ";"),
        ("1\t2", "\t"),
        ("1 2", " "),
        ("1:2", ":"),
        ("0.5|0.5", ","),
        ("5", ","),
        ("-3.5", ","),
    ],
)
def test_an_alphanumeric_guess_means_a_comma(line: str, delimiter: str) -> None:
    assert guess_delimiter(line) == delimiter


def test_only_the_first_512_characters_are_sniffed() -> None:
    assert guess_delimiter("1 " * 256 + "," * 100) == " "


def exact(text: str) -> np.ndarray | None:
    """What the slow way gives as float32, or None when it refuses or finds an infinity."""
    try:
        with np.errstate(over="ignore"):
            table = exact_table(text, ",").astype(np.float32)
    except ValueError:
        return None
    return None if np.isinf(table).any() else table


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and np.array_equal(one, other, equal_nan=True)


def test_the_bodies_are_of_every_kind() -> None:
    """The two properties below are about bodies that are plain, taken by the short ways and left by them."""

    def cases(text: str) -> list[str]:
        if not text or not is_plain(text.encode()):
            return ["not plain"]
        small, large = small_rows(text, ","), large_table(text.encode(), ",")
        return ["plain", f"small: {small is not None}", f"large: {large is not None}"]

    expected = "not plain", "plain", "small: True", "small: False", "large: True", "large: False"
    assert missing_cases(plain_bodies(), cases, *expected) == {}


@given(plain_bodies())
def test_small_rows_are_the_exact_table_or_nothing(text: str) -> None:
    if not text or not is_plain(text.encode()):
        return
    rows = small_rows(text, ",")
    slow = exact(text)
    assert (rows is None) == (slow is None)
    if rows is not None and slow is not None:
        assert same(np.array(rows, np.float32), slow)


@given(plain_bodies())
def test_a_large_table_is_the_exact_table_or_nothing(text: str) -> None:
    if not text or not is_plain(text.encode()):
        return
    table = large_table(text.encode(), ",")
    if table is not None:
        slow = exact(text)
        assert slow is not None
        assert same(table, slow)


def test_a_large_table_takes_usual_numbers_by_the_short_way() -> None:
    table = large_table(b"1,2.5,-3e-2\n,nan,NaN\n5.0E-1,0,7", ",")
    assert table is not None
    assert same(table, np.array([[1, 2.5, -0.03], [np.nan] * 3, [0.5, 0, 7]], np.float32))


@pytest.mark.parametrize(
    "body", [b"1,2\n3", b"1,2\n\n3,4", b"1,1e999", b"1,1e39", b"1,-", b"a,1", b"1,2,\n3,4"]
)
def test_a_large_table_leaves_the_odd_to_the_exact_way(body: bytes) -> None:
    assert large_table(body, ",") is None


@pytest.mark.parametrize("body", [b"1,2\r3,4", b"1,\r\n3,4", b"1,2\r\n\r\n3,4", b"1;\r\n2;3", b"1\r\r\n2"])
def test_carriage_returns_that_change_a_meaning_stay(body: bytes) -> None:
    assert unix_lines(body) == body


def test_crlf_between_numbers_becomes_lf() -> None:
    assert unix_lines(b"1,2\r\n3,4\n5,6") == b"1,2\n3,4\n5,6"


@given(st.lists(st.sampled_from(["1", ",", "\r", "\n", "\r\n", "2.5", " ", ""]), max_size=12))
def test_unix_lines_never_change_the_outcome(parts: list[str]) -> None:
    text = "".join(parts).strip()
    if not text:
        return
    before, after = exact(text), exact(unix_lines(text.encode()).decode())
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        assert same(before, after)


def test_with_an_older_numpy_large_bodies_are_read_and_written_without_arrow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = b"\n".join(b"%d,%d.5" % (number, number) for number in range(2000))
    table, column = large_table(body, ","), np.arange(1000, dtype=np.float32) / 8
    written = number_text.joined_numbers(column, "\n"), number_text.joined_rows(table, ",", "[", "]", ",")
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert large_table(body, ",") is None
    assert np.array_equal(exact_table(body.decode(), ",").astype(np.float32), table)
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # an import of it would raise
    assert (
        number_text.joined_numbers(column, "\n"),
        number_text.joined_rows(table, ",", "[", "]", ","),
    ) == written
