"""Run SageMaker batch transform jobs, inference pipelines included, on your own machine.

::

    import emulator

    result = emulator.run_transform_job("model.json", "job.json")
    print(result.status, result.failure_reason)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emulator.config import Settings, load_settings
    from emulator.errors import EmulatorError, JobError, MachineError, ServiceError, UsageError
    from emulator.job import JobRun
    from emulator.local import run_transform_job
    from emulator.model import JobStatus, Model, TransformJob
    from emulator.storage import StoreAddress

__all__ = [
    "EmulatorError",
    "JobError",
    "JobRun",
    "JobStatus",
    "MachineError",
    "Model",
    "ServiceError",
    "Settings",
    "StoreAddress",
    "TransformJob",
    "UsageError",
    "load_settings",
    "run_transform_job",
]

_HOMES = {
    "EmulatorError": "emulator.errors",
    "JobError": "emulator.errors",
    "JobRun": "emulator.job",
    "JobStatus": "emulator.model",
    "MachineError": "emulator.errors",
    "Model": "emulator.model",
    "ServiceError": "emulator.errors",
    "Settings": "emulator.config",
    "StoreAddress": "emulator.storage",
    "TransformJob": "emulator.model",
    "UsageError": "emulator.errors",
    "load_settings": "emulator.config",
    "run_transform_job": "emulator.local",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the pytest plugin is loaded by every pytest run."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
