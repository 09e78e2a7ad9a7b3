"""Number text is Python's repr of the float32 widened to a double, whoever writes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.containers.xgboost.number_text import (
    LONG_COLUMN,
    joined_numbers,
    joined_rows,
)

FLOATS = st.floats(width=32)


def reprs(numbers: np.ndarray) -> list[str]:
    return [repr(number) for number in numbers.tolist()]


@given(st.lists(FLOATS, min_size=1, max_size=50))
def test_long_columns_are_written_like_repr(numbers: list[float]) -> None:
    column = np.resize(np.array(numbers, np.float32), LONG_COLUMN)
    assert joined_numbers(column, "\n").split("\n") == reprs(column)


def test_a_hundred_thousand_bit_patterns_are_written_like_repr() -> None:
    column = np.random.default_rng(0).integers(0, 2**32, 100_000, np.uint32).view(np.float32)
    with np.errstate(invalid="ignore"):
        assert joined_numbers(column, " ").split(" ") == reprs(column)


@pytest.mark.parametrize("size", [0, 1, 2, LONG_COLUMN - 1, LONG_COLUMN, LONG_COLUMN + 1])
def test_columns_of_any_length_are_joined(size: int) -> None:
    column = np.linspace(-2, 3, size, dtype=np.float32)
    assert joined_numbers(column, "; ") == "; ".join(reprs(column))


@pytest.mark.parametrize("rows", [1, 2, LONG_COLUMN])
def test_rows_are_wrapped_and_joined(rows: int) -> None:
    table = np.random.default_rng(1).random((rows, 3)).astype(np.float32)
    wanted = "\n".join("[" + ", ".join(reprs(row)) + "]" for row in table)
    assert joined_rows(table, ", ", "[", "]", "\n") == wanted
