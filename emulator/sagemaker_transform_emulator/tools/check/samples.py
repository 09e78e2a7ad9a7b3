"""Records to send: the user's, the previous container's answers, or what the image's kind suggests."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sagemaker_transform_emulator.errors import RecordError, UsageError
from sagemaker_transform_emulator.model_artifacts.archive import unpack
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.schema import SchemaColumn, parse_schema
from sagemaker_transform_emulator.sagemaker.requests import ContainerDefinition, SplitType, TransformJob
from sagemaker_transform_emulator.transform.batching import Prepare
from sagemaker_transform_emulator.transform.processing import processing_of

MOST_RECORDS = 20
_LINE_TYPES = ("text/csv", "text/libsvm", "text/x-libsvm", "application/jsonlines", "text/plain")
_SUFFIXES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonl": "application/jsonlines",
    ".libsvm": "text/libsvm",
    ".txt": "text/plain",
}
_MADE_UP = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """Records without their line ends. `origin` says in words where they come from."""

    records: tuple[bytes, ...]
    content_type: str | None
    origin: str
    is_lines: bool = True
    verbatim: tuple[bytes, ...] = ()

    @property
    def inherited(self) -> bool:
        """Whether the records are the answers, kept as they came in `verbatim`, of another container."""
        return bool(self.verbatim)

    def body(self, *records: bytes) -> bytes:
        """The records as one payload: each with its newline when they are lines (R2.4, R2.5)."""
        return b"".join(record + b"\n" for record in records) if self.is_lines else b"".join(records)


def is_line_type(content_type: str | None, job: TransformJob) -> bool:
    """Whether records of that type are lines: the job splits by line, or the type is one of lines."""
    if job.transform_input.split_type is not SplitType.NONE:
        return job.transform_input.split_type is SplitType.LINE
    return content_type is not None and essence(content_type) in _LINE_TYPES


def essence(content_type: str) -> str:
    """The media type without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def given(records: Sequence[bytes], content_type: str | None, job: TransformJob, origin: str) -> Sample:
    """The user's own records, as the job's InputFilter leaves them. Raises UsageError when there is none."""
    lines = is_line_type(content_type, job)
    kept = [record.rstrip(b"\r\n") if lines else record for record in records]
    kept = [record for record in kept if record]
    if not kept:
        raise UsageError(f"{origin} holds no record")
    prepare = processing_of(job).prepare
    if prepare is not None:
        kept, origin = _filtered(kept, prepare, origin, lines=lines), f"{origin}, after the InputFilter"
    return Sample(tuple(dict.fromkeys(kept))[:MOST_RECORDS], content_type, origin, lines)


def _filtered(records: Iterable[bytes], prepare: Prepare, origin: str, *, lines: bool) -> list[bytes]:
    """What a job sends of these records (R3.1)."""
    end = b"\n" if lines else b""
    try:
        return [prepare(record + end).removesuffix(end) for record in records]
    except RecordError as error:
        raise UsageError(f"{origin}: {error.text}", remedy=error.remedy) from None


def inherited(answers: Sequence[bytes], content_type: str | None, container: str) -> Sample:
    """The answers of the container before, with the Content-Type it gave them (R4.39, R4.41)."""
    lines = content_type is not None and essence(content_type) in _LINE_TYPES
    records = [answer.rstrip(b"\r\n") if lines else answer for answer in answers]
    return Sample(
        tuple(dict.fromkeys(records)), content_type, f"the answers of {container}", lines, tuple(answers)
    )


def read_records(path: Path, content_type: str | None, job: TransformJob) -> Sample:
    """The records of a file; its suffix names their type when nobody else does. Raises UsageError."""
    kind = content_type or job.transform_input.content_type or _SUFFIXES.get(path.suffix.lower())
    try:
        with path.open("rb") as file:
            if is_line_type(kind, job):
                lines = [file.readline() for _ in range(MOST_RECORDS * 5)]
                return given(lines, kind, job, str(path))
            return given([file.read()], kind, job, str(path))
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}") from None


async def suggested(definition: ContainerDefinition, archive: Path | None, folder: Path) -> Sample | None:
    """Records made for a container of ours or AWS's: SparkML from its schema, XGBoost from its model.

    None for any other image, and where schema or model do not tell.
    """
    model = folder
    if archive is not None:
        await asyncio.to_thread(
            unpack, archive, model, url=definition.model_data_url or "", container=definition.name
        )
    schema = definition.environment.get("SAGEMAKER_SPARKML_SCHEMA")
    if schema:
        return _from_schema(schema, model)
    if "xgboost" in definition.image:
        return await asyncio.to_thread(_for_xgboost, model)
    return None


def _from_schema(schema: str, model: Path) -> Sample | None:
    try:
        columns = parse_schema(schema).inputs
    except UsageError:
        return None
    if any(column.struct != "basic" for column in columns):
        return None
    labels = _labels(model)
    rows = (
        ",".join(_cell(column, labels, row) for column in columns).encode() for row in range(1, _MADE_UP + 1)
    )
    return Sample(tuple(dict.fromkeys(rows)), "text/csv", "rows made from SAGEMAKER_SPARKML_SCHEMA")


def _labels(model: Path) -> dict[str, str]:
    with suppress(ImportError):  # an installation without the serving containers
        from sagemaker_transform_emulator.containers.sparkml.bundle import known_labels  # noqa: PLC0415 - only for this kind

        return known_labels(model)
    return {}


def _cell(column: SchemaColumn, labels: dict[str, str], row: int) -> str:
    if column.type == "string":
        return labels.get(column.name, "a")
    if column.type == "boolean":
        return "true"
    return f"{row}.5" if column.type in ("float", "double") else str(row)


def _for_xgboost(model: Path) -> Sample | None:
    features = max(_features(sorted(path for path in model.rglob("*") if path.is_file())), default=0)
    if not features:
        return None
    rows = tuple(
        ",".join(f"{(row + column) % 7 + 0.5}" for column in range(features)).encode()
        for row in range(1, _MADE_UP + 1)
    )
    return Sample(rows, "text/csv", f"rows of {features} numbers, as many as the model has features")


def _features(files: Iterable[Path]) -> Iterable[int]:
    try:
        import xgboost  # noqa: PLC0415 - a second that only this kind needs
    except ImportError:
        return
    for path in files:
        with suppress(xgboost.core.XGBoostError, ValueError), warnings.catch_warnings():
            # a pickle, or no model at all; of an old model's format its container has to complain
            warnings.simplefilter("ignore")
            yield int(xgboost.Booster(model_file=str(path)).num_features())
