"""The HTTP side: a FastAPI application whose /invocations is answered before routing.

Routing, validation and middleware would take several times as long as parsing and scoring a record.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Protocol

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from sagemaker_transform_emulator.containers.xgboost.answers import HTML, Answer, page, text
from sagemaker_transform_emulator.containers.xgboost.direct import DirectProtocol, Invoke, head_of
from sagemaker_transform_emulator.containers.xgboost.service import Service
from sagemaker_transform_emulator.containers.xgboost.settings import Settings, cpu_count

LOG = logging.getLogger(__name__)

ROUTES = ("/ping", "/invocations", "/execution-parameters")
OUTSIDE = Answer(HTTPStatus.NOT_FOUND, b"application/octet-stream", b"{}")
"""What nginx itself answers for paths it does not pass on."""


class Backend(Protocol):
    """What answers invocations."""

    async def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """The answer to one POST /invocations."""

    def close(self) -> None:
        """Free threads and processes. No invocation is under way."""


class AlgorithmBackend:
    """Algorithm mode: quick invocations on the event loop, long ones in threads.

    Reading, scoring and writing large bodies leave the GIL, so threads run side by side.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._threads = ThreadPoolExecutor(service.settings.workers, thread_name_prefix="invocation")

    async def invoke(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """The answer to one POST /invocations."""
        if self._service.is_quick(len(body)):
            return self._service.invoke(body, content_type, accept)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._service.invoke, body, content_type, accept)

    def invoke_directly(self, body: bytes, content_type: str | None, accept: str | None) -> Answer | None:
        """The same at once; None when it would take long, or the body is larger than allowed."""
        limit = self._service.settings.max_content_length
        if not self._service.is_quick(len(body)) or len(body) > limit:
            return None
        return self._service.invoke(body, content_type, accept)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Container(FastAPI):
    """The application of one container."""

    def __init__(self, settings: Settings, backend: Backend, invoke: Invoke | None = None) -> None:
        """`invoke` answers short invocations without a task of their own, where the backend can."""
        self.http = "auto" if invoke is None else partial(DirectProtocol, invoke)
        super().__init__(openapi_url=None, redirect_slashes=False, lifespan=_closing(backend))
        self._settings = settings
        self._backend = backend
        script_mode = settings.program is not None
        ping = Answer(HTTPStatus.OK, b"application/json" if script_mode else HTML, b"")
        _add_route(self, "/ping", ("GET", "HEAD", "OPTIONS"), ping)
        _add_route(self, "/invocations", ("POST", "OPTIONS"), ping)
        if not script_mode:
            _add_route(self, "/execution-parameters", ("GET", "HEAD", "OPTIONS"), _parameters(settings))
        self.add_exception_handler(HTTPException, self._framework_page)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of the server."""
        if scope["type"] == "http" and scope["path"] == "/invocations" and scope["method"] == "POST":
            await self._invocations(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _invocations(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        body = await read_body(receive, headers.get(b"content-length"), self._limit)
        if body is None:
            answer = page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            answer = await self._answer(body, headers)
        await send_answer(answer, send)

    @property
    def _limit(self) -> int | None:
        return None if self._settings.program is not None else self._settings.max_content_length

    async def _answer(self, body: bytes, headers: dict[bytes, bytes]) -> Answer:
        content_type, accept = headers.get(b"content-type"), headers.get(b"accept")
        try:
            return await self._backend.invoke(
                body,
                None if content_type is None else content_type.decode("latin-1"),
                None if accept is None else accept.decode("latin-1"),
            )
        except Exception as error:
            LOG.exception("an invocation failed in a way the container does not know")
            return text(HTTPStatus.INTERNAL_SERVER_ERROR, f"{type(error).__name__}: {error}")

    async def _framework_page(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if self._settings.nginx_paths and not request.url.path.startswith(ROUTES):
            return _response(OUTSIDE)
        return _response(page(HTTPStatus(error.status_code), allow=(error.headers or {}).get("Allow", "")))


def create_app(settings: Settings) -> Container:
    """The application for the settings, its models loaded. Raises StartError."""
    if settings.program is None:
        backend = AlgorithmBackend(Service(settings))
        return Container(settings, backend, backend.invoke_directly)
    from sagemaker_transform_emulator.containers.xgboost.script_mode import start_script_mode  # noqa: PLC0415 - algorithm mode needs no boto3

    return Container(settings, start_script_mode(settings))


async def read_body(receive: Receive, content_length: bytes | None, limit: int | None) -> bytes | None:
    """The whole body, or None when it is larger than `limit` bytes; then it has been read and dropped."""
    declared = int(content_length) if content_length and content_length.isdigit() else 0
    too_large = limit is not None and declared > limit
    message: Message = await receive()
    if not message.get("more_body") and not too_large:
        body: bytes = message.get("body", b"")
        return None if limit is not None and len(body) > limit else body
    chunks, size = [], 0
    while True:
        chunk = message.get("body", b"")
        size += len(chunk)
        too_large = too_large or (limit is not None and size > limit)
        if not too_large:
            chunks.append(chunk)
        if not message.get("more_body"):
            return None if too_large else b"".join(chunks)
        message = await receive()


async def send_answer(answer: Answer, send: Send) -> None:
    """Send the answer whole."""
    await send({"type": "http.response.start", "status": int(answer.status), "headers": head_of(answer)})
    await send({"type": "http.response.body", "body": answer.body})


def _parameters(settings: Settings) -> Answer:
    parameters = {
        "MaxConcurrentTransforms": cpu_count(),
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": settings.max_payload_in_mb,
    }
    return Answer(HTTPStatus.OK, b"application/json", json.dumps(parameters).encode())


def _add_route(app: FastAPI, path: str, methods: tuple[str, ...], answer: Answer) -> None:
    allowed = Answer(HTTPStatus.OK, HTML, b"", ", ".join(methods).encode())

    async def endpoint(request: Request) -> Response:
        return _response(allowed if request.method == "OPTIONS" else answer)

    app.add_route(path, endpoint, methods=list(methods))


def _response(answer: Answer) -> Response:
    headers = {"content-type": answer.content_type.decode()}
    if answer.allow:
        headers["allow"] = answer.allow.decode()
    return Response(answer.body, int(answer.status), headers)


def _closing(backend: Backend) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        backend.close()

    return lifespan
