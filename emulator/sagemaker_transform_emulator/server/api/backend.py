"""The services that API operations use, and the type of an operation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.server.api.awsjson import Call
from sagemaker_transform_emulator.server.api.polling import Polling
from sagemaker_transform_emulator.server.database import Store
from sagemaker_transform_emulator.server.job_controller import JobController
from sagemaker_transform_emulator.server.utilization import Utilization


@dataclass(slots=True)
class Backend:
    """One emulator's state and machinery.

    `utilization` has the CPU and memory of jobs. `image_labels` gives the labels of a container image, None
    where they cannot be known.
    """

    store: Store
    controller: JobController
    storage: Storage
    settings: Settings
    image_labels: Callable[[str], Awaitable[Mapping[str, str] | None]] | None = None
    utilization: Utilization | None = None
    polling: Polling = field(default_factory=Polling)


Operation = Callable[[Backend, Call], Awaitable[Mapping[str, Any] | None]]
"""Carries out one operation: the members of its output. Raises ServiceError as AWS would refuse."""
