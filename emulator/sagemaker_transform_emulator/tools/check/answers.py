"""Checks of answers as HTTP: complete, delimited, in time; connections kept; chunked requests."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sagemaker_transform_emulator.errors import MalformedAnswerError
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_NEAR = 0.5

SILENT = Kind(
    "answer-late", Severity.ERROR, "a record is not answered in time",
    "after InvocationsTimeoutInSeconds (600 by default) it is sent again three times, then the object fails: "
    "`Model server did not respond to /invocations request`",
    "answer sooner, send less at a time, or raise ModelClientConfig.InvocationsTimeoutInSeconds", "R4.25",
)  # fmt: skip
NEAR = Kind(
    "answer-near-deadline", Severity.WARNING, "one record takes more than half of the job's deadline",
    "a busier machine or a larger payload runs into InvocationsTimeoutInSeconds",
    "raise ModelClientConfig.InvocationsTimeoutInSeconds, or send less at a time", "R4.25",
)  # fmt: skip
BROKEN = Kind(
    "answer-broken", Severity.ERROR, "what comes back is no complete HTTP answer, or none at all",
    "the request is tried again and the object fails: `Unable to get response from algorithm`",
    "see the container's log: it closes connections, dies, or writes a wrong Content-Length", "R4.32",
)  # fmt: skip
UNDELIMITED = Kind(
    "answer-undelimited", Severity.WARNING, "the answer ends with the connection, without length or chunks",
    "a crash in the middle of it looks like success, and every record needs a new connection",
    "send Content-Length, or chunks", "R4.23",
)  # fmt: skip
OVERLONG = Kind(
    "answer-overlong", Severity.ERROR, "bytes follow after the end of the answer",
    "they are dropped with the connection, or taken for the next answer: outputs lose bytes",
    "make Content-Length the number of bytes that are sent (bytes, not characters)", "R4.23",
)  # fmt: skip
NOT_KEPT = Kind(
    "connection-not-kept", Severity.WARNING, "it closes the connection after each answer",
    "each record costs a new connection", "speak HTTP/1.1 and keep connections alive", "R4.23",
)  # fmt: skip
CHUNKED = Kind(
    "chunked-refused", Severity.NOTE, "a chunked request is refused or answered differently",
    "MaxPayloadInMB=0, which sends records chunked and without limit, does not work",
    "read chunked bodies, as HTTP/1.1 demands; AWS's built-in algorithms do not either", "R2.29",
)  # fmt: skip


async def delivery(probe: Probe) -> list[Finding]:
    """Whether answers come, whole and in time."""
    contact = await probe.contact()
    found = []
    for record, reply in contact.rejected:
        if reply.silent:
            found.append(SILENT.found(probe.name, f"{record[:80]!r}: nothing for {probe.answer_s:g} s"))
        elif reply.answer is None:
            found.append(BROKEN.found(probe.name, f"{record[:80]!r}: {reply.words}"))
    broken = [reply for reply in contact.failures if isinstance(reply.error, MalformedAnswerError)]
    if broken and not found:
        found.append(BROKEN.found(probe.name, broken[0].words))
    slowest = max(contact.seconds)
    deadline = probe.around.job.model_client_config.invocations_timeout_in_seconds
    if contact.accepted and slowest > _NEAR * deadline:
        found.append(NEAR.found(probe.name, f"{slowest:.2f} s of {deadline} s"))
    return found


async def framing(probe: Probe) -> list[Finding]:
    """How answers end."""
    answers = [answer for _, answer in await probe.answered()]
    found = []
    if any(answer.closed_by_peer for answer in answers):
        found.append(UNDELIMITED.found(probe.name, "neither Content-Length nor Transfer-Encoding: chunked"))
    extra = sum(answer.extra_bytes for answer in answers)
    if extra:
        found.append(OVERLONG.found(probe.name, f"{extra} bytes after {len(answers)} answers"))
    return found


async def keep_alive(probe: Probe) -> list[Finding]:
    """Whether a second request goes over the same connection."""
    answers = await probe.answered()
    assert probe.sample is not None
    if answers[0][1].closed_by_peer or answers[0][1].extra_bytes:
        raise NotRun("its answers already end the connection")
    body = probe.sample.body(answers[0][0])
    async with probe.line() as line:
        replies = [await probe.post_on(line, body) for _ in range(3)]
    opened = [reply.answer.timings.connect > 0 for reply in replies if reply.answer]
    if not any(opened[1:]):
        return []
    said = next((reply.answer.header("connection") for reply in replies if reply.answer), None)
    seen = f"{sum(opened)} connections for {len(replies)} records"
    return [NOT_KEPT.found(probe.name, seen + (f"; Connection: {said}" if said else ""))]


async def chunked(probe: Probe) -> list[Finding]:
    """The same record as a chunked body."""
    record, answer = (await probe.answered())[0]
    assert probe.sample is not None
    body = probe.sample.body(record)

    async def chunks() -> AsyncIterator[bytes]:
        middle = len(body) // 2
        for part in (body[:middle], body[middle:]):
            if part:
                yield part

    reply = await probe.post(chunks)
    if reply.ok and reply.body == answer.body:
        return []
    if reply.ok:
        await probe.require_steady()
    asked = probe.around.job.max_payload_in_mb == 0
    return [CHUNKED.found(probe.name, reply.words, severity=Severity.ERROR if asked else None)]


CHECKS = (
    Check("answers", "invocations", "Every record is answered, whole and before the deadline",
          (SILENT, BROKEN, NEAR), delivery),
    Check("framing", "invocations", "Answers say where they end", (UNDELIMITED, OVERLONG), framing),
    Check("keep-alive", "invocations", "Connections are kept", (NOT_KEPT,), keep_alive),
    Check("chunked", "invocations", "Chunked requests are read", (CHUNKED,), chunked),
)  # fmt: skip
