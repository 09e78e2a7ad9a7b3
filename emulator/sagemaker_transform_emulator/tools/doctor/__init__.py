"""`emulator doctor`: what the emulator needs of this machine, as findings with remedies."""

from __future__ import annotations

from sagemaker_transform_emulator.tools.doctor import aws, engine, machine, software
from sagemaker_transform_emulator.tools.doctor.surroundings import Look, MachineView, Part
from sagemaker_transform_emulator.tools.findings import Kind

__all__ = ["GROUPS", "KINDS", "LOOKS", "MachineView", "Part", "diagnose"]

LOOKS: tuple[Look, ...] = (*machine.LOOKS, *software.LOOKS, *engine.LOOKS, *aws.LOOKS)
GROUPS: dict[str, tuple[str, ...]] = {look.name: tuple(kind.id for kind in look.kinds) for look in LOOKS}
KINDS: dict[str, Kind] = {kind.id: kind for look in LOOKS for kind in look.kinds}


def diagnose(at: MachineView | None = None) -> tuple[Part, ...]:
    """Every part of the machine, looked at in a few seconds. Nothing is changed."""
    surroundings = at or MachineView()
    return tuple(look.look(surroundings) for look in LOOKS)
