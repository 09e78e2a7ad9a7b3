"""Saved Spark ML pipelines, turned into the MLeap bundles that the SparkML container loads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sagemaker_transform_emulator.extras import require
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.recognising import is_spark_pipeline
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.schema import (
    SchemaColumn,
    SparkMLSchema,
    parse_schema,
)

if TYPE_CHECKING:
    from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.export import (
        Export,
        convert_archive,
        export_sparkml,
    )

__all__ = [
    "Export",
    "SchemaColumn",
    "SparkMLSchema",
    "convert_archive",
    "export_sparkml",
    "is_spark_pipeline",
    "parse_schema",
]


def __getattr__(name: str) -> Any:
    """Import the exporter when it is first used. Raises MachineError without the extra [export]."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require("export", "Reading a saved Spark pipeline")
    return getattr(import_module("sagemaker_transform_emulator.model_artifacts.spark_to_mleap.export"), name)
