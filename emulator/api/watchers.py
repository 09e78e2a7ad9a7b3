"""Those who watch a server's jobs: the metrics, and the webhook if one is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter

from emulator.api.metrics_page import metrics_router
from emulator.api.tags import tags_of
from emulator.api.transform_jobs import described
from emulator.jobs import JobController
from emulator.metrics import Metrics
from emulator.notifications import notifier
from emulator.records import JobRecord
from emulator.store import Store


@asynccontextmanager
async def watching(controller: JobController, store: Store, webhook: str | None) -> AsyncIterator[APIRouter]:
    """Metrics are taken and events are posted while the block runs; the router has the metrics' page."""
    metrics = Metrics(controller.progress)
    controller.sink_factories.append(metrics.sink)
    controller.observers.append(metrics.observe)
    if webhook is None:
        yield metrics_router(metrics)
        return

    def detail(record: JobRecord) -> Mapping[str, Any]:
        return {**described(record), "Tags": store.tags(record.arn) or tags_of(record.request)}

    async with notifier(webhook, detail) as notifying:
        controller.observers.append(notifying.observe)
        yield metrics_router(metrics)
