"""The accounts and regions that have jobs, for clients that do not know where a job is."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from sagemaker_transform_emulator.server.database import Store


def places_router(store: Store) -> APIRouter:
    """GET /places below the emulator's own path: where jobs are, with `job` only those of that name."""
    router = APIRouter()

    @router.get("/places")
    async def places(job: str | None = None) -> JSONResponse:
        """Each account and region with the number of its jobs, that with the newest job first."""
        found = store.job_places(job)
        shown = [{"account": place.account, "region": place.region, "jobs": count} for place, count in found]
        return JSONResponse({"places": shown})

    return router
