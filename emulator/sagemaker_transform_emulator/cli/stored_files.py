"""What a stored job read, for commands that send it again: its S3, its uploads, its settings, its model."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from sagemaker_transform_emulator.cli.session import Put, Store
from sagemaker_transform_emulator.config import Settings, StoreAddress, configured_store, load_settings
from sagemaker_transform_emulator.errors import MachineError
from sagemaker_transform_emulator.s3.store_choice import open_store
from sagemaker_transform_emulator.server import state_directory as state
from sagemaker_transform_emulator.trace.job_keeping import hashes
from sagemaker_transform_emulator.trace.job_store import JobStore, StoredJob
from sagemaker_transform_emulator.transform.keys import S3Location


def newest(name: str) -> StoredJob | None:
    """The newest stored job of that name, whatever its region."""
    return next((job for _, job in JobStore().find(name)), None)


@contextmanager
def store_of(job: StoredJob) -> Iterator[Store]:
    """The S3 the job used: one built in where it used one, else that of the environment, else its own."""
    if job.endpoint is None:
        with open_store("moto") as behind:
            yield behind.address, True
        return
    yield configured_store() or _address_of(job), False


def puts_of(job: StoredJob, given: Sequence[Put]) -> list[Put]:
    """The job's uploads, but for those that `given` replaces, then `given`.

    Only the built-in store forgets them. A file that is another one now, or gone, is told on stderr.
    """
    found: list[Put] = []
    replaced = {target for _, target in given}
    for put in job.puts if job.endpoint is None else ():
        path, target = Path(put["path"]), S3Location.parse(put["target"])
        if target in replaced:
            continue
        said = _change(path, put["files"])
        if said:
            Console(stderr=True, highlight=False, soft_wrap=True).print(
                Text(f"note: {shown(path)}, which the job put to {target}, {said}", style="yellow")
            )
        if path.exists():
            found.append((path, target))
    return [*found, *given]


def settings_of(job: StoredJob | None, config: Path | None) -> Settings:
    """The settings that hold here and now; where no file says any, those of the job."""
    named = config or os.environ.get("EMULATOR_CONFIG") or Path("emulator.toml").exists()
    if job is None or named:
        return load_settings(config)
    try:
        return Settings.model_validate(dict(job.settings))
    except ValidationError:
        return load_settings(config)  # those of another version


def model_of(job: StoredJob | None, request: Mapping[str, Any]) -> str | Mapping[str, Any]:
    """The file with the model's request while it is there, else the request."""
    file = Path(job.model_file) if job is not None and job.model_file else Path("model.json")
    return shown(file) if file.exists() else request


def model_puts_of(job: StoredJob | None, request: Mapping[str, Any]) -> dict[str, str]:
    """The job's uploads that its model reads: paths and their places in S3."""
    if job is None or job.endpoint is not None:
        return {}
    urls = list(_s3_urls(request))
    return {
        shown(Path(put["path"])): put["target"]
        for put in job.puts
        if any(url.startswith(put["target"]) for url in urls)
    }


def shown(path: Path) -> str:
    """The path, relative to the working directory where it is below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _change(path: Path, then: Mapping[str, str]) -> str:
    if not path.exists():
        return "is gone"
    now = hashes(path)
    other = sorted(name for name in {*now, *then} if now.get(name) != then.get(name))
    if not other:
        return ""
    return "has changed since" if other == ["."] else f"has changed since: {', '.join(other[:5])}"


def _address_of(job: StoredJob) -> StoreAddress:
    try:
        server = state.published(JobStore().root)
    except MachineError:
        return StoreAddress(job.endpoint, job.region)
    return StoreAddress(job.endpoint, job.region, server.access_key_id, server.secret_access_key)


def _s3_urls(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.startswith("s3://"):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _s3_urls(item)
    elif isinstance(value, list):
        for item in value:
            yield from _s3_urls(item)
