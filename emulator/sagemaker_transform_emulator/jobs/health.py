"""Starting an instance: its containers in order, their health, execution parameters (R4.8 to R4.20)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from typing import Any

from sagemaker_transform_emulator.errors import ContainerError, JobError, PingError, TransportError
from sagemaker_transform_emulator.jobs.fault_injection import Faults
from sagemaker_transform_emulator.jobs.invocation import Invoker, died
from sagemaker_transform_emulator.runtime.base import Container, ContainerSpec, LogSink, Runtime
from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy, ExecutionParameters, TransformJob
from sagemaker_transform_emulator.transport import Answer, RequestHead, Transport

PING_TIMEOUT_S = 2.0
UNEASY_S = 5.0
"""A container that has not answered its pings for so long is told of."""
_PING = RequestHead("GET", "/ping", (("User-Agent", "Go-http-client/1.1"),))
_PARAMETERS = RequestHead("GET", "/execution-parameters", (("User-Agent", "Go-http-client/1.1"),))
_STRATEGIES = {strategy.constant: strategy for strategy in BatchStrategy}


@asynccontextmanager
async def started(
    runtime: Runtime, specs: Sequence[ContainerSpec], log: Callable[[str], LogSink]
) -> AsyncIterator[tuple[Container, ...]]:
    """All containers, started at once; all are stopped when the block ends, whatever ended it."""
    containers: dict[int, Container] = {}

    async def start(position: int, spec: ContainerSpec) -> None:
        containers[position] = await runtime.start(
            spec, log(spec.name)
        )  # known at once, should we be cancelled

    try:
        results = await asyncio.gather(
            *(start(position, spec) for position, spec in enumerate(specs)), return_exceptions=True
        )
        failures = [result for result in results if result is not None]
        if failures:
            raise failures[0]
        yield tuple(containers[position] for position in range(len(specs)))
    finally:
        await asyncio.shield(asyncio.gather(*(container.stop() for container in containers.values())))


async def await_healthy(
    containers: Sequence[Container],
    transport: Transport,
    *,
    window_s: float,
    interval_s: float,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Every container answered GET /ping with 200 once (R4.9 to R4.14).

    A container that ends before is not waited for. `tell` is told once of each that has not answered so for
    some seconds, and what was seen. Raises PingError naming every container that failed.
    """
    results = await asyncio.gather(
        *(_await_ping(container, transport, window_s, interval_s, tell) for container in containers),
        return_exceptions=True,
    )
    failures = [result for result in results if isinstance(result, BaseException)]
    if not failures:
        return
    for failure in failures:
        if not isinstance(failure, ContainerError):
            raise failure
    raise PingError("\n".join(map(str, failures)), remedy=getattr(failures[0], "remedy", ""))


async def execution_parameters(
    container: Container, job: TransformJob, transport: Transport, complain: Callable[[str], None]
) -> ExecutionParameters:
    """The settings in force, value by value: the job's, else the first container's, else the defaults.

    One GET /execution-parameters; anything but a 200 is ignored (R4.15), and so is an ill-formed value,
    about which `complain` is told (R4.17). R4.16, R4.18.
    """
    connection = transport.connection(container.host, container.port)
    offered: Mapping[str, Any] = {}
    try:
        answer = await connection.exchange(_PARAMETERS, b"", PING_TIMEOUT_S * 5)
        offered = _offered(answer, complain)
    except TransportError as error:
        complain(f"GET /execution-parameters failed and is ignored: {error}")
    finally:
        await connection.close()
    default = ExecutionParameters()
    megabytes = _number(offered, "MaxPayloadInMB", complain)
    return ExecutionParameters.in_force(
        job,
        ExecutionParameters(
            _number(offered, "MaxConcurrentTransforms", complain) or default.max_concurrent_transforms,
            _strategy(offered, complain) or default.batch_strategy,
            default.max_payload_in_mb if megabytes is None else megabytes,
        ),
    )


async def watch(containers: Sequence[Container]) -> None:
    """Never return; raise ContainerError soon after a container has ended.

    A second is left to the invocation it was serving, which can say more.
    """
    while True:
        for container in containers:
            ended = await container.exited()
            if ended is not None:
                await asyncio.sleep(1.0)
                raise died(container, ended, "while the job was running")
        await asyncio.sleep(0.25)


