"""The labels on everything the Docker runtime makes, and the names it gives. Pure.

Whatever carries our namespace was made by an emulator; the owner's labels tell by which run, on which
host, and in which folder that run holds its lock while it lives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAMESPACE = "sagemaker-transform-emulator."
RUN = f"{NAMESPACE}run"
_RUNS_FOLDER = f"{NAMESPACE}runs-folder"
_HOST = f"{NAMESPACE}host"
_VERSION = f"{NAMESPACE}version"
_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Owner:
    """The run that made something. `runs_folder` is a path on `host`."""

    run_id: str
    runs_folder: str
    host: str

    def labels(self, version: str, about: Mapping[str, str]) -> dict[str, str]:
        """Labels for one thing; `about` says what it is for (job, instance, container)."""
        return {
            RUN: self.run_id,
            _RUNS_FOLDER: self.runs_folder,
            _HOST: self.host,
            _VERSION: version,
            **{f"{NAMESPACE}{name}": value for name, value in about.items()},
        }


def owner_of(labels: Mapping[str, str] | None) -> Owner | None:
    """Whose it is; None for what no emulator made."""
    if not labels or RUN not in labels:
        return None
    return Owner(labels[RUN], labels.get(_RUNS_FOLDER, ""), labels.get(_HOST, ""))


def object_name(run_id: str, *parts: str) -> str:
    """A name the engine accepts, unique as long as the parts are within the run."""
    text = "-".join(("emulator", run_id, *(re.sub(r"[^A-Za-z0-9_.-]", "-", part) for part in parts if part)))
    return text[:_LONGEST_NAME].rstrip("-.")
