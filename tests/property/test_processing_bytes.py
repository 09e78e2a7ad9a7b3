"""Filters and joins against the slow reference; JSON and CSV come out as they went in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
import reference
from hypothesis import event, given
from hypothesis import strategies as st

from sagemaker_transform_emulator.errors import JsonPathValueError, RecordError
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
from sagemaker_transform_emulator.transform.jsonpath import parse
from sagemaker_transform_emulator.transform.processing import processing_of

fields = st.text(alphabet='ab", \té\r', max_size=5).filter(lambda text: not text.endswith("\r"))
rows = st.lists(fields, min_size=1, max_size=5)
numbers = st.one_of(
    st.integers().map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?", fullmatch=True),
)
texts = st.text(max_size=6)
keys = st.one_of(texts, st.sampled_from(["SageMakerOutput", "a", "Z", "\U0001f600", "\uffff"]))


def _text(value: Any) -> str:
    """JSON with the blanks and escapes that writers like to use."""
    if isinstance(value, tuple):
        return str(value[0])
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} : {_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + " , ".join(map(_text, value)) + "\t]"
    return json.dumps(value)


scalars = st.one_of(st.sampled_from([None, True, False]), texts, numbers.map(lambda number: (number,)))
deeper = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=8,
)
values = st.one_of(scalars, deeper, st.dictionaries(keys, deeper, max_size=3)).map(_text)


def _exact(text: str | bytes) -> Any:
    """The value, each number as the characters it has, apart from the texts."""
    return json.loads(text, parse_float=lambda number: (number,), parse_int=lambda number: (number,))


@pytest.mark.rule("R3.14")
@given(values)
def test_json_keeps_its_values_and_its_numbers_their_characters(text: str) -> None:
    written = write_json(read_json(text.encode()))
    assert _exact(written) == _exact(text)
    assert write_json(read_json(written)) == written
    assert b"\n" not in written


@pytest.mark.rule("R3.14")
@given(st.dictionaries(keys, st.integers(0, 9), max_size=6))
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


csv_lines = st.lists(st.sampled_from([b'"', b'"', b'""', b",", b"a", b" ", b"\r", b"\xff"]), max_size=8).map(
    b"".join
)


@pytest.mark.rule("R3.16", "R3.18")
@given(st.one_of(csv_lines, rows.map(lambda row: write_row([field.encode() for field in row]))))
def test_a_line_is_the_row_of_the_reference_or_an_error(line: bytes) -> None:
    expected = reference.fields_of(line)
    event("row" if expected else "error")
    if expected is None:
        with pytest.raises(RecordError, match=" found near: "):
            read_row(line)
    else:
        assert read_row(line) == expected
        assert read_row(write_row(expected)) == expected


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
    st.none() | st.lists(st.sampled_from([0, 1, -1, -2]), min_size=1),
)
def test_joined_rows_are_those_of_the_reference(
    pairs: list[tuple[list[str], list[str]]], columns: list[int] | None
) -> None:
    lines = [tuple(reference.csv_line(row) for row in pair) for pair in pairs]
    records, answers = (tuple(side) for side in zip(*lines, strict=True))
    path = "$" if columns is None else f"$[{', '.join(map(str, columns))}]"
    processing = processing_of(_job("text/csv", path))
    found = processing.finish(Payload(1, 0, records, b""), b"".join(answers))
    expected = [record + answer for record, answer in pairs]
    if columns is not None:
        expected = [[row[column] for column in columns] for row in expected]
    assert found.endswith(b"\n")
    assert [reference.fields_of(line) for line in found[:-1].split(b"\n")] == [
        [field.encode() for field in row] for row in expected
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
