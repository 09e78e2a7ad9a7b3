"""What a container may do on the machine: the profiles `sagemaker` and `strict`. Pure.

`sagemaker` keeps to what SageMaker gives: the engine's own capabilities without NET_RAW, no new
privileges, 4,096 processes, a writable model directory. `strict` takes all that can be taken: no
capability, a read-only root with a /tmp in memory, the model read-only, the instance type's limits
always. No profile gives the engine's socket, the host's network or privileged mode to anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sagemaker_transform_emulator.runtime.docker.instance_types import Capacity

Profile = Literal["sagemaker", "strict"]
_PROCESSES = 4096


@dataclass(frozen=True, slots=True)
class Confinement:
    """How containers are confined. `cpus` are those of the engine's machine."""

    profile: Profile = "sagemaker"
    instance_limits: bool = False
    cpus: int = 1

    @property
    def limits_apply(self) -> bool:
        """Whether memory and CPUs are those of the instance type."""
        return self.instance_limits or self.profile == "strict"

    @property
    def model_is_read_only(self) -> bool:
        """Whether /opt/ml/model may not be written (R4.2 leaves that open)."""
        return self.profile == "strict"

    def host_config(self, capacity: Capacity | None) -> dict[str, Any]:
        """The arguments of the engine's host configuration that confine a container."""
        strict = self.profile == "strict"
        found: dict[str, Any] = {
            "cap_drop": ["ALL"] if strict else ["NET_RAW"],
            "security_opt": ["no-new-privileges"],
            "pids_limit": _PROCESSES,
            "privileged": False,
        }
        if strict:
            found |= {"read_only": True, "tmpfs": {"/tmp": "rw,nosuid,nodev,mode=1777"}}  # noqa: S108 - inside
        if capacity is not None and self.limits_apply:
            found |= {
                "mem_limit": capacity.memory_bytes,
                "memswap_limit": capacity.memory_bytes,
                "nano_cpus": min(capacity.vcpus, self.cpus) * 10**9,
            }
        return found
