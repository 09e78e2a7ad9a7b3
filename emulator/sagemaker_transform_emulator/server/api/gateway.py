"""The gateway: which service a request is for, S3 or one of AWS's APIs, and the answer it gets."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from sagemaker_transform_emulator.errors import EmulatorError, ServiceError
from sagemaker_transform_emulator.sagemaker.constraints import validate
from sagemaker_transform_emulator.server.api import awsjson
from sagemaker_transform_emulator.server.api.addressing import Address, Incoming, Wire, address_of
from sagemaker_transform_emulator.server.api.allowed_hosts import Guard
from sagemaker_transform_emulator.server.api.awsjson import Call, Response
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.codecs import CODECS
from sagemaker_transform_emulator.server.api.failures import Failure, failure_of
from sagemaker_transform_emulator.server.api.operations import OPERATIONS, TARGETS, VERSIONS
from sagemaker_transform_emulator.server.api.query import form_of
from sagemaker_transform_emulator.server.api.refusals import refusal

MOST_BODY_BYTES = 10 * 1024 * 1024
_ATTEMPT = re.compile(r"\battempt=(\d{1,4})")

_log = logging.getLogger("sagemaker_transform_emulator.server.api")


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request: the members of Call that say so."""

    connection: tuple[str, int]
    agent: str
    attempt: int
    gone: Callable[[], Awaitable[None]]


class Gateway:
    """Hands S3 requests to `s3` and the operations there are to their functions; refuses all else by name."""

    def __init__(self, backend: Backend, s3: ASGIApp) -> None:
        self._backend = backend
        self._s3 = s3

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = _incoming(scope)
        address = address_of(request)
        if address is None:
            await self._s3(scope, receive, send)
            return
        host, port = (scope.get("client") or ("", 0))[:2]
        client = Client(
            (host, port), request.headers.get("user-agent", ""),
            _attempt(request.headers.get("amz-sdk-request", "")), lambda: _disconnected(receive),
        )  # fmt: skip
        await send_response(send, await self._answer(request, address, receive, client))

    async def _answer(
        self, request: Incoming, address: Address, receive: Receive, client: Client
    ) -> Response:
        codec, service, operation = CODECS[address.wire], "", ""
        try:
            body = await _body(request, address, receive)
            service, operation = _asked(address, body)
            carry_out = OPERATIONS.get(service, {}).get(operation)
            if carry_out is None:
                error = await asyncio.to_thread(refusal, address, request, operation)
                return codec.failure(failure_of(error), service)
            place = awsjson.place_of(request.authorization())
            given = codec.parse(body, service, operation)
            validate(operation, given, service=service)
            members = awsjson.known(given, service, operation)
            call = Call(
                service,
                operation,
                members,
                place,
                client.agent,
                client.connection,
                client.attempt,
                client.gone,
            )
            self._backend.polling.heard(call, time.time())
            output = await carry_out(self._backend, call)
            return codec.success(service, operation, output)
        except RecursionError:
            error = ServiceError("SerializationException", "The request is nested too deeply")
            return codec.failure(failure_of(error), service)
        except EmulatorError as error:
            if not isinstance(error, ServiceError):
                _log.error("%s %s: %s", service, operation, error)
            return codec.failure(failure_of(error), service)
        except Exception as error:  # noqa: BLE001 - a client never sees a traceback
            _log.exception("%s %s", service, operation)
            return codec.failure(failure_of(error), service)


class Guarded:
    """The application behind the guard. What names two hosts or two origins is for none of them."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse with 400 or 403, or pass on."""
        if scope["type"] == "http":
            names = [name for name, _ in scope["headers"]]
            twice = next((name for name in (b"host", b"origin") if names.count(name) > 1), None)
            if twice is not None:
                why = f"The request has more than one {twice.decode().capitalize()} header"
                await send_response(send, awsjson.failure(Failure(400, "ValidationException", why)))
                return
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            why = self._guard.refusal(headers.get(b"host", ""), headers.get(b"origin"))
            if why:
                await send_response(send, awsjson.failure(Failure(403, "AccessDeniedException", why)))
                return
        await self._app(scope, receive, send)


async def send_response(send: Send, response: Response) -> None:
    """Put the response on the wire."""
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _incoming(scope: Scope) -> Incoming:
    return Incoming(
        scope["method"],
        (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1"),
        scope.get("query_string", b"").decode("latin-1"),
        {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
    )


def _asked(address: Address, body: bytes) -> tuple[str, str]:
    """The service, in botocore's word for it, and the operation; "" where it is none of ours."""
    if address.wire in (Wire.JSON, Wire.CBOR):
        prefix, _, operation = address.target.partition(".")
        return TARGETS.get(prefix, ""), operation
    if address.wire in (Wire.QUERY, Wire.EC2):
        form = form_of(body)
        return VERSIONS.get(form.get("Version", ""), ""), form.get("Action", "")
    return "", ""


async def _body(request: Incoming, address: Address, receive: Receive) -> bytes:
    if address.wire in (Wire.REST_JSON, Wire.REST_XML):
        return b""  # whatever it says, it is refused
    if request.method == "GET":
        return request.query.encode("latin-1")
    return await _read(receive)


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
