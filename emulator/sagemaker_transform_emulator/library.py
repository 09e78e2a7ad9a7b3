"""The library: a transform job, or single records, through a model's containers, from Python code.

Everything here works inside a running event loop too (Jupyter): the work has a loop and a thread of its
own, and nothing of the caller's process is changed.
"""

from __future__ import annotations

import asyncio
import copy
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from sagemaker_transform_emulator.config import Settings, StoreAddress, load_settings
from sagemaker_transform_emulator.jobs.admission import admit_model
from sagemaker_transform_emulator.jobs.events import Sink, to_all
from sagemaker_transform_emulator.jobs.result import TransformJobResult, result_of
from sagemaker_transform_emulator.jobs.services import Request, open_services, read_request, run_requests
from sagemaker_transform_emulator.jobs.single_payloads import Outcome, Rehearsal, rehearsal_job, rehearse
from sagemaker_transform_emulator.jobs.transform_job import JobRun, Services
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.store_choice import open_store
from sagemaker_transform_emulator.s3.transfer import get as download
from sagemaker_transform_emulator.s3.transfer import put as upload
from sagemaker_transform_emulator.sagemaker.request_defaults import fill_defaults
from sagemaker_transform_emulator.trace.job_keeping import JobKeeper, described_puts, keep
from sagemaker_transform_emulator.trace.recorder import Recorder, record_policy, request_meta
from sagemaker_transform_emulator.trace.store import trace_path
from sagemaker_transform_emulator.transform.keys import S3Location

Files = Mapping[str | Path, str]
"""Local files or folders and the s3:// URLs they are uploaded to."""

Folders = Mapping[str, str | Path]
"""s3:// prefixes and the local folders they are downloaded to."""

_T = TypeVar("_T")


def run_transform_job(
    model: Request,
    job: Request,
    *,
    put: Files | None = None,
    get: Folders | None = None,
    settings: Settings | None = None,
    store: StoreAddress | None = None,
    sink: Sink = lambda _: None,
) -> TransformJobResult:
    """The job has ended; the result says how, object by object.

    `model` and `job` are CreateModel's and CreateTransformJob's requests, as mappings or as paths of JSON
    files; what a local run does not need may be missing from `job`. `put` is uploaded before the job, `get`
    downloaded after it when it is Completed. The S3 is `store`, else that of AWS_ENDPOINT_URL_S3 or
    AWS_ENDPOINT_URL, else one built in: in memory, gone after the call. `sink` gets every event of the job,
    in another thread.

    Raises UsageError for a request the service would refuse and MachineError when this machine cannot run
    it; a failed job is a result, no error. Ctrl-C stops the job as StopTransformJob does.
    """
    work = partial(
        run_transform_job_async, model, job, put=put, get=get, settings=settings, store=store, sink=sink
    )
    with _event_loop() as portal:
        return _result_of(portal, work)


async def run_transform_job_async(
    model: Request,
    job: Request,
    *,
    put: Files | None = None,
    get: Folders | None = None,
    settings: Settings | None = None,
    store: StoreAddress | None = None,
    sink: Sink = lambda _: None,
) -> TransformJobResult:
    """As `run_transform_job`, in the caller's event loop. Cancelling it stops the job."""
    model_request = read_request(model, "CreateModel")
    job_request = copy.deepcopy(read_request(job, "CreateTransformJob"))
    fill_defaults(job_request, model_request, datetime.now(UTC))
    with _store(store) as (address, embedded):
        async with open_services(settings or load_settings(), address) as services:
            await _upload(services.storage, put, embedded=embedded)
            run = await _run_kept(
                (model_request, job_request),
                services,
                sink,
                _Origin(
                    None if embedded else address.endpoint_url,
                    await asyncio.to_thread(described_puts, _pairs(put)),
                    "" if isinstance(model, Mapping) else await asyncio.to_thread(os.path.abspath, model),
                ),
            )
            result = result_of(run)
            if result.succeeded:
                for source, folder in (get or {}).items():
                    await asyncio.to_thread(
                        download, services.storage, S3Location.parse(source), Path(folder)
                    )
            return result


