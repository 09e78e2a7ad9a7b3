"""Those who watch a server's jobs: the traces, the metrics, and the webhook if one is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter

from emulator.api.faults_page import faults_router
from emulator.api.metrics_page import metrics_router
from emulator.api.tags import tags_of
from emulator.api.tracing import Tracing
from emulator.api.transform_jobs import described
from emulator.jobs import JobController
from emulator.metrics import Metrics
from emulator.notifications import notifier
from emulator.records import JobRecord
from emulator.store import Store


@asynccontextmanager
async def watching(
    controller: JobController, store: Store, tracing: Tracing, webhook: str | None
) -> AsyncIterator[tuple[APIRouter, ...]]:
    """Traces and metrics are taken, events are posted while the block runs; the routers have the pages."""
    controller.sink_factories.append(tracing.sink)
    controller.observers.append(tracing.observe)
    metrics = Metrics(controller.progress)
    controller.sink_factories.append(metrics.sink)
    controller.observers.append(metrics.observe)
    pages = (metrics_router(metrics), faults_router(controller))
    if webhook is None:
        yield pages
        return

    def detail(record: JobRecord) -> Mapping[str, Any]:
        return {**described(record), "Tags": store.tags(record.arn) or tags_of(record.request)}

    async with notifier(webhook, detail) as notifying:
        controller.observers.append(notifying.observe)
        yield pages
