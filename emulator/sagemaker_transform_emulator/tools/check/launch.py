"""Starts a container for the checks and watches it become healthy, or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from sagemaker_transform_emulator.errors import ConnectError, ContainerError
from sagemaker_transform_emulator.runtime.base import Container, ContainerSpec, Runtime
from sagemaker_transform_emulator.runtime.probing import Probed
from sagemaker_transform_emulator.tools.check.probe import CheckContext, Probe
from sagemaker_transform_emulator.tools.check.samples import Sample
from sagemaker_transform_emulator.tools.check.values import Ping, StartRecord, Subject

_OK = 200


@asynccontextmanager
async def launched(
    subject: Subject,
    around: CheckContext,
    sample: Sample | None,
    *,
    spec: ContainerSpec | None = None,
    runtime: Runtime | None = None,
    window_s: float | None = None,
) -> AsyncIterator[Probe]:
    """The container, healthy or not, started as `spec` or as the job would; it is gone afterwards.

    Whatever went wrong stands in the probe's `start`. Raises ModelError and EngineError.
    """
    record = StartRecord()
    container: Container | None = None
    started = perf_counter()
    try:
        container = await (runtime or around.needs.prepared.runtime).start(
            spec or subject.spec, lambda _at, _text: None
        )
    except ContainerError as error:
        record.refusal, record.refusal_remedy = error.message, error.remedy
    probe = Probe(subject, around, record, container, sample)
    try:
        if container is not None:
            await _await_health(probe, container, started, window_s or around.patience.start_s)
        yield probe
    finally:
        await probe.close()
        if container is not None:
            await asyncio.shield(_end(container))


async def _await_health(probe: Probe, container: Container, started: float, window_s: float) -> None:
    record, patience = probe.start, probe.around.patience
    elsewhere_since: float | None = None
    while (now := perf_counter() - started) < window_s:
        record.ended = await container.exited()
        if record.ended is not None:
            return
        reply = await probe.get("/ping", patience.ping_s)
        record.pings.append(Ping(perf_counter() - started, reply))
        if reply.answer is not None and reply.answer.status == _OK and _is_own_answer(container):
            record.ready_s = perf_counter() - started
            return
        if not (isinstance(reply.error, ConnectError) and _is_elsewhere(container)):
            elsewhere_since = None
        elif elsewhere_since is None:
            elsewhere_since = now
        elif now - elsewhere_since > patience.elsewhere_s:
            return
        await container.exited(patience.ping_interval_s)


def _is_own_answer(container: Container) -> bool:
    """False when a stranger answers: ports of processes are free when they are chosen, not for ever."""
    hearing = container.hearing() if isinstance(container, Probed) else None
    return hearing is None or hearing.on_port


def _is_elsewhere(container: Container) -> bool:
    hearing = container.hearing() if isinstance(container, Probed) else None
    return hearing is not None and (hearing.elsewhere or hearing.to_itself)


async def _end(container: Container) -> None:
    """It is gone at once: whether it heeds SIGTERM is for a check to see."""
    if await container.exited() is None:
        await container.kill()
        await container.exited(5.0)
    await container.stop()
