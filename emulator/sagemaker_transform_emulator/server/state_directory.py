"""The state directory of a server: who holds it, what it tells its clients, where its files are."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.sagemaker.resources import DEFAULT_ACCOUNT

DATABASE = "emulator.sqlite3"
_ABOUT = "server.json"
_LOCK = "server.lock"


@dataclass(frozen=True, slots=True)
class About:
    """What a running server tells its clients."""

    endpoint_url: str
    pid: int
    region: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    sdk_config: str
    s3: str
    s3_endpoint_url: str
    runtime: str

    def environment(self) -> dict[str, str]:
        """The variables with which unmodified clients talk to the emulator and to nobody else."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "SAGEMAKER_USER_CONFIG_OVERRIDE": self.sdk_config,
        }


@contextmanager
def held(state: Path) -> Iterator[None]:
    """The directory is ours until the block ends, and nobody else may look into it or the database.

    Raises MachineError naming the process that has it, or saying why it cannot be written.
    """
    with _opened_lock(state) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise MachineError(
                f"An emulator is already running on {state}, pid {holder}",
                remedy="use that one, stop it, or give this one another --state-dir and --port",
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _opened_lock(state: Path) -> IO[str]:
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        own = (state / _LOCK).exists() or not any(state.iterdir())
        lock = (state / _LOCK).open("a+")
        _make_private(state, own=own)
    except OSError as error:
        raise MachineError(
            f"The state folder {state} cannot be written: {error.strerror}",
            remedy="give it to this user (chown, chmod u+rwx), or name another with --state-dir",
        ) from None
    return lock


def _make_private(state: Path, *, own: bool) -> None:
    """What others could look into is closed: the database, and the folder where it is our `own`.

    A folder that holds other people's files, such as /tmp, stays as it is.
    """
    if own and not state.stat().st_mode & stat.S_ISVTX:
        state.chmod(0o700)
    for path in state.glob(f"{DATABASE}*"):
        path.chmod(0o600)


def publish(state: Path, about: About) -> None:
    """Clients on this machine find the server; the file goes to nobody else."""
    _write_private(state / _ABOUT, json.dumps(asdict(about), indent=2))


def withdraw(state: Path) -> None:
    """Clients find no server any more."""
    (state / _ABOUT).unlink(missing_ok=True)


def published(state: Path) -> About:
    """The server on that directory. Raises MachineError when none runs."""
    try:
        return About(**json.loads((state / _ABOUT).read_text()))
    except (OSError, ValueError, TypeError):
        raise MachineError(
            f"No emulator runs on {state}",
            remedy="start one with `emulator up`, or name its directory with --state-dir",
        ) from None


def write_sdk_config(state: Path, region: str) -> Path:
    """Defaults for the SageMaker SDKs are written down, in a file for each region; returns where.

    Without them the SDKs ask AWS's own STS for the account of the default bucket, whatever AWS_ENDPOINT_URL
    says, and report their usage to AWS.
    """
    path = state / f"sagemaker-sdk-{region}.yaml"
    bucket = f"sagemaker-{region}-{DEFAULT_ACCOUNT}"
    _write_private(
        path,
        "SchemaVersion: '1.0'\nSageMaker:\n  PythonSDK:\n    Modules:\n"
        f"      TelemetryOptOut: true\n      Session:\n        DefaultS3Bucket: {bucket}\n",
    )
    return path


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)  # one that a kill left may be open to others
    draft.touch(mode=0o600)
    with draft.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
