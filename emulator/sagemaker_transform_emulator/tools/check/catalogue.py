"""All checks, in the order in which they are carried out on a container."""

from __future__ import annotations

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.tools.check import (
    answers,
    bodies,
    ending,
    fit,
    load,
    media_types,
    memory,
    parameters,
    ping,
    places,
    start,
    variants,
)
from sagemaker_transform_emulator.tools.check.check import Check
from sagemaker_transform_emulator.tools.findings import Kind

CHECKS: tuple[Check, ...] = (
    *start.CHECKS,
    *ping.CHECKS,
    *parameters.CHECKS,
    *fit.CHECKS,
    *media_types.CHECKS,
    *answers.CHECKS,
    *bodies.CHECKS,
    *load.CHECKS,
    *memory.CHECKS,
    places.FILES,
    places.MODEL_FILES,
    *ending.CHECKS,
    *variants.CHECKS,
    places.STRICT_START,
)
WITHOUT_CONTAINER = {check.id for check in (*ending.CHECKS[1:], *variants.CHECKS, places.STRICT_START)}
"""Those that do not need the container of the checks before them any more."""

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(check.group for check in CHECKS))
KINDS: dict[str, Kind] = {kind.id: kind for check in CHECKS for kind in check.kinds}


def chosen(names: list[str]) -> frozenset[str]:
    """The ids of the checks that groups or ids name; all without a name. Raises UsageError."""
    if not names:
        return frozenset(check.id for check in CHECKS)
    known = {*GROUPS, *(check.id for check in CHECKS)}
    for name in names:
        if name not in known:
            raise UsageError(
                f"--only {name!r} is neither a group nor a check",
                remedy=f"groups: {', '.join(GROUPS)}; checks: see docs/checks.md",
            )
    return frozenset(check.id for check in CHECKS if {check.id, check.group} & set(names))
