"""What a server does at each change of a job: its trace, the metrics, and the webhook if one is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter

from sagemaker_transform_emulator.sagemaker.resources import JobRecord
from sagemaker_transform_emulator.server.api.fault_injection_page import faults_router
from sagemaker_transform_emulator.server.api.metrics_page import metrics_router
from sagemaker_transform_emulator.server.api.places_page import places_router
from sagemaker_transform_emulator.server.api.tag_operations import tags_of
from sagemaker_transform_emulator.server.api.transform_job_operations import described
from sagemaker_transform_emulator.server.database import Store
from sagemaker_transform_emulator.server.eventbridge import notifier
from sagemaker_transform_emulator.server.job_controller import JobController
from sagemaker_transform_emulator.server.job_traces import Tracing
from sagemaker_transform_emulator.server.kept_jobs import KeptJobs, Terminal, to_stream
from sagemaker_transform_emulator.server.metrics import Metrics


@asynccontextmanager
async def watching(
    controller: JobController, store: Store, tracing: Tracing, kept: KeptJobs, webhook: str | None
) -> AsyncIterator[tuple[APIRouter, ...]]:
    """Jobs are kept, traces, metrics taken, events posted while the block runs; the routers have pages."""
    controller.sink_factories.append(tracing.sink)
    controller.observers.append(tracing.observe)
    controller.sink_factories.append(kept.sink)
    controller.observers.append(kept.observe)
    kept.tellers += [Terminal(), to_stream(store)]
    metrics = Metrics(controller.progress)
    controller.sink_factories.append(metrics.sink)
    controller.observers.append(metrics.observe)
    pages = (metrics_router(metrics), faults_router(controller), places_router(store))
    if webhook is None:
        yield pages
        return

    def detail(record: JobRecord) -> Mapping[str, Any]:
        return {**described(record), "Tags": store.tags(record.arn) or tags_of(record.request)}

    async with notifier(webhook, detail) as notifying:
        controller.observers.append(notifying.observe)
        kept.tellers.append(notifying.tell)
        yield pages
