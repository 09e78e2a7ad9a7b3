"""The content types that records are read in."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.transform.formats import FORMATS, Format, format_of, media_type
from sagemaker_transform_emulator.transform.jsonpath import CSV_OPERATORS, JSON_OPERATORS

CSV, JSON, LINES = (FORMATS[name] for name in ("text/csv", "application/json", "application/jsonlines"))


@pytest.mark.rule("R3.2")
@pytest.mark.parametrize(
    ("content_type", "found"),
    [
        ("text/csv", CSV),
        ("Text/CSV; charset=utf-8; header=present", CSV),
        (" application/json ", JSON),
        ("application/jsonlines;", LINES),
        ("application/x-recordio-protobuf", None),
        ("text/csv2", None),
        (";text/csv", None),
        ("", None),
        (None, None),
    ],
)
def test_a_content_type_is_known_by_its_name_alone(content_type: str | None, found: Format | None) -> None:
    assert format_of(content_type) is found


def test_a_media_type_has_neither_parameters_nor_capitals() -> None:
    assert media_type(" Text/CSV ; charset=UTF-8;x") == "text/csv"
    assert media_type(None) == ""
    assert media_type("") == ""


@pytest.mark.rule("R3.2", "R3.5", "R3.11")
def test_what_is_said_of_each_format() -> None:
    facts = [(f.media_type, f.name, f.operators, f.is_csv, f.is_document) for f in FORMATS.values()]
    assert facts == [
        ("text/csv", "CSV", CSV_OPERATORS, True, False),
        ("application/json", "JSON", JSON_OPERATORS, False, True),
        ("application/jsonlines", "JSON", JSON_OPERATORS, False, False),
    ]
    assert [*FORMATS] == [fact[0] for fact in facts]
    with pytest.raises(dataclasses.FrozenInstanceError):
        CSV.name = "other"  # type: ignore[misc]
    assert not hasattr(CSV, "__dict__")


@pytest.mark.rule("R3.18")
@pytest.mark.parametrize("line", [b"", b"\n", b"\r\n", b"\r"])
def test_a_blank_line_is_no_row(line: bytes) -> None:
    with pytest.raises(RecordError) as caught:
        CSV.read(line)
    assert caught.value.text == "the line is blank"
    assert caught.value.remedy == "take blank lines out of the data"
    assert not caught.value.like_refusal
    assert CSV.read(b" \n") == [b" "]
    assert CSV.read(b"X") == [b"X"]


@pytest.mark.rule("R3.10")
def test_a_single_field_is_written_as_a_row() -> None:
    assert CSV.write(b"a,b") == b'"a,b"'
    assert CSV.write([b"a", b"b"]) == b"a,b"


@pytest.mark.rule("R3.12", "R3.13")
def test_records_are_joined_to_their_answers() -> None:
    assert CSV.join([b"a"], [b"b", b"c"]) == [b"a", b"b", b"c"]
    record: dict[str, Any] = {"a": 1, "SageMakerOutput": "old"}
    for kind in (JSON, LINES):
        assert kind.join(record, [2]) == {"a": 1, "SageMakerOutput": [2]}
        assert kind.join([1], {"b": 2}) == {"SageMakerInput": [1], "SageMakerOutput": {"b": 2}}
    assert record == {"a": 1, "SageMakerOutput": "old"}


@pytest.mark.rule("R2.31")
def test_rows_get_an_inference_id_and_its_time() -> None:
    assert CSV.identified([b"a"], "ID", "T") == [b"a", b"ID", b"T"]
    assert CSV.identified(b"a", "ID", "T") == [b"a", b"ID", b"T"]
    for kind in (JSON, LINES):
        told = {"SageMakerInferenceId": "ID", "SageMakerInferenceTime": "T"}
        assert kind.identified({"a": 1}, "ID", "T") == {"a": 1, **told}
        assert kind.identified([1], "ID", "T") == {"SageMakerOutput": [1], **told}
