"""The page Prometheus scrapes."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from sagemaker_transform_emulator.server.metrics import Metrics


def metrics_router(metrics: Metrics) -> APIRouter:
    """GET /metrics below the emulator's own path."""
    router = APIRouter()

    @router.get("/metrics")
    async def scrape() -> Response:
        """Every metric, as text."""
        return Response(metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
