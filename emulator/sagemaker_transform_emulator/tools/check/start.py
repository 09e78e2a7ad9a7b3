"""Checks of the start: `serve`, an early end, port and address, time until healthy, the label."""

from __future__ import annotations

from sagemaker_transform_emulator.runtime.base import BIND_LABEL
from sagemaker_transform_emulator.runtime.probing import Probed
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, tail
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_PING_FAILS = "the job fails with `Model container failed to respond to ping`, after up to 30 minutes"

REFUSED = Kind(
    "start-refused", Severity.ERROR, "the image cannot be started as `docker run IMAGE serve`",
    "the job fails with AlgorithmError", 'give the image an exec-form ENTRYPOINT that takes "serve"', "R4.1",
)  # fmt: skip
EXITED = Kind(
    "start-exited", Severity.ERROR, "it ends before it is healthy",
    _PING_FAILS, "see its last lines; run it by hand with the argument `serve`", "R4.13",
)  # fmt: skip
NOT_LISTENING = Kind(
    "start-not-listening", Severity.ERROR, "nothing listens on its port within the time",
    _PING_FAILS, "listen on port 8080, or SAGEMAKER_BIND_TO_PORT where it is set", "R4.11",
)  # fmt: skip
OTHER_PORT = Kind(
    "start-other-port", Severity.ERROR, "it listens on another port than 8080",
    _PING_FAILS, "listen on port 8080, or SAGEMAKER_BIND_TO_PORT where it is set", "R4.20",
)  # fmt: skip
BIND_IGNORED = Kind(
    "start-bind-port-ignored", Severity.ERROR, "it does not listen on SAGEMAKER_BIND_TO_PORT",
    "in an inference pipeline two containers want the same port, and the job fails",
    "listen on the port that SAGEMAKER_BIND_TO_PORT names, and on 8080 without it", "R4.38",
)  # fmt: skip
LOOPBACK = Kind(
    "start-loopback-only", Severity.ERROR, "it listens on its own loopback only",
    _PING_FAILS, "bind to 0.0.0.0", "R4.20",
)  # fmt: skip
SLOW = Kind(
    "start-slow", Severity.NOTE, "it needs more than a minute until it is healthy",
    "every instance waits as long before the first record; after 30 minutes the job fails",
    "load less, or bake into the image what is fetched or built at the start", "R4.11",
)  # fmt: skip
UNLABELLED = Kind(
    "start-label-missing", Severity.WARNING, f"the image lacks the label {BIND_LABEL}=true",
    "endpoints refuse such an image in a model of several containers; batch transform does not say",
    f"add `LABEL {BIND_LABEL}=true` once it listens on SAGEMAKER_BIND_TO_PORT", "R1.10",
)  # fmt: skip


async def start(probe: Probe) -> list[Finding]:
    """Why it could not be started, or ended."""
    record = probe.start
    if record.refusal:
        return [REFUSED.found(probe.name, record.refusal, remedy=record.refusal_remedy)]
    if record.ended is not None:
        seen = f"it {record.ended.reason} before it answered GET /ping with 200{tail(probe.container)}"
        return [EXITED.found(probe.name, seen)]
    return []


async def port(probe: Probe) -> list[Finding]:
    """Whether it listens where it should, when nothing ever answered there."""
    record = probe.start
    if record.ready_s is not None or any(ping.reply.answer for ping in record.pings):
        return []
    container = probe.container
    if record.ended is not None:
        raise NotRun(f"it {record.ended.reason}")
    hearing = container.hearing() if isinstance(container, Probed) else None
    if hearing is not None and hearing.to_itself:
        return [LOOPBACK.found(probe.name, hearing.words)]
    if hearing is not None and hearing.elsewhere:
        kind = BIND_IGNORED if hearing.told else OTHER_PORT
        return [kind.found(probe.name, hearing.words)]
    if any(ping.reply.silent for ping in record.pings):
        return []  # it listens, and the ping check says that it is silent
    seen = hearing.words if hearing else container.diagnose_silence() or "no connection was accepted"
    return [NOT_LISTENING.found(probe.name, f"{seen}{tail(container)}")]


async def readiness(probe: Probe) -> list[Finding]:
    """How long it takes until it is healthy."""
    seconds = probe.start.ready_s or 0.0
    if seconds <= probe.around.patience.slow_start_s:
        return []
    return [SLOW.found(probe.name, f"healthy after {seconds:.1f} s")]


async def label(probe: Probe) -> list[Finding]:
    """Whether the image promises to listen on SAGEMAKER_BIND_TO_PORT."""
    if probe.around.needs.prepared.runtime.name != "docker":
        raise NotRun("the process runtime starts commands, which carry no labels")
    if probe.subject.labelled:
        return []
    severity = Severity.WARNING if probe.subject.in_pipeline else Severity.NOTE
    return [UNLABELLED.found(probe.name, f"image {probe.subject.spec.image}", severity=severity)]


CHECKS = (
    Check("start", "start", "The container starts with `serve` and keeps running", (REFUSED, EXITED), start,
          needs_health=False),
    Check("port", "start", "It listens on its port, on an address others can reach",
          (NOT_LISTENING, OTHER_PORT, BIND_IGNORED, LOOPBACK), port, needs_health=False),
    Check("readiness", "start", "It is healthy soon", (SLOW,), readiness),
    Check("label", "start", "The image says that it listens on SAGEMAKER_BIND_TO_PORT", (UNLABELLED,), label,
          needs_health=False),
)  # fmt: skip
