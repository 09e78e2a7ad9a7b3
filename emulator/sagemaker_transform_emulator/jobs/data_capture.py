"""DataCaptureConfig: what a job read and wrote is listed in manifests, and rows get an id (R2.30, R2.31)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from sagemaker_transform_emulator.jobs.events import ObjectCompleted
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.requests import DataCaptureConfig, TransformJob
from sagemaker_transform_emulator.transform.formats import Identify
from sagemaker_transform_emulator.transform.keys import S3Location


def identifier(job: TransformJob, started_at: float) -> Identify | None:
    """What names the rows of the job's output: a fresh UUID each, and the job's start, the same for all.

    None when the job does not ask for it (R2.31).
    """
    if job.data_capture_config is None or not job.data_capture_config.generate_inference_id:
        return None
    at = datetime.fromtimestamp(started_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return lambda: (str(uuid.uuid4()), at)


async def write_manifests(
    config: DataCaptureConfig, completed: Sequence[ObjectCompleted], started_at: float, storage: Storage
) -> None:
    """The two manifests stand below the capture's destination, in the folder of the job's first hour (R2.30).

    They list the objects that have an output; without any there are no manifests.
    """
    if not completed:
        return
    hour = datetime.fromtimestamp(started_at, UTC).strftime("%Y/%m/%d/%H")
    name = uuid.uuid4()
    target = S3Location.parse(config.destination_s3_uri)
    folder = f"{target.key.rstrip('/')}/" if target.key.rstrip("/") else ""
    for kind, locations in (
        ("input", [event.source.location for event in completed]),
        ("output", [event.output for event in completed]),
    ):
        place = S3Location(target.bucket, f"{folder}{kind}/{hour}/{name}.json")
        async with storage.writer(place, "application/json", config.kms_key_id) as writer:
            await writer.write(manifest_of(locations))


def manifest_of(locations: Sequence[S3Location]) -> bytes:
    """A manifest of these objects in key order; its prefix is the folder they share (R2.15)."""
    uris = sorted((str(location) for location in locations), key=str.encode)
    first, last = uris[0], uris[-1]  # what these two share, all share
    same = next(
        (at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first)
    )
    prefix = first[: first.rfind("/", 0, same) + 1]
    return json.dumps(
        [{"prefix": prefix}, *(uri[len(prefix) :] for uri in uris)], ensure_ascii=False
    ).encode()
