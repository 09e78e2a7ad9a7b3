"""FeatureHasher: any number of columns of any type, hashed into one vector."""

from __future__ import annotations

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Column, Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import SavedStage
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    input_columns,
    many_to_one,
)


def feature_hasher(stage: SavedStage, frame: Frame) -> list[Node]:
    """Numbers are hashed by column name, all else by name and value, so the types decide the result."""
    sources, target = input_columns(stage), str(stage.params["outputCol"])
    categorical = list(stage.params.get("categoricalCols", []))
    columns = [hashed(stage, frame, source, source in categorical) for source in sources]
    size = int(stage.params["numFeatures"])
    frame.write_vector(target, size)
    attributes = {
        "num_features": values.int64(size),
        "categorical_cols": values.strings(categorical),
        "input_shapes": values.shapes(columns),
        "basic_types": {"type": "list", "basic_type": [column.base for column in columns]},
        "input_names": values.strings(sources),
    }
    return [many_to_one(MleapModel("feature_hasher", attributes), sources, target)]


def hashed(stage: SavedStage, frame: Frame, source: str, categorical: bool) -> Column:  # noqa: FBT001 - a fact of the column
    """The column `source`; its type must be known, from an earlier stage or from the caller's schema."""
    if categorical or source in frame.columns or source in frame.declared:
        return frame.text(source)
    raise UsageError(
        f"{stage} hashes numbers otherwise than texts, and nothing tells which the column {source!r} holds",
        remedy="give the SparkML schema with the types of all input columns",
    )


STAGES: dict[str, StageFunction] = {"FeatureHasher": feature_hasher}
