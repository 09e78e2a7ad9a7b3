"""Checks of a pipeline: whether each container takes the answers of the one before it."""

from __future__ import annotations

from sagemaker_transform_emulator.sagemaker.requests import BatchStrategy
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_ENDPOINT_LIMIT = 5_000_000

REFUSED = Kind(
    "pipeline-answer-refused", Severity.ERROR, "it refuses what the container before it answers",
    "every record fails in the middle of the pipeline, and the data log shows this container's words",
    "set SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT on the container before, or read that Content-Type here",
    "R4.41",
)  # fmt: skip
TOO_LARGE = Kind(
    "pipeline-payload-refused", Severity.ERROR, "a full payload grows too large on its way",
    "payloads are filled up to MaxPayloadInMB for the first container; this one refuses what becomes of them",
    "lower MaxPayloadInMB, or raise this server's own limit", "R4.44",
)  # fmt: skip
LARGE = Kind(
    "pipeline-payload-large", Severity.NOTE, "more than 5 MB go from one container to the next",
    "endpoints refuse that; batch transform is not known to", "lower MaxPayloadInMB", "R4.43",
)  # fmt: skip


async def fit(probe: Probe) -> list[Finding]:
    """The answers of the container before, verbatim, with the Content-Type they had."""
    if not probe.subject.in_pipeline or probe.subject.position == 0:
        raise NotRun("no container comes before it")
    sample = probe.sample
    if sample is None or not sample.inherited:
        raise NotRun("the container before it gave no answer")
    for answer in sample.verbatim:
        reply = await probe.post(answer)
        if not reply.ok:
            seen = f"{answer[:80]!r} with Content-Type {sample.content_type or '(none)'}: {reply.words}"
            return [REFUSED.found(probe.name, seen)]
    return []


async def payload(probe: Probe) -> list[Finding]:
    """What the container before it made of a full payload."""
    body = probe.inherited_large
    if not probe.subject.in_pipeline or probe.subject.position == 0:
        raise NotRun("no container comes before it")
    if body is None:
        raise NotRun("the container before it answered no full payload, or only a part of it")
    found = []
    if len(body) > _ENDPOINT_LIMIT:
        found.append(LARGE.found(probe.name, f"{len(body):,} bytes"))
    reply = await probe.post(body)
    if not reply.ok:
        multi = probe.parameters.batch_strategy is BatchStrategy.MULTI_RECORD
        severity = None if multi else Severity.NOTE
        found.append(TOO_LARGE.found(probe.name, f"{len(body):,} bytes: {reply.words}", severity=severity))
    return found


CHECKS = (
    Check("pipeline-fit", "pipeline", "It takes what the container before it answers", (REFUSED,), fit),
    Check("pipeline-payload", "pipeline", "It takes what becomes of a full payload", (TOO_LARGE, LARGE),
          payload),
)  # fmt: skip
