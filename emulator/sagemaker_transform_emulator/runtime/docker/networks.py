"""One network for each job: made when its first container starts, gone when its last one has stopped.

With EnableNetworkIsolation the network is internal: the engine lets nothing through to other hosts or
networks. This host's own addresses stay reachable, which the engine cannot prevent, so what listens there
on all addresses is visible to such a container; it gets no relay, no endpoint and no keys.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import docker.errors

from sagemaker_transform_emulator.config import StoreAddress
from sagemaker_transform_emulator.errors import EngineError
from sagemaker_transform_emulator.runtime.docker.engine import Engine, engine_errors
from sagemaker_transform_emulator.runtime.docker.labels import object_name
from sagemaker_transform_emulator.runtime.docker.own_container import (
    join,
    own_container,
    remove_network,
    sorted_last,
)
from sagemaker_transform_emulator.runtime.docker.relay import Relay
from sagemaker_transform_emulator.runtime.store_access import (
    for_container,
    loopback_target,
    moved,
    plain_target,
)

HOST_NAME = "host.docker.internal"
"""What Docker Desktop calls the machine it runs on; its loopback is reached by that name."""


@dataclass(slots=True)
class JobNetwork:
    """A bridge network. `address` is this process's own on it, "" when it has none.

    It has one where the gateway is an address of this machine, or where it is `inside`: in a container that
    has joined the network. Containers are then reached at their own addresses, otherwise at a published
    port.
    """

    name: str
    address: str
    isolated: bool
    inside: bool = False
    members: int = 0
    relays: dict[tuple[str, int], Relay] = field(default_factory=dict)

    @property
    def near(self) -> bool:
        """Whether containers are reached at their own addresses."""
        return bool(self.address)

    async def store_variables(self, store: StoreAddress | None) -> dict[str, str]:
        """What a container needs to reach S3; nothing with network isolation (R4.6).

        A store that only this process reaches, because it is on this machine's loopback or on a network of
        this container's, gets a relay on `address`.
        """
        if store is None or self.isolated:
            return {}
        endpoint = store.endpoint_url
        target = plain_target(endpoint) if self.inside else loopback_target(endpoint)
        if endpoint is None or target is None:
            return for_container(endpoint)
        if not self.near:
            return for_container(moved(endpoint, HOST_NAME, target[1]))
        relay = self.relays.get(target)
        if relay is None:
            relay = self.relays[target] = Relay(self.address, target)
            await relay.open()
        return for_container(moved(endpoint, relay.host, relay.port))

    async def close_relays(self) -> None:
        """No relay listens any more."""
        for relay in self.relays.values():
            await relay.close()
        self.relays.clear()


class JobNetworks:
    """The networks of one run, by job."""

    def __init__(
        self, engine: Engine, run_id: str, labels: Callable[[dict[str, str]], dict[str, str]]
    ) -> None:
        self._engine = engine
        self._run_id = run_id
        self._labels = labels
        self._networks: dict[str, JobNetwork] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def enter(self, job: str, *, isolated: bool) -> JobNetwork:
        """The job's network, with one more member. Raises EngineError when there can be none."""
        async with self._locks.setdefault(job, asyncio.Lock()):
            network = self._networks.get(job)
            if network is None:
                network = self._networks[job] = await self._make(job, isolated=isolated)
            network.members += 1
            return network

    async def leave(self, job: str) -> None:
        """One member less; the network is gone with its last one."""
        async with self._locks.setdefault(job, asyncio.Lock()):
            network = self._networks[job]
            network.members -= 1
            if network.members == 0:
                del self._networks[job]
                await network.close_relays()
                await self._engine.call(lambda: self._remove(network.name))

    async def _make(self, job: str, *, isolated: bool) -> JobNetwork:
        inside = await self._engine.call(lambda: own_container(self._engine.api))
        name = object_name(self._run_id, job)
        if inside is not None:
            name = sorted_last(name)
        making = asyncio.ensure_future(
            self._engine.call(lambda: self._create(name, job, inside, isolated=isolated))
        )
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait({making})
            await self._engine.call(lambda: self._remove(name))
            raise

    def _create(self, name: str, job: str, inside: str | None, *, isolated: bool) -> JobNetwork:
        api = self._engine.api
        with engine_errors(f"make a network for job {job}"):
            api.create_network(name, driver="bridge", internal=isolated, labels=self._labels({"job": job}))
            found = api.inspect_network(name)
        if inside is not None:
            return JobNetwork(name, self._join(name, inside), isolated, inside=True)
        gateway = next((item["Gateway"] for item in found["IPAM"]["Config"] if item.get("Gateway")), "")
        gateway = gateway.partition("/")[0]
        near = is_ours(gateway)
        if isolated and not near:
            self._remove(name)
            raise EngineError(
                "EnableNetworkIsolation needs the Docker engine on this very machine: from elsewhere "
                "a container on a network without egress cannot be reached",
                remedy="run the emulator on the engine's machine (Linux) or in Compose, "
                "or set EnableNetworkIsolation to false",
            )
        return JobNetwork(name, gateway if near else "", isolated)

    def _join(self, name: str, container: str) -> str:
        try:
            with engine_errors("let the emulator's own container join a job's network"):
                return join(self._engine.api, name, container)
        except EngineError:
            self._remove(name)
            raise

    def _remove(self, name: str) -> None:
        with suppress(EngineError), engine_errors("remove a network"), suppress(docker.errors.NotFound):
            remove_network(self._engine.api, name)


def is_ours(address: str) -> bool:
    """Whether it is an address of this machine, in the network namespace of this process."""
    if not address:
        return False
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
