"""DataProcessing: InputFilter, join, OutputFilter (R3.1 to R3.18). Pure.

The InputFilter makes what is sent, the join puts the original record and the answer together, the
OutputFilter makes what is stored. With all settings at their defaults nothing is parsed and bytes pass
untouched (R3.17).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.errors import RecordError
from sagemaker_transform_emulator.sagemaker.requests import AssembleWith, JoinSource, SplitType, TransformJob
from sagemaker_transform_emulator.transform import jsonpath
from sagemaker_transform_emulator.transform.assembling import assemble
from sagemaker_transform_emulator.transform.batching import Payload, Prepare
from sagemaker_transform_emulator.transform.formats import Format, Identify, format_of
from sagemaker_transform_emulator.transform.jsonpath import JsonPath

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")
_SHOWN_BYTES = 4096

Finish = Callable[[Payload, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Processing:
    """What a job does to its records.

    `prepare` None sends them untouched; `finish` gives the output bytes of a payload and its answer.
    """

    prepare: Prepare | None
    finish: Finish


def processing_of(job: TransformJob, identify: Identify | None = None) -> Processing:
    """The processing a job asks for; `identify` names each output row (R2.31)."""
    with_line = job.transform_output.assemble_with
    if job.data_processing.is_default and identify is None:
        return Processing(None, lambda _, answer: assemble(answer, with_line))
    return Processing(_input_filter(job), _Output.of(job, identify).finish)


def _input_filter(job: TransformJob) -> Prepare | None:
    kind = format_of(job.transform_input.content_type)
    if kind is None or job.data_processing.input_filter == "$":
        return None
    path = jsonpath.parse(job.data_processing.input_filter, csv=kind.is_csv)
    if kind.is_document and job.transform_input.split_type is SplitType.NONE:
        return lambda record: kind.write(path.of(_parsed_input(kind, record)))
    return lambda record: b"".join(
        kind.write(path.of(_parsed_input(kind, line))) + b"\n" for line in whole_lines(record)
    )


@dataclass(frozen=True, slots=True)
class _Output:
    """The way from answers to output. `kind` is None for types that are not looked into (R3.2)."""

    kind: Format | None
    path: JsonPath
    join: bool
    identify: Identify | None
    assemble_with: AssembleWith

    @classmethod
    def of(cls, job: TransformJob, identify: Identify | None) -> _Output:
        accept = job.transform_output.accept or job.transform_input.content_type
        kind = format_of(accept)
        path = jsonpath.parse(job.data_processing.output_filter, csv=kind is not None and kind.is_csv)
        join = job.data_processing.join_source is JoinSource.INPUT
        return cls(kind, path, join, identify, job.transform_output.assemble_with)

    def finish(self, payload: Payload, answer: bytes) -> bytes:
        """The output of one payload. Raises RecordError with the records' place."""
        if self.kind is None:
            return assemble(answer, self.assemble_with)
        try:
            if self.kind.is_document and (not self.join or len(payload.records) == 1):
                return self._document(self.kind, payload, answer)
            return self._lines(self.kind, payload, answer)
        except RecordError as error:
            raise error.at(payload.where) from None

    @property
    def _touches(self) -> bool:
        return self.join or self.identify is not None or not self.path.is_root

    def _document(self, kind: Format, payload: Payload, answer: bytes) -> bytes:
        """An answer is one JSON document (R3.11)."""
        if not self._touches:
            return assemble(answer, self.assemble_with)
        document = self._row(kind, payload.records[0], _parsed_output(kind, answer))
        return document + b"\n" if self.assemble_with is AssembleWith.LINE else document

    def _lines(self, kind: Format, payload: Payload, answer: bytes) -> bytes:
        """An answer is cut into lines, which come out one by one, without blank ones at its end (R2.20)."""
        lines = lines_of(answer)
        if not self._touches:
            return (
                assemble(answer, self.assemble_with)
                if self.assemble_with is AssembleWith.NONE
                else _joined(lines)
            )
        values = [_parsed_output(kind, line) for line in lines]
        if not self.join:
            return _joined([self._row(kind, b"", value) for value in values])
        records = [line for record in payload.records for line in whole_lines(record)]
        if len(records) != len(values):
            raise _count_differs(len(records), len(values))
        return _joined([self._row(kind, *pair) for pair in zip(records, values, strict=True)])

    def _row(self, kind: Format, record: bytes, value: Any) -> bytes:
        joined = kind.join(_parsed_input(kind, record), value) if self.join else value
        selected = self.path.of(joined)
        return kind.write(kind.identified(selected, *self.identify()) if self.identify else selected)


def lines_of(body: bytes) -> list[bytes]:
    """The lines without their newlines; what follows the last newline counts only if it is not empty."""
    lines = body.split(b"\n")
    return lines if lines[-1] else lines[:-1]


def whole_lines(body: bytes) -> list[bytes]:
    """The lines with their newlines, so that their concatenation is the body (R2.4)."""
    return _LINE.findall(body)


def _joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _parsed_input(kind: Format, record: bytes) -> Any:
    try:
        return kind.read(record)
    except RecordError as error:
        shown = record[:_SHOWN_BYTES].decode("utf-8", "replace") + ("…" if len(record) > _SHOWN_BYTES else "")
        raise _because(f"Failed to parse line: '{shown}' as {kind.name}", error) from None


def _parsed_output(kind: Format, text: bytes) -> Any:
    try:
        return kind.read(text)
    except RecordError as error:
        raise _because(f"Failed to parse output from the algorithm as {kind.name}", error) from None


def _because(what: str, error: RecordError) -> RecordError:
    return RecordError(f"{what}: {error.text}", remedy=error.remedy, like_refusal=True)


def _count_differs(records: int, values: int) -> RecordError:
    return RecordError(
        f"Failed to join the output from the algorithm to its input: {records} records were sent, "
        f"{values} came back",
        remedy="the container must answer each record with one line; with SingleRecord it gets one at a time",
    )
