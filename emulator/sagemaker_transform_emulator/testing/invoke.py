"""A record through a model in one call: the containers are started, asked once and stopped."""

from __future__ import annotations

from collections.abc import Sequence

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.jobs.services import Request
from sagemaker_transform_emulator.jobs.single_payloads import Outcome
from sagemaker_transform_emulator.library import Files, PipelineModel

__all__ = ["Outcome", "invoke_record"]


def invoke_record(
    model: Request,
    record: bytes | Sequence[bytes],
    *,
    job: Request | None = None,
    content_type: str | None = None,
    accept: str | None = None,
    put: Files | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """What became of the record: the model's containers were started, asked once and stopped.

    `model` is CreateModel's request, `job` CreateTransformJob's: the record goes through its filters, join
    and assembling, as in the job. What the job requires and a single record does not may be left out, and
    its input need not exist. `content_type` and `accept` go over the job's. Several records are sent in one
    body, as MultiRecord does it. Model data come from the configured S3,
    or the one built in, where `put` was uploaded before: local files or folders and their s3:// URLs.

    A container that refuses or breaks is an outcome, and so is an answer that cannot be joined or filtered.
    Raises ContainerError when a container does not start, RecordError when the InputFilter refuses the
    record, UsageError for a bad request and for records that the job would not send together.
    """
    with PipelineModel(
        model, job=job, content_type=content_type, accept=accept, put=put, settings=settings
    ) as pipeline:
        return pipeline.invoke(record)
