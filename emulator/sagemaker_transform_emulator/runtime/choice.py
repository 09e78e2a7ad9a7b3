"""Which runtime runs a model's containers, and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.errors import EmulatorError, EngineError, MachineError, ModelError
from sagemaker_transform_emulator.runtime.base import Prepared, RuntimeChoice
from sagemaker_transform_emulator.runtime.process import ProcessRuntime
from sagemaker_transform_emulator.runtime.workspace import Workspace

if TYPE_CHECKING:
    from sagemaker_transform_emulator.runtime.docker.runtime import DockerRuntime


@asynccontextmanager
async def open_runtime(settings: Settings, workspace: Workspace) -> AsyncIterator[RuntimeChoice]:
    """The runtime the settings ask for; everything it made is gone when the block ends.

    What killed runs left in the engine is removed first. Raises MachineError when Docker is asked for and
    no engine answers.
    """
    runtime: RuntimeChoice
    if settings.runtime == "docker":
        runtime = await open_docker(settings, workspace)
    elif settings.runtime == "process":
        runtime = ProcessRuntime(workspace, settings)
    else:
        runtime = AutoRuntime(settings, workspace)
    try:
        yield runtime
    finally:
        with suppress(EngineError):  # it went away; the next start sweeps
            await asyncio.shield(runtime.close())


async def open_docker(settings: Settings, workspace: Workspace) -> DockerRuntime:
    """The Docker runtime, in an engine without leftovers. Raises MachineError or EngineError."""
    # brings the Docker SDK, which jobs of processes do without
    from sagemaker_transform_emulator.runtime.docker.engine import connect  # noqa: PLC0415
    from sagemaker_transform_emulator.runtime.docker.leftovers import sweep_engine  # noqa: PLC0415
    from sagemaker_transform_emulator.runtime.docker.runtime import DockerRuntime  # noqa: PLC0415

    engine = await asyncio.to_thread(connect)
    try:
        await engine.call(lambda: sweep_engine(engine))
    except BaseException:
        engine.close()
        raise
    return DockerRuntime(engine, workspace, settings)


class AutoRuntime:
    """Docker where an engine answers and has, or can pull, every image of the model; else processes.

    Images that only a user's own mapping knows a command for are not looked for in a registry. Processes
    also run a model where only they have the library version that an image's tag names.
    """

    name = "auto"

    def __init__(self, settings: Settings, workspace: Workspace) -> None:
        self._settings = settings
        self._workspace = workspace
        self._process = ProcessRuntime(workspace, settings)
        self._docker: DockerRuntime | None = None

    async def prepare(self, images: Sequence[str], tell: Callable[[str], None]) -> Prepared:
        """The runtime that runs all these images. See `RuntimeChoice.prepare`."""
        try:
            docker = self._docker = self._docker or await open_docker(self._settings, self._workspace)
            await self._leave_to_processes(docker, images)
            prepared = await docker.prepare(images, tell)
        except (MachineError, ModelError, EngineError) as error:
            return await self._fall_back(images, tell, error)
        tell(f"runtime: docker, because engine {docker.version} has every image of the model")
        return prepared

    async def close(self) -> None:
        """Nothing is left of either runtime."""
        if self._docker is not None:
            await self._docker.close()

    async def _leave_to_processes(self, docker: DockerRuntime, images: Sequence[str]) -> None:
        own = [mapping for mapping in self._settings.images if mapping.command and mapping.image is None]
        absent = await docker.absent(images)
        named = [image for image in absent if any(mapping.covers(image) for mapping in own)]
        if named:
            raise ModelError(f"the engine has no image {named[0]}, and emulator.toml names a command for it")
        for image in await docker.of_other_version(images):
            if self._process.libraries.has_version_of(image):
                raise ModelError(f"the engine has no image with the library version of {image}")

    async def _fall_back(
        self, images: Sequence[str], tell: Callable[[str], None], why: EmulatorError
    ) -> Prepared:
        try:
            prepared = await self._process.prepare(images, tell)
        except (MachineError, ModelError) as error:
            remedy = "; ".join(filter(None, (why.remedy, error.remedy)))
            raise type(error)(f"{why.message}. {error.message}", remedy=remedy) from None
        tell(f"runtime: process, because {why.message}")
        return prepared
