"""The traces of a server's jobs: one recorder for each job, closed when the job has ended."""

from __future__ import annotations

from pathlib import Path

from sagemaker_transform_emulator.jobs.events import Sink
from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.trace.recorder import Recorder, RecordPolicy, request_meta
from sagemaker_transform_emulator.trace.store import trace_path


class Tracing:
    """Makes the recorders of traces below `state`. Its `sink` and `observe` are to be told of every job."""

    def __init__(self, policy: RecordPolicy, endpoint_url: str | None, state: Path) -> None:
        self._policy = policy
        self._state = state
        self._endpoint_url = endpoint_url
        self._recorders: dict[str, Recorder] = {}

    def sink(self, record: JobRecord) -> Sink:
        """A recorder for the job that starts."""
        meta = request_meta(record.model, record.request, self._endpoint_url)
        recorder = Recorder(trace_path(record.name, self._state), self._policy, meta)
        self._recorders[record.arn] = recorder
        return recorder

    def observe(self, record: JobRecord) -> None:
        """The trace of a job that has ended is complete."""
        recorder = self._recorders.pop(record.arn, None) if record.ended is not None else None
        if recorder is not None:
            recorder.close()
