"""The Docker runtime: a container is the image, run with the argument `serve` (R4.1).

The way to a container. Where the gateway of the job's network is an address of this machine (an engine
on Linux), or where the emulator itself runs in a container of the engine (Compose) and joins that
network, containers are reached at their own addresses, and no port is published. Elsewhere (Docker
Desktop, a remote or rootless engine) the port is published on 127.0.0.1 under a number the engine picks.
Measured with `python benchmarks/docker_paths.py` on a 2-core Linux machine with Docker 20.10, one
keep-alive connection, 1 KB echo, best of 5: own address 22,258 requests/s (45 µs each), published port
8,462 (118 µs); again 12,086 and 7,825 on the same machine under load. Besides, a published port accepts
connections before the container listens, its own address does not.

Everything made carries labels (labels.py), so that what a killed run left behind is found and removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.runtime.base import ContainerSpec, LogSink, Prepared
from sagemaker_transform_emulator.runtime.docker import images
from sagemaker_transform_emulator.runtime.docker.confinement import Confinement
from sagemaker_transform_emulator.runtime.docker.container import DockerContainer, Made, remove
from sagemaker_transform_emulator.runtime.docker.create import ContainerPlan, make
from sagemaker_transform_emulator.runtime.docker.engine import Engine, engine_errors
from sagemaker_transform_emulator.runtime.docker.instance_types import capacity
from sagemaker_transform_emulator.runtime.docker.labels import object_name
from sagemaker_transform_emulator.runtime.docker.leftovers import owner, remove_of_run
from sagemaker_transform_emulator.runtime.docker.networks import JobNetwork, JobNetworks
from sagemaker_transform_emulator.runtime.process import port_variables
from sagemaker_transform_emulator.runtime.workspace import Workspace

FIRST_PORT = 8080
_VERSION = version("sagemaker-transform-emulator")


class DockerRuntime:
    """Starts images in a Docker engine."""

    name = "docker"

    def __init__(self, engine: Engine, workspace: Workspace, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._owner = owner(workspace)
        self._networks = JobNetworks(engine, self._owner.run_id, self._labels)
        self._images: dict[str, images.Image] = {}
        self._confinement: Confinement | None = None
        self._count = 0

    @property
    def version(self) -> str:
        """The engine's version."""
        return self._engine.version

    async def absent(self, names: Sequence[str]) -> list[str]:
        """Those images that neither the engine has nor a local image stands for."""
        found = await asyncio.gather(*(self._stand_in(name) for name in names))
        return [name for name, (_, image) in zip(names, found, strict=True) if image is None]

    async def of_other_version(self, names: Sequence[str]) -> list[str]:
        """Those images that one of ours stands for which carries another version of the library."""
        found = await asyncio.gather(*(self._stand_in(name) for name in names))
        mappings = self._settings.all_images
        return [
            name
            for name, (stand_in, _) in zip(names, found, strict=True)
            if stand_in != name and images.other_version_stands_in(name, stand_in, mappings)
        ]

    async def prepare(self, names: Sequence[str], tell: Callable[[str], None]) -> Prepared:
        """Every image is there, pulled where the setting `pull` allows. See `RuntimeChoice.prepare`."""
        loop = asyncio.get_running_loop()

        def tell_from_thread(text: str) -> None:
            loop.call_soon_threadsafe(tell, text)

        notes: dict[str, str] = {}
        for name in dict.fromkeys(names):
            stand_in, found = await self._stand_in(name)
            self._images[name] = await self._obtain(stand_in, found, tell_from_thread)
            if stand_in != name:
                tell(f"image {stand_in} stands for {name}")
                notes[name] = images.note_on_version(name, stand_in, self._settings.all_images)
        unlabelled = {name for name in names if not self._images[name].accepts_bind_to_port}
        return Prepared(self, frozenset(unlabelled), {name: note for name, note in notes.items() if note})

    async def start(self, spec: ContainerSpec, log: LogSink) -> DockerContainer:
        """Return the started container. See `Runtime.start` for the errors."""
        if spec.image not in self._images:
            await self.prepare([spec.image], lambda _: None)
        job = spec.labels.get("job", self._owner.run_id)
        network = await self._networks.enter(job, isolated=spec.network_isolation)
        try:
            plan = await self._plan(spec, network)
            assert self._confinement is not None
            confinement = self._confinement
            made = await self._to_the_end(lambda: make(self._engine, plan, confinement))
        except BaseException:
            await asyncio.shield(self._networks.leave(job))
            raise
        return DockerContainer(spec, made, self._engine, log, lambda: self._networks.leave(job))

    async def close(self) -> None:
        """Nothing of this run is left in the engine, as far as it answers."""
        try:
            await self._engine.call(lambda: remove_of_run(self._engine, self._owner.run_id))
        finally:
            self._engine.close()

    async def _stand_in(self, name: str) -> tuple[str, images.Image | None]:
        mappings = self._settings.all_images
        return await self._engine.call(lambda: images.local_stand_in(self._engine.api, name, mappings))

    async def _obtain(
        self, name: str, found: images.Image | None, tell: Callable[[str], None]
    ) -> images.Image:
        def work() -> images.Image:
            with engine_errors(f"pull image {name!r}"):
                return images.obtain(self._engine.api, name, found, self._settings.pull, tell)

        return await self._engine.call(work)

    async def _plan(self, spec: ContainerSpec, network: JobNetwork) -> ContainerPlan:
        if self._confinement is None:
            info = await self._engine.call(self._info)
            settings = self._settings
            self._confinement = Confinement(settings.profile, settings.instance_limits, int(info["NCPU"]))
        self._count += 1
        port = FIRST_PORT + spec.position if spec.binds_to_port else FIRST_PORT
        return ContainerPlan(
            spec=spec,
            image=self._images[spec.image],
            network=network,
            name=object_name(self._owner.run_id, str(self._count), spec.labels.get("job", ""), spec.name),
            labels=self._labels(dict(spec.labels)),
            environment={
                **await network.store_variables(spec.store),
                **spec.environment,
                **(port_variables(port) if spec.binds_to_port else {}),
            },
            port=port,
            limit=capacity(spec.instance_type) if self._confinement.limits_apply else None,
        )

    async def _to_the_end(self, work: Callable[[], Made]) -> Made:
        """The work's result; when the caller is cancelled meanwhile, what it made is removed first."""
        making = asyncio.ensure_future(self._engine.call(work))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            await asyncio.wait({making})
            if making.exception() is None:
                made = making.result()
                await self._engine.call(lambda: remove(self._engine, made.id, made.volume, stop=False))
                made.output.close()
            raise

    def _labels(self, about: dict[str, str]) -> dict[str, str]:
        return self._owner.labels(_VERSION, about)

    def _info(self) -> dict[str, Any]:
        with engine_errors("describe its machine"):
            return dict(self._engine.api.info())
