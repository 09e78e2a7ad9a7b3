"""What a user's own typed code does with the library. Checked by mypy in `make lint`; never run."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import sagemaker_transform_emulator as emulator
from sagemaker_transform_emulator import (
    EmulatorError,
    JobError,
    JobRun,
    JobStatus,
    MachineError,
    Model,
    ServiceError,
    Settings,
    StoreAddress,
    TransformJob,
    UsageError,
    load_settings,
    run_transform_job,
)
from sagemaker_transform_emulator.testing import Outcome, invoke_record


def from_files() -> str:
    result = emulator.run_transform_job("model.json", Path("job.json"))
    assert_type(result, JobRun)
    assert_type(result.status, JobStatus)
    assert_type(result.failure_reason, str | None)
    return f"{result.status} {result.failure_reason}"


def from_requests_on_a_store_of_ones_own() -> int:
    store = StoreAddress("http://127.0.0.1:9000", "us-east-1", "user", "password")
    model = {"ModelName": "m", "PrimaryContainer": {"Image": "my-algorithm:1"}}
    settings = Settings(runtime="process", transport="httpx").changed(ping_window_s=300)
    assert_type(settings, Settings)
    run = run_transform_job(model, {"TransformJobName": "j"}, settings=settings, store=store, sink=print)
    assert_type(run.model, Model)
    assert_type(run.job, TransformJob)
    for done in run.completed:
        assert_type(done.records, int)
    for failed in run.failed:
        assert_type(failed.error, JobError)
    return run.progress.records


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
    except EmulatorError as error:
        return error.message
    return ""


def in_a_test_of_a_container() -> None:
    answer = invoke_record("model.json", b"1,2\n", content_type="text/csv", accept="text/csv")
    assert_type(answer, Outcome)
    assert_type(answer.status, int | None)
    assert_type(answer.body, bytes)
    assert answer.status == 200, answer.explanation


def mistakes_that_mypy_finds() -> None:
    """An ignore that is not needed is an error of its own, so each line here must be refused."""
    run_transform_job("model.json")  # type: ignore[call-arg]
    run_transform_job(1, "job.json")  # type: ignore[arg-type]
    run_transform_job("model.json", "job.json", store="http://127.0.0.1:9000")  # type: ignore[arg-type]
    invoke_record("model.json", "1,2\n")  # type: ignore[arg-type]
    StoreAddress(endpoint="http://127.0.0.1:9000")  # type: ignore[call-arg]
