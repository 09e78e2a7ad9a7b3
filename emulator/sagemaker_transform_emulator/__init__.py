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
    from sagemaker_transform_emulator.config import Settings, StoreAddress, load_settings
    from sagemaker_transform_emulator.errors import (
        EmulatorError,
        JobError,
        MachineError,
        ServiceError,
        UsageError,
    )
    from sagemaker_transform_emulator.jobs.local import run_transform_job
    from sagemaker_transform_emulator.jobs.transform_job import JobRun
    from sagemaker_transform_emulator.sagemaker.requests import JobStatus, Model, TransformJob

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
    "EmulatorError": "sagemaker_transform_emulator.errors",
    "JobError": "sagemaker_transform_emulator.errors",
    "JobRun": "sagemaker_transform_emulator.jobs.transform_job",
    "JobStatus": "sagemaker_transform_emulator.sagemaker.requests",
    "MachineError": "sagemaker_transform_emulator.errors",
    "Model": "sagemaker_transform_emulator.sagemaker.requests",
    "ServiceError": "sagemaker_transform_emulator.errors",
    "Settings": "sagemaker_transform_emulator.config",
    "StoreAddress": "sagemaker_transform_emulator.config",
    "TransformJob": "sagemaker_transform_emulator.sagemaker.requests",
    "UsageError": "sagemaker_transform_emulator.errors",
    "load_settings": "sagemaker_transform_emulator.config",
    "run_transform_job": "sagemaker_transform_emulator.jobs.local",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the pytest plugin is loaded by every pytest run."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
