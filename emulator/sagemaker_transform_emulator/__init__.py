"""Run SageMaker batch transform jobs, inference pipelines included, on your own machine.

::

    import sagemaker_transform_emulator as emulator

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
        FailedJobError,
        JobError,
        MachineError,
        ServiceError,
        UsageError,
    )
    from sagemaker_transform_emulator.jobs.diagnosis_form import Diagnosis
    from sagemaker_transform_emulator.jobs.events import (
        ContainerLine,
        DataLogLine,
        Event,
        InputListed,
        InstanceReady,
        InvocationDone,
        JobNote,
        Notice,
        ObjectCompleted,
        ObjectFailed,
        ObjectStarted,
    )
    from sagemaker_transform_emulator.jobs.result import ObjectResult, TransformJobResult
    from sagemaker_transform_emulator.jobs.single_payloads import Outcome
    from sagemaker_transform_emulator.library import (
        AsyncPipelineModel,
        PipelineModel,
        run_transform_job,
        run_transform_job_async,
    )
    from sagemaker_transform_emulator.sagemaker.requests import JobStatus

__all__ = [
    "AsyncPipelineModel",
    "ContainerLine",
    "DataLogLine",
    "Diagnosis",
    "EmulatorError",
    "Event",
    "FailedJobError",
    "InputListed",
    "InstanceReady",
    "InvocationDone",
    "JobError",
    "JobNote",
    "JobStatus",
    "MachineError",
    "Notice",
    "ObjectCompleted",
    "ObjectFailed",
    "ObjectResult",
    "ObjectStarted",
    "Outcome",
    "PipelineModel",
    "ServiceError",
    "Settings",
    "StoreAddress",
    "TransformJobResult",
    "UsageError",
    "load_settings",
    "run_transform_job",
    "run_transform_job_async",
]

_HOMES = {
    "config": """
        Settings StoreAddress load_settings
    """,
    "errors": """
        EmulatorError FailedJobError JobError MachineError ServiceError UsageError
    """,
    "jobs.diagnosis_form": """
        Diagnosis
    """,
    "jobs.events": """
        ContainerLine DataLogLine Event JobNote InputListed InstanceReady
        InvocationDone Notice ObjectCompleted ObjectFailed ObjectStarted
    """,
    "jobs.result": """
        ObjectResult TransformJobResult
    """,
    "jobs.single_payloads": """
        Outcome
    """,
    "library": """
        AsyncPipelineModel PipelineModel run_transform_job run_transform_job_async
    """,
    "sagemaker.requests": """
        JobStatus
    """,
}
_HOME = {name: f"{__name__}.{home}" for home, names in _HOMES.items() for name in names.split()}


__version__: str
"""The version that is installed."""


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: the pytest plugin is loaded by every pytest run."""
    if name == "__version__":
        return _installed_version()
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - read when it is asked for

    try:
        return version("sagemaker-transform-emulator")
    except PackageNotFoundError:  # a source tree that nobody installed
        return "0+unknown"
