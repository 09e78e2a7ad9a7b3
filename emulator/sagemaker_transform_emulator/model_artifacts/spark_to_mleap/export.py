"""The exporter's front: from a saved pipeline, wherever it lies, to a SparkML container's model.tar.gz."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import member_names, tar_gz, unpack
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import bundle_files
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Column, Frame, make_schema
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.locations import local_copy, put
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.pipeline import convert_pipeline
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.recognising import top_folder
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.schema import SparkMLSchema, parse_schema
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import read_stage

SchemaSource = str | Mapping[str, Any] | SparkMLSchema


@dataclass(frozen=True)
class Export:
    """What was exported.

    `schema` is the one to serve it with, `columns` all columns there are, input and intermediate ones
    included, `files` the bundle's, and `notes` say where the container does otherwise than Spark.
    """

    schema: SparkMLSchema
    columns: Mapping[str, Column]
    files: Mapping[str, bytes]
    notes: tuple[str, ...]

    def archive(self) -> bytes:
        """The bytes of model.tar.gz; exporting the same pipeline again gives the same bytes."""
        return tar_gz(self.files)


def export_sparkml(
    pipeline_dir: str | Path,
    out: str | Path,
    *,
    schema: SchemaSource | None = None,
    columns: Sequence[str] | None = None,
    input_sizes: Mapping[str, int] | None = None,
) -> Export:
    """Write the pipeline saved in `pipeline_dir` to `out` as a model.tar.gz, and return what it holds.

    Both places are local paths or s3:// URLs. `schema` is the SAGEMAKER_SPARKML_SCHEMA to serve it
    with and is checked against the pipeline; without it one is inferred, its inputs in the order of
    `columns` (the columns of a CSV record) if given. `input_sizes` has the length of input columns that
    hold vectors, where no stage tells it. What cannot be converted is a UsageError that names the stage.
    """
    with local_copy(str(pipeline_dir)) as folder:
        export = convert_directory(folder, schema=schema, columns=columns, input_sizes=input_sizes)
    put(str(out), export.archive())
    return export


def convert_directory(
    folder: Path,
    *,
    schema: SchemaSource | None = None,
    columns: Sequence[str] | None = None,
    input_sizes: Mapping[str, int] | None = None,
) -> Export:
    """The pipeline saved in the local directory `folder` as a bundle; nothing is written."""
    given = None if schema is None else parse_schema(schema)
    declared = {} if given is None else {column.name: column for column in given.inputs}
    frame = Frame(declared, dict(input_sizes or {}))
    root = convert_pipeline(read_stage(folder), frame)
    if given is None:
        given = make_schema(frame, None if columns is None else tuple(columns))
    else:
        check_schema(given, frame)
    return Export(given, dict(frame.columns), bundle_files(root), tuple(frame.notes))


def check_schema(schema: SparkMLSchema, frame: Frame) -> None:
    """A schema that lacks a column the pipeline reads, or asks for one it does not write, is a UsageError."""
    listed = {column.name for column in schema.inputs}
    for name in frame.inputs:
        if name not in listed:
            raise UsageError(
                f"the pipeline reads the column {name!r}, which the SparkML schema does not list as an input",
                remedy=f"add it: {json.dumps(frame.columns[name].as_schema().as_dict())}",
            )
    if schema.output.name not in listed | set(frame.columns):
        raise UsageError(
            f"the SparkML schema asks for the output column {schema.output.name!r}, which no stage writes",
            remedy=f"ask for one of {', '.join(frame.outputs)}",
        )


def convert_archive(
    source: str | Path,
    target: str | Path,
    *,
    schema: SchemaSource | None = None,
    columns: Sequence[str] | None = None,
    input_sizes: Mapping[str, int] | None = None,
) -> Export:
    """Turn the local model.tar.gz `source`, which holds a saved Spark pipeline, into a bundle at `target`.

    The other arguments are those of `export_sparkml`.
    """
    folder = top_folder(member_names(Path(source)))
    if folder is None:
        raise UsageError(
            f"{source} does not hold a saved Spark ML pipeline",
            remedy="pack what PipelineModel.save(path) wrote: `tar -czf model.tar.gz -C path .`",
        )
    with tempfile.TemporaryDirectory(prefix="sparkml-") as scratch:
        unpack(Path(source), Path(scratch))
        return export_sparkml(
            Path(scratch) / folder, target, schema=schema, columns=columns, input_sizes=input_sizes
        )
