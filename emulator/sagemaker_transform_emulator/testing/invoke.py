"""A record through a model in one call: the containers are started, asked once and stopped."""

from __future__ import annotations

from sagemaker_transform_emulator.config import Settings, load_settings
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.jobs.local import (
    Request,
    open_services,
    read_request,
    run_loop,
    store_or_embedded,
)
from sagemaker_transform_emulator.jobs.single_payloads import Outcome, rehearsal_job, rehearse

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

    async def go() -> Outcome:
        async with open_services(settings or load_settings(), address) as services:
            admitted = await admit_model(read_request(model), services.storage)
            given = {"ContentType": content_type, "Accept": accept}
            job = rehearsal_job(
                admitted.model_name, **{name: value for name, value in given.items() if value is not None}
            )
            async with rehearse(admitted, job, services) as rehearsal:
                return await rehearsal.send_record(record)

    with store_or_embedded() as (address, _):
        return run_loop(go())
