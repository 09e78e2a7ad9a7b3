"""Checks under load: the largest payload, several requests at once, the same record again."""

from __future__ import annotations

import asyncio

from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, Reply, shown
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity
from sagemaker_transform_emulator.transport import Answer

_AT_LEAST, _AT_MOST = 4, 16
_ROUNDS = 5
_PRECISION = 0.05

LIMIT = Kind(
    "payload-limit", Severity.ERROR, "payloads below MaxPayloadInMB are refused",
    "mini-batches are filled up to MaxPayloadInMB: objects that are large enough fail",
    "raise the server's own limit (nginx: client_max_body_size), or offer and set a smaller MaxPayloadInMB",
    "R2.7",
)  # fmt: skip
AT_ONCE_FAIL = Kind(
    "concurrent-requests-fail", Severity.ERROR, "requests at the same time fail",
    "with MaxConcurrentTransforms above 1 objects fail by chance",
    "answer several requests at once, or offer MaxConcurrentTransforms 1", "R4.24",
)  # fmt: skip
AT_ONCE_DIFFER = Kind(
    "concurrent-answers-differ", Severity.ERROR, "requests at the same time get other answers",
    "outputs belong to the wrong records, and nothing fails",
    "share no state between requests (global variables, one scratch file)", "R4.24",
)  # fmt: skip
CHANGING = Kind(
    "answers-change", Severity.WARNING, "the same record is answered differently each time",
    "a retried or repeated job has another output", "fix the seed, or leave out times and random ids",
    "R4.26",
)  # fmt: skip


async def payload_limit(probe: Probe) -> list[Finding]:
    """A payload of MaxPayloadInMB, and the largest that is answered when that one is not."""
    answers = await probe.lines()
    assert probe.sample is not None
    if probe.subject.position:
        raise NotRun("the limit holds for the first container; see pipeline-payload")
    limit = probe.parameters.max_payload_bytes
    if limit is None:
        raise NotRun("MaxPayloadInMB is 0: there is no limit")
    block = probe.sample.body(*(record for record, _ in answers))
    body = _filled(block, limit)
    reply = await probe.post(body)
    if reply.ok:
        probe.largest_answer = reply.body
        return []
    best = await _largest(probe, block, limit)
    seen = f"{len(body):,} bytes: {reply.words}; the largest that is answered has about {best:,} bytes"
    multi = probe.parameters.batch_strategy is BatchStrategy.MULTI_RECORD
    return [LIMIT.found(probe.name, seen, severity=None if multi else Severity.NOTE)]


async def _largest(probe: Probe, block: bytes, limit: int) -> int:
    good, bad = len(block), limit
    while bad - good > max(_PRECISION * limit, len(block)):
        middle = (good + bad) // 2
        reply = await probe.post(_filled(block, middle))
        good, bad = (middle, bad) if reply.ok else (good, middle)
    return good


def _filled(block: bytes, limit: int) -> bytes:
    """As many whole lines of the block, again and again, as fit."""
    whole = (block * (limit // len(block) + 1))[:limit]
    return whole[: whole.rfind(b"\n") + 1] or block


async def at_once(probe: Probe) -> list[Finding]:
    """As many requests at a time as the job may send, and each answer the one for its record."""
    answers = await probe.answered()
    assert probe.sample is not None
    in_force = probe.parameters.max_concurrent_transforms
    count = min(max(in_force, _AT_LEAST), _AT_MOST)
    severity = None if in_force > 1 else Severity.WARNING
    lines = [probe.connection() for _ in range(count)]
    try:
        pairs: list[tuple[Answer, Reply]] = []
        for turn in range(_ROUNDS):
            chosen = [answers[(number + turn) % len(answers)] for number in range(count)]
            replies = await asyncio.gather(
                *(
                    probe.post_on(line, probe.sample.body(record))
                    for line, (record, _) in zip(lines, chosen, strict=True)
                )
            )
            pairs += [(answer, reply) for (_, answer), reply in zip(chosen, replies, strict=True)]
    finally:
        for line in lines:
            await line.close()
    failed = [reply for _, reply in pairs if not reply.ok]
    if failed:
        seen = f"{len(failed)} of {len(pairs)}, {count} at a time: {failed[0].words}"
        return [AT_ONCE_FAIL.found(probe.name, seen, severity=severity)]
    wrong = [(answer, reply) for answer, reply in pairs if answer.body != reply.body]
    if not wrong:
        return []
    await probe.require_steady()
    right, got = wrong[0]
    seen = f"{len(wrong)} of {len(pairs)}, {count} at a time: {shown(got.body)} for {shown(right.body)}"
    return [AT_ONCE_DIFFER.found(probe.name, seen, severity=severity)]


async def determinism(probe: Probe) -> list[Finding]:
    """The same record several times."""
    bodies = await probe.changes()
    return [CHANGING.found(probe.name, " | ".join(shown(body) for body in bodies[:3]))] if bodies else []


CHECKS = (
    Check("determinism", "load", "The same record has the same answer", (CHANGING,), determinism),
    Check("concurrency", "load", "Several requests at once are answered, each with its own answer",
          (AT_ONCE_FAIL, AT_ONCE_DIFFER), at_once),
    Check("payload-limit", "load", "A payload of MaxPayloadInMB is answered", (LIMIT,), payload_limit),
)  # fmt: skip