async def _await_ping(
    container: Container,
    transport: Transport,
    window_s: float,
    interval_s: float,
    tell: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    deadline, tell_at = begin + window_s, begin + UNEASY_S
    connection = transport.connection(container.host, container.port)
    seen = "no connection"
    tries = 0
    try:
        while loop.time() < deadline:
            ended = await container.exited()
            if ended is not None:
                raise died(container, ended, "before it answered GET /ping with 200")
            tries += 1
            try:
                answer = await connection.exchange(_PING, b"", PING_TIMEOUT_S)
            except TransportError as error:
                seen = str(error)
            else:
                if answer.status == 200:  # noqa: PLR2004 - R4.9
                    return
                seen = f"status {answer.status}" + (f", body {answer.body[:200]!r}" if answer.body else "")
            if loop.time() >= tell_at:
                tell_at = float("inf")
                tell(_uneasy(container, window_s, seen))
            await container.exited(interval_s)
    finally:
        await connection.close()
    raise _unhealthy(container, window_s, tries, seen)


def _uneasy(container: Container, window_s: float, seen: str) -> str:
    silence = "" if seen.startswith("status") else container.diagnose_silence()
    return (
        f"{container.name} ({container.image}) has not answered GET /ping with 200 for {UNEASY_S:g} s: {seen}"
        + (f"; {silence}" if silence else "")
        + f"; it has {window_s:g} s in all. `emulator check` looks at a container alone"
    )


def _counted(lines: Sequence[str]) -> list[str]:
    """The lines, equal ones that follow each other as one with their number."""
    groups = [(line, len(list(equal))) for line, equal in groupby(lines)]
    return [line if count == 1 else f"{line}  ({count} times)" for line, count in groups]


def _unhealthy(container: Container, window_s: float, tries: int, seen: str) -> ContainerError:
    tail = "\n".join(f"    {line}" for line in _counted(container.log_tail(20)))
    silence = container.diagnose_silence()
    return ContainerError(
        f'Container "{container.name}" ({container.image}) did not answer GET /ping with 200 within '
        f"{window_s:g} s ({tries} tries; last: {seen}"
        + (f"; {silence}" if silence else "")
        + ")"
        + (f"; its last lines:\n{tail}" if tail else "; it wrote nothing"),
        remedy="`emulator check model.json` looks at it alone; the service waits 30 minutes, as --aws-timing "
        "does; emulator.toml: ping_window_s",
    )


def _offered(answer: Answer, complain: Callable[[str], None]) -> Mapping[str, Any]:
    if answer.status != 200:  # noqa: PLR2004 - R4.15
        return {}
    try:
        offered = json.loads(answer.body)
    except ValueError:
        offered = None
    if not isinstance(offered, dict):
        complain(f"/execution-parameters gave no JSON object and is ignored: {answer.body[:200]!r}")
        return {}
    return offered


def _number(offered: Mapping[str, Any], name: str, complain: Callable[[str], None]) -> int | None:
    value = offered.get(name)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    complain(f"/execution-parameters: {name} is {value!r}, no whole number from 0 up, and is ignored")
    return None


def _strategy(offered: Mapping[str, Any], complain: Callable[[str], None]) -> BatchStrategy | None:
    value = offered.get("BatchStrategy")
    if value is None:
        return None
    found = _STRATEGIES.get(value) if isinstance(value, str) else None
    if found is None:
        known = " or ".join(_STRATEGIES)
        complain(f"/execution-parameters: BatchStrategy is {value!r}, not {known}, and is ignored")
    return found


@asynccontextmanager
async def invoker(
    containers: Sequence[Container],
    transport: Transport,
    job: TransformJob,
    parameters: ExecutionParameters,
    *,
    no_answer_is_internal_error: bool = False,
    faults: Faults | None = None,
) -> AsyncIterator[Invoker]:
    """An invoker with one slot for each concurrent transform; its connections are closed at the end."""
    made = Invoker(
        containers,
        transport,
        job.model_client_config,
        slots=parameters.max_concurrent_transforms,
        no_answer_is_internal_error=no_answer_is_internal_error,
        faults=faults,
    )
    try:
        yield made
    finally:
        with suppress(JobError):
            await made.close()
