"""What a user's own typed code does with the library. Checked by mypy in `make lint`; never run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import sagemaker_transform_emulator as emulator
from sagemaker_transform_emulator import (
    AsyncPipelineModel,
    EmulatorError,
    Event,
    FailedJobError,
    JobStatus,
    MachineError,
    ObjectResult,
    PipelineModel,
    ServiceError,
    Settings,
    StoreAddress,
    TransformJobResult,
    UsageError,
    load_settings,
    run_transform_job,
    run_transform_job_async,
)
from sagemaker_transform_emulator.testing import Outcome, invoke_record


def from_files() -> str:
    result = emulator.run_transform_job(
        "model.json", Path("job.json"), put={"in": "s3://b/in"}, get={"s3://b/out": Path("out")}
    )
    assert_type(result, TransformJobResult)
    assert_type(result.status, JobStatus)
    assert_type(result.failure_reason, str | None)
    return f"{result.status} {result.failure_reason} {result.explain()}"


def from_requests_on_a_store_of_ones_own() -> int:
    def sink(event: Event) -> None:
        seen.append(event)

    seen: list[Event] = []

    store = StoreAddress("http://127.0.0.1:9000", "us-east-1", "user", "password")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "my-algorithm:1"}}
    settings = Settings(runtime="process").changed(ping_window_s=300)
    assert_type(settings, Settings)
    result = run_transform_job(model, {"TransformJobName": "j"}, settings=settings, store=store, sink=sink)
    assert_type(result.raise_for_status(), TransformJobResult)
    for done in result.outputs:
        assert_type(done, ObjectResult)
        assert_type(done.records, int)
    return result.records


async def in_a_loop_of_ones_own() -> bytes:
    await run_transform_job_async("model.json", "job.json")
    async with AsyncPipelineModel("model.json", content_type="text/csv") as pipeline:
        return (await pipeline.invoke(b"1,2")).body


def single_records() -> bytes:
    with PipelineModel("model.json", accept="text/csv") as pipeline:
        answer = pipeline.invoke(b"1,2")
        assert_type(answer, Outcome)
        return answer.body


def settings_of_a_file() -> Settings:
    assert_type(load_settings(), Settings)
    return load_settings(Path("emulator.toml")).with_aws_timing()


def what_may_be_caught() -> str:
    try:
        run_transform_job("model.json", "job.json")
    except ServiceError as error:
        return error.code
    except (UsageError, MachineError) as error:
        return f"{error.message}: {error.remedy}"
    except FailedJobError as error:
        return str(error)
    except EmulatorError as error:
        return error.message
    return ""


def in_a_test_of_a_container() -> None:
    answer = invoke_record("model.json", b"1,2\n", content_type="text/csv", accept="text/csv")
    assert_type(answer, Outcome)
    assert_type(answer.status, int | None)
    assert_type(answer.body, bytes)
    joined = invoke_record("model.json", [b"1,2\n", b"3,4\n"], job=Path("job.json"))
    assert_type(joined.output, bytes | None)
    assert answer.status == 200, answer.explanation


def mistakes_that_mypy_finds() -> None:
    """An ignore that is not needed is an error of its own, so each line here must be refused."""
    run_transform_job("model.json")  # type: ignore[call-arg]
    run_transform_job(1, "job.json")  # type: ignore[arg-type]
    run_transform_job("model.json", "job.json", store="http://127.0.0.1:9000")  # type: ignore[arg-type]
    invoke_record("model.json", "1,2\n")  # type: ignore[arg-type]
    StoreAddress(endpoint="http://127.0.0.1:9000")  # type: ignore[call-arg]
