"""Scratch space of one run, and the sweep of what killed runs left behind.

Each run owns a folder under the state directory and holds a lock on it while it lives. A folder whose
lock is free belongs to a run that was killed: its processes are ended, its uploads aborted, its files
removed at the next start.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.processes.run_lock import is_abandoned, run_lives
from sagemaker_transform_emulator.processes.run_mark import end_processes
from sagemaker_transform_emulator.s3.multipart_output import UploadJournal
from sagemaker_transform_emulator.transform.keys import S3Location

__all__ = ["OpenUpload", "Swept", "Workspace", "open_workspace", "run_lives", "sweep"]


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that was begun and neither completed nor aborted."""

    location: S3Location
    upload_id: str
    endpoint_url: str | None


class Workspace:
    """One run's folder: archives, model directories, container logs, the journal of open uploads."""

    def __init__(self, run_id: str, path: Path, lock: IO[str]) -> None:
        self.run_id = run_id
        self.path = path
        self._lock = lock

    def folder(self, name: str) -> Path:
        """A fresh private directory."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.path))

    def journal(self, endpoint_url: str | None) -> UploadJournal:
        """The journal in which this run's uploads are written down before they begin."""
        return _FileJournal(self.path / "uploads", endpoint_url)


@contextmanager
def open_workspace(root: Path | None = None) -> Iterator[Workspace]:
    """A workspace that is gone when the block ends; uploads that could not be aborted stay written down."""
    runs = (root or state_directory()) / "runs"
    runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    run_id = uuid.uuid4().hex[:12]
    path = runs / run_id
    path.mkdir(mode=0o700)
    lock = (path / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield Workspace(run_id, path, lock)
    finally:
        if not _open_uploads(path):
            shutil.rmtree(path, ignore_errors=True)
        lock.close()


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found of killed runs. The uploads are for the caller to abort, then `forget`."""

    processes: int
    uploads: tuple[OpenUpload, ...]
    folders: tuple[Path, ...]

    def forget(self) -> None:
        """Remove the swept runs' folders."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path | None = None) -> Swept:
    """End the processes of killed runs; tell which uploads they left open."""
    folders = tuple(folder for folder in _runs(root) if is_abandoned(folder))
    processes = sum(end_processes(folder.name) for folder in folders)
    uploads = tuple(upload for folder in folders for upload in _open_uploads(folder))
    return Swept(processes, uploads, folders)


class _FileJournal(UploadJournal):
    """One file for each open upload: creating and removing files survives a kill at any point."""

    def __init__(self, folder: Path, endpoint_url: str | None) -> None:
        self._folder = folder
        self._endpoint_url = endpoint_url
        self._names: dict[str, Path] = {}

    def opened(self, location: S3Location, upload_id: str) -> None:
        self._folder.mkdir(exist_ok=True)
        path = self._folder / uuid.uuid4().hex
        entry = [location.bucket, location.key, upload_id, self._endpoint_url]
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(entry))
        draft.rename(path)
        self._names[upload_id] = path

    def closed(self, location: S3Location, upload_id: str) -> None:  # noqa: ARG002 - the id is enough
        path = self._names.pop(upload_id, None)
        if path is not None:
            path.unlink(missing_ok=True)


def _runs(root: Path | None) -> list[Path]:
    runs = (root or state_directory()) / "runs"
    return sorted(path for path in runs.iterdir() if path.is_dir()) if runs.is_dir() else []


def _open_uploads(folder: Path) -> list[OpenUpload]:
    found = []
    for path in sorted((folder / "uploads").glob("*")):
        if path.suffix != ".draft":
            bucket, key, upload_id, endpoint_url = json.loads(path.read_text())
            found.append(OpenUpload(S3Location(bucket, key), upload_id, endpoint_url))
    return found
