"""The server's jobs in the job store, and their diagnoses told as they are made."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sagemaker_transform_emulator.jobs.diagnosis import Diagnosis
from sagemaker_transform_emulator.jobs.events import Sink
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.server.database import Store
from sagemaker_transform_emulator.trace.job_keeping import JobKeeper
from sagemaker_transform_emulator.trace.job_store import DIAGNOSIS_STREAM, JobStore, StoredJob
from sagemaker_transform_emulator.trace.store import trace_path

Teller = Callable[[JobRecord, Diagnosis], None]
"""Told of a job's diagnosis as it is made."""
_MOST_TOLD = 5
"""So many failed objects of one job are printed as they happen; the stored job has more."""
_log = logging.getLogger("sagemaker_transform_emulator.server.kept_jobs")


class KeptJobs:
    """Keeps in `store` every job of the run `owner`; its `sink` and `observe` are to be told of each."""

    def __init__(
        self, store: JobStore, owner: str, settings: Mapping[str, Any], endpoint: str | None,
        progress: Callable[[JobRecord], JobRun | None],
    ) -> None:  # fmt: skip
        self.tellers: list[Teller] = []
        self._store, self._owner, self._settings, self._endpoint = store, owner, settings, endpoint
        self._progress = progress
        self._keepers: dict[str, JobKeeper] = {}

    def sink(self, record: JobRecord) -> Sink:
        """A keeper for the job that starts."""
        stored = StoredJob(
            record.name, record.place.region, record.place.account, self._owner, "server",
            dict(record.request), dict(record.model), record.created, self._settings, self._endpoint,
            trace=str(trace_path(record.name, self._store.root)),
        )  # fmt: skip
        keeper = JobKeeper(self._store, stored, partial(self._tell, record))
        self._keepers[record.arn] = keeper
        return keeper

    def observe(self, record: JobRecord) -> None:
        """The stored job has the status of the record."""
        keeper = self._keepers.get(record.arn)
        if keeper is None:
            return
        if record.ended is None:
            keeper.change(status=str(record.status), started=record.started)
            return
        del self._keepers[record.arn]
        run = self._progress(record)
        if run is not None:
            keeper.end(run, record.failure_reason)

    def _tell(self, record: JobRecord, diagnosis: Diagnosis) -> None:
        for teller in self.tellers:
            try:
                teller(record, diagnosis)
            except Exception:  # noqa: BLE001 - whatever a hook does, the job goes on
                _log.exception("the diagnosis of job %s could not be told", record.name)


class Terminal:
    """Prints diagnoses where the server was started, as they are made."""

    def __init__(self) -> None:
        self._told: dict[str, int] = {}

    def __call__(self, record: JobRecord, diagnosis: Diagnosis) -> None:
        """The diagnosis is in the server's own log, the first few of a job in full."""
        told = self._told[record.arn] = self._told.pop(record.arn, 0) + 1
        while len(self._told) > 1000:  # noqa: PLR2004 - jobs whose counts are remembered
            del self._told[next(iter(self._told))]
        if told <= _MOST_TOLD:
            text = "\n".join(f"    {line}" for line in (*diagnosis.lines(), *diagnosis.next_commands))
            _log.warning("job %s failed:\n%s", record.name, text)
        elif told == _MOST_TOLD + 1:
            _log.warning("job %s: more objects fail; see `emulator describe %s`", record.name, record.name)


def to_stream(store: Store) -> Teller:
    """Writes diagnoses to a log stream of their own, `emulator-diagnosis/JOB`, made with the first one.

    Its name begins with no job's: clients that follow a job list `JOB/`, take as many streams as the job has
    instances, in the order of names, and must find AWS's own there and nothing else.
    """

    def tell(record: JobRecord, diagnosis: Diagnosis) -> None:
        name = f"{DIAGNOSIS_STREAM}/{record.name}"
        at = int(time.time() * 1000)
        store.create_streams(record.place, [name], at)
        stream = next(found for found in store.streams(record.place, name) if found.name == name)
        for line in diagnosis.lines():
            store.log(stream.id, at, line)

    return tell
