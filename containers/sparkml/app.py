"""The serving application: FastAPI for the frame, the invocations beside it because they are many."""

from __future__ import annotations

import json
import logging
import os

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sagemaker_transform_emulator.containers.serving import model_directory
from sagemaker_transform_emulator.containers.sparkml import framework
from sagemaker_transform_emulator.containers.sparkml.bundle import known_labels, require_bundle
from sagemaker_transform_emulator.containers.sparkml.engine import Engine
from sagemaker_transform_emulator.containers.sparkml.framework import Framework
from sagemaker_transform_emulator.containers.sparkml.invocations import Invocations
from sagemaker_transform_emulator.containers.sparkml.media_types import Negotiation
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare

LOG = logging.getLogger(__name__)
SCHEMA_VARIABLE = "SAGEMAKER_SPARKML_SCHEMA"
# 10,000 records take the engine from 5 ms to 15 us; a busy machine need not wait for all of them
WARM_UP_RECORDS = 10_000
WARM_UP_MS = 2000


class Application:
    """Takes POST /invocations itself and leaves the rest to FastAPI, whose routing costs as much again."""

    def __init__(self, frame: FastAPI, invocations: Invocations) -> None:
        self._frame = frame
        self._invocations = invocations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry point."""
        if scope["type"] == "http" and scope["path"] == "/invocations" and scope["method"] == "POST":
            await self._invocations(scope, receive, send)
        else:
            await self._frame(scope, receive, send)


def build_app() -> Application:
    """The application with the model loaded and warm. Raises StartError when there is none to load."""
    model = model_directory()
    require_bundle(model)
    engine = Engine(prepare(), model, os.environ.get(SCHEMA_VARIABLE))
    LOG.info("loaded the MLeap bundle in %s", model)
    scored = engine.warm_up(known_labels(model), WARM_UP_RECORDS, WARM_UP_MS)
    LOG.info("scored %d made-up records to warm up", scored)
    answers = Framework(Negotiation(engine.has_charset))
    invocations = Invocations(engine, answers)
    return Application(_frame(engine, invocations, answers), invocations)


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
