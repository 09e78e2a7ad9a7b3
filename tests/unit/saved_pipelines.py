"""Saved Spark ML directories, written by hand in the form PipelineModel.save gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

FEATURE = "org.apache.spark.ml.feature"
MODEL = "org.apache.spark.ml.PipelineModel"
Params = Mapping[str, Any]

# Spark's defaults, as far as the exporter reads them
DEFAULTS: dict[str, Params] = {
    "StringIndexerModel": {"handleInvalid": "error"},
    "OneHotEncoderModel": {"handleInvalid": "error", "dropLast": True},
    "VectorAssembler": {"handleInvalid": "error"},
    "ImputerModel": {"strategy": "mean", "missingValue": "NaN"},
    "Binarizer": {"threshold": 0.0},
    "Normalizer": {"p": 2.0},
}


def save(
    folder: Path,
    kind: str,
    params: Params | None = None,
    rows: Sequence[Mapping[str, Any]] | None = None,
    *,
    package: str = FEATURE,
    extra: Mapping[str, Any] | None = None,
    part: str = "part-00000",
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> Path:
    """One saved stage in `folder`."""
    metadata = {
        "class": f"{package}.{kind}",
        "timestamp": 1,
        "sparkVersion": "3.5.9",
        "uid": f"{kind}_0123456789ab",
        "paramMap": dict(params or {}),
        "defaultParamMap": dict(DEFAULTS.get(kind, {})),
        **(extra or {}),
    }
    (folder / "metadata").mkdir(parents=True)
    (folder / "metadata" / part).write_text(json.dumps(metadata) + "\n")
    (folder / "metadata" / "_SUCCESS").touch()
    for name, table in {**({} if rows is None else {"data": rows}), **(tables or {})}.items():
        (folder / name).mkdir()
        pq.write_table(pa.Table.from_pylist(list(table)), folder / name / "part-00000-x.snappy.parquet")
    return folder


def save_pipeline(
    folder: Path, *stages: tuple[str, Params] | tuple[str, Params, Sequence[Params]], **extra: Any
) -> Path:
    """A saved pipeline of (kind, parameters, rows of data)."""
    save(folder, "PipelineModel", package="org.apache.spark.ml", **extra)
    (folder / "stages").mkdir()
    for number, (kind, params, *data) in enumerate(stages):
        save(folder / "stages" / f"{number:02d}_{kind}_0123456789ab", kind, params, *data)
    return folder


def indexer(source: str, target: str, *labels: str, **params: Any) -> tuple[str, Params, Sequence[Params]]:
    """A fitted StringIndexer."""
    return (
        "StringIndexerModel",
        {"inputCol": source, "outputCol": target, **params},
        [{"labelsArray": [list(labels)]}],
    )


def assembler(target: str, *sources: str) -> tuple[str, Params]:
    """A VectorAssembler."""
    return "VectorAssembler", {"inputCols": list(sources), "outputCol": target}


def dense(*values: float) -> dict[str, Any]:
    """A dense vector as Spark's parquet has it."""
    return {"type": 1, "size": None, "indices": None, "values": list(values)}
