"""The sink that keeps a job in the job store: its log, its diagnoses, and its end."""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.jobs.diagnosis import Diagnosis, diagnose, diagnose_error
from sagemaker_transform_emulator.jobs.events import ContainerLine, DataLogLine, Event, JobNote, ObjectFailed
from sagemaker_transform_emulator.jobs.transform_job import JobRun, Services
from sagemaker_transform_emulator.sagemaker.requests import JobStatus
from sagemaker_transform_emulator.sagemaker.resources import DEFAULT_ACCOUNT
from sagemaker_transform_emulator.trace.job_store import DIAGNOSIS_STREAM, JobFolder, JobStore, StoredJob
from sagemaker_transform_emulator.trace.store import trace_path
from sagemaker_transform_emulator.transform.keys import S3Location

RECENT_LINES = 2000
MOST_DIAGNOSES = 100
MOST_LOG_BYTES = 32 * 1024**2
DATA_LOG = "data-log"
Told = Callable[[Diagnosis], None]


class JobKeeper:
    """Keeps one job; `told` gets each diagnosis as it is made. A disk that fails never fails the job."""

    def __init__(self, store: JobStore, job: StoredJob, told: Told = lambda _: None) -> None:
        self._lines: deque[ContainerLine] = deque(maxlen=RECENT_LINES)
        self._told = told
        self._name = job.name
        self._diagnoses: list[dict[str, Any]] = []
        self._bytes = 0
        self._folder: JobFolder | None = None
        self.broken = ""
        """Why the job is not kept, "" while it is."""
        try:
            self._folder = store.add(job)
        except OSError as error:
            self.broken = f"{store.path}: {error.strerror}"

    def __call__(self, event: Event) -> None:
        """Keep what the event says."""
        if isinstance(event, ContainerLine):
            self._lines.append(event)
            self._log(event.time.timestamp(), event.container, event.text)
        elif isinstance(event, DataLogLine):
            self._log(time.time(), DATA_LOG, event.text)
        elif isinstance(event, JobNote):
            self._log(time.time(), event.container or "emulator", f"note: {event.text}")
        elif isinstance(event, ObjectFailed):
            self._tell(diagnose(event, self._lines, self._name))

    def change(self, **values: Any) -> None:
        """The stored job has these values."""
        if self._folder is None:
            return
        try:
            self._folder.change(**values)
        except OSError as error:
            self._break(error)

    def end(self, run: JobRun, failure_reason: str | None = None) -> None:
        """The job has ended as its run says; nothing more is kept."""
        if run.error is not None and not run.failed:
            self._tell(diagnose_error(run.error))
        ended = run.status if run.status is not JobStatus.IN_PROGRESS else JobStatus.STOPPED
        self.change(
            status=str(ended),
            failure_reason=run.failure_reason or failure_reason,
            started=run.started_at,
            ended=run.ended_at or time.time(),
            totals={
                "objects": run.progress.objects, "completed": len(run.completed), "failed": len(run.failed),
                "records": run.progress.records, "invocations": run.progress.payloads,
                "retries": run.progress.retries,
            },
            outputs=tuple(
                {"input": str(event.source.location), "output": str(event.output), "records": event.records}
                for event in run.completed[:1000]
            ),
        )  # fmt: skip
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _tell(self, diagnosis: Diagnosis) -> None:
        self._told(diagnosis)
        for line in diagnosis.lines():
            self._log(time.time(), DIAGNOSIS_STREAM, line)
        if len(self._diagnoses) < MOST_DIAGNOSES:
            self._diagnoses.append(diagnosis.as_json())
            self.change(diagnoses=tuple(self._diagnoses))

    def _log(self, at: float, stream: str, text: str) -> None:
        self._bytes += len(text) + 100
        if self._folder is None or self._bytes > MOST_LOG_BYTES:
            return
        try:
            self._folder.log(at, stream, text)
        except OSError as error:
            self._break(error)

    def _break(self, error: OSError) -> None:
        self.broken, self._folder = str(error.strerror), None


def keep(
    run: JobRun,
    services: Services,
    requests: tuple[Mapping[str, Any], Mapping[str, Any]],
    front: str,
    *,
    endpoint: str | None = None,
    puts: tuple[Mapping[str, Any], ...] = (),
    gets: Iterable[tuple[S3Location, Path]] = (),
    model_file: str = "",
) -> JobKeeper:
    """A keeper for a run that `run` or the library starts; `requests` are the model's and the job's.

    `endpoint` is its S3, None for the one built in.
    """
    model, job = (json.loads(json.dumps(request, default=str)) for request in requests)
    name = run.job.transform_job_name
    return JobKeeper(
        JobStore(),
        StoredJob(
            name, services.region, DEFAULT_ACCOUNT, services.workspace.run_id, front, job, model, time.time(),
            kept_settings(services.settings), endpoint, model_file, puts,
            tuple({"source": str(source), "folder": str(folder.absolute())} for source, folder in gets),
            trace=str(trace_path(name)),
        ),
    )  # fmt: skip


def kept_settings(settings: Settings) -> dict[str, Any]:
    """The settings without what is for one run or nobody's business: faults and the webhook."""
    return settings.model_dump(mode="json", exclude={"faults", "webhook"})


def described_puts(puts: Iterable[tuple[Path, S3Location]]) -> tuple[dict[str, Any], ...]:
    """The uploaded files with their hashes: {"path", "target", "files": {relative path: SHA-256}}."""
    return tuple(
        {"path": str(path.absolute()), "target": str(target), "files": hashes(path)} for path, target in puts
    )


def hashes(path: Path) -> dict[str, str]:
    """The SHA-256 of the file, under ".", or of each file below the folder."""
    found = sorted(item for item in path.rglob("*") if item.is_file()) if path.is_dir() else [path]
    result = {}
    for file in found:
        with file.open("rb") as opened:
            result[str(file.relative_to(path))] = hashlib.file_digest(opened, "sha256").hexdigest()
    return result
