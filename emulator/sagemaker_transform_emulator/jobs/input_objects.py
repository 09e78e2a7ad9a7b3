"""Which objects a job transforms, and where each output goes (R2.12 to R2.18)."""

from __future__ import annotations

from sagemaker_transform_emulator.errors import StorageError
from sagemaker_transform_emulator.jobs.events import DataLogLine, InputListed, ObjectFailed, Sink
from sagemaker_transform_emulator.jobs.objects import InputObject
from sagemaker_transform_emulator.s3.client import S3Object, Storage
from sagemaker_transform_emulator.sagemaker.requests import S3DataType, TransformJob
from sagemaker_transform_emulator.transform.keys import (
    S3Location,
    is_folder_marker,
    output_location,
    relative_key,
)
from sagemaker_transform_emulator.transform.manifest import ManifestEntry, parse_manifest


async def objects_of(job: TransformJob, storage: Storage, sink: Sink) -> list[InputObject]:
    """The job's input objects in key order, each with its output's place; listed once, before any upload.

    Objects that a manifest names but the store lacks are reported to `sink` as failed (R6.9); a store
    without the bucket, or a manifest that cannot be read, raises.
    """
    source = S3Location.parse(job.transform_input.s3_uri)
    if job.transform_input.s3_data_type is S3DataType.MANIFEST_FILE:
        entries = parse_manifest(await storage.get(source), source)
        found = [(item, entry.relative) for entry in entries if (item := await _find(entry, storage, sink))]
    else:
        listed = await storage.list_prefix(source)
        found = [(item, relative_key(source.key, item.location.key)) for item in listed]
    path = job.transform_output.s3_output_path
    pairs = [
        (item, output_location(path, relative))
        for item, relative in found
        if not is_folder_marker(item.location.key, item.size)
    ]
    outputs = {output for _, output in pairs}
    taken = [InputObject(item, output, item.location in outputs) for item, output in pairs]
    sink(InputListed(tuple(item.source for item in taken)))
    return taken


async def _find(entry: ManifestEntry, storage: Storage, sink: Sink) -> S3Object | None:
    try:
        return await storage.head(entry.location)
    except StorageError as error:
        if error.blame == "InternalServerError":
            raise
        sink(DataLogLine("", f"{entry.location.bucket}/{entry.location.key}: {error}"))
        sink(ObjectFailed("", entry.location, error))
        return None
