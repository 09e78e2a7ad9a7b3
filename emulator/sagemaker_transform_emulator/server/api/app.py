"""The application: AWS's APIs and S3 at the root, the emulator's own pages under /_emulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import ASGIApp

from sagemaker_transform_emulator.errors import EmulatorError
from sagemaker_transform_emulator.server.api.allowed_hosts import Guard
from sagemaker_transform_emulator.server.api.backend import Backend
from sagemaker_transform_emulator.server.api.gateway import Gateway, Guarded

OWN_PATH = "/_emulator"


@dataclass(frozen=True, slots=True)
class Front:
    """What the pages under /_emulator show and do.

    `about` is what `emulator env` and the health page tell; `reset` forgets everything.
    """

    about: Callable[[], dict[str, Any]]
    reset: Callable[[], Awaitable[None]]


def make_app(
    backend: Backend, s3: ASGIApp, front: Front, guard: Guard, routers: tuple[APIRouter, ...] = ()
) -> ASGIApp:
    """The ASGI application. `routers` add pages under /_emulator."""
    app = FastAPI(title="SageMaker transform emulator", docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False
    for router in (_own_routes(backend, front), *routers):
        app.include_router(router, prefix=OWN_PATH)
    app.router.routes.append(Mount(OWN_PATH, app=_not_found))
    app.router.routes.append(Mount("/", app=Gateway(backend, s3)))
    return Guarded(app, guard)


def _own_routes(backend: Backend, front: Front) -> APIRouter:
    router = APIRouter()

    @router.get("/health")
    async def health() -> JSONResponse:
        """200 with what runs here, 503 when no job could be started."""
        broken = backend.store.broken
        status = "unusable" if broken else "running"
        return JSONResponse(
            {"status": status, "reason": broken, **front.about()}, status_code=503 if broken else 200
        )

    @router.post("/reset")
    async def reset() -> JSONResponse:
        """Every job is stopped; models, jobs, tags, logs and the objects of a store of our own are gone."""
        try:
            await front.reset()
        except EmulatorError as error:
            return JSONResponse({"error": error.message, "remedy": error.remedy}, status_code=500)
        return JSONResponse({"status": "empty"})

    return router


async def _not_found(scope: Any, receive: Any, send: Any) -> None:
    request = Request(scope, receive)
    text = f"There is no {request.method} {scope['path'][:200]!r} here"
    await JSONResponse({"error": text}, status_code=404)(scope, receive, send)
