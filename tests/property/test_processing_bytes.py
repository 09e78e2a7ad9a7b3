"""Filters and joins against the slow reference; JSON and CSV come out as they went in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.sagemaker.requests import (
    AssembleWith,
    DataProcessing,
    JoinSource,
    SplitType,
    TransformInput,
    TransformJob,
    TransformOutput,
)
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.csv_rows import read_row, write_row
from sagemaker_transform_emulator.transform.json_values import read_json, write_json
from sagemaker_transform_emulator.transform.jsonpath import JsonPathValueError, parse
from sagemaker_transform_emulator.transform.processing import processing_of

fields = st.text(alphabet='ab", \té\r', max_size=5).filter(lambda text: not text.endswith("\r"))
rows = st.lists(fields, min_size=1, max_size=5)
numbers = st.one_of(
    st.integers().map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
)
texts = st.text(max_size=6)


def _text(value: Any) -> str:
    """JSON with the blanks and escapes that writers like to use."""
    if isinstance(value, tuple):
        return str(value[0])
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} : {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " , ".join(map(_text, value)) + "\t]"
    return json.dumps(value)


values = st.recursive(
    st.one_of(st.none(), st.booleans(), texts, numbers.map(lambda number: (number,))),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
).map(_text)


@pytest.mark.rule("R3.14")
@given(values)
def test_json_keeps_its_values_and_its_numbers_their_characters(text: str) -> None:
    written = write_json(read_json(text.encode()))
    exact = {"parse_float": str, "parse_int": str}
    assert json.loads(written, **exact) == json.loads(text, **exact)  # type: ignore[arg-type]
    assert write_json(read_json(written)) == written
    assert b"\n" not in written


@pytest.mark.rule("R3.14")
@given(st.dictionaries(texts, st.integers(0, 9), max_size=6))
def test_keys_are_in_bytewise_order(record: dict[str, int]) -> None:
    keys = list(json.loads(write_json(read_json(json.dumps(record).encode()))))
    assert keys == sorted(record, key=lambda key: key.encode())


@pytest.mark.rule("R3.17", "R3.18")
@given(rows)
def test_rows_come_out_as_they_went_in(row: list[str]) -> None:
    fields_ = [field.encode() for field in row]
    written = write_row(fields_)
    assert read_row(written + b"\n") == fields_
    assert read_row(written + b"\r\n") == fields_


@pytest.mark.rule("R3.18")
@given(st.binary(max_size=12).filter(lambda line: b"\n" not in line))
def test_any_line_is_a_row_or_an_error(line: bytes) -> None:
    try:
        row = read_row(line)
    except RecordError:
        assert b'"' in line
    else:
        assert read_row(write_row(row)) == row


@pytest.mark.rule("R3.7", "R3.9")
@given(st.lists(st.integers(), max_size=6), st.none() | st.integers(-7, 7), st.none() | st.integers(-7, 7))
def test_slices_are_those_of_the_reference(row: list[int], start: int | None, end: int | None) -> None:
    path = parse(f"$[{'' if start is None else start}:{'' if end is None else end}]", csv=True)
    expected = reference.sliced(row, start, end)
    if expected is None:
        with pytest.raises(JsonPathValueError):
            path.of(row)
    else:
        assert path.of(row) == expected


def _job(kind: str, output_filter: str) -> TransformJob:
    return TransformJob(
        "j", "m",
        TransformInput("s3://b/in", content_type=kind, split_type=SplitType.LINE),
        TransformOutput("s3://b/out", kind, AssembleWith.LINE),
        data_processing=DataProcessing("$", output_filter, JoinSource.INPUT),
    )  # fmt: skip


@pytest.mark.rule("R3.4", "R3.12", "R3.15")
@given(
    st.lists(st.tuples(rows, rows), min_size=1, max_size=4),
    st.none() | st.lists(st.sampled_from([0, -1]), min_size=1),
)
def test_joined_rows_are_those_of_the_reference(
    pairs: list[tuple[list[str], list[str]]], columns: list[int] | None
) -> None:
    lines = [tuple(write_row([field.encode() for field in row]) + b"\n" for row in pair) for pair in pairs]
    records, answers = (tuple(side) for side in zip(*lines, strict=True))
    path = "$" if columns is None else f"$[{', '.join(map(str, columns))}]"
    processing = processing_of(_job("text/csv", path))
    found = processing.finish(Payload(1, 0, records, b""), b"".join(answers))
    expected = reference.joined_rows(list(records), list(answers), columns)
    assert [read_row(line) for line in found.split(b"\n")] == [
        read_row(line) for line in expected.split(b"\n")
    ]


@pytest.mark.rule("R3.13", "R3.15")
@given(st.lists(st.tuples(values, values), min_size=1, max_size=4))
def test_joined_json_is_that_of_the_reference(pairs: list[tuple[str, str]]) -> None:
    records = tuple(record.encode() + b"\n" for record, _ in pairs)
    answer = "\n".join(answer for _, answer in pairs).encode()
    found = processing_of(_job("application/jsonlines", "$")).finish(Payload(1, 0, records, b""), answer)
    lines = found.split(b"\n")
    assert lines.pop() == b""
    for line, pair in zip(lines, pairs, strict=True):
        assert json.loads(line, parse_float=Decimal, parse_int=Decimal) == reference.joined_json(
            *(text.encode() for text in pair)
        )
