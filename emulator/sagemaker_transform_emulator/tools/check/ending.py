"""Checks of the end: whether the container survives the other checks, and how it reacts to SIGTERM."""

from __future__ import annotations

from time import perf_counter

from sagemaker_transform_emulator.runtime.probing import Probed
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.check.values import NotRun, tail
from sagemaker_transform_emulator.tools.findings import Finding, Kind, Severity

DIED = Kind(
    "container-died", Severity.ERROR, "it ends while it is asked things",
    "the request fails, the container is not started again, and the job fails with AlgorithmError",
    "see its last lines; a bad request must not end the server", "R6.5",
)  # fmt: skip
DEAF = Kind(
    "sigterm-ignored", Severity.WARNING, "it goes on after SIGTERM",
    "it is killed 30 seconds later, in the middle of whatever it does",
    'use the exec form of ENTRYPOINT and `exec "$@"` in scripts, so that the signal reaches the server',
    "R4.7",
)  # fmt: skip


async def alive(probe: Probe) -> list[Finding]:
    """Whether it still runs after all that."""
    return await deaths(probe, probe.last_check, 0.1)


async def deaths(probe: Probe, check: str, wait_s: float) -> list[Finding]:
    """The news that it has ended, within `wait_s` seconds of that check; reported once."""
    ended = await probe.container.exited(wait_s)
    if ended is None or probe.end_reported:
        return []
    probe.end_reported = True
    seen = f"it {ended.reason}, at the check {check} or soon after{tail(probe.container)}"
    return [DIED.found(probe.name, seen)]


async def sigterm(probe: Probe) -> list[Finding]:
    """SIGTERM ends it in time. Afterwards it is of no use any more."""
    container, grace = probe.container, probe.around.patience.stop_s
    if not isinstance(container, Probed):
        raise NotRun("this runtime cannot send signals by themselves")
    started = perf_counter()
    if await container.terminate(grace) is not None:
        return []
    return [DEAF.found(probe.name, f"it still runs {perf_counter() - started:.1f} s after SIGTERM")]


ALIVE = Check("alive", "stop", "It lives through the checks", (DIED,), alive)
SIGTERM = Check("sigterm", "stop", "SIGTERM ends it within 30 s", (DEAF,), sigterm)
CHECKS = (ALIVE, SIGTERM)
