"""Saved Spark ML pipelines, turned into the MLeap bundles that the SparkML container loads."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from emulator.bundles.recognising import is_spark_pipeline
from emulator.bundles.schema import SchemaColumn, SparkMLSchema, parse_schema

if TYPE_CHECKING:
    from emulator.bundles.export import Export, convert_archive, export_sparkml

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
    """Import the exporter when it is first used: it brings 50 MB of Arrow."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("emulator.bundles.export"), name)
