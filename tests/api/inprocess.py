"""The application in this process: requests go in as bytes, no port, no containers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from sagemaker_transform_emulator.config import ImageMapping, Settings, StoreAddress
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.resources import Place
from sagemaker_transform_emulator.server.api.allowed_hosts import Guard
from sagemaker_transform_emulator.server.api.app import Front, make_app
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.s3_proxy import S3Proxy
from sagemaker_transform_emulator.server.database import Store
from sagemaker_transform_emulator.server.job_controller import JobController
from sagemaker_transform_emulator.server.utilization import Utilization

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTED = ImageMapping(
    match="scripted*",
    command=("{python}", "-m", "sagemaker_transform_emulator.containers.scripted"),
    directory=str(ROOT),
)
ROLE = "arn:aws:iam::123456789012:role/emulator"
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/sagemaker/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
_T = TypeVar("_T")


@dataclass
class Wire:
    """Sends requests to the application."""

    http: httpx.AsyncClient
    backend: Backend

    async def post(self, target: str | bytes, body: bytes, **headers: str) -> httpx.Response:
        """One POST with that X-Amz-Target, signed unless `authorization` says otherwise."""
        given = {
            "x-amz-target": target, "content-type": "application/x-amz-json-1.1",
            "authorization": AUTHORIZATION,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }  # fmt: skip
        return await self.http.post("/", content=body, headers={k: v for k, v in given.items() if v})

    async def call(self, operation: str, service: str = "SageMaker", **request: Any) -> dict[str, Any]:
        """The members of the answer. Raises AssertionError for an error."""
        answer = await self.post(f"{service}.{operation}", json.dumps(request).encode())
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def refused(self, operation: str, service: str = "SageMaker", **request: Any) -> tuple[str, str]:
        """Code and message of the error that the request gets."""
        answer = await self.post(f"{service}.{operation}", json.dumps(request).encode())
        assert answer.status_code == 400, answer.text
        said = answer.json()
        return said["__type"], said.get("message", said.get("Message"))


@asynccontextmanager
async def application(
    address: StoreAddress,
    settings: Settings | None = None,
    path: Path | str = ":memory:",
    *,
    with_store: bool = False,
) -> AsyncIterator[Wire]:
    """The application over that S3, with an empty memory.

    What is for S3 gets status 299 and its own path as the answer, or the store's answer `with_store`.
    """
    settings = settings or Settings(images=(SCRIPTED,), runtime="process")
    store, storage = Store(path), Storage(address)
    controller = JobController(store, address, settings)
    utilization = Utilization(controller.progress, store.documents)
    controller.observers.append(utilization.observe)
    backend = Backend(store, controller, storage, settings, utilization=utilization)

    async def reset() -> None:
        store.clear()

    async def s3(scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": scope["raw_path"]})

    proxy = S3Proxy(address.endpoint_url or "")
    app = make_app(backend, proxy if with_store else s3, Front(dict, reset), Guard(settings.allowed_hosts))
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:4566") as http:
            yield Wire(http, backend)
    finally:
        controller.closing.set()
        await controller.stop_all(20)
        await proxy.close()
        storage.close()
        store.close()


async def ended(wire: Wire, name: str) -> dict[str, Any]:
    """The description of the job once it has ended."""
    record = wire.backend.store.job(Place(), name)
    assert record is not None
    await wire.backend.controller.wait_for_news(record, 60)
    return await wire.call("DescribeTransformJob", TransformJobName=name)


def run(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run the coroutine to its end."""
    return asyncio.run(work())


def job_request(name: str = "job", **changes: Any) -> dict[str, Any]:
    """A valid CreateTransformJob of model "m" over s3://bkt/in/, with `changes`; None drops a member."""
    request = {
        "TransformJobName": name,
        "ModelName": "m",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bkt/in/"}},
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": "s3://bkt/out"},
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
        **changes,
    }
    return {key: value for key, value in request.items() if value is not None}
