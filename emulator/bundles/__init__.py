"""Saved Spark ML pipelines, turned into the MLeap bundles that the SparkML container loads."""

from __future__ import annotations

from emulator.bundles.export import Export, convert_archive, export_sparkml, is_spark_pipeline
from emulator.bundles.schema import SchemaColumn, SparkMLSchema, parse_schema

__all__ = [
    "Export",
    "SchemaColumn",
    "SparkMLSchema",
    "convert_archive",
    "export_sparkml",
    "is_spark_pipeline",
    "parse_schema",
]
