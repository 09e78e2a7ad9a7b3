"""The HTTP paths of the SparkML container: a FastAPI application, and the route of the invocations."""

from __future__ import annotations

import json
from functools import partial

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sagemaker_transform_emulator.containers.sparkml import framework
from sagemaker_transform_emulator.containers.sparkml.connections import Lender, LendingProtocol
from sagemaker_transform_emulator.containers.sparkml.engine import Engine
from sagemaker_transform_emulator.containers.sparkml.framework import Framework
from sagemaker_transform_emulator.containers.sparkml.invocations import Invocations
from sagemaker_transform_emulator.containers.sparkml.media_types import Negotiation


class Application:
    """Takes POST /invocations itself and leaves the rest to FastAPI, whose routing costs as much again."""

    def __init__(self, engine: Engine) -> None:
        answers = Framework(Negotiation(engine.has_charset))
        self._invocations = Invocations(engine, answers)
        self._frame = _frame(engine, self._invocations, answers)
        self.http = partial(LendingProtocol, Lender(engine, self._invocations))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "http" and scope["path"] == "/invocations" and scope["method"] == "POST":
            await self._invocations(scope, receive, send)
        else:
            await self._frame(scope, receive, send)


def _frame(engine: Engine, invocations: Invocations, answers: Framework) -> FastAPI:
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.router.routes += [
        Route(path, invocations, methods=["POST"]) for path in ("/invocations", "/invocations/")
    ]
    parameters = execution_parameters(engine.cpu_count())

    # Spring takes a path with a slash at its end for the same
    @app.api_route("/ping", methods=["GET", "HEAD"])
    @app.api_route("/ping/", methods=["GET", "HEAD"])
    async def ping() -> Response:
        return framework.answer(200, None, b"")

    @app.api_route("/execution-parameters", methods=["GET", "HEAD"])
    @app.api_route("/execution-parameters/", methods=["GET", "HEAD"])
    async def parameters_of_execution(request: Request) -> Response:
        content_type = answers.negotiation.of_json(_accept(request))
        if content_type is None:
            return answers.error(request.scope, 406, _accept(request))
        return framework.answer(200, content_type, parameters)

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:  # noqa: PLR2004 - the status is its own name
            return answers.wrong_method(request.scope, _accept(request))
        return answers.error(request.scope, error.status_code, _accept(request))

    return app


def execution_parameters(cpus: int) -> bytes:
    """The body of GET /execution-parameters, to the byte (R4.19)."""
    content = {"MaxConcurrentTransforms": cpus, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 5}
    return json.dumps(content, separators=(",", ":")).encode()


def _accept(request: Request) -> str:
    return framework.joined(value for name, value in request.headers.raw if name == b"accept")
