"""Runs jobs in tests: an embedded store, scripted containers as real processes, the library's own path."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sagemaker_transform_emulator.config import ImageMapping, Settings, StoreAddress
from sagemaker_transform_emulator.jobs.events import DataLogLine, Event
from sagemaker_transform_emulator.jobs.services import open_services, run_requests
from sagemaker_transform_emulator.jobs.transform_job import JobRun
from sagemaker_transform_emulator.processes.event_loop import run_loop
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.s3.moto_server import embedded_store

ROOT = Path(__file__).resolve().parent.parent
SCRIPTED = ImageMapping(
    match="scripted*",
    command=("{python}", "-m", "sagemaker_transform_emulator.containers.scripted"),
    directory=str(ROOT),
)


@dataclass
class Bench:
    """A store with one bucket, and a way to run jobs against it."""

    address: StoreAddress
    storage: Storage
    folder: Path
    settings: Settings = field(default_factory=lambda: Settings(images=(SCRIPTED,), runtime="process"))
    events: list[Event] = field(default_factory=list)

    def put(self, key: str, body: bytes) -> None:
        """The object is in the bucket."""
        self.storage.client.put_object(Bucket="bkt", Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """The object's bytes."""
        body: bytes = self.storage.client.get_object(Bucket="bkt", Key=key)["Body"].read()
        return body

    def keys(self, prefix: str = "") -> list[str]:
        """Every key with the prefix."""
        listed = self.storage.client.list_objects_v2(Bucket="bkt", Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", ())]

    def open_uploads(self) -> list[str]:
        """Keys of multipart uploads that are neither completed nor aborted."""
        listed = self.storage.client.list_multipart_uploads(Bucket="bkt")
        return [entry["Key"] for entry in listed.get("Uploads", ())]

    def run(self, *containers: dict[str, str], **job: Any) -> JobRun:
        """Run a job over `in/` through scripted containers with these environments; fields override."""
        self.events.clear()
        return run_loop(self.arun(*containers, **job))

    async def arun(self, *containers: dict[str, str], **job: Any) -> JobRun:
        """As `run`, on the running loop."""
        model = scripted_model(*containers or ({},), ledger=self.folder)
        async with open_services(self.settings, self.address) as services:
            return await run_requests(model, job_request(**job), services, self.events.append)

    def ledger(self, position: int = 1, path: str = "/invocations") -> list[dict[str, Any]]:
        """What the container at that position was asked, in order."""
        file = self.folder / f"ledger-{position}"
        rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [{**row, "body": base64.b64decode(row["body"])} for row in rows if row.get("path") == path]

    def data_log(self) -> list[str]:
        """The data log's lines."""
        return [event.text for event in self.events if isinstance(event, DataLogLine)]


def scripted_model(*containers: dict[str, str], ledger: Path | None = None) -> dict[str, Any]:
    """CreateModel's request for scripted containers with these environments."""
    definitions = [
        {
            "Image": "scripted",
            "Environment": {
                **({"LEDGER": str(ledger / f"ledger-{number}")} if ledger else {}),
                **environment,
            },
        }
        for number, environment in enumerate(containers, start=1)
    ]
    if len(definitions) == 1:
        return {"ModelName": "m", "PrimaryContainer": definitions[0]}
    return {"ModelName": "m", "Containers": definitions}


def job_request(**fields: Any) -> dict[str, Any]:
    """CreateTransformJob's request: CSV by line and single record from in/ to out, unless told otherwise."""
    flat = {
        "S3Uri": "s3://bkt/in/", "S3DataType": "S3Prefix", "SplitType": "Line", "ContentType": "text/csv",
        "Accept": "text/csv", "BatchStrategy": "SingleRecord", "S3OutputPath": "s3://bkt/out",
        "InstanceCount": 1, **fields,
    }  # fmt: skip
    source = {name: flat.pop(name) for name in ("S3Uri", "S3DataType")}
    transform_input = {
        name: flat.pop(name)
        for name in ("ContentType", "SplitType", "CompressionType")
        if flat.get(name) is not None or flat.pop(name, None)
    }
    output = {
        name: flat.pop(name)
        for name in ("Accept", "AssembleWith", "S3OutputPath", "KmsKeyId")
        if flat.get(name) is not None or flat.pop(name, None)
    }
    return {
        "TransformJobName": flat.pop("TransformJobName", "job"),
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": source}, **transform_input},
        "TransformOutput": output,
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": flat.pop("InstanceCount")},
        **{name: value for name, value in flat.items() if value is not None},
    }


@contextmanager
def bench(folder: Path) -> Iterator[Bench]:
    """A bench on a fresh embedded store."""
    with embedded_store() as address:
        storage = Storage(address)
        _empty(storage)
        storage.client.create_bucket(Bucket="bkt")
        try:
            yield Bench(address, storage, folder)
        finally:
            _empty(storage)
            storage.close()


def _empty(storage: Storage) -> None:
    for bucket in storage.client.list_buckets()["Buckets"]:
        name = bucket["Name"]
        for entry in storage.client.list_objects_v2(Bucket=name).get("Contents", ()):
            storage.client.delete_object(Bucket=name, Key=entry["Key"])
        for upload in storage.client.list_multipart_uploads(Bucket=name).get("Uploads", ()):
            storage.client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
        storage.client.delete_bucket(Bucket=name)


def leftovers(folder: Path) -> list[int]:
    """Pids of processes that were started for tests in `folder` and still live: their ledgers are there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"LEDGER={folder}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def until(condition: Any, seconds: float = 20.0) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"{condition} did not come true within {seconds} s")
        await asyncio.sleep(0.02)


def run_loop_until(condition: Any, seconds: float = 20.0) -> None:
    """As `until`, from outside a loop."""
    run_loop(until(condition, seconds))
