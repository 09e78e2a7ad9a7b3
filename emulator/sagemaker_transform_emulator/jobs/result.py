"""The result of a transform job that has ended, as frozen values."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from sagemaker_transform_emulator.errors import EmulatorError, FailedJobError
from sagemaker_transform_emulator.jobs.diagnosis import Diagnosis, diagnose
from sagemaker_transform_emulator.jobs.instances import JobRun
from sagemaker_transform_emulator.sagemaker.requests import JobStatus


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """One input object of a job and what became of it. Both locations are s3:// URLs.

    `records` and `bytes_out` are 0 and `diagnosis` says why where the object has no output.
    """

    input: str
    output: str
    records: int = 0
    bytes_out: int = 0
    diagnosis: Diagnosis | None = None


@dataclass(frozen=True, slots=True)
class TransformJobResult:
    """A transform job that has ended.

    `failure_reason` is the service's own text (R1.38); `failures` say what SageMaker does not: record,
    bytes, container and cause. `error` is what ended the job, if that was no single object. Times are epoch
    seconds; `seconds` runs from the first container's readiness to the last output.
    """

    transform_job_name: str
    status: JobStatus
    failure_reason: str | None = None
    outputs: tuple[ObjectResult, ...] = ()
    failures: tuple[ObjectResult, ...] = ()
    objects: int = 0
    records: int = 0
    invocations: int = 0
    retries: int = 0
    started_at: float | None = None
    ended_at: float | None = None
    container_seconds: Mapping[str, float] = field(default_factory=dict)
    error: EmulatorError | None = None
    container_log: tuple[str, ...] = field(default=(), repr=False)

    @property
    def seconds(self) -> float:
        """From the first container's readiness to the end; 0 when no container became ready."""
        if self.started_at is None or self.ended_at is None:
            return 0.0
        return self.ended_at - self.started_at

    @property
    def succeeded(self) -> bool:
        """Whether the job is Completed."""
        return self.status is JobStatus.COMPLETED

    def explain(self) -> str:
        """The failures in words, one paragraph each; "" when there is none."""
        paragraphs = ["\n".join(item.diagnosis.lines()) for item in self.failures if item.diagnosis]
        if not paragraphs and self.error is not None:
            remedy = f"\nremedy: {self.error.remedy}" if self.error.remedy else ""
            paragraphs = [f"{self.error.message}{remedy}"]
        return "\n\n".join(paragraphs)

    def raise_for_status(self) -> TransformJobResult:
        """The result itself when the job is Completed. Raises FailedJobError with the diagnosis otherwise."""
        if self.succeeded:
            return self
        reason = self.failure_reason or ""
        raise FailedJobError(
            "\n".join(filter(None, (f"{self.transform_job_name} is {self.status}: {reason}", self.explain())))
        )

    def _repr_html_(self) -> str:
        """The result as a table, for notebooks."""
        rows = [
            ("Status", str(self.status)),
            ("FailureReason", self.failure_reason or ""),
            ("Objects", f"{len(self.outputs)} of {self.objects} completed"),
            ("Records", f"{self.records:,} in {self.seconds:.2f} s"),
            *(("Output", item.output) for item in self.outputs[:5]),
            ("Diagnosis", self.explain()),
        ]
        cells = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td><pre>{html.escape(text)}</pre></td></tr>"
            for name, text in rows
            if text
        )
        return f"<table><caption>{html.escape(self.transform_job_name)}</caption>{cells}</table>"


def result_of(run: JobRun) -> TransformJobResult:
    """The run, which has ended, as a value that nothing changes any more."""
    progress, name = run.progress, run.job.transform_job_name
    return TransformJobResult(
        transform_job_name=name,
        status=run.status,
        failure_reason=run.failure_reason,
        outputs=tuple(
            ObjectResult(str(event.source.location), str(event.output), event.records, event.bytes_out)
            for event in run.completed
        ),
        failures=tuple(
            ObjectResult(str(event.source), "", diagnosis=diagnose(event, run.recent_lines, name))
            for event in run.failed
        ),
        objects=progress.objects,
        records=progress.records,
        invocations=progress.payloads,
        retries=progress.retries,
        started_at=run.started_at,
        ended_at=run.ended_at,
        container_seconds=dict(progress.container_seconds),
        error=run.error,
        container_log=tuple(f"{line.container}: {line.text}" for line in run.recent_lines),
    )
