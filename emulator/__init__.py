"""Run SageMaker batch transform jobs, inference pipelines included, on your own machine.

::

    import emulator

    result = emulator.transform("model.json", "job.json")
    print(result.status, result.failure_reason)
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
}


class _Package(ModuleType):
    """Imports a public name when it is first used: the pytest plugin is loaded by every pytest run.

    `transform` is the function although a subpackage has that name too: a property of the module's class
    is found before the attribute that the import of the subpackage sets.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_HOMES[name]), name)

    def __dir__(self) -> list[str]:
        return sorted(__all__)

    @property
    def transform(self) -> Any:
        return import_module("emulator.local").transform

    @transform.setter
    def transform(self, subpackage: ModuleType) -> None:
        """The subpackage is found in sys.modules."""


sys.modules[__name__].__class__ = _Package
