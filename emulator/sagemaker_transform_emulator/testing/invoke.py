"""A record through a model in one call: the containers are started, asked once and stopped."""

from __future__ import annotations

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.jobs.services import Request
from sagemaker_transform_emulator.jobs.single_payloads import Outcome
from sagemaker_transform_emulator.library import PipelineModel

__all__ = ["Outcome", "invoke_record"]


def invoke_record(
    model: Request,
    record: bytes,
    *,
    content_type: str | None = None,
    accept: str | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """What the model's containers made of the record: they were started, asked once and stopped.

    `model` is CreateModel's request. Model data come from the configured S3. A container that refuses or
    breaks is an outcome; raises ContainerError when one does not start, UsageError for a bad request.
    """
    with PipelineModel(model, content_type=content_type, accept=accept, settings=settings) as pipeline:
        return pipeline.invoke(record)
