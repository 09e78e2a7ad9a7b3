"""`emulator doctor`: Python, disk space, the port, and what killed runs left behind."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from urllib.parse import urlsplit

from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.processes.loopback import LOOPBACK
from sagemaker_transform_emulator.runtime.workspace import run_lives
from sagemaker_transform_emulator.server.state_directory import published
from sagemaker_transform_emulator.tools.doctor.surroundings import Look, MachineView, Part, existing
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_GIB = 1024**3
_LEAST_FREE = 2 * _GIB
_OLDEST_PYTHON = (3, 11)

OLD_PYTHON = Kind(
    "python-old", Severity.ERROR, "Python is older than 3.11", "the emulator does not start",
    "install Python 3.11 or newer and make the virtual environment again",
)  # fmt: skip
DISK_LOW = Kind(
    "disk-low", Severity.WARNING, "less than 2 GiB are free", "jobs may end with `disk full`",
    "free some space, or name another folder with EMULATOR_STATE_DIR or EMULATOR_CACHE_DIR",
)  # fmt: skip
UNWRITABLE = Kind(
    "folder-unwritable", Severity.ERROR, "a folder of the emulator cannot be written", "no job can start",
    "make it writable, or name another one with EMULATOR_STATE_DIR or EMULATOR_CACHE_DIR",
)  # fmt: skip
PORT_TAKEN = Kind(
    "port-taken", Severity.WARNING, "somebody else listens on the emulator's port",
    "`emulator up` does not start there", "stop that program, or use `emulator up --port 0`",
)  # fmt: skip
ABANDONED = Kind(
    "runs-abandoned", Severity.NOTE, "killed runs left folders behind",
    "their files take space until the next start", "`emulator doctor --fix`, or `emulator clean`",
)  # fmt: skip


def python(at: MachineView) -> Part:
    """The version of Python."""
    words = ".".join(map(str, at.python))
    findings = () if at.python >= _OLDEST_PYTHON else (OLD_PYTHON.found("Python", f"it is {words}"),)
    return Part("Python", (f"Python {words}",), findings)


def disk(at: MachineView) -> Part:
    """Space and rights where state and cache are kept."""
    facts: list[str] = []
    findings: list[Finding] = []
    for name, folder in (("state", at.state), ("cache", at.cache)):
        there = existing(folder)
        free = at.free_bytes(there)
        facts.append(f"{name}: {folder}, {free / _GIB:.1f} GiB free")
        if not os.access(there, os.W_OK | os.X_OK):
            findings.append(UNWRITABLE.found(name, f"{there} cannot be written"))
        elif free < _LEAST_FREE:
            findings.append(DISK_LOW.found(name, f"{free / _GIB:.2f} GiB free in {there}"))
    return Part("Disk", tuple(facts), tuple(findings))


def port(at: MachineView) -> Part:
    """Whether `emulator up` can have its port, or has it."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((LOOPBACK, at.port))
        return Part("Port", (f"port {at.port} is free",))
    with suppress(MachineError):
        about = published(at.state)
        if urlsplit(about.endpoint_url).port == at.port:
            return Part("Port", (f"an emulator listens on port {at.port} (pid {about.pid})",))
    return Part("Port", (), (PORT_TAKEN.found(f"port {at.port}", f"{LOOPBACK}:{at.port} is in use"),))


def abandoned(at: MachineView) -> Part:
    """Folders of runs that are over without having cleaned up."""
    runs = at.state / "runs"
    folders = sorted(path for path in runs.glob("[!.]*") if path.is_dir())
    over = [folder.name for folder in folders if not run_lives(runs, folder.name)]
    facts = (f"{len(folders) - len(over)} runs under way",)
    findings = (ABANDONED.found("runs", f"{len(over)}: {', '.join(over[:5])}"),) if over else ()
    return Part("Runs", facts, findings)


LOOKS = (
    Look("Python", (OLD_PYTHON,), python),
    Look("Disk", (DISK_LOW, UNWRITABLE), disk),
    Look("Port", (PORT_TAKEN,), port),
    Look("Runs", (ABANDONED,), abandoned),
)
