"""`emulator doctor`: the Docker engine, its version, storage and disk, and the project's images in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sagemaker_transform_emulator.config import LOCAL_IMAGES
from sagemaker_transform_emulator.errors import EmulatorError
from sagemaker_transform_emulator.tools.doctor.surroundings import Look, MachineView, Part, existing
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

if TYPE_CHECKING:
    from sagemaker_transform_emulator.runtime.docker.engine import Engine

_GIB = 1024**3
_LEAST_FREE = 5 * _GIB
_OLDEST = (20, 10)
_IMAGES = ("sparkml", "xgboost")

ABSENT = Kind(
    "docker-absent", Severity.WARNING, "no Docker engine can be used",
    "only images with a command (SparkML, XGBoost, those of emulator.toml) run, as processes",
    "start Docker, check DOCKER_HOST and who may use its socket",
)  # fmt: skip
OLD = Kind(
    "docker-old", Severity.WARNING, "the engine is older than 20.10",
    "host-gateway and other things that containers need may be missing", "update the Docker engine",
)  # fmt: skip
SLOW_STORAGE = Kind(
    "docker-storage-slow", Severity.NOTE, "the engine's storage driver copies whole file systems",
    "every container takes seconds and gigabytes", "use overlay2 (storage-driver in daemon.json)",
)  # fmt: skip
DISK_LOW = Kind(
    "docker-disk-low", Severity.WARNING, "less than 5 GiB are free where the engine keeps images",
    "pulls and containers may fail with `no space left`", "`docker system prune`, or move data-root",
)  # fmt: skip
NO_IMAGES = Kind(
    "images-absent", Severity.NOTE, "the images of our SparkML and XGBoost containers are not built",
    "with --runtime docker AWS's own images are pulled, which needs credentials for their registry",
    "`make images`, or `docker compose build`",
)  # fmt: skip
LEFTOVERS = Kind(
    "docker-leftovers", Severity.NOTE, "killed runs left containers, networks or volumes in the engine",
    "they take memory and addresses until the next start", "`emulator doctor --fix`, or `emulator clean`",
)  # fmt: skip


def docker(at: MachineView) -> Part:
    """The engine and what is in it."""
    try:
        engine = at.connect()
    except EmulatorError as error:
        return Part("Docker", (), (ABSENT.found("Docker", error.message, remedy=error.remedy),))
    try:
        return _look(engine, at)
    except EmulatorError as error:
        return Part("Docker", (), (ABSENT.found("Docker", error.message, remedy=error.remedy),))
    finally:
        engine.close()


def _look(engine: Engine, at: MachineView) -> Part:
    # they need the extra [docker], which is there when an engine is
    from sagemaker_transform_emulator.runtime.docker import leftovers  # noqa: PLC0415
    from sagemaker_transform_emulator.runtime.docker.engine import engine_errors  # noqa: PLC0415

    with engine_errors("describe itself"):
        info: dict[str, Any] = dict(engine.api.info())
        tags = [tag for image in engine.api.images() for tag in image.get("RepoTags") or ()]
    driver, root = str(info.get("Driver", "?")), Path(str(info.get("DockerRootDir", "/")))
    facts = [f"engine {engine.version}, storage {driver}, {info.get('NCPU', '?')} CPUs"]
    findings: list[Finding] = []
    numbers = tuple(map(int, re.findall(r"\d+", engine.version)[:2]))
    if numbers and numbers < _OLDEST:
        findings.append(OLD.found("Docker", f"version {engine.version}"))
    if driver in ("vfs", "devicemapper"):
        findings.append(SLOW_STORAGE.found("Docker", driver))
    if root.exists():  # the engine may be on another machine
        free = at.free_bytes(existing(root))
        facts.append(f"{root}: {free / _GIB:.1f} GiB free")
        if free < _LEAST_FREE:
            findings.append(DISK_LOW.found("Docker", f"{free / _GIB:.2f} GiB free in {root}"))
    here = [name for name in _IMAGES if f"{LOCAL_IMAGES}/{name}:latest" in tags]
    facts.append(f"local images: {', '.join(here) or 'none'}")
    absent = [f"{LOCAL_IMAGES}/{name}" for name in _IMAGES if name not in here]
    if absent:
        findings.append(NO_IMAGES.found("images", ", ".join(absent)))
    left = leftovers.count(engine)
    if left:
        findings.append(LEFTOVERS.found("Docker", f"{left} of them"))
    return Part("Docker", tuple(facts), tuple(findings))


LOOKS = (Look("Docker", (ABSENT, OLD, SLOW_STORAGE, DISK_LOW, NO_IMAGES, LEFTOVERS), docker),)
