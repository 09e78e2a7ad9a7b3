"""The jobs that ran on this machine: one private folder for each, below the state directory.

`run`, the library and the server write here, each in a process of its own; anybody may read at any time. A
folder holds `job.json`, replaced as a whole at each change, and `log.jsonl`, appended line by line: after a
kill both hold what was written before. A job whose owner is gone without writing its end is Failed.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import state_directory
from sagemaker_transform_emulator.jobs.diagnosis_form import Diagnosis, diagnosis_of_json
from sagemaker_transform_emulator.processes.run_lock import run_lives

VERSION = 1
"""Of job.json; a file of another version is not read."""
MOST_JOBS = 500
MOST_AGE_S = 30 * 86_400.0
MOST_BYTES = 512 * 1024**2
INTERRUPTED = (
    "the emulator that ran this job ended without a last word: it was killed, or the machine stopped"
)
DIAGNOSIS_STREAM = "emulator-diagnosis"
"""Where a log says what a failure was; AWS has no such stream."""
_RECORD = "job.json"
_LOG = "log.jsonl"


@dataclass(frozen=True, slots=True)
class StoredJob:
    """A job at one moment. Times are epoch seconds; requests are CreateModel's and CreateTransformJob's.

    `owner` is the run that carries it out, `front` who started it: "run", "library" or "server". `puts` are
    the files that were uploaded for it, `gets` the folders its outputs were downloaded to, `model_file` is
    that of the model's request, if it was one, `endpoint` its S3, None for the one built in. `diagnoses` are
    the JSON forms of Diagnosis, `note` what the emulator has to add to the status.
    """

    name: str
    region: str
    account: str
    owner: str
    front: str
    request: Mapping[str, Any]
    model: Mapping[str, Any]
    created: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    endpoint: str | None = None
    model_file: str = ""
    puts: tuple[Mapping[str, Any], ...] = ()
    gets: tuple[Mapping[str, Any], ...] = ()
    status: str = "InProgress"
    failure_reason: str | None = None
    started: float | None = None
    ended: float | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[Mapping[str, Any], ...] = ()
    diagnoses: tuple[Mapping[str, Any], ...] = ()
    trace: str = ""
    note: str = ""

    @property
    def arn(self) -> str:
        """TransformJobArn; two jobs that `run` made one after the other may have the same."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:transform-job/{self.name.lower()}"

    def told(self) -> tuple[Diagnosis, ...]:
        """The diagnoses as values."""
        return tuple(diagnosis_of_json(data) for data in self.diagnoses)


class JobFolder:
    """One job's folder, for the run that owns it."""

    def __init__(self, path: Path, job: StoredJob) -> None:
        self._path, self.job = path, job
        path.mkdir(parents=True, mode=0o700)
        self._log = os.fdopen(
            os.open(path / _LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", buffering=1
        )
        self.change()

    def change(self, **values: Any) -> None:
        """The job has these values, for every reader from now on."""
        self.job = replace(self.job, **values)
        draft = self._path / (_RECORD + ".draft")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({"version": VERSION, **asdict(self.job)}, file, default=str)
        draft.replace(self._path / _RECORD)

    def log(self, at: float, stream: str, text: str) -> None:
        """A line is in the job's log."""
        self._log.write(json.dumps({"at": at, "stream": stream, "message": text}) + "\n")

    def close(self) -> None:
        """Nothing more is written."""
        self._log.close()


class JobStore:
    """The stored jobs of a state directory, newest first."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or state_directory()
        self.path = self.root / "jobs"

    def add(self, job: StoredJob) -> JobFolder:
        """A folder for the job; what is beyond the bounds of age, number and size is gone."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.prune()
        return JobFolder(self.path / f"{int(job.created * 1000):015d}-{uuid.uuid4().hex[:8]}", job)

    def jobs(self) -> Iterator[tuple[Path, StoredJob]]:
        """Every job with its folder, newest first."""
        for folder in self._folders():
            job = self._read(folder)
            if job is not None:
                yield folder, job

    def find(self, name: str) -> list[tuple[Path, StoredJob]]:
        """The jobs of that name, in any case (R1.25), newest first."""
        return [found for found in self.jobs() if found[1].name.lower() == name.lower()]

    def log_lines(self, folder: Path, skip: int = 0) -> list[dict[str, Any]]:
        """The lines of a job's log after the first `skip`; one that is just being written is left out."""
        try:
            lines = (folder / _LOG).read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in lines[skip:]]

    def remove(self, *, front: str | None = None) -> list[str]:
        """Ended jobs, or only those of one front, are gone; their names."""
        gone = [(folder, job) for folder, job in self.jobs() if job.ended and front in (None, job.front)]
        for folder, _ in gone:
            shutil.rmtree(folder, ignore_errors=True)
        return [job.name for _, job in gone]

    def prune(self) -> None:
        """Jobs beyond the bounds are gone, oldest first; those under way stay."""
        size, now = 0, time.time()
        for number, folder in enumerate(self._folders(), start=1):
            size += sum(file.stat().st_size for file in _files(folder))
            old = now - int(folder.name.partition("-")[0]) / 1000 > MOST_AGE_S
            if number < MOST_JOBS and size <= MOST_BYTES and not old:
                continue
            job = self._read(folder)
            if job is None or job.ended:
                shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        if not self.path.is_dir():
            return []
        named = (folder for folder in self.path.iterdir() if folder.name.partition("-")[0].isdigit())
        return sorted(named, key=lambda folder: folder.name, reverse=True)

    def _read(self, folder: Path) -> StoredJob | None:
        try:
            data = json.loads((folder / _RECORD).read_text())
        except (OSError, ValueError):
            return None
        if not isinstance(data, dict) or data.pop("version", None) != VERSION:
            return None
        known = {item.name for item in fields(StoredJob)}
        lists = {name: tuple(data.get(name, ())) for name in ("puts", "gets", "outputs", "diagnoses")}
        job = StoredJob(**{name: value for name, value in data.items() if name in known} | lists)
        if job.ended is None and not run_lives(self.root / "runs", job.owner):
            again = json.loads((folder / _RECORD).read_text())  # it may have ended between the two looks
            if again.get("ended") is None:
                status = "Stopped" if job.status == "Stopping" else "Failed"
                at = (folder / _LOG).stat().st_mtime if (folder / _LOG).exists() else job.created
                return replace(job, status=status, ended=at, note=INTERRUPTED)
            return self._read(folder)
        return job


def _files(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [file for file in folder.iterdir() if file.is_file()]
    return []
