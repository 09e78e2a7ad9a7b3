"""Checks with the container started again: on another port, without network."""

from __future__ import annotations

from dataclasses import replace

from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.launch import launched
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.start import BIND_IGNORED
from sagemaker_transform_emulator.tools.check.values import NotRun, normalised, shown, tail
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

_DOCKER = "docker"

ISOLATION = Kind(
    "isolation-fails", Severity.ERROR, "it does not work in network isolation",
    "models with EnableNetworkIsolation have no network at all, S3 included: the job fails",
    "bring everything along in the image or the model archive", "R4.37",
)  # fmt: skip


async def bind_port(probe: Probe) -> list[Finding]:
    """Whether it listens on the port that SAGEMAKER_BIND_TO_PORT names, which is not 8080."""
    if probe.around.needs.prepared.runtime.name != _DOCKER:
        return []  # each process is told a port of its own, and this one listens on it
    spec = probe.subject.spec
    changed = replace(spec, binds_to_port=True, position=spec.position + 1)
    window = max(10.0, 3 * (probe.start.ready_s or 0.0))
    async with launched(probe.subject, probe.around, None, spec=changed, window_s=window) as second:
        if second.start.ready_s is not None:
            return []
        seen = second.start.refusal or second.container.diagnose_silence() or "nothing answers on that port"
    severity = None if probe.subject.in_pipeline else Severity.WARNING
    return [BIND_IGNORED.found(probe.name, seen, severity=severity)]


async def isolation(probe: Probe) -> list[Finding]:
    """Whether it starts, and answers the same, without a network."""
    around = probe.around
    if not around.options.isolated:
        raise NotRun("the model does not ask for EnableNetworkIsolation, and --isolated is not given")
    if around.needs.prepared.runtime.name != _DOCKER:
        raise NotRun("only a Docker engine can take the network from a container")
    spec = probe.subject.spec
    labels = {**spec.labels, "job": f"{spec.labels.get('job', 'check')}-isolated"}
    changed = replace(spec, network_isolation=True, store=None, labels=labels)
    window = max(10.0, 3 * (probe.start.ready_s or 0.0))
    async with launched(probe.subject, around, probe.sample, spec=changed, window_s=window) as second:
        if second.start.ready_s is None:
            why = second.start.refusal or f"it does not become healthy{tail(second.container)}"
            return [ISOLATION.found(probe.name, why)]
        return await _compare(probe, second)


async def _compare(probe: Probe, second: Probe) -> list[Finding]:
    if probe.sample is None:
        return []
    before, now = await probe.contact(), await second.contact()
    if not before.accepted:
        return []
    if not now.accepted:
        return [ISOLATION.found(probe.name, f"{now.rejected[0][1].words}{tail(second.container)}")]
    first, second_answer = before.accepted[0][1].body, now.accepted[0][1].body
    if normalised(first) == normalised(second_answer):
        return []
    await probe.require_steady()
    seen = f"with network {shown(first)}, without {shown(second_answer)}"
    return [ISOLATION.found(probe.name, seen, severity=Severity.WARNING)]


CHECKS = (
    Check("bind-port", "start", "It listens on SAGEMAKER_BIND_TO_PORT", (BIND_IGNORED,), bind_port),
    Check("isolation", "isolation", "It works in network isolation", (ISOLATION,), isolation),
)  # fmt: skip
