"""What happens in a job, as values. Progress bars, logs, traces and metrics are sinks of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sagemaker_transform_emulator.errors import JobError
from sagemaker_transform_emulator.jobs.invocation import Hop, Invoker
from sagemaker_transform_emulator.s3.client import S3Object
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the emulator decided or waits for before the job starts: its runtime, a pull."""

    text: str


@dataclass(frozen=True, slots=True)
class InstanceReady:
    """All containers of an instance answered their pings; `parameters` are in force (R4.16)."""

    instance: str
    parameters: ExecutionParameters


@dataclass(frozen=True, slots=True)
class InputListed:
    """The job's objects are known; folder markers are left out."""

    objects: tuple[S3Object, ...]


@dataclass(frozen=True, slots=True)
class ObjectStarted:
    """An object is being read."""

    instance: str
    source: S3Object
    output: S3Location


@dataclass(frozen=True, slots=True)
class ObjectCompleted:
    """An object's output is visible."""

    instance: str
    source: S3Object
    output: S3Location
    records: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class ObjectFailed:
    """An object has no output. `payload` and `hops` are those of the request that failed, when one did."""

    instance: str
    source: S3Location
    error: JobError
    payload: Payload | None = None
    hops: tuple[Hop, ...] = ()


@dataclass(frozen=True, slots=True)
class InvocationDone:
    """One payload went through all containers, or failed to. Sent only to sinks that ask for it."""

    instance: str
    source: S3Location
    payload: Payload
    hops: tuple[Hop, ...]
    failed: bool


@dataclass(frozen=True, slots=True)
class DataLogLine:
    """A line for the data log, without time and tag (R4.29 to R4.33)."""

    instance: str
    text: str


@dataclass(frozen=True, slots=True)
class ContainerLine:
    """A line a container wrote to stdout or stderr."""

    instance: str
    container: str
    time: datetime
    text: str


@dataclass(frozen=True, slots=True)
class JobNote:
    """Something legal that a user should know, such as bytes after the end of an answer."""

    instance: str
    container: str
    text: str


Event = (
    Notice
    | InstanceReady
    | InputListed
    | ObjectStarted
    | ObjectCompleted
    | ObjectFailed
    | InvocationDone
    | DataLogLine
    | ContainerLine
    | JobNote
)
Sink = Callable[[Event], None]


def to_all(*sinks: Sink) -> Sink:
    """A sink that passes every event to each of these, in their order."""

    def pass_on(event: Event) -> None:
        for sink in sinks:
            sink(event)

    return pass_on


@dataclass(slots=True)
class Progress:
    """Running totals of a job. Updated in place, record by record; read whenever one likes."""

    objects: int = 0
    objects_done: int = 0
    records: int = 0
    payloads: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    current: str = ""
    unchecked_noted: bool = False
    instances: list[Invoker] = field(default_factory=list)
    instance_names: list[str] = field(default_factory=list)

    @property
    def retries(self) -> int:
        """Attempts beyond the first, over all invocations."""
        return sum(invoker.retries for invoker in self.instances)

    @property
    def container_seconds(self) -> dict[str, float]:
        """Seconds spent waiting for each container, summed over invocations."""
        totals: dict[str, float] = {}
        for invoker in self.instances:
            for container, seconds in zip(invoker.containers, invoker.seconds, strict=True):
                totals[container.name] = totals.get(container.name, 0.0) + seconds
        return totals
