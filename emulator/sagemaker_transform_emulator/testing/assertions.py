"""Assertions about transform jobs, whose failure is the job's diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.result import TransformJobResult
from sagemaker_transform_emulator.trace.job_store import JobStore, StoredJob

_MOST_TOLD = 10


def assert_completed(job: TransformJobResult | Mapping[str, Any] | str) -> None:
    """The job is Completed. Raises AssertionError saying what failed, where, and why.

    `job` is the library's result, an answer of DescribeTransformJob, or a job's name; the newest stored job
    of that name counts. Raises UsageError when there is none, as for a job of AWS.
    """
    __tracebackhide__ = True
    if isinstance(job, TransformJobResult):
        if not job.succeeded:
            reason = job.failure_reason or ""
            raise AssertionError(f"{job.transform_job_name} is {job.status}: {reason}\n{job.explain()}")
        return
    name = job if isinstance(job, str) else str(job["TransformJobName"])
    found = next((each for _, each in JobStore().find(name)), None)
    if found is None:
        raise UsageError(f"Could not find a job with name {name!r}", remedy="see `emulator jobs`")
    if found.status != "Completed":
        raise AssertionError(told(found))


def told(job: StoredJob) -> str:
    """Status, FailureReason and the diagnoses of a stored job."""
    diagnoses = job.told()
    parts = [f"{job.name} is {job.status}: {job.failure_reason or job.note}".removesuffix(": ")]
    parts += ["\n".join((*each.lines(), *each.next_commands)) for each in diagnoses[:_MOST_TOLD]]
    if len(diagnoses) > _MOST_TOLD:
        parts.append(f"and {len(diagnoses) - _MOST_TOLD} more failures: see `emulator describe {job.name}`")
    return "\n\n".join(parts)


def failed_jobs(state: Path, since: float) -> list[StoredJob]:
    """The jobs of that state directory that failed: the server's, and others made since that moment."""
    return [
        job
        for _, job in JobStore(state).jobs()
        if job.status == "Failed" and (job.front == "server" or job.created >= since)
    ]
