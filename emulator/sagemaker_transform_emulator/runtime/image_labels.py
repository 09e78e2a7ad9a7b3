"""The labels of container images, where an engine has them (R1.10)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from sagemaker_transform_emulator.config import Settings
from sagemaker_transform_emulator.errors import EngineError, MachineError


def label_reader(settings: Settings) -> Callable[[str], Awaitable[Mapping[str, str] | None]]:
    """A function that gives an image's labels: None when no engine has it or what stands for it."""

    async def labels(image: str) -> Mapping[str, str] | None:
        if settings.runtime == "process":
            return None
        try:
            return await asyncio.to_thread(_labels, image, settings)
        except (MachineError, EngineError):
            return None

    return labels


def _labels(image: str, settings: Settings) -> Mapping[str, str] | None:
    """The labels of the image, else of what stands for it. Raises MachineError or EngineError."""
    # they need the extra [docker]
    from sagemaker_transform_emulator.runtime.docker.engine import connect  # noqa: PLC0415
    from sagemaker_transform_emulator.runtime.docker.images import find_image, names_standing_for  # noqa: PLC0415

    mappings = [mapping for mapping in settings.all_images if mapping.covers(image)]
    names = [image, *(name for mapping in mappings for name in names_standing_for(image, mapping))]
    engine = connect()
    try:
        found = (find_image(engine.api, name) for name in names)
        return next((each.labels for each in found if each is not None), None)
    finally:
        engine.close()
