"""Stored jobs for the commands: found by name, shown as DescribeTransformJob and ListTransformJobs do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.cli.places import checked, choose, preferred, regions
from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.jobs.diagnosis_form import Diagnosis
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.trace.job_store import DIAGNOSIS_STREAM, JobStore, StoredJob

Found = tuple[Path, StoredJob]
ENDED = ("Completed", "Failed", "Stopped")


def stored_job(name: str, region: str | None = None, root: Path | None = None) -> Found:
    """The newest stored job of that name, in the region that counts. Raises UsageError without one."""
    found = JobStore(root).find(name)
    place = choose([place_of(job) for _, job in found], name, checked(region), preferred())
    return next(each for each in found if place_of(each[1]) == place)


def stored_jobs(region: str | None, root: Path | None = None) -> tuple[list[StoredJob], list[Place]]:
    """The stored jobs to list, newest first, and the places of all others."""
    only = checked(region) or preferred()
    found = [job for _, job in JobStore(root).jobs()]
    listed = [job for job in found if only in (None, job.region)]
    others = {place_of(job) for job in found if only not in (None, job.region)}
    return listed, sorted(others, key=lambda place: (place.region, place.account))


def place_of(job: StoredJob) -> Place:
    """Its account and region."""
    return Place(job.account, job.region)


def summary_of(job: StoredJob) -> dict[str, Any]:
    """As an entry of ListTransformJobs."""
    times = {"CreationTime": job.created, "TransformEndTime": job.ended}
    return {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        **{name: datetime.fromtimestamp(at, UTC) for name, at in times.items() if at is not None},
        "TransformJobStatus": job.status,
        **({"FailureReason": reason_of(job)} if reason_of(job) else {}),
    }


def description_of(job: StoredJob) -> dict[str, Any]:
    """As DescribeTransformJob describes it."""
    times = {
        "CreationTime": job.created,
        "TransformStartTime": job.started,
        "TransformEndTime": job.ended,
    }
    return {
        **{name: value for name, value in summary_of(job).items() if name not in times},
        **job.request,
        **{name: datetime.fromtimestamp(at, UTC) for name, at in times.items() if at is not None},
    }


def reason_of(job: StoredJob) -> str:
    """FailureReason, or why there is none."""
    return job.failure_reason or job.note


def told_of(name: str, arn: str, root: Path | None = None) -> tuple[Diagnosis, ...]:
    """The diagnoses of the newest stored job of that ARN; none when it is not stored."""
    return next((job.told() for _, job in JobStore(root).find(name) if job.arn == arn), ())


def events_of(folder: Path, job: str, root: Path | None, skip: int) -> Iterator[dict[str, Any]]:
    """The log's lines after the first `skip`, as CloudWatch's events are."""
    for line in JobStore(root).log_lines(folder, skip):
        at = int(line["at"] * 1000)
        own = line["stream"] == DIAGNOSIS_STREAM
        stream = f"{DIAGNOSIS_STREAM}/{job}" if own else f"{job}/{line['stream']}"
        yield {"stream": stream, "timestamp": at, "message": line["message"]}


def other_regions(others: list[Place]) -> str:
    """What to tell about jobs that are not listed."""
    return f"there are jobs in {regions(others)}, too: choose with --region"


def require_stored(name: str, region: str | None, root: Path | None, otherwise: UsageError) -> Found:
    """The stored job; raises `otherwise` when there is none of that name at all."""
    if not JobStore(root).find(name):
        raise otherwise
    return stored_job(name, region, root)
