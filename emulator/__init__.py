"""Run SageMaker batch transform jobs, inference pipelines included, on your own machine.

::

    import emulator

    result = emulator.transform("model.json", "job.json")
    print(result.status, result.failure_reason)
"""

from emulator.config import Settings, load_settings
from emulator.errors import EmulatorError, JobError, MachineError, ServiceError, UsageError
from emulator.job import JobRun
from emulator.local import transform
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
    "transform",
]
