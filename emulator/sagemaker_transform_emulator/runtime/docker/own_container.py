"""Whether this process runs in a container of the very engine it drives, as in Compose.

Such an emulator joins the network of each job: its containers are then reached at their own addresses,
and reach the store through it, whatever machine the engine is on.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import docker.errors
from docker.api.client import APIClient

# the engine mounts these three files from the container's own folder on its machine
_MOUNT = re.compile(r"/containers/([0-9a-f]{64})/\S+ /etc/(?:hostname|hosts|resolv\.conf) ")


def container_id(mountinfo: str) -> str | None:
    """The container that a process with these mounts runs in; None outside of any. Pure."""
    found = _MOUNT.search(mountinfo)
    return found[1] if found else None


def own_container(api: APIClient, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The id under which the engine knows this process's container; None when it does not."""
    try:
        found = container_id(mounts.read_text())
    except OSError:  # not Linux
        return None
    if found is None:
        return None
    try:
        state = api.inspect_container(found)
    except docker.errors.NotFound:  # of another engine
        return None
    on_host = state["HostConfig"]["NetworkMode"] == "host"
    return None if on_host else found


def sorted_last(network: str) -> str:
    """The network's name, such that no other network of the container sorts behind it.

    Of its networks a container takes the first by name for its way out and for its published ports. If
    that changed with each job, the emulator's own connections would break.
    """
    return f"zz-{network}"


def join(api: APIClient, network: str, container: str) -> str:
    """The container is on the network, and this is its address there."""
    api.connect_container_to_network(container, network)
    networks = api.inspect_container(container)["NetworkSettings"]["Networks"]
    return str(networks[network]["IPAddress"])


def remove_network(api: APIClient, network: str) -> None:
    """The network is gone, whoever was still on it. Raises APIError as the engine does."""
    for member in api.inspect_network(network).get("Containers") or {}:
        with suppress(docker.errors.APIError):  # it has just left by itself
            api.disconnect_container_from_network(member, network, force=True)
    api.remove_network(network)
