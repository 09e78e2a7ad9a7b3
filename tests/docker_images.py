"""The images of the Docker tests, built once a session on a base image that is already here.

Their names are this source tree's own, so that test runs of two trees do not take each other's images.
Workers of one run build them one after the other; all but the first find every layer in the engine's cache.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from alone import alone

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "tests" / "images"
REPOSITORY = f"sagemaker-transform-emulator-test-{hashlib.sha256(bytes(ROOT)).hexdigest()[:8]}"
SCRIPTED = f"{REPOSITORY}/scripted:latest"
FOREIGN = f"{REPOSITORY}/foreign:latest"
FAULTY = f"{REPOSITORY}/faulty:latest"
FAULTY_UNLABELLED = f"{REPOSITORY}/faulty:unlabelled"
FAULTY_WITHOUT_SERVE = f"{REPOSITORY}/faulty:nothing"
EVALUATING = f"{REPOSITORY}/evaluating:latest"
BASES = (
    "sagemaker-transform-emulator-test/python:bookworm",
    "sagemaker-transform-emulator/base-python:latest",
    "python:3.11-slim-bookworm",
    "python:3.12-slim-bookworm",
)
_PACKAGES = ("httptools", "uvicorn", "click", "h11", "typing_extensions.py")


def docker(*arguments: str) -> str:
    """What `docker ARGUMENTS` prints. Fails the test with its words when it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"docker {' '.join(arguments)}: {done.stderr.strip()}", pytrace=False)
    return done.stdout.strip()


def base_image() -> str:
    """A local image with Python 3.11 or newer; the test is skipped without one."""
    here = docker("images", "--format", "{{.Repository}}:{{.Tag}}").split()
    named = os.environ.get("TEST_BASE_IMAGE")
    found = next((name for name in ((named,) if named else BASES) if name in here), None)
    if found is None:
        pytest.skip(f"needs a base image: run tests/images/make_base.sh, or `docker pull {BASES[2]}`")
    return found


def build(folder: Path) -> None:
    """All images are there, made from the working tree."""
    base = base_image()
    _context(folder, base)
    with alone("images"):
        _build(folder, base)


def _build(folder: Path, base: str) -> None:
    for image, dockerfile, script, context in (
        (SCRIPTED, "scripted.Dockerfile", "", folder),
        (FOREIGN, "foreign.Dockerfile", "foreign.py", IMAGES),
        (EVALUATING, "foreign.Dockerfile", "evaluating.py", IMAGES),
    ):
        arguments = ["--build-arg", f"BASE={base}", *(["--build-arg", f"SCRIPT={script}"] if script else [])]
        docker("build", "-q", "-t", image, *arguments, "-f", str(IMAGES / dockerfile), str(context))


def build_faulty(folder: Path) -> None:
    """The images of containers/faulty are there: with the label, without it, and one that cannot serve."""
    base = base_image()
    _context(folder, base)
    dockerfile = str(IMAGES / "faulty.Dockerfile")
    targets = {FAULTY: "labelled", FAULTY_UNLABELLED: "unlabelled", FAULTY_WITHOUT_SERVE: "nothing"}
    with alone("images"):
        for image, target in targets.items():
            docker(
                "build", "-q", "-t", image, "--target", target, "--build-arg", f"BASE={base}",
                "-f", dockerfile, str(folder),
            )  # fmt: skip


def environment_of(image: str) -> dict[str, str]:
    """The variables the image itself sets, its base image's included."""
    entries: list[str] | None = json.loads(
        docker("image", "inspect", "--format", "{{json .Config.Env}}", image)
    )
    return dict(entry.split("=", 1) for entry in entries or ())


def _context(folder: Path, base: str) -> None:
    """The folder holds the containers, and what they import for the Python of the base image."""
    shutil.copytree(
        ROOT / "containers",
        folder / "sagemaker_transform_emulator" / "containers",
        ignore=shutil.ignore_patterns("sparkml", "xgboost", "__pycache__"),
    )
    version = docker(
        "run", "--rm", "--network", "none", "--entrypoint", "python3", base,
        "-c", "import sys; print('%d.%d' % sys.version_info[:2])",
    )  # fmt: skip
    _packages(folder / "packages", version)


def _packages(target: Path, version: str) -> None:
    """What containers/scripted imports, for that version of Python."""
    target.mkdir()
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        site = Path(sysconfig.get_path("platlib"))
        for name in _PACKAGES:
            source = site / name
            if source.is_dir():
                shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy(source, target)
        return
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--target", str(target), "--only-binary", ":all:",
         "--python-version", version, "httptools", "uvicorn"],
        check=True,
    )  # fmt: skip
