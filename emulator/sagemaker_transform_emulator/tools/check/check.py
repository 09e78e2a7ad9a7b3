"""What a check is: a name, the kinds of findings it may give, and the function that gives them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from sagemaker_transform_emulator.tools.check.probe import Probe
from sagemaker_transform_emulator.tools.findings import Finding, Kind


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `needs_health` is false for those that also say something about a failed start."""

    id: str
    group: str
    title: str
    kinds: tuple[Kind, ...]
    run: Callable[[Probe], Awaitable[list[Finding]]]
    needs_health: bool = True
