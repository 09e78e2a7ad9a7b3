"""Scratch space of one run, and the sweep of what killed runs left behind.

Each run owns a folder under the state directory and holds a lock on it while it lives. A folder whose
lock is free belongs to a run that was killed: its processes are ended, its uploads aborted, its files
removed at the next start.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.processes.run_lock import is_abandoned, run_lives
from sagemaker_transform_emulator.processes.run_mark import end_processes
from sagemaker_transform_emulator.s3.multipart_output import UploadJournal
from sagemaker_transform_emulator.transform.keys import S3Location

__all__ = ["OpenUpload", "Swept", "Workspace", "open_workspace", "run_lives", "sweep"]

_UNBORN_S = 600.0
"""A folder is renamed within milliseconds of its making; one that was not after this time never will be."""


@dataclass(frozen=True, slots=True)
class OpenUpload:
    """A multipart upload that was begun and neither completed nor aborted.

    `upload_id` is None when the run ended before it knew the id: there may be one of that key, or none.
    """

    location: S3Location
    upload_id: str | None
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
    lock = _locked_folder(path)
    try:
        yield Workspace(run_id, path, lock)
    finally:
        if not _open_uploads(path):
            shutil.rmtree(path, ignore_errors=True)
        lock.close()


def _locked_folder(path: Path) -> IO[str]:
    """The folder exists and its lock, which is returned, was held before anybody could see it."""
    hidden = path.with_name(f".{path.name}")
    hidden.mkdir(mode=0o700)
    lock = (hidden / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    hidden.rename(path)
    return lock


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found of killed runs. The uploads are for the caller to abort, then `forget`.

    `spared` are the ids of uploads of runs that live.
    """

    processes: int
    uploads: tuple[OpenUpload, ...]
    folders: tuple[Path, ...]
    spared: frozenset[str] = frozenset()

    def forget(self) -> None:
        """Remove the swept runs' folders."""
        for folder in self.folders:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path | None = None) -> Swept:
    """End the processes of killed runs; tell which uploads they left open."""
    _remove_unborn(root)
    runs = _runs(root)
    folders = tuple(folder for folder in runs if is_abandoned(folder))
    processes = sum(end_processes(folder.name) for folder in folders)
    uploads = tuple(upload for folder in folders for upload in _open_uploads(folder))
    alive = (upload.upload_id for folder in runs if folder not in folders for upload in _open_uploads(folder))
    return Swept(processes, uploads, folders, frozenset(found for found in alive if found))


class _FileJournal(UploadJournal):
    """One file for each open upload: creating and removing files survives a kill at any point."""

    def __init__(self, folder: Path, endpoint_url: str | None) -> None:
        self._folder = folder
        self._endpoint_url = endpoint_url
        self._names: dict[str, Path] = {}

    def opening(self, location: S3Location) -> str:
        return self._write(location, None).name

    def forget(self, entry: str) -> None:
        (self._folder / entry).unlink(missing_ok=True)

    def opened(self, location: S3Location, upload_id: str) -> None:
        self._names[upload_id] = self._write(location, upload_id)

    def closed(self, location: S3Location, upload_id: str) -> None:  # noqa: ARG002 - the id is enough
        path = self._names.pop(upload_id, None)
        if path is not None:
            path.unlink(missing_ok=True)

    def _write(self, location: S3Location, upload_id: str | None) -> Path:
        """The entry is on the disk, whole: a power cut leaves it or nothing."""
        self._folder.mkdir(exist_ok=True)
        path = self._folder / uuid.uuid4().hex
        draft = path.with_suffix(".draft")
        with draft.open("w") as file:
            json.dump([location.bucket, location.key, upload_id, self._endpoint_url], file)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        return path


def _runs(root: Path | None) -> list[Path]:
    runs = (root or state_directory()) / "runs"
    return sorted(path for path in runs.glob("[!.]*") if path.is_dir())


def _remove_unborn(root: Path | None) -> None:
    """Folders of runs that were killed in the instant before they could be seen are gone."""
    for path in ((root or state_directory()) / "runs").glob(".*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _UNBORN_S:
                shutil.rmtree(path)


def _open_uploads(folder: Path) -> list[OpenUpload]:
    paths = sorted((folder / "uploads").glob("*"))
    found = (_open_upload(path) for path in paths if path.suffix != ".draft")
    return [upload for upload in found if upload is not None]


def _open_upload(path: Path) -> OpenUpload | None:
    """What the entry says; None for one that is gone, or damaged by a power cut or a full disk."""
    try:
        bucket, key, upload_id, endpoint_url = json.loads(path.read_text())
    except (OSError, ValueError, TypeError):
        return None
    texts = isinstance(bucket, str) and isinstance(key, str)
    optional = all(value is None or isinstance(value, str) for value in (upload_id, endpoint_url))
    return OpenUpload(S3Location(bucket, key), upload_id, endpoint_url) if texts and optional else None
