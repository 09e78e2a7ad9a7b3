"""What `PipelineModel.save` leaves on disk, read without Spark or a JVM.

A saved stage is a directory: `metadata/` holds one JSON document (class, uid, parameters), `data/` the
learned values as parquet, `stages/` the saved stages of a pipeline. Spark 3 and 4 write the same tree.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sagemaker_transform_emulator.errors import UsageError

# Pipelines saved from Python name the Python class when one of their stages is written by Python.
PIPELINE_MODELS = ("org.apache.spark.ml.PipelineModel", "pyspark.ml.pipeline.PipelineModel")

SPELLED_NUMBERS = {"NaN": math.nan, "Inf": math.inf, "-Inf": -math.inf}


@dataclass(frozen=True)
class SavedStage:
    """One saved stage. `params` are the defaults overlaid by what was set; `metadata` is the document."""

    path: Path
    class_name: str
    uid: str
    params: Mapping[str, Any]
    metadata: Mapping[str, Any]

    def __str__(self) -> str:
        """How messages call the stage: its class and uid, as Spark prints them."""
        return f"{self.kind} ({self.uid})"

    @property
    def kind(self) -> str:
        """The class without its package, such as StringIndexerModel."""
        return self.class_name.rpartition(".")[2]

    def number(self, name: str) -> float:
        """The numeric parameter `name`; Spark spells NaN and the infinities as texts."""
        return as_number(self.params[name])

    def numbers(self, name: str) -> list[float]:
        """The list-of-numbers parameter `name`."""
        return [as_number(value) for value in self.params[name]]

    def rows(self, folder: str = "data") -> list[dict[str, Any]]:
        """All rows of the parquet files in `folder`, as plain Python values."""
        files = sorted((self.path / folder).glob("*.parquet"))
        if not files:
            raise UsageError(
                f"{self.path / folder} holds no parquet file, so the values {self} learned are missing",
                remedy="copy the whole directory that PipelineModel.save wrote, sub-directories included",
            )
        return [row for file in files for row in pq.read_table(file).to_pylist()]

    def row(self) -> dict[str, Any]:
        """The single row most models keep in `data`."""
        rows = self.rows()
        if len(rows) != 1:
            raise UsageError(f"{self.path / 'data'} holds {len(rows)} rows where {self} keeps one")
        return rows[0]

    def set_params(self) -> Mapping[str, Any]:
        """The parameters the user set, without Spark's defaults."""
        found: Mapping[str, Any] = self.metadata.get("paramMap", {})
        return found


def as_number(value: float | str) -> float:
    """`value` as a float, with Spark's texts for NaN and the infinities understood."""
    return SPELLED_NUMBERS[value] if isinstance(value, str) else float(value)


def read_stage(path: Path) -> SavedStage:
    """The stage saved in `path`. A directory Spark did not write is a UsageError."""
    document = "".join(text_lines(path / "metadata"))
    try:
        metadata = json.loads(document)
        params = {**metadata.get("defaultParamMap", {}), **metadata.get("paramMap", {})}
        return SavedStage(path, metadata["class"], metadata["uid"], params, metadata)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path / 'metadata'} is not the metadata of a saved Spark ML stage: {error!r}",
            remedy="give the directory that PipelineModel.save(path) wrote",
        ) from None


def text_lines(folder: Path) -> Iterator[str]:
    """The text of Spark's part files in `folder`, in order."""
    parts = sorted(part for part in folder.glob("part-*") if part.is_file()) if folder.is_dir() else []
    if not parts:
        raise UsageError(
            f"{folder.parent} is not a saved Spark ML pipeline: there is no {folder.name}/part-00000 in it",
            remedy="give the directory that PipelineModel.save(path) wrote",
        )
    for part in parts:
        yield part.read_text(encoding="utf-8")


def read_pipeline_stages(pipeline: SavedStage) -> list[SavedStage]:
    """The stages of a saved PipelineModel in the order they run."""
    folders = (pipeline.path / "stages").glob("*_*")
    return [read_stage(folder) for folder in sorted(folders, key=stage_number)]


def stage_number(folder: Path) -> int:
    """The position in the pipeline, which Spark puts before the first underscore of the folder's name."""
    return int(folder.name.partition("_")[0])


def vector_values(cell: Mapping[str, Any]) -> list[float]:
    """A vector as Spark's parquet stores it, made dense."""
    values: Sequence[float] = cell["values"]
    if cell["type"] == 1:
        return list(values)
    dense = [0.0] * cell["size"]
    for index, value in zip(cell["indices"], values, strict=True):
        dense[index] = value
    return dense


def matrix_values(cell: Mapping[str, Any]) -> tuple[int, int, list[float]]:
    """A matrix as Spark's parquet stores it: rows, columns and the dense values, column by column."""
    rows, columns, values = cell["numRows"], cell["numCols"], list(cell["values"])
    major, minor = (rows, columns) if cell["isTransposed"] else (columns, rows)
    if cell["type"] == 0:
        values = dense_lines(major, minor, cell["colPtrs"], cell["rowIndices"], values)
    if cell["isTransposed"]:
        values = [values[row * columns + column] for column in range(columns) for row in range(rows)]
    return rows, columns, values


def dense_lines(
    major: int, minor: int, starts: Sequence[int], indices: Sequence[int], values: Sequence[float]
) -> list[float]:
    """A compressed sparse matrix of `major` lines of length `minor`, made dense."""
    dense = [0.0] * (major * minor)
    for line in range(major):
        for position in range(starts[line], starts[line + 1]):
            dense[line * minor + indices[position]] = values[position]
    return dense
