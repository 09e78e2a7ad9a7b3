"""The orchestrator's whole job path against a server that runs already.

Nothing but the start and stop of the container is left out, so that the same server process can be asked
by a bare loop before and after a job.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sagemaker_transform_emulator.config import Settings, StoreAddress
from sagemaker_transform_emulator.jobs.events import Event, ObjectCompleted, ObjectStarted
from sagemaker_transform_emulator.jobs.instances import JobRun, Services
from sagemaker_transform_emulator.jobs.services import run_requests
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.runtime.base import ContainerSpec, Exit, LogSink, Prepared
from sagemaker_transform_emulator.runtime.workspace import open_workspace
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.minio_server import minio_binary, minio_store
from sagemaker_transform_emulator.s3.moto_server import embedded_store
from sagemaker_transform_emulator.sagemaker.requests import JobStatus

BUCKET = "benchmark"
Setup = Callable[[JobRun], None]


class AttachedContainer:
    """The server, as a container that never ends."""

    host = "127.0.0.1"

    def __init__(self, spec: ContainerSpec, port: int) -> None:
        self.name = spec.name
        self.image = spec.image
        self.port = port

    async def exited(self, wait_s: float = 0.0) -> Exit | None:
        """It has not."""
        if wait_s:
            await asyncio.sleep(wait_s)
        return None

    def log_tail(self, lines: int = 20) -> list[str]:  # noqa: ARG002 - the protocol's
        """It writes nothing."""
        return []

    def diagnose_silence(self) -> str:
        """Nothing is known."""
        return ""

    async def kill(self) -> None:
        """It is not ours to end."""

    async def stop(self) -> None:
        """It runs on."""


class AttachedRuntime:
    """Every image is the server on that port."""

    name = "attached"

    def __init__(self, port: int) -> None:
        self._port = port

    async def prepare(self, images: Sequence[str], tell: Callable[[str], None]) -> Prepared:  # noqa: ARG002 - the protocol's
        """It is here already."""
        return Prepared(self)

    async def start(self, spec: ContainerSpec, log: LogSink) -> AttachedContainer:  # noqa: ARG002 - the protocol's
        """It is running already."""
        return AttachedContainer(spec, self._port)

    async def close(self) -> None:
        """It runs on."""


@dataclass(frozen=True)
class Stretch:
    """The data path of one job, from the object's first byte to its visible output, per record in us.

    `cpu_us` is this process's, all threads; `job_s` the seconds of the whole job.
    """

    wall_us: float
    cpu_us: float
    job_s: float
    run: JobRun


@contextmanager
def store() -> Iterator[tuple[str, StoreAddress]]:
    """MinIO in a process of its own where there is one, else the built-in store in this one, and its name."""
    binary = minio_binary()
    if binary is None:
        with embedded_store() as address:
            yield "built-in store, in this process", address
        return
    with open_workspace() as workspace:
        data = workspace.folder("minio") / "data"
        with minio_store(binary, data, workspace.run_id) as address:
            yield "MinIO, in its own process", address


def put(storage: Storage, key: str, body: bytes) -> str:
    """The object is in the benchmark's bucket; gives its URI."""
    names = {bucket["Name"] for bucket in storage.client.list_buckets()["Buckets"]}
    if BUCKET not in names:
        storage.client.create_bucket(Bucket=BUCKET)
    storage.client.put_object(Bucket=BUCKET, Key=key, Body=body)
    return f"s3://{BUCKET}/{key}"


def run_attached(
    port: int,
    address: StoreAddress,
    uri: str,
    setup: Setup = lambda _: None,
) -> Stretch:
    """One SingleRecord job over the object through the server; `setup` gets the run before it starts."""
    clock: dict[type[Event], tuple[float, float]] = {}

    def sink(event: Event) -> None:
        clock[type(event)] = (time.perf_counter(), time.process_time())

    async def go() -> JobRun:
        with open_workspace() as workspace:
            storage = Storage(address, workspace.journal(address.endpoint_url))
            settings = Settings()
            services = Services(storage, AttachedRuntime(port), workspace, settings, "us-east-1")
            try:
                return await run_requests(model(), job(uri), services, sink, setup)
            finally:
                storage.close()

    began = time.perf_counter()
    run = run_loop(go())
    job_s = time.perf_counter() - began
    assert run.status is JobStatus.COMPLETED, run.error
    (wall, cpu), (wall_end, cpu_end) = clock[ObjectStarted], clock[ObjectCompleted]
    records = run.progress.records
    return Stretch((wall_end - wall) / records * 1e6, (cpu_end - cpu) / records * 1e6, job_s, run)


def model() -> dict[str, Any]:
    """CreateModel's request."""
    return {"ModelName": "m", "PrimaryContainer": {"Image": "echo"}}


def job(uri: str, **fields: Any) -> dict[str, Any]:
    """CreateTransformJob's request: CSV, record by record."""
    return {
        "TransformJobName": "benchmark",
        "ModelName": "m",
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/out", "Accept": "text/csv"},
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
        **fields,
    }
