r"""For tests of containers: send a record through a model in one call.

::

    from sagemaker_transform_emulator.testing.invoke import invoke_record

    def test_a_row_with_a_missing_value() -> None:
        answer = invoke_record("model.json", b"M,NaN,0.3\n", content_type="text/csv", accept="text/csv")
        assert answer.status == 200, answer.explanation

    def test_a_row_of_the_job() -> None:
        answer = invoke_record("model.json", b"id1,M,NaN,0.3\n", job="job.json")
        assert answer.output == b"id1,0.7\n", answer.explanation
"""

from __future__ import annotations

from collections.abc import Sequence

from sagemaker_transform_emulator.config import Settings, load_settings
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.jobs.services import Request, open_services, read_request, store_or_embedded
from sagemaker_transform_emulator.jobs.single_payloads import Outcome, rehearsal_job, rehearse
from sagemaker_transform_emulator.processes.event_loop import run_loop

__all__ = ["Outcome", "invoke_record"]


def invoke_record(
    model: Request,
    record: bytes | Sequence[bytes],
    *,
    job: Request | None = None,
    content_type: str | None = None,
    accept: str | None = None,
    settings: Settings | None = None,
) -> Outcome:
    """What became of the record: the model's containers were started, asked once and stopped.

    `model` is CreateModel's request, `job` CreateTransformJob's: the record goes through its filters, join
    and assembling, as in the job. What the job requires and a single record does not may be left out, and
    its input need not exist. `content_type` and `accept` go over the job's. Several records are sent in one
    body, as MultiRecord does it. Model data come from the configured S3.

    A container that refuses or breaks is an outcome, and so is an answer that cannot be joined or filtered.
    Raises ContainerError when a container does not start, RecordError when the InputFilter refuses the
    record, UsageError for a bad request and for records that the job would not send together.
    """

    async def go() -> Outcome:
        async with open_services(settings or load_settings(), address) as services:
            admitted = await admit_model(read_request(model), services.storage)
            given = {"ContentType": content_type, "Accept": accept}
            rehearsed = rehearsal_job(
                admitted.model_name,
                None if job is None else read_request(job),
                **{name: value for name, value in given.items() if value is not None},
            )
            async with rehearse(admitted, rehearsed, services) as rehearsal:
                return await rehearsal.send_records([record] if isinstance(record, bytes) else record)

    with store_or_embedded() as (address, _):
        return run_loop(go())
