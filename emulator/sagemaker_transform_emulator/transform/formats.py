"""The three content types DataProcessing reads and writes (R3.2). Pure.

A record is a row of CSV, one line of JSON Lines, or one JSON document.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.transform.csv_rows import read_row, write_row
from sagemaker_transform_emulator.transform.json_values import read_json, write_json
from sagemaker_transform_emulator.transform.jsonpath import CSV_OPERATORS, JSON_OPERATORS

Identify = Callable[[], tuple[str, str]]
"""Gives a fresh inference id and the inference time (R2.31)."""


@dataclass(frozen=True, slots=True)
class Format:
    """How records of one content type are read, joined and written.

    `read` raises RecordError saying what is wrong; `write` gives no line end. `is_document` means that an
    answer is one record however many lines it has (R3.11).
    """

    media_type: str
    name: str
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes]
    join: Callable[[Any, Any], Any]
    identified: Callable[[Any, str, str], Any]
    operators: tuple[str, ...]
    is_csv: bool = False
    is_document: bool = False


def format_of(content_type: str | None) -> Format | None:
    """The format of a content type, its parameters aside; None for types that are not looked into."""
    return FORMATS.get(media_type(content_type))


def media_type(content_type: str | None) -> str:
    """The type without parameters, in lower case; "" for none."""
    return (content_type or "").partition(";")[0].strip().lower()


def _read_csv(line: bytes) -> list[bytes]:
    if not line.strip(b"\r\n"):
        raise RecordError("the line is blank", remedy="take blank lines out of the data")
    return read_row(line)


def _write_csv(value: Any) -> bytes:
    return write_row(value if isinstance(value, list) else [value])


def _join_rows(record: list[bytes], output: list[bytes]) -> list[bytes]:
    return record + output  # R3.12


def _join_values(record: Any, output: Any) -> dict[str, Any]:
    """R3.13."""
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": output}
    return {"SageMakerInput": record, "SageMakerOutput": output}


def _identified_row(value: Any, inference_id: str, at: str) -> list[bytes]:
    row = value if isinstance(value, list) else [value]
    return [*row, inference_id.encode(), at.encode()]


def _identified_value(value: Any, inference_id: str, at: str) -> dict[str, Any]:
    fields = value if isinstance(value, dict) else {"SageMakerOutput": value}
    return {**fields, "SageMakerInferenceId": inference_id, "SageMakerInferenceTime": at}


FORMATS = {
    kind.media_type: kind
    for kind in (
        Format("text/csv", "CSV", _read_csv, _write_csv, _join_rows, _identified_row,
               CSV_OPERATORS, is_csv=True),
        Format("application/json", "JSON", read_json, write_json, _join_values, _identified_value,
               JSON_OPERATORS, is_document=True),
        Format("application/jsonlines", "JSON", read_json, write_json, _join_values, _identified_value,
               JSON_OPERATORS),
    )
}  # fmt: skip
