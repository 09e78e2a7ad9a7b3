"""What an ML instance type has, and what of it a container gets. Pure.

vCPUs follow from the size (`large` 2, `xlarge` 4, `Nxlarge` 4 N) and memory from the family's GiB for
each vCPU; the few types that break the rule are listed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sagemaker_transform_emulator.sagemaker.requests import MIB

_GIB = 1024 * MIB
_GIB_PER_VCPU = {
    2.0: "c5 c5d c6i c6g c6gd c6gn c7i c7g inf1",
    4.0: "m4 m5 m5d m6i m6g m6gd m7i m7g g4dn g5 g6 trn1 trn1n inf2",
    8.0: "r5 r5d r6i r6g r6gd r7i r7g g6e",
}
_FAMILIES = {family: ratio for ratio, families in _GIB_PER_VCPU.items() for family in families.split()}
_EXCEPTIONS = {
    "t2.medium": (2, 4), "t2.large": (2, 8), "t2.xlarge": (4, 16), "t2.2xlarge": (8, 32),
    "t3.medium": (2, 4), "t3.large": (2, 8), "t3.xlarge": (4, 16), "t3.2xlarge": (8, 32),
    "c4.large": (2, 3.75), "c4.xlarge": (4, 7.5), "c4.2xlarge": (8, 15), "c4.4xlarge": (16, 30),
    "c4.8xlarge": (36, 60),
    "p2.xlarge": (4, 61), "p2.8xlarge": (32, 488), "p2.16xlarge": (64, 732),
    "p3.2xlarge": (8, 61), "p3.8xlarge": (32, 244), "p3.16xlarge": (64, 488),
}  # fmt: skip
_TYPE = re.compile(r"ml\.(?P<family>[a-z0-9]+)\.(?:(?P<small>large|xlarge)|(?P<times>\d+)xlarge)")


@dataclass(frozen=True, slots=True)
class Capacity:
    """What an instance type has."""

    instance_type: str
    vcpus: int
    memory_bytes: int

    @property
    def memory_words(self) -> str:
        """Such as "16 GiB, what ml.m4.xlarge has"."""
        return f"{self.memory_bytes / _GIB:g} GiB, what {self.instance_type} has"


def capacity(instance_type: str) -> Capacity | None:
    """What the instance type has; None for a type that is not in the table."""
    known = _EXCEPTIONS.get(instance_type.removeprefix("ml."))
    if known is not None:
        return Capacity(instance_type, known[0], int(known[1] * _GIB))
    match = _TYPE.fullmatch(instance_type)
    if match is None or match["family"] not in _FAMILIES:
        return None
    vcpus = {"large": 2, "xlarge": 4}[match["small"]] if match["small"] else 4 * int(match["times"])
    return Capacity(instance_type, vcpus, int(vcpus * _FAMILIES[match["family"]] * _GIB))
