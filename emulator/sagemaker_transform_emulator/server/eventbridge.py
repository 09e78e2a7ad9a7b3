"""Events of jobs, in EventBridge's form, posted to a webhook (R1.34).

Set `webhook = "http://…"` in emulator.toml. Each change of a job's status is one POST, in order, sent in the
background: a receiver that is slow, wrong or away never delays or fails a job. An event that cannot be
delivered is dropped, and the log says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import httpx

from sagemaker_transform_emulator.jobs.diagnosis_form import Diagnosis
from sagemaker_transform_emulator.sagemaker.resources import JobRecord

DETAIL_TYPE = "SageMaker Transform Job State Change"
DIAGNOSIS_TYPE = "Transform Job Diagnosis"
DIAGNOSIS_SOURCE = "sagemaker-transform-emulator"
_TIMES = ("CreationTime", "TransformStartTime", "TransformEndTime")
_MOST_WAITING = 1_000
_log = logging.getLogger("sagemaker_transform_emulator.server.eventbridge")

Detail = Callable[[JobRecord], Mapping[str, Any]]
"""Gives DescribeTransformJob's output for a job, and its Tags by key."""


class Notifier:
    """Posts events to one URL. `observe` is to be told of every change of a job's status."""

    def __init__(self, url: str, detail: Detail, client: httpx.AsyncClient) -> None:
        self._url = url
        self._detail = detail
        self._client = client
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MOST_WAITING)

    def observe(self, record: JobRecord) -> None:
        """The event is on its way."""
        try:
            self._waiting.put_nowait(event_of(record, self._detail(record)))
        except asyncio.QueueFull:
            _log.warning("event of job %s dropped: %s does not keep up", record.name, self._url)

    def tell(self, record: JobRecord, diagnosis: Diagnosis) -> None:
        """The event of a diagnosis is on its way."""
        try:
            self._waiting.put_nowait(diagnosis_event_of(record, diagnosis))
        except asyncio.QueueFull:
            _log.warning("diagnosis of job %s dropped: %s does not keep up", record.name, self._url)

    async def send_all(self) -> None:
        """Post what comes, for ever."""
        while True:
            event = await self._waiting.get()
            await self._post(event)
            self._waiting.task_done()

    async def settle(self, seconds: float) -> None:
        """Return when nothing is waiting, or after that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._waiting.join()

    async def _post(self, event: Mapping[str, Any]) -> None:
        job = event["detail"]["TransformJobName"]
        try:
            answer = await self._client.post(self._url, json=event)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            _log.warning("event of job %s dropped: %s: %s", job, self._url, error or type(error).__name__)
        else:
            if not answer.is_success:
                _log.warning("event of job %s dropped: %s answered %s", job, self._url, answer.status_code)


@asynccontextmanager
async def notifier(url: str, detail: Detail, *, timeout_s: float = 5.0) -> AsyncIterator[Notifier]:
    """A notifier at work; when the block ends, what is waiting gets a last `timeout_s` seconds."""
    async with httpx.AsyncClient(timeout=timeout_s, trust_env=False) as client:
        made = Notifier(url, detail, client)
        work = asyncio.create_task(made.send_all())
        try:
            yield made
            await made.settle(timeout_s)
        finally:
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work


def event_of(record: JobRecord, detail: Mapping[str, Any]) -> dict[str, Any]:
    """The event for a job's present state; times in `detail` are epoch milliseconds."""
    shown = {name: value for name, value in detail.items() if value is not None}
    shown |= {name: int(shown[name] * 1000) for name in _TIMES if name in shown}
    return _enveloped(record, DETAIL_TYPE, "aws.sagemaker", record.modified, shown)


def diagnosis_event_of(record: JobRecord, diagnosis: Diagnosis) -> dict[str, Any]:
    """The event for a failed object, or a job that failed as a whole; AWS sends none like it."""
    named = {"TransformJobName": record.name, "TransformJobArn": record.arn}
    return _enveloped(
        record, DIAGNOSIS_TYPE, DIAGNOSIS_SOURCE, time.time(), {**named, "Diagnosis": diagnosis.as_json()}
    )


def _enveloped(
    record: JobRecord, kind: str, source: str, moment: float, detail: Mapping[str, Any]
) -> dict[str, Any]:
    at = datetime.fromtimestamp(moment, UTC)
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": source,
        "account": record.place.account,
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "region": record.place.region,
        "resources": [record.arn],
        "detail": detail,
    }
