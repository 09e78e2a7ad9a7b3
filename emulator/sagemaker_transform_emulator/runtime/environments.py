"""Environments with another XGBoost than the installed one, kept in the user's cache.

An environment is a folder of packages that goes before all others on the path of a container's process, and
of a list of their files. It is made by environment_making.py, on first use.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from sagemaker_transform_emulator.errors import ModelError
from sagemaker_transform_emulator.runtime.xgboost_versions import numbers

INSTALLED_SERVES = 'xgboost = "installed" in emulator.toml lets the installed version serve'
_LIST = "files.json"


def this_platform() -> str:
    """Such as linux-x86_64; Linux without glibc, for which there are no builds, is told apart."""
    system = sys.platform
    if system == "linux" and platform.libc_ver()[0] != "glibc":
        system = "musl"
    return f"{system}-{platform.machine()}"


def installed_version() -> str | None:
    """The version of XGBoost in this interpreter's own environment; None when there is none."""
    for name in ("xgboost-cpu", "xgboost"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


@dataclass(frozen=True)
class Environment:
    """The environment of one version in one cache. `lock` pins its packages."""

    version: str
    cache: Path
    lock: Path

    @property
    def folder(self) -> Path:
        """Where it is, or will be: another lock, Python or platform has another folder."""
        digest = hashlib.sha256(self.lock.read_bytes()).hexdigest()[:8]
        python = f"{sys.implementation.name}{sys.version_info[0]}{sys.version_info[1]}"
        return self.cache / "xgboost" / f"{self.version}-{python}-{this_platform()}-{digest}"

    @property
    def exists(self) -> bool:
        """Whether it has been made."""
        return self.folder.is_dir()

    def damage(self) -> list[str]:
        """The files that are missing or are not as they were when it was made."""
        try:
            wanted = json.loads((self.folder / _LIST).read_text("utf-8"))
        except (OSError, ValueError):
            return [_LIST]
        return [name for name, digest in wanted.items() if _digest(self.folder / name) != digest]


def environment(version: str, cache: Path) -> Environment:
    """The environment of that version. Raises ModelError for a version that has no lock."""
    from sagemaker_transform_emulator.containers.xgboost.libraries import lock_file  # noqa: PLC0415 - an installation may lack it

    lock = lock_file(version)
    if not lock.exists():
        raise ModelError(
            f"xgboost {version} cannot serve: there is no list of its packages at {lock}",
            remedy=INSTALLED_SERVES,
        )
    return Environment(version, cache, lock)


def made_environments(cache: Path) -> list[Environment]:
    """Those that this interpreter can use and that have been made, by version. Raises ImportError."""
    from sagemaker_transform_emulator.containers.xgboost.libraries import lock_file, versions  # noqa: PLC0415 - as above

    every = [Environment(version, cache, lock_file(version)) for version in versions()]
    return sorted((each for each in every if each.exists), key=lambda each: numbers(each.version))


def write_list(folder: Path) -> None:
    """The folder has the list of its files that `Environment.damage` goes by. Compiled files are left out."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    digests = {str(path.relative_to(folder)): _digest(path) for path in files}
    (folder / _LIST).write_text(json.dumps(digests, indent=0), "utf-8")


def _digest(path: Path) -> str:
    """The file's SHA-256; "" when it cannot be read."""
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return ""
