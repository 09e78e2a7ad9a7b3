"""One invocation: a payload through all containers of an instance, with one deadline and retries.

SageMaker makes every call itself: the answer of container n is the request to n+1 (R4.39). The job's
ContentType goes to the first container and its Accept to the last (R4.40); in between, Content-Type is
the previous answer's, verbatim (R4.41), and Accept is `*/*` (R4.42). A retry starts again at the first
container; the deadline covers the chain (R4.25, R4.46).
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sagemaker_transform_emulator.errors import (
    ContainerError,
    DeadlineError,
    InvocationError,
    JobError,
    OutOfMemoryError,
    TransportError,
)
from sagemaker_transform_emulator.jobs.fault_injection import Exchange, Faults
from sagemaker_transform_emulator.runtime.base import Container, Exit
from sagemaker_transform_emulator.sagemaker.requests import ModelClientConfig, TransformJob
from sagemaker_transform_emulator.transform.batching import Payload
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transport import Answer, Body, Connection, RequestHead, Transport

_SHOWN_BYTES = 1024
_LOGGED_BYTES = 64 * 1024
_EXIT_WAIT_S = 1.0
_LEAST_TIMEOUT_S = 0.001


class Hop(NamedTuple):
    """One request to one container, and what came of it. `attempt` counts from 1; `at` is epoch seconds.

    `body` is what was sent, in chunks or not.
    """

    container: str
    attempt: int
    at: float
    head: RequestHead
    body: bytes
    answer: Answer | None
    error: TransportError | None


class FailedInvocation(NamedTuple):
    """The context of a JobError: what was being sent, and every exchange of all attempts."""

    payload: Payload | None
    hops: tuple[Hop, ...]


class Invocation(NamedTuple):
    """A payload that was answered: the last container's 2xx answer, and every exchange of all attempts."""

    payload: Payload
    answer: Answer
    hops: list[Hop]


class ObjectHeads:
    """The request heads for the records of one object; they differ only in the previous answer's type.

    `chunked` says that bodies are sent in chunks (R2.29).
    """

    def __init__(
        self, job: TransformJob, source: S3Location, containers: int, *, chunked: bool = False
    ) -> None:
        self.source = str(source)
        self.chunked = chunked
        self._last = containers - 1
        self._accept = job.transform_output.accept
        name = f"{source.bucket}/{source.key}".encode()
        self._common = (
            ("X-Amzn-Sagemaker-Input-Object", _header_text(name)),
            ("X-Amzn-Sagemaker-Input-Object-Base64", base64.b64encode(name).decode()),
        )
        self._heads: dict[tuple[int, str | None], RequestHead] = {}
        self.first = self.head(0, job.transform_input.content_type)

    def head(self, position: int, content_type: str | None) -> RequestHead:
        """The head for the container at 0-based `position` (R4.21, R4.22, R4.40 to R4.42)."""
        found = self._heads.get((position, content_type))
        if found is None:
            found = self._heads[position, content_type] = self._make(position, content_type)
        return found

    def _make(self, position: int, content_type: str | None) -> RequestHead:
        return self.with_types(content_type, self._accept if position == self._last else "*/*")

    def with_types(self, content_type: str | None, accept: str | None) -> RequestHead:
        """The head with these types instead of the job's; None leaves the header out."""
        headers = [("User-Agent", "Go-http-client/1.1")]
        if accept is not None:
            headers.append(("Accept", accept))
        if content_type is not None:
            headers.append(("Content-Type", content_type))
        headers += [*self._common, ("Accept-Encoding", "gzip")]
        return RequestHead("POST", "/invocations", tuple(headers))


class Waiting(NamedTuple):
    """A payload that is in a container now. `key` tells this wait from all others of the job."""

    key: tuple[int, int]
    source: str
    payload: Payload
    container: str
    attempt: int


@dataclass
class _Refused(Exception):  # noqa: N818 - a verdict on an answer, caught in this module
    answer: Answer


