"""Checks of GET /ping: status, body, speed, and whether records are taken once it answers 200."""

from __future__ import annotations

from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, shown, tail
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_TRIES = 5
_OK = 200
_NEVER = "the job fails with `Model container failed to respond to ping`, after up to 30 minutes"

STATUS = Kind(
    "ping-status", Severity.ERROR, "GET /ping is answered, but never with 200",
    _NEVER, "answer GET /ping with 200 and an empty body as soon as the model is loaded", "R4.9",
)  # fmt: skip
SLOW = Kind(
    "ping-slow", Severity.ERROR, "GET /ping takes longer than 2 seconds",
    "a try that takes longer counts as failed; if all do, the job fails",
    "answer GET /ping without touching the model, and not behind a queue of invocations", "R4.9",
)  # fmt: skip
UNSTEADY = Kind(
    "ping-unsteady", Severity.WARNING, "after its first 200 GET /ping fails again",
    "the guide says that SageMaker pings while the job runs, too",
    "be healthy for good once you have said so", "R4.12",
)  # fmt: skip
BODY = Kind(
    "ping-body", Severity.NOTE, "the answer to GET /ping has a body",
    "the guide asks for an empty body; a body is ignored",
    "answer with an empty body", "R4.10",
)  # fmt: skip
EARLY = Kind(
    "ping-early", Severity.ERROR, "it says it is healthy before it can answer invocations",
    "SageMaker sends the first record at once after the first 200: it is retried three times without a "
    "pause, then the object fails",
    "answer GET /ping with 503 until the model is loaded", "R4.12",
)  # fmt: skip
FIRST_SLOW = Kind(
    "first-invocation-slow", Severity.NOTE, "the first invocation is much slower than the others",
    "each instance waits as long once; the deadline InvocationsTimeoutInSeconds counts for it, too",
    "load the model before GET /ping says 200, and send it a record to warm up", "R4.25",
)  # fmt: skip


async def status(probe: Probe) -> list[Finding]:
    """Whether it was healthy in time; if not, what GET /ping said instead."""
    record = probe.start
    if record.ready_s is not None:
        return []
    heard = [ping for ping in record.pings if ping.reply.answer or ping.reply.silent]
    if not heard:
        raise NotRun("nothing ever answered on its port")
    last = heard[-1].reply
    if last.silent:
        return [SLOW.found(probe.name, f"{len(heard)} tries, none answered within {_limit(probe):g} s")]
    seen = f"{len(heard)} tries in {record.pings[-1].at:.0f} s, the last one: {last.words}"
    return [STATUS.found(probe.name, seen + tail(probe.container))]


async def steadiness(probe: Probe) -> list[Finding]:
    """Five more pings: each 200, fast and empty."""
    replies = [await probe.get("/ping", _limit(probe)) for _ in range(_TRIES)]
    found = []
    slow = [reply for reply in replies if reply.silent]
    if slow:
        found.append(
            SLOW.found(probe.name, f"{len(slow)} of {_TRIES} tries took more than {_limit(probe):g} s")
        )
    bad = [reply for reply in replies if not reply.silent and not _is_ok(reply.answer)]
    if bad:
        found.append(UNSTEADY.found(probe.name, f"{len(bad)} of {_TRIES} later tries: {bad[0].words}"))
    if replies[-1].body:
        found.append(BODY.found(probe.name, shown(replies[-1].body)))
    return found


async def first_invocations(probe: Probe) -> list[Finding]:
    """Whether the first 200 of GET /ping means that invocations are answered."""
    contact = await probe.contact()
    found = []
    if contact.failures and contact.accepted:
        seen = (
            f"{len(contact.failures)} invocations failed in the {contact.waited_s:.1f} s after the first 200 "
            f"({contact.failures[0].words}), then one was answered"
        )
        found.append(EARLY.found(probe.name, seen))
    first, *others = contact.seconds
    usual = sorted(others)[len(others) // 2] if others else first
    if contact.accepted and first > probe.around.patience.first_s and first > 10 * usual:
        found.append(FIRST_SLOW.found(probe.name, f"{first:.2f} s, then {usual:.3f} s"))
    return found


def _limit(probe: Probe) -> float:
    return probe.around.patience.ping_s


def _is_ok(answer: object) -> bool:
    return getattr(answer, "status", 0) == _OK


CHECKS = (
    Check("ping-status", "ping", "GET /ping is answered with 200 within 2 s", (STATUS, SLOW), status,
          needs_health=False),
    Check("ping-steadiness", "ping", "It stays so, fast and with an empty body", (SLOW, UNSTEADY, BODY),
          steadiness),
    Check("ping-meaning", "ping", "After the first 200 invocations are answered", (EARLY, FIRST_SLOW),
          first_invocations),
)  # fmt: skip
