"""One started container as the checks see it: ways to ask it, what it is known to accept, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter

from sagemaker_transform_emulator.errors import TransportError
from sagemaker_transform_emulator.jobs.instances import JobRun, Prerequisites, Services
from sagemaker_transform_emulator.jobs.invocation import ObjectHeads
from sagemaker_transform_emulator.runtime.base import Container
from sagemaker_transform_emulator.sagemaker.requests import ExecutionParameters, TransformJob
from sagemaker_transform_emulator.tools.check.samples import Sample
from sagemaker_transform_emulator.tools.check.values import (
    Contact,
    NotRun,
    Options,
    Patience,
    Reply,
    StartRecord,
    Subject,
    normalised,
)
from sagemaker_transform_emulator.transform.keys import S3Location
from sagemaker_transform_emulator.transport import Answer, Body, Connection, RequestHead, Transport

_AGAIN = 5
_GO = ("User-Agent", "Go-http-client/1.1")
_SOURCE = S3Location("emulator-check", "record")


@dataclass(frozen=True, slots=True)
class CheckContext:
    """What checks of all containers share."""

    run: JobRun
    services: Services
    needs: Prerequisites
    patience: Patience
    options: Options

    @property
    def job(self) -> TransformJob:
        """The job whose container this is."""
        return self.run.job

    @property
    def transport(self) -> Transport:
        """The way to containers."""
        return self.needs.transport


class Probe:
    """A container that was started for the checks, healthy or not."""

    def __init__(
        self,
        subject: Subject,
        around: CheckContext,
        start: StartRecord,
        container: Container | None,
        sample: Sample | None,
    ) -> None:
        self.subject = subject
        self.around = around
        self.start = start
        self.sample = sample
        self.largest_answer: bytes | None = None
        self.inherited_large: bytes | None = None
        self.last_check = ""
        self.end_reported = False
        self._container = container
        self._contact: Contact | None = None
        self._changes: list[bytes] | None = None
        self.parameters = ExecutionParameters()
        self._line: Connection | None = None

    @property
    def name(self) -> str:
        """What findings call the container."""
        return self.subject.name

    @property
    def container(self) -> Container:
        """The running container. Raises NotRun when it could not be started."""
        if self._container is None:
            raise NotRun("the container could not be started")
        return self._container

    @property
    def accept(self) -> str | None:
        """What the job's requests to this container ask for (R4.40, R4.42)."""
        return self.around.job.transform_output.accept if self.subject.is_last else "*/*"

    async def get(self, path: str, timeout_s: float) -> Reply:
        """What GET of the path gives, on a connection of its own."""
        async with self.line() as line:
            return await _exchange(line, RequestHead("GET", path, (_GO,)), b"", timeout_s)

    def head(self, **changes: str | None) -> RequestHead:
        """The head of a job's request with the sample (R4.21); `content_type` and `accept` replace its own.

        None leaves the header out.
        """
        content_type = changes.get("content_type", self.sample.content_type if self.sample else None)
        accept = changes.get("accept", self.accept)
        return ObjectHeads(self.around.job, _SOURCE, 1).with_types(content_type, accept)

    async def post(self, body: Body, **changes: str | None) -> Reply:
        """What POST /invocations with the body gives, on the container's kept-alive connection."""
        if self._line is None:
            self._line = self.connection()
        return await self.post_on(self._line, body, **changes)

    async def post_on(self, line: Connection, body: Body, **changes: str | None) -> Reply:
        """The same on a given connection."""
        return await _exchange(line, self.head(**changes), body, self.answer_s)

    @property
    def answer_s(self) -> float:
        """Seconds an answer may take: the job's deadline, but no more than a check waits (R4.25)."""
        deadline = self.around.job.model_client_config.invocations_timeout_in_seconds
        return min(float(deadline), self.around.patience.answer_s)

    def connection(self) -> Connection:
        """A new connection; the caller closes it."""
        return self.around.transport.connection(self.container.host, self.container.port)

    @asynccontextmanager
    async def line(self) -> AsyncIterator[Connection]:
        """A connection for the length of the block."""
        connection = self.connection()
        try:
            yield connection
        finally:
            await connection.close()

    async def close(self) -> None:
        """The connection is closed. The container runs on."""
        if self._line is not None:
            await self._line.close()
            self._line = None

    async def contact(self) -> Contact:
        """The first answers to the sample's records; asked once. Raises NotRun without a sample."""
        if self.start.ready_s is None:
            raise NotRun("the container never became healthy")
        if self.sample is None:
            raise NotRun(
                "no record is known that this container takes; give one with --record or --records, "
                "and its --content-type"
            )
        if self._contact is None:
            self._contact = await self._first_contact(self.sample)
        return self._contact

    async def answered(self) -> tuple[tuple[bytes, Answer], ...]:
        """The records that are answered with 2xx, each with its answer; at least one. Raises NotRun."""
        contact = await self.contact()
        if not contact.accepted:
            raise NotRun(f"the container refuses the sample: {contact.rejected[0][1].words}")
        return contact.accepted

    async def lines(self) -> tuple[tuple[bytes, Answer], ...]:
        """As `answered`, for samples whose records are lines."""
        found = await self.answered()
        assert self.sample is not None
        if not self.sample.is_lines:
            raise NotRun(f"records of type {self.sample.content_type} are not lines")
        return found

    async def changes(self) -> list[bytes]:
        """The different answers to one record, sent again and again; empty when all are the same."""
        if self._changes is None:
            record, answer = (await self.answered())[0]
            assert self.sample is not None
            replies = [await self.post(self.sample.body(record)) for _ in range(_AGAIN)]
            bodies = [normalised(answer.body), *(normalised(reply.body) for reply in replies if reply.ok)]
            self._changes = list(dict.fromkeys(bodies)) if len(set(bodies)) > 1 else []
        return self._changes

    async def require_steady(self) -> None:
        """Raises NotRun when answers to the same record differ, so that comparing them says nothing."""
        if await self.changes():
            raise NotRun("the same record is answered differently each time; see the check determinism")

    async def _first_contact(self, sample: Sample) -> Contact:
        started = perf_counter()
        failures: list[Reply] = []
        reply = await self.post(sample.body(sample.records[0]))
        while not (reply.ok or reply.refused or reply.silent):
            late = perf_counter() - started > self.around.patience.early_s
            if late or await self.container.exited() is not None:
                break
            failures.append(reply)
            await asyncio.sleep(0.05)
            reply = await self.post(sample.body(sample.records[0]))
        waited = perf_counter() - started
        replies = [(sample.records[0], reply)]
        if not reply.silent:
            replies += [(record, await self.post(sample.body(record))) for record in sample.records[1:]]
        return Contact(
            failures=tuple(failures),
            waited_s=waited,
            accepted=tuple((record, each.answer) for record, each in replies if each.ok and each.answer),
            rejected=tuple((record, each) for record, each in replies if not each.ok),
            seconds=tuple(each.seconds for _, each in replies),
        )


async def _exchange(line: Connection, head: RequestHead, body: Body, timeout_s: float) -> Reply:
    started = perf_counter()
    try:
        answer = await line.exchange(head, body, timeout_s)
    except TransportError as error:
        return Reply(None, error, perf_counter() - started)
    return Reply(answer, None, perf_counter() - started)