class AsyncPipelineModel:
    """A model's containers, started once for any number of records; `async with` starts and stops them.

    `model` is CreateModel's request, `job` CreateTransformJob's: records go through its filters, join and
    assembling. What the job requires and a single record does not may be left out of it, and its input need
    not exist. `content_type` and `accept` go over its ContentType and Accept. `put`, `settings` and `store`
    as for `run_transform_job`. Entering raises UsageError for a bad request and JobError or MachineError when
    a container does not start.
    """

    def __init__(
        self,
        model: Request,
        *,
        job: Request | None = None,
        content_type: str | None = None,
        accept: str | None = None,
        put: Files | None = None,
        settings: Settings | None = None,
        store: StoreAddress | None = None,
        sink: Sink = lambda _: None,
    ) -> None:
        self._model, self._job = model, job
        self._types = {"ContentType": content_type, "Accept": accept}
        self._put, self._settings, self._store, self._sink = put, settings, store, sink
        self._stack = AsyncExitStack()
        self._ready: Rehearsal | None = None

    async def __aenter__(self) -> Self:
        self._ready = await self._stack.enter_async_context(self._started())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ready = None
        await self._stack.aclose()

    async def invoke(self, record: bytes | Sequence[bytes]) -> Outcome:
        """What became of the record; several are sent in one body, as MultiRecord does it.

        A container that refuses or breaks is an outcome, and so is an answer that cannot be joined or
        filtered. Raises RecordError when the InputFilter refuses a record, and UsageError for records that
        the job would not send together.
        """
        if self._ready is None:
            raise RuntimeError("the model's containers run only inside the `with` block")
        return await self._ready.send_records([record] if isinstance(record, bytes) else record)

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[Rehearsal]:
        types = {name: value for name, value in self._types.items() if value is not None}
        with _store(self._store) as (address, embedded):
            async with open_services(self._settings or load_settings(), address) as services:
                await _upload(services.storage, self._put, embedded=embedded)
                model = await admit_model(read_request(self._model, "CreateModel"), services.storage)
                request = None if self._job is None else read_request(self._job, "CreateTransformJob")
                job = rehearsal_job(model.model_name, request, **types)
                async with rehearse(model, job, services, self._sink) as ready:
                    yield ready


class PipelineModel:
    r"""As `AsyncPipelineModel`, for code without an event loop and for notebooks.

    ::

        with PipelineModel("model.json", content_type="text/csv", accept="text/csv") as pipeline:
            answer = pipeline.invoke(b"M,0.45,0.36\n")
            assert answer.status == 200, answer.explanation
    """

    def __init__(
        self,
        model: Request,
        *,
        job: Request | None = None,
        content_type: str | None = None,
        accept: str | None = None,
        put: Files | None = None,
        settings: Settings | None = None,
        store: StoreAddress | None = None,
        sink: Sink = lambda _: None,
    ) -> None:
        self._inner = AsyncPipelineModel(
            model,
            job=job,
            content_type=content_type,
            accept=accept,
            put=put,
            settings=settings,
            store=store,
            sink=sink,
        )
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._portal = stack.enter_context(_event_loop())
            stack.enter_context(self._portal.wrap_async_context_manager(self._inner))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._portal = None
        self._stack.close()

    def invoke(self, record: bytes | Sequence[bytes]) -> Outcome:
        """As `AsyncPipelineModel.invoke`."""
        if self._portal is None:
            raise RuntimeError("the model's containers run only inside the `with` block")
        return _result_of(self._portal, partial(self._inner.invoke, record))


@contextmanager
def _event_loop() -> Iterator[BlockingPortal]:
    """An event loop in a thread of its own."""
    with start_blocking_portal("asyncio", {"use_uvloop": sys.platform != "win32"}) as portal:
        yield portal


def _result_of(portal: BlockingPortal, work: Callable[[], Awaitable[_T]]) -> _T:
    """The work's result; an interrupt of the caller cancels the work and waits for its end."""
    future = portal.start_task_soon(work)
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        raise


@contextmanager
def _store(named: StoreAddress | None) -> Iterator[tuple[StoreAddress, bool]]:
    """The S3 to use, and whether it is built in."""
    if named is not None:
        yield named, False
        return
    with open_store() as behind:
        yield behind.address, behind.is_built_in


class _Origin(NamedTuple):
    """Its S3 (None: the one built in), the files put there, and the model's file, of a job."""

    endpoint: str | None
    puts: tuple[Mapping[str, Any], ...]
    model_file: str


async def _run_kept(
    requests: tuple[dict[str, Any], dict[str, Any]], services: Services, sink: Sink, origin: _Origin
) -> JobRun:
    """The run has ended, and is among the stored jobs with its trace."""
    kept: list[tuple[JobRun, JobKeeper, Recorder]] = []
    policy = record_policy(services.settings.trace)

    def admitted(run: JobRun) -> None:
        keeper = keep(
            run, services, requests, "library", endpoint=origin.endpoint, puts=origin.puts,
            model_file=origin.model_file,
        )  # fmt: skip
        recorder = Recorder(
            trace_path(run.job.transform_job_name), policy, request_meta(*requests, origin.endpoint)
        )
        run.sink = to_all(keeper, recorder, sink)
        run.record_invocations = policy.wants_invocations
        kept.append((run, keeper, recorder))

    try:
        return await run_requests(*requests, services, sink, admitted)
    finally:
        for run, keeper, recorder in kept:
            recorder.close()
            keeper.end(run)


def _pairs(files: Files | None) -> list[tuple[Path, S3Location]]:
    return [(Path(path), S3Location.parse(target)) for path, target in (files or {}).items()]


async def _upload(storage: Storage, files: Files | None, *, embedded: bool) -> None:
    for path, target in (files or {}).items():
        await asyncio.to_thread(upload, storage, Path(path), S3Location.parse(target), embedded=embedded)
