"""The one door: tells AWS JSON, query and S3 requests apart and sees that each gets its answer."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from sagemaker_transform_emulator.errors import EmulatorError, ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import validate
from sagemaker_transform_emulator.server.api import awsjson
from sagemaker_transform_emulator.server.api import sts_operations as sts
from sagemaker_transform_emulator.server.api.allowed_hosts import Guard
from sagemaker_transform_emulator.server.api.awsjson import Call, Response
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.operations import OPERATIONS

MOST_BODY_BYTES = 10 * 1024 * 1024
_ATTEMPT = re.compile(r"\battempt=(\d{1,4})")

_log = logging.getLogger("sagemaker_transform_emulator.server.api")


class Gateway:
    """Hands SageMaker, Logs and STS requests to the operations, everything else to `s3`."""

    def __init__(self, backend: Backend, s3: ASGIApp) -> None:
        self._backend = backend
        self._s3 = s3

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if scope["method"] == "POST" and b"x-amz-target" in headers:
            response = await self._json(scope, headers, receive)
        elif (
            scope["method"] == "POST"
            and scope["path"] in ("", "/")
            and sts.is_form(headers.get(b"content-type", ""))
        ):
            response = await self._query(headers, receive)
        else:
            await self._s3(scope, receive, send)
            return
        await send_response(send, response)

    async def _json(self, scope: Scope, headers: Mapping[bytes, str], receive: Receive) -> Response:
        service = "sagemaker"
        try:
            body = await _read(receive)
            service, operation = awsjson.parse_target(headers[b"x-amz-target"], OPERATIONS)
            place = awsjson.place_of(headers.get(b"authorization"))
            request = awsjson.parse_body(body)
            validate(operation, request, service=service)
            client = scope.get("client") or ("", 0)
            call = Call(
                service, operation, awsjson.known(request, service, operation), place,
                headers.get(b"user-agent", ""), (client[0], client[1]),
                attempt=_attempt(headers.get(b"amz-sdk-request", "")),
                gone=lambda: _disconnected(receive),
            )  # fmt: skip
            self._backend.polling.heard(call, time.time())
            output = await OPERATIONS[service][operation](self._backend, call)
            return awsjson.success(service, operation, output)
        except EmulatorError as error:
            if not isinstance(error, ServiceError):
                _log.error("%s: %s", headers[b"x-amz-target"], error)
            return awsjson.failure(error, service)
        except Exception as error:  # noqa: BLE001 - a client never sees a traceback
            _log.exception("%s", headers[b"x-amz-target"])
            return awsjson.failure(error, service)

    async def _query(self, headers: Mapping[bytes, str], receive: Receive) -> Response:
        try:
            body = await _read(receive)
            return sts.answer(body, awsjson.place_of(headers.get(b"authorization")))
        except ServiceError as error:
            return sts.error(error.code, error.message)


class Guarded:
    """The application behind the guard."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with 403, or pass on."""
        if scope["type"] == "http":
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            why = self._guard.refusal(headers.get(b"host", ""), headers.get(b"origin"))
            if why:
                error = ServiceError("AccessDeniedException", why)
                refused = awsjson.failure(error)
                await send_response(send, Response(403, refused.headers, refused.body))
                return
        await self._app(scope, receive, send)


async def send_response(send: Send, response: Response) -> None:
    """Put the response on the wire."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _disconnected(receive: Receive) -> None:
    """Return when the client has closed the connection. Only after its request was read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _attempt(header: str) -> int:
    """Which try an SDK says this is, 1 when it says nothing."""
    found = _ATTEMPT.search(header)
    return int(found[1]) if found else 1


async def _read(receive: Receive) -> bytes:
    """The body whole. Raises ServiceError beyond 10 MiB, after reading on so that the client gets to know."""
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        piece = message.get("body", b"")
        size += len(piece)
        if size <= MOST_BODY_BYTES:
            pieces.append(piece)
        elif size > 2 * MOST_BODY_BYTES:
            break
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    if size > MOST_BODY_BYTES:
        raise ServiceError(
            "RequestEntityTooLargeException", f"The request body has more than {MOST_BODY_BYTES} bytes"
        )
    return b"".join(pieces)
