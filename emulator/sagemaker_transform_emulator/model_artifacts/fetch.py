"""Model archives on this machine: downloaded, judged, and converted where that helps.

A model.tar.gz that holds what Spark's `PipelineModel.save` wrote is turned into the MLeap bundle that
the SparkML container loads. AWS's container would not take such an archive, and the user is told so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sagemaker_transform_emulator.errors import ModelError, StorageError, UsageError
from sagemaker_transform_emulator.model_artifacts import spark_to_mleap as bundles
from sagemaker_transform_emulator.model_artifacts.archive import judge
from sagemaker_transform_emulator.s3.client import Storage
from sagemaker_transform_emulator.sagemaker.requests import ContainerDefinition, Model
from sagemaker_transform_emulator.transform.keys import S3Location

SCHEMA_VARIABLE = "SAGEMAKER_SPARKML_SCHEMA"


@dataclass(frozen=True, slots=True)
class ModelData:
    """A local archive, and variables the container needs to serve it that the model does not set."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)


async def fetch_model_data(
    model: Model, storage: Storage, folder: Path, tell: Callable[[str], None]
) -> dict[str, ModelData]:
    """A judged archive for every ModelDataUrl of the model (R4.2, R6.7). `tell` hears of conversions.

    Raises ModelError naming the container and the URL.
    """
    found: dict[str, ModelData] = {}
    for definition in model.containers:
        url = definition.model_data_url
        if url and url not in found:
            path = folder / f"{len(found)}.tar.gz"
            await _download(definition, url, storage, path)
            found[url] = await asyncio.to_thread(_convert_if_native, definition, path, tell)
    return found


async def _download(definition: ContainerDefinition, url: str, storage: Storage, path: Path) -> None:
    try:
        await storage.download(S3Location.parse(url), path)
    except StorageError as error:
        raise ModelError(
            f'Failed to download model data for container "{definition.name}" from URL "{url}": {error}',
            remedy=error.remedy,
            blame=error.blame,
        ) from None
    await asyncio.to_thread(judge, path, url=url, container=definition.name)


def _convert_if_native(definition: ContainerDefinition, path: Path, tell: Callable[[str], None]) -> ModelData:
    if "sparkml" not in definition.image or not bundles.is_spark_pipeline(path):
        return ModelData(path)
    target = path.with_name(f"bundle-{path.name}")
    try:
        export = bundles.convert_archive(path, target, schema=definition.environment.get(SCHEMA_VARIABLE))
    except UsageError as error:
        raise ModelError(
            f'The Spark pipeline in {definition.model_data_url} of container "{definition.name}" cannot be '
            f"converted: {error}",
            remedy=error.remedy,
        ) from None
    tell(
        f'container "{definition.name}": {definition.model_data_url} holds a Spark PipelineModel and was '
        "converted to an MLeap bundle; AWS's container would not take it (emulator export-sparkml writes "
        "one that it takes)"
    )
    for note in export.notes:
        tell(f'container "{definition.name}": {note}')
    return ModelData(target, {SCHEMA_VARIABLE: export.schema.to_json()})
