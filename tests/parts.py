"""What this machine has of the parts some tests need, and how to get what it lacks."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKER_MEMORY = 2 << 30
"""What a test worker takes at worst, its containers and JVMs included, in bytes."""
SHARED = Path(os.environ.get("EMULATOR_SHARED", ROOT.parent / "shared"))


@dataclass(frozen=True)
class Part:
    """Something outside the Python environment. `missing` gives the reason, or "" when it is there."""

    missing: Callable[[], str]
    remedy: str


def _docker() -> str:
    if shutil.which("docker") is None and not Path("/var/run/docker.sock").exists():
        return "no Docker engine is installed"
    import docker  # noqa: PLC0415 - only asked for when a test needs it

    try:
        client = docker.from_env(timeout=5)
        client.ping()
        client.close()
    except Exception as error:  # noqa: BLE001 - whatever the SDK raises, the engine did not answer
        return f"the Docker engine does not answer: {type(error).__name__}"
    return ""


def minio_binary() -> str | None:
    """The MinIO server program: MINIO_BIN, or `minio` on PATH, or where `.ci/run` puts it."""
    cached = Path.home() / ".cache" / "sagemaker-transform-emulator" / "minio"
    named = os.environ.get("MINIO_BIN") or shutil.which("minio") or (str(cached) if cached.exists() else None)
    return named if named and Path(named).exists() else None


def _minio() -> str:
    return "" if minio_binary() else "no MinIO program (MINIO_BIN, or minio on PATH)"


def _command(*names: str) -> Callable[[], str]:
    return lambda: "" if any(map(shutil.which, names)) else f"no {' or '.join(names)} on PATH"


def _compose() -> str:
    for command in (["docker", "compose", "version"], ["docker-compose", "version"]):
        if (
            shutil.which(command[0])
            and subprocess.run(command, capture_output=True, check=False).returncode == 0
        ):
            return ""
    return "neither `docker compose` nor `docker-compose` works"


def _images(*names: str) -> Callable[[], str]:
    def reason() -> str:
        check = [sys.executable, str(ROOT / "tools" / "images.py"), "check", *names]
        done = subprocess.run(check, capture_output=True, text=True, check=False)
        return ", ".join(done.stdout.splitlines()) or done.stderr.strip() if done.returncode else ""

    return reason


def _sdk() -> str:
    from sdk.environments import NAMES, make  # noqa: PLC0415 - makes environments only when a test needs them

    try:
        for name in NAMES:
            make(name)
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"the clients' environments cannot be made: {said.strip().splitlines()[-1][:200]}"
    return ""


def _xgboost_versions() -> str:
    from sagemaker_transform_emulator.config import cache_directory  # noqa: PLC0415 - as above
    from sagemaker_transform_emulator.errors import ModelError  # noqa: PLC0415 - makes environments only when a test needs them
    from sagemaker_transform_emulator.runtime.environment_making import ensure  # noqa: PLC0415 - as above
    from sagemaker_transform_emulator.runtime.environments import environment  # noqa: PLC0415 - as above

    try:
        for version in XGBOOST_VERSIONS:
            asyncio.run(ensure(environment(version, cache_directory()), lambda _: None))
    except ModelError as error:
        return str(error)
    return ""


def _chosen_versions() -> tuple[str, ...]:
    named = os.environ.get("XGBOOST_VERSIONS", "0.72.1,1.7.4,3.2.0")
    every = (ROOT / "containers" / "xgboost" / "libraries").glob("*.txt")
    return tuple(sorted(path.stem for path in every)) if named == "all" else tuple(named.split(","))


XGBOOST_VERSIONS = _chosen_versions()
"""The versions that tests serve with besides the installed one: XGBOOST_VERSIONS, `all` or some."""


def _javascript() -> str:
    from sdk.javascript import make  # noqa: PLC0415 - makes the environment only when a test needs it

    if reason := _command("node")() or _command("npm")():
        return reason
    try:
        make()
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return f"the client's packages cannot be had: {said.strip().splitlines()[-1][:200]}"
    return ""


PARTS = {
    "docker": Part(_docker, "install Docker and start it; `.ci/run` does both on Debian"),
    "compose": Part(_compose, "install the Compose v2 plugin; `.ci/run` builds it"),
    "images": Part(_images(), "build them with `make images`"),
    "serving images": Part(_images("sparkml", "xgboost"), "build them with `make images`"),
    "minio": Part(_minio, "build it with `make minio` (needs Go), or set MINIO_BIN"),
    "chromium": Part(_command("chromium", "chromium-browser", "google-chrome"), "apt-get install chromium"),
    "javac": Part(_command("javac"), "install a JDK"),
    "wrk": Part(_command("wrk"), "apt-get install wrk"),
    "sdk": Part(_sdk, "give this machine access to a package index, once"),
    "xgboost versions": Part(_xgboost_versions, "give this machine access to a package index, once"),
    "javascript": Part(
        _javascript, "install Node.js with npm, and give this machine access to the npm registry"
    ),
    "shared": Part(
        lambda: "" if (SHARED / "contract.md").exists() else f"no reference data at {SHARED}",
        "set EMULATOR_SHARED to the folder that holds cases/ and data/",
    ),
}


def workers(cores: int | None = None, meminfo: Path = Path("/proc/meminfo")) -> int:
    """How many test workers the machine can feed: half as many again as cores, if the free memory lets.

    Half as many again, because many tests wait: for a process to start, or for a limit to pass.
    """
    if cores is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = cores + cores // 2
    try:
        lines = meminfo.read_text().splitlines()
        [kib] = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        return wanted  # not Linux
    return max(1, min(wanted, int(kib) * 1024 // WORKER_MEMORY))


@cache
def missing(part: str) -> str:
    """Why `part` cannot be used here; "" when it can."""
    return PARTS[part].missing()
