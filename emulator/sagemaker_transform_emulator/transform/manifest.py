"""S3DataType ManifestFile: a JSON array of one prefix and relative keys (R2.15). Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sagemaker_transform_emulator.errors import DataError, UsageError
from sagemaker_transform_emulator.transform.keys import S3Location

_FORM = 'a manifest reads [{"prefix": "s3://bucket/path/"}, "key1", "key2"]'


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One object of a manifest; `relative` is the entry's own text, which names the output (R2.18)."""

    location: S3Location
    relative: str


def parse_manifest(body: bytes, source: S3Location) -> list[ManifestEntry]:
    """The entries in the manifest's order, each once. Raises DataError naming the manifest and the entry."""
    try:
        rows = json.loads(body)
    except ValueError as error:
        raise DataError(f"The manifest {source} is no JSON: {error}", remedy=_FORM) from None
    if not isinstance(rows, list) or not rows:
        raise DataError(f"The manifest {source} is no JSON array with a prefix in front", remedy=_FORM)
    head = rows[0]
    prefix = head.get("prefix") if isinstance(head, dict) else None
    if not isinstance(prefix, str):
        raise DataError(f"The manifest {source} does not begin with a prefix", remedy=_FORM)
    return [
        _entry(prefix, row, position, source)
        for position, row in enumerate(dict.fromkeys(map(_key, rows[1:])), 1)
    ]


def _key(row: object) -> str | None:
    return row if isinstance(row, str) else None


def _entry(prefix: str, relative: str | None, position: int, source: S3Location) -> ManifestEntry:
    if not relative:
        raise DataError(f"The manifest {source}: entry {position} is no key", remedy=_FORM)
    try:
        return ManifestEntry(S3Location.parse(prefix + relative), relative)
    except UsageError as error:
        raise DataError(f"The manifest {source}: entry {position}: {error}", remedy=_FORM) from None