class Invoker:
    """Sends payloads through the containers of one instance, at most `slots` at a time (R4.24)."""

    def __init__(
        self,
        containers: Sequence[Container],
        transport: Transport,
        config: ModelClientConfig,
        *,
        slots: int,
        no_answer_is_internal_error: bool = False,
        faults: Faults | None = None,
    ) -> None:
        self.containers = tuple(containers)
        self.seconds = [0.0] * len(self.containers)
        self.retries = 0
        self._under_way: dict[int, tuple[str, Payload, list[Hop]]] = {}
        self._config = config
        self._faults = faults
        self._no_answer_blame = "InternalServerError" if no_answer_is_internal_error else "AlgorithmError"
        self._slots: asyncio.LifoQueue[tuple[Connection, ...]] = asyncio.LifoQueue()
        for _ in range(slots):
            self._slots.put_nowait(
                tuple(transport.connection(container.host, container.port) for container in self.containers)
            )

    async def invoke(self, payload: Payload, heads: ObjectHeads) -> Invocation:
        """The payload went through all containers, the last of which answered 2xx (R4.28).

        Raises InvocationError when the object must fail and ContainerError when a container is gone, each
        with a FailedInvocation as its context.
        """
        trail: list[Hop] = []
        slot = await self._slots.get()
        attempt = 1
        self._under_way[id(trail)] = (heads.source, payload, trail)
        try:
            while True:
                try:
                    answer = await self._chain(slot, heads, attempt, payload, trail)
                    return Invocation(payload, answer, trail)
                except _Refused as refused:
                    final = refused.answer.status < 500  # noqa: PLR2004 - only 5xx is tried again (R4.27)
                except TransportError:
                    final = False
                    await self._raise_if_dead(trail[-1], payload)
                if final or attempt > self._config.invocations_max_retries:
                    raise self._verdict(trail[-1], payload)
                attempt += 1
                self.retries += 1
        except JobError as error:
            error.context = FailedInvocation(payload, tuple(trail))
            raise
        finally:
            del self._under_way[id(trail)]
            self._slots.put_nowait(slot)

    def waiting(self) -> list[Waiting]:
        """What is in a container at this moment."""
        names = [container.name for container in self.containers]
        found = []
        for key, (source, payload, trail) in self._under_way.items():
            last = trail[-1] if trail else None
            if last is None:
                position, attempt = 0, 1
            elif last.answer is not None and 200 <= last.answer.status < 300:  # noqa: PLR2004 - R4.28
                position, attempt = names.index(last.container) + 1, last.attempt
            else:
                position, attempt = 0, last.attempt + 1
            if position < len(names):
                found.append(Waiting((key, len(trail)), source, payload, names[position], attempt))
        return found

    async def close(self) -> None:
        """Every connection is closed."""
        while not self._slots.empty():
            for connection in self._slots.get_nowait():
                await connection.close()

    async def _chain(
        self,
        slot: tuple[Connection, ...],
        heads: ObjectHeads,
        number: int,
        payload: Payload,
        trail: list[Hop],
    ) -> Answer:
        remaining = float(self._config.invocations_timeout_in_seconds)
        sent = payload.body
        head = heads.first
        answer: Answer | None = None
        for position, connection in enumerate(slot):
            if answer is not None:
                sent = answer.body
                head = heads.head(position, answer.header("content-type"))
            container = self.containers[position]
            at = time.time()
            body: Body = _replay(sent) if heads.chunked else sent
            try:
                if self._faults is None:
                    answer = await connection.exchange(head, body, remaining)
                else:
                    about = Exchange(container, position, heads.source, payload, number)
                    answer = await self._faults.exchange(about, connection, head, body, remaining)
            except TransportError as error:
                trail.append(Hop(container.name, number, at, head, sent, None, error))
                raise
            trail.append(Hop(container.name, number, at, head, sent, answer, None))
            self.seconds[position] += answer.timings.total
            if not 200 <= answer.status < 300:  # noqa: PLR2004 - R4.28
                raise _Refused(answer)
            if answer.closed_by_peer:
                await self._raise_if_dead(trail[-1], payload)
            remaining = max(remaining - answer.timings.total, _LEAST_TIMEOUT_S)
        assert answer  # a model has a container
        return answer

    async def _raise_if_dead(self, hop: Hop, payload: Payload) -> None:
        """Blame the container when it is gone: it will not come back (R6.5)."""
        if isinstance(hop.error, DeadlineError):
            return
        container = next(item for item in self.containers if item.name == hop.container)
        ended = await container.exited(_EXIT_WAIT_S)
        if ended is not None:
            raise died(container, ended, f"while it had {payload.where}")

    def _verdict(self, hop: Hop, payload: Payload) -> InvocationError:
        what = f'Container "{hop.container}" on {payload.where}'
        if hop.answer is not None:
            return _bad_status(hop.answer, hop.container, what)
        timeout = self._config.invocations_timeout_in_seconds
        if isinstance(hop.error, DeadlineError):
            line = f"Model server did not respond to /invocations request within {timeout} seconds"
            remedy = "raise ModelClientConfig.InvocationsTimeoutInSeconds, or send less at a time"
        else:
            line = "Unable to get response from algorithm"
            remedy = "see what the container logged at that moment"
        return InvocationError(
            f"{what}: {hop.error} (attempt {hop.attempt})",
            blame=self._no_answer_blame,  # type: ignore[arg-type]
            container=hop.container,
            log_lines=(line,),
            remedy=remedy,
        )


def died(container: Container, ended: Exit, when: str) -> ContainerError:
    """The error for a container that is gone, with its last words."""
    kind = OutOfMemoryError if ended.out_of_memory else ContainerError
    tail = "\n".join(f"    {line}" for line in container.log_tail(10))
    return kind(
        f'Container "{container.name}" ({container.image}) {ended.reason} {when}'
        + (f"; its last lines:\n{tail}" if tail else "; it wrote nothing")
    )


def _bad_status(answer: Answer, container: str, what: str) -> InvocationError:
    client = 400 <= answer.status < 500  # noqa: PLR2004 - R4.30
    first = (
        f"ClientError: {answer.status}"
        if client
        else f"Bad HTTP status received from algorithm: {answer.status}"
    )
    text = answer.body[:_LOGGED_BYTES].decode("utf-8", "replace")
    shown = text if len(text) <= _SHOWN_BYTES else text[:_SHOWN_BYTES] + f"… ({len(answer.body)} bytes)"
    return InvocationError(
        f"{what} answered {answer.status}: {shown}",
        blame="ClientError" if client else "AlgorithmError",
        container=container,
        status=answer.status,
        log_lines=(first, "", "Message:", *text.removesuffix("\n").split("\n")),
    )


def _replay(body: bytes) -> Body:
    """The bytes as a chunked body that can be sent again (R2.29)."""

    async def chunks() -> AsyncIterator[bytes]:
        if body:
            yield body

    return chunks


def _header_text(name: bytes) -> str:
    """The object's name as a header value; bytes that no header may hold are percent-encoded."""
    return "".join(
        chr(byte) if byte >= 0x20 and byte != 0x7F else f"%{byte:02X}"  # noqa: PLR2004 - ASCII controls
        for byte in name
    )
