"""botocore's clients on an application in this process, and the least that each operation asks for."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import botocore.session
import httpx
from api.inprocess import Wire, application
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from sagemaker_transform_emulator.config import StoreAddress

ENDPOINT = "http://localhost:4566"
REACHED_S3 = 299
"""What the application in tests answers in the place of a store."""


class Clients:
    """Makes clients whose requests go to the application; `statuses` has what came back, call by call."""

    def __init__(self, wire: Wire, loop: asyncio.AbstractEventLoop, keys: tuple[str, str]) -> None:
        self.wire = wire
        self._loop = loop
        self._session = botocore.session.Session()
        self._session.set_credentials(*keys)
        self.statuses: list[int] = []

    def __call__(self, service: str, **config: Any) -> Any:
        """A client as users make one; it tries once."""
        given = Config(retries={"total_max_attempts": 1}, inject_host_prefix=False, **config)
        client = self._session.create_client(
            service, region_name="us-east-1", endpoint_url=ENDPOINT, config=given
        )
        client.meta.events.register("before-send", self._send)
        return client

    def request(self, method: str, url: str, **given: Any) -> httpx.Response:
        """What a request is answered that no client of botocore makes, such as that of a presigned URL."""
        sent = self.wire.http.request(method, url, **given)
        return self._wait(asyncio.run_coroutine_threadsafe(sent, self._loop))

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        if (
            not request.url.startswith(("http://localhost:", "http://127.0.0.1:"))
            and ".localhost:" not in request.url
        ):
            raise ElsewhereError(
                endpoint_url=request.url, error="the client goes to AWS whatever the endpoint"
            )
        body = request.body
        if hasattr(body, "read"):
            body = body.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        sent = self.wire.http.request(request.method, request.url, content=body or b"", headers=headers)
        answer = self._wait(asyncio.run_coroutine_threadsafe(sent, self._loop))
        self.statuses.append(answer.status_code)
        return AWSResponse(request.url, answer.status_code, answer.headers, _Raw(answer.content))

    @staticmethod
    def _wait(future: Future[httpx.Response]) -> httpx.Response:
        return future.result(60)


class ElsewhereError(EndpointConnectionError):
    """The client wants to talk to AWS itself."""


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


@contextmanager
def clients(s3: StoreAddress, *, with_store: bool = False) -> Iterator[Clients]:
    """Clients on a fresh application, `with_store` or with status 299 for what is S3's."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    running = application(s3, with_store=with_store)
    try:
        wire = asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(60)
        try:
            yield Clients(wire, loop, (s3.access_key_id or "test", s3.secret_access_key or "test"))
        finally:
            asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def least(shape: Any, depth: int = 0) -> Any:
    """The smallest value of the shape that botocore lets pass."""
    rules = shape.metadata
    few = max(1, rules.get("min", 1))
    if shape.type_name == "structure":
        names = shape.required_members
        if getattr(shape, "is_tagged_union", False):
            names = [next(iter(shape.members))]
        return {name: least(shape.members[name], depth + 1) for name in names} if depth < 9 else {}
    if shape.type_name == "list":
        return [least(shape.member, depth + 1) for _ in range(rules.get("min", 0))]
    if shape.type_name == "map":
        return {f"k{n}": least(shape.value, depth + 1) for n in range(rules.get("min", 0))}
    if shape.type_name == "string":
        return rules["enum"][0] if "enum" in rules else "a" * few
    if shape.type_name == "boolean":
        return True
    return {"blob": b"a" * few, "timestamp": 0, "float": 1.0, "double": 1.0}.get(shape.type_name, few)
