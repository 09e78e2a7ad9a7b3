"""What the emulator remembers, as values. Times are epoch seconds, log times epoch milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sagemaker_transform_emulator.sagemaker.requests import JobStatus

DEFAULT_ACCOUNT = "000000000000"
LOG_GROUP = "/aws/sagemaker/TransformJobs"
"""The log group of every transform job (R4.35)."""


@dataclass(frozen=True, slots=True)
class Place:
    """The account and region a request was signed for; names are unique within them."""

    account: str = DEFAULT_ACCOUNT
    region: str = "us-east-1"

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a resource, such as arn:aws:sagemaker:REGION:ACCOUNT:model/NAME."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name}"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A model that was created; `request` is CreateModel's."""

    place: Place
    name: str
    request: Mapping[str, Any]
    created: float

    @property
    def arn(self) -> str:
        """ModelArn."""
        return self.place.arn("model", self.name)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A transform job at one moment; `request` is CreateTransformJob's, `model` its model's CreateModel."""

    place: Place
    request: Mapping[str, Any]
    model: Mapping[str, Any]
    status: JobStatus
    created: float
    modified: float
    started: float | None = None
    ended: float | None = None
    failure_reason: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", JobStatus(self.status))

    @property
    def name(self) -> str:
        """TransformJobName as it was given."""
        name: str = self.request["TransformJobName"]
        return name

    @property
    def arn(self) -> str:
        """TransformJobArn: the name is in lower case there (R1.25)."""
        return self.place.arn("transform-job", self.name.lower())

    @property
    def key(self) -> tuple[Place, str]:
        """What tells the job from all others."""
        return self.place, self.name.lower()

    def with_model(self, model: Mapping[str, Any]) -> JobRecord:
        """The job with the request that made its model."""
        return replace(self, model=model)

    def changed(self, status: JobStatus, at: float, **values: Any) -> JobRecord:
        """The job after a change of status at that time."""
        return replace(self, status=status, modified=at, **values)


@dataclass(frozen=True, slots=True)
class LogStream:
    """A log stream and the span of its lines, None while it has none."""

    id: int
    name: str
    created: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One line of a stream; `position` counts from 1."""

    time: int
    message: str
    position: int


@dataclass(frozen=True, slots=True)
class LogWindow:
    """Which lines of a stream to read: `start` is one of them; `end`, `after` and `before` are not.

    The first `limit` of them, or the last with `from_end`.
    """

    start: int = 0
    end: int = 1 << 62
    after: int = 0
    before: int = 1 << 62
    limit: int = 1 << 62
    from_end: bool = False
