"""Numbers as Java's Double.parseDouble reads them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.containers.sparkml.java_numbers import double


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1.0), (" .5\t", 0.5), ("5.", 5.0), ("+1e3", 1000.0), ("1D", 1.0), ("2f", 2.0), ("0x1p3", 8.0),
     ("-0x.8P1d", -1.0), ("1e400", math.inf), ("0x1p5000", math.inf), ("-0x1p5000", -math.inf),
     ("-Infinity", -math.inf)],
)  # fmt: skip
def test_what_java_reads(text: str, value: float) -> None:
    assert double(text) == value


@pytest.mark.parametrize(
    "text", ["", " ", "nan", "inf", "1_000", "0x10", "1e", "1 2", "\xa01", "\u0661", "1dd", ".", "e1"]
)
def test_what_java_refuses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the text is all there is to say
        double(text)


def test_not_a_number_is_one() -> None:
    assert math.isnan(double("NaN"))


@given(st.floats(allow_nan=False))
def test_what_python_writes_is_read_back(value: float) -> None:
    assert double(repr(value).replace("inf", "Infinity")) == value
