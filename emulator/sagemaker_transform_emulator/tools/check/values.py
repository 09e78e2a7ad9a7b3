"""The values that checks share: time limits, the container under check, its replies, how its start went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sagemaker_transform_emulator.errors import DeadlineError, TransportError
from sagemaker_transform_emulator.runtime.base import Container, ContainerSpec, Exit
from sagemaker_transform_emulator.sagemaker.requests import ContainerDefinition
from sagemaker_transform_emulator.transport import Answer

_SHOWN = 200


class NotRun(Exception):  # noqa: N818 - a check's verdict, caught by the session
    """The check cannot be carried out; the text says why."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long checks wait, in seconds. The defaults are the service's, or what a person would bear."""

    start_s: float = 120.0
    elsewhere_s: float = 10.0
    ping_interval_s: float = 0.1
    slow_start_s: float = 60.0
    ping_s: float = 2.0
    answer_s: float = 60.0
    early_s: float = 10.0
    first_s: float = 2.0
    stop_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the user wants of the checks."""

    isolated: bool = False
    records_for_growth: int = 10_000


@dataclass(frozen=True, slots=True)
class Subject:
    """The container under check. `position` counts from 0 among the `count` containers of the model."""

    definition: ContainerDefinition
    spec: ContainerSpec
    position: int
    count: int
    labelled: bool

    @property
    def name(self) -> str:
        """What findings call it."""
        return self.definition.name

    @property
    def is_last(self) -> bool:
        """Whether its answer is the job's."""
        return self.position == self.count - 1

    @property
    def in_pipeline(self) -> bool:
        """Whether it has company."""
        return self.count > 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one request: an answer, or an error where none came."""

    answer: Answer | None
    error: TransportError | None
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether SageMaker would take it for a success (R4.28)."""
        return self.answer is not None and 200 <= self.answer.status < 300  # noqa: PLR2004 - R4.28

    @property
    def refused(self) -> bool:
        """Whether the container said that the request is at fault: 4xx."""
        return self.answer is not None and 400 <= self.answer.status < 500  # noqa: PLR2004 - R4.30

    @property
    def silent(self) -> bool:
        """Whether the time ran out."""
        return isinstance(self.error, DeadlineError)

    @property
    def body(self) -> bytes:
        """The answer's body, b"" without one."""
        return self.answer.body if self.answer else b""

    @property
    def words(self) -> str:
        """Such as "status 415 (b'no csv')"."""
        if self.answer is None:
            return f"no answer ({self.error})"
        shown = repr(self.answer.body[:_SHOWN]) + ("…" if len(self.answer.body) > _SHOWN else "")
        return f"status {self.answer.status}" + (f" ({shown})" if self.answer.body else "")


class Ping(NamedTuple):
    """One GET /ping while the container started. `at` is seconds since its start."""

    at: float
    reply: Reply


@dataclass(slots=True)
class StartRecord:
    """How the start went. `ready_s` is None for a container that was never healthy."""

    pings: list[Ping] = field(default_factory=list)
    ready_s: float | None = None
    ended: Exit | None = None
    refusal: str = ""
    refusal_remedy: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """The first requests with the sample: failures before the first success, and an answer for each record.

    `accepted` pairs each record that was answered with 2xx with its answer, `rejected` the others.
    """

    failures: tuple[Reply, ...]
    waited_s: float
    accepted: tuple[tuple[bytes, Answer], ...]
    rejected: tuple[tuple[bytes, Reply], ...]
    seconds: tuple[float, ...]


def normalised(body: bytes) -> bytes:
    """An answer without the differences that line ends make."""
    return body.replace(b"\r\n", b"\n").rstrip(b"\r\n")


def shown(body: bytes) -> str:
    """The beginning of a body, as Python writes bytes."""
    return repr(body[:_SHOWN]) + (f"… ({len(body)} bytes)" if len(body) > _SHOWN else "")


def tail(container: Container, lines: int = 5) -> str:
    """The container's last lines as the end of a sentence."""
    found = container.log_tail(lines)
    return "; it wrote nothing" if not found else "; its last lines: " + " | ".join(found)


def listed(items: Sequence[str], most: int = 5) -> str:
    """The first few items, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
