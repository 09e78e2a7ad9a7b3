"""Script mode: the user's source directory, from where it is kept to where it can be imported."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_transform_emulator.containers.serving import StartError
from sagemaker_transform_emulator.containers.xgboost.settings import Settings

LOG = logging.getLogger(__name__)

SHOWN_LINES = 20


@dataclass(frozen=True, slots=True)
class SourceDir:
    """Where the user's module is, and the folder of what its requirements.txt asked for, if it has one."""

    path: Path
    module: str
    installed: Path | None


def prepare_source_dir(settings: Settings) -> SourceDir:
    """The directory SAGEMAKER_SUBMIT_DIRECTORY names, with its requirements. Raises StartError."""
    assert settings.program is not None
    path = fetch_source_dir(settings.submit_directory)
    module = settings.program.removesuffix(".py")
    if not (path / f"{module}.py").is_file() and not (path / module).is_dir():
        found = ", ".join(sorted(entry.name for entry in path.iterdir())) or "nothing"
        raise StartError(
            f"SAGEMAKER_PROGRAM is {settings.program}, but {settings.submit_directory} holds {found}; "
            "put the script directly into the source directory"
        )
    return SourceDir(path, module, install_requirements(path))


def fetch_source_dir(location: str) -> Path:
    """A local directory with what `location` holds: an S3 archive, a local archive, directory or script."""
    if location.startswith("s3://"):
        return _unpack(_download(location), location)
    path = Path(location.removeprefix("file://"))
    if path.is_dir():
        return path
    if not path.exists():
        raise StartError(
            f"SAGEMAKER_SUBMIT_DIRECTORY is {location}, which does not exist; "
            "give a directory, a sourcedir.tar.gz, or the s3:// address of one"
        )
    return _unpack(path, location) if tarfile.is_tarfile(path) else path.parent


def _download(location: str) -> Path:
    """The archive in a new temporary folder; boto3 takes keys and endpoint from the usual variables."""
    address = urlsplit(location)
    target = Path(tempfile.mkdtemp(prefix="sourcedir-")) / "sourcedir.tar.gz"
    region = os.environ.get("AWS_REGION") or os.environ.get("SAGEMAKER_REGION")
    client = boto3.client("s3", region_name=region, endpoint_url=os.environ.get("S3_ENDPOINT_URL"))
    LOG.info("downloading %s", location)
    try:
        client.download_file(address.netloc, address.path.lstrip("/"), str(target))
    except (BotoCoreError, ClientError) as error:
        raise StartError(
            f"SAGEMAKER_SUBMIT_DIRECTORY {location} cannot be downloaded: {error}. "
            "Check the address, the AWS keys and AWS_ENDPOINT_URL of this container"
        ) from None
    return target


def _unpack(archive: Path, location: str) -> Path:
    target = Path(tempfile.mkdtemp(prefix="sourcedir-"))
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(target, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise StartError(
            f"{location} cannot be unpacked: {error}; it must be a .tar.gz of the source files"
        ) from None
    return target


def install_requirements(source: Path) -> Path | None:
    """The new folder into which pip put what requirements.txt lists; None without such a file.

    The container's own environment stays as it is. Raises StartError with pip's last lines.
    """
    requirements = source / "requirements.txt"
    if not requirements.is_file():
        return None
    target = Path(tempfile.mkdtemp(prefix="requirements-"))
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--target",
        str(target),
        "-r",
        str(requirements),
    ]
    LOG.info("the source directory has a requirements.txt; running %s", " ".join(command))
    result = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)  # noqa: S603 - no shell
    if result.returncode:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-SHOWN_LINES:])
        raise StartError(f"pip could not install {requirements} (exit code {result.returncode}):\n{tail}")
    return target
