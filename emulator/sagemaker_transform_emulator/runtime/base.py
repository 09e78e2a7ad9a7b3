"""The interface of a runtime, which starts containers, and of a started container."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sagemaker_transform_emulator.config import StoreAddress

LogSink = Callable[[datetime, str], None]
"""Receives each line a container writes to stdout or stderr, without its newline, and its time (UTC)."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One container to start.

    `model_archive` is a local copy of the judged archive, None for a container without model data.
    `environment` is complete but for what only the runtime knows. It adds the port variables when
    `binds_to_port` says that several containers share the machine (R4.38), and below `environment` the
    variables that lead to `store`, the S3 the container may use. `position` counts from 0.
    """

    name: str
    image: str
    environment: Mapping[str, str] = field(repr=False)
    model_archive: Path | None = None
    model_data_url: str = ""
    binds_to_port: bool = False
    position: int = 0
    store: StoreAddress | None = None
    network_isolation: bool = False
    instance_type: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a container ended: the engine's words for it, such as "exited with code 3"."""

    code: int | None
    reason: str
    out_of_memory: bool = False


class Container(Protocol):
    """A started container. It listens, or will, on `host`:`port` as seen from here."""

    name: str
    image: str
    host: str
    port: int

    async def exited(self, wait_s: float = 0.0) -> Exit | None:
        """How it ended, waiting up to `wait_s` seconds for that; None while it runs.

        Raises EngineError when nobody can tell any more.
        """
        ...

    def log_tail(self, lines: int = 20) -> list[str]:
        """The last lines it wrote."""
        ...

    def diagnose_silence(self) -> str:
        """Why nothing answers on its port, as far as can be seen from outside; "" when nothing is known."""
        ...

    async def kill(self) -> None:
        """It was killed by SIGKILL; `exited` tells of its end, `stop` still removes it."""
        ...

    async def stop(self) -> None:
        """It is gone, with everything made for it: SIGTERM, then SIGKILL after 30 seconds (R4.7)."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """The runtime that will start a model's images, all of which it has.

    `unlabelled` are those that do not say they listen on SAGEMAKER_BIND_TO_PORT (R1.10). `notes` tell, by
    image, where another version of a library serves than the image carries at AWS.
    """

    runtime: Runtime
    unlabelled: frozenset[str] = frozenset()
    notes: Mapping[str, str] = field(default_factory=dict)


class RuntimeChoice(Protocol):
    """Knows which runtime runs a model."""

    name: str

    async def prepare(self, images: Sequence[str], tell: Callable[[str], None]) -> Prepared:
        """Every image can be started now; `tell` was called with what took time or was decided.

        Raises ModelError naming an image that cannot be had, EngineError when the engine is away.
        """
        ...

    async def close(self) -> None:
        """Everything that outlives single containers is gone."""
        ...


class Runtime(RuntimeChoice, Protocol):
    """Starts containers."""

    async def start(self, spec: ContainerSpec, log: LogSink) -> Container:
        """Return the started container, which need not listen yet.

        Raises ModelError for an unknown image or a bad archive, ContainerError when it cannot be started,
        EngineError or MachineError when the machine lacks something. Nothing is left behind then.
        """
        ...


BIND_LABEL = "com.amazonaws.sagemaker.capabilities.accept-bind-to-port"
"""The label of images that listen on SAGEMAKER_BIND_TO_PORT (R1.10)."""

STOP_GRACE_S = 30.0
"""Seconds between SIGTERM and SIGKILL (R4.7)."""
