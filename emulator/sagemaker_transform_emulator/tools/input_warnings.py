"""Warnings about input records: a header row, blank lines, uneven columns and the like. Pure."""

from __future__ import annotations

import csv
from collections import Counter

from sagemaker_transform_emulator.sagemaker.requests import SplitType, TransformJob
from sagemaker_transform_emulator.tools.findings import Finding, Severity
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.csv_rows import is_number

_HEADER_SHARE = 0.5
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Doubts:
    """Looks at the payloads of one object, in order, and says what is odd.

    `rewritten` says that an InputFilter writes each record anew before it is sent (R3.17).
    """

    def __init__(self, key: str, job: TransformJob, *, rewritten: bool = False) -> None:
        self._key = key
        self._rewritten = rewritten
        self._lines = job.transform_input.split_type is SplitType.LINE
        kind = (job.transform_input.content_type or "").partition(";")[0].strip().lower()
        self._csv = self._lines and kind == "text/csv"
        self._blank = 0
        self._carriage_returns = 0
        self._open_quotes: list[int] = []
        self._widths: Counter[int] = Counter()
        self._first = b""
        self._last = b""
        self._first_numbers: list[bool] = []
        self._second_numbers: list[bool] = []

    def look(self, payload: Payload) -> None:
        """Take note of a payload's records."""
        if not self._lines:
            return
        if payload.first_record == 1:
            self._first = payload.records[0][:200]
        for number, record in enumerate(payload.records, start=payload.first_record):
            self._last = record
            self._blank += record in (b"\n", b"\r\n")
            self._carriage_returns += record.endswith(b"\r\n")
            if not self._csv:
                continue
            if record.count(b'"') % 2:
                self._open_quotes.append(number)
            self._widths[record.count(b",")] += 1
            if number == 1:
                self._first_numbers = _numeric_cells(record)
            elif number == 2:  # noqa: PLR2004 - the first row after a possible header
                self._second_numbers = _numeric_cells(record)

    def findings(self) -> list[Finding]:
        """What is worth a word."""
        found = []
        if self._blank:
            found.append(
                self._note(
                    "blank-lines",
                    f"{self._blank} blank lines",
                    "each is a record of its own, and is sent",
                    "R2.10",
                )
            )
        if self._carriage_returns:
            found.append(
                self._note(
                    "carriage-returns",
                    f"{self._carriage_returns} records end in CR LF",
                    "the InputFilter writes it without the CR"
                    if self._rewritten
                    else "the CR stays in the record",
                    "R2.10",
                )
            )
        if self._last and not self._last.endswith(b"\n"):
            found.append(
                self._note(
                    "no-final-newline",
                    "the last record has no newline",
                    "the InputFilter adds one" if self._rewritten else "its payload has none either",
                    "R2.4",
                )
            )
        if self._first.startswith(_BYTE_ORDER_MARK):
            found.append(
                self._warn(
                    "byte-order-mark",
                    "the object begins with a byte order mark",
                    "it is part of the first value",
                    "R2.10",
                )
            )
        if self._open_quotes:
            shown = ", ".join(map(str, self._open_quotes[:3]))
            found.append(
                self._warn(
                    "quoted-newline",
                    f"{len(self._open_quotes)} records have an odd number of quotes (first: {shown})",
                    "a quoted value with a newline in it is cut in two: Line splitting is blind to quotes",
                    "R2.9",
                )
            )
        if _looks_like_header(self._first_numbers, self._second_numbers):
            found.append(
                self._warn(
                    "header-row",
                    f"the first record looks like a header: {self._first!r}",
                    "it is sent like any other record",
                    "R2.8",
                )
            )
        if len(self._widths) > 1:
            widths = ", ".join(f"{count} with {width + 1}" for width, count in self._widths.most_common(3))
            found.append(
                self._note(
                    "ragged-rows",
                    f"rows differ in their number of columns: {widths}",
                    "the container decides",
                    "",
                )
            )
        return found

    def _note(self, name: str, seen: str, consequence: str, rule: str) -> Finding:
        return Finding(name, Severity.NOTE, self._key, seen, consequence, rule=rule)

    def _warn(self, name: str, seen: str, consequence: str, rule: str) -> Finding:
        return Finding(name, Severity.WARNING, self._key, seen, consequence, rule=rule)


def _numeric_cells(record: bytes) -> list[bool]:
    text = record.decode("utf-8", "replace").strip()
    return [is_number(cell) for row in csv.reader([text]) for cell in row]


def _looks_like_header(first: list[bool], second: list[bool]) -> bool:
    """The first row has no number where the second has mostly numbers."""
    return bool(second) and not any(first) and sum(second) / len(second) >= _HEADER_SHARE
