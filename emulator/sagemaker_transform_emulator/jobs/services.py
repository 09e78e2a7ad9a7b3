"""What jobs share, opened for the time of a block; and a job run from its two requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import (
    Settings,
    StoreAddress,
    region,
)
from sagemaker_transform_emulator.errors import MachineError, StorageError, UsageError
from sagemaker_transform_emulator.jobs import transform_job as jobs
from sagemaker_transform_emulator.jobs.admission import admit_job, admit_model
from sagemaker_transform_emulator.jobs.events import Sink
from sagemaker_transform_emulator.jobs.transform_job import JobRun, Services
from sagemaker_transform_emulator.runtime.choice import open_runtime
from sagemaker_transform_emulator.runtime.workspace import Swept, Workspace, open_workspace, sweep
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.request_file import require_known_members

Request = Mapping[str, Any] | str | Path
"""A request as a mapping, or the path of the JSON file that holds it."""


async def run_requests(
    model: dict[str, Any],
    job: dict[str, Any],
    services: Services,
    sink: Sink = lambda _: None,
    on_admitted: Callable[[JobRun], None] = lambda _: None,
) -> JobRun:
    """Admit both requests, then run the job to its end. `on_admitted` gets the run before it starts."""
    admitted_model = await admit_model(model, services.storage)
    admitted_job = await admit_job(job, admitted_model, services.storage, services.region)
    if admitted_job.model_name != admitted_model.model_name:
        raise UsageError(
            f"The job asks for {admitted_job.model_name!r}, the model file defines "
            f"{admitted_model.model_name!r}",
            remedy="make the two ModelName fields equal",
        )
    run = JobRun(admitted_model, admitted_job, sink)
    on_admitted(run)
    return await jobs.run(run, services)


@asynccontextmanager
async def open_services(
    settings: Settings, address: StoreAddress, state: Path | None = None
) -> AsyncIterator[Services]:
    """Store, runtime and scratch space in the state directory `state`, or the usual one.

    What killed runs left behind there is swept first.
    """
    await sweep_leftovers(address, state)
    with open_workspace(state) as workspace, _storage(address, workspace) as storage:
        async with open_runtime(settings, workspace) as runtime:
            yield Services(storage, runtime, workspace, settings, region())


async def sweep_leftovers(address: StoreAddress, state: Path | None = None) -> Swept:
    """Processes of killed runs are ended and their uploads aborted, as far as the store can be reached.

    The runs are those of the state directory `state`, or of the usual one. The result tells what is gone now.
    """
    swept = await asyncio.to_thread(sweep, state)
    storages: dict[str | None, Storage] = {}
    try:
        for upload in swept.uploads:
            endpoint = upload.endpoint_url
            if endpoint not in storages:
                storages[endpoint] = Storage(
                    StoreAddress(endpoint, address.region, address.access_key_id, address.secret_access_key)
                )
            if upload.upload_id is None:
                await storages[endpoint].abort_uploads_of(upload.location, swept.spared)
            else:
                await storages[endpoint].abort_upload(upload.location, upload.upload_id)
    except StorageError:
        return Swept(swept.processes, (), ())  # that store is away; the next start tries again
    finally:
        for storage in storages.values():
            storage.close()
    swept.forget()
    return swept


def read_request(request: Request, operation: str | None = None) -> dict[str, Any]:
    """The request as a dict; with `operation`, such as CreateModel, it has no member unknown to that.

    Raises UsageError naming the file when it cannot be read as a JSON object, and an unknown member with
    its line and column.
    """
    if isinstance(request, Mapping):
        if operation:
            require_known_members(request, operation)
        return dict(request)
    path = Path(request)
    try:
        text = path.read_text()
        body = json.loads(text)
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from None
    if not isinstance(body, dict):
        raise UsageError(f"{path} holds no JSON object", remedy="it must be what --cli-input-json takes")
    if operation:
        require_known_members(body, operation, source=str(path), text=text)
    return body


@contextmanager
def _storage(address: StoreAddress, workspace: Workspace) -> Iterator[Storage]:
    try:
        storage = Storage(address, workspace.journal(address.endpoint_url))
    except ValueError as error:
        raise MachineError(
            f"The S3 endpoint {address.endpoint_url!r} is no URL: {error}", remedy="check AWS_ENDPOINT_URL_S3"
        ) from None
    try:
        yield storage
    finally:
        storage.close()
