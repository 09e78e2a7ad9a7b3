"""What a job's invocations looked like, byte for byte: recorded while it runs, read afterwards."""

from sagemaker_transform_emulator.trace.recorder import (
    Recorder,
    RecordPolicy,
    record_policy,
    request_meta,
    trace_path,
)
from sagemaker_transform_emulator.trace.store import Filter, TracedHop, TracedInvocation, TraceReader

__all__ = [
    "Filter",
    "RecordPolicy",
    "Recorder",
    "TraceReader",
    "TracedHop",
    "TracedInvocation",
    "record_policy",
    "request_meta",
    "trace_path",
]
