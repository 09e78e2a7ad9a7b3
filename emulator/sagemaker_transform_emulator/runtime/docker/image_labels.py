"""The labels of container images, where an engine has them (R1.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import docker.errors

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.errors import EngineError, MachineError
from sagemaker_transform_emulator.runtime.docker.engine import Engine, connect, engine_errors
from sagemaker_transform_emulator.runtime.docker.images import names_standing_for


def label_reader(settings: Settings) -> Callable[[str], Awaitable[Mapping[str, str] | None]]:
    """A function that gives an image's labels: None when no engine has it or what stands for it."""

    async def labels(image: str) -> Mapping[str, str] | None:
        if settings.runtime == "process":
            return None
        stand_ins = [
            name
            for mapping in settings.all_images
            if mapping.covers(image)
            for name in names_standing_for(image, mapping)
        ]
        try:
            engine = await asyncio.to_thread(connect)
        except MachineError:
            return None
        try:
            return await engine.call(lambda: _labels(engine, [image, *stand_ins]))
        except EngineError:
            return None
        finally:
            engine.close()

    return labels


def _labels(engine: Engine, names: list[str]) -> Mapping[str, str] | None:
    api: Any = engine.api
    for name in names:
        with engine_errors(f"inspect the image {name}"):
            try:
                found = api.inspect_image(name)
            except docker.errors.ImageNotFound:
                continue
            labels: Mapping[str, str] = found.get("Config", {}).get("Labels") or {}
            return labels
    return None
