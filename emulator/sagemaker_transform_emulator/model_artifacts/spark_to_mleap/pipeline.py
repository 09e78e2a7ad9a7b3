"""A saved pipeline turned into bundle nodes and a schema, stage by stage."""

from __future__ import annotations

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import Node, pipeline_node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    PIPELINE_MODELS,
    SavedStage,
    read_pipeline_stages,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages import STAGES
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.refused import refusal

SPARK_PACKAGES = ("org.apache.spark.ml.", "pyspark.ml.")


def convert_pipeline(saved: SavedStage, frame: Frame) -> Node:
    """The root node for `saved`; a single model is treated as a pipeline of one stage."""
    stages = read_pipeline_stages(saved) if saved.class_name in PIPELINE_MODELS else [saved]
    return pipeline_node([node for stage in stages for node in convert_stage(stage, frame)])


def convert_stage(stage: SavedStage, frame: Frame) -> list[Node]:
    """The nodes for one stage; `frame` learns what it reads and writes. Unknown stages are a UsageError."""
    if stage.class_name in PIPELINE_MODELS:
        return [convert_pipeline(stage, frame)]
    function = STAGES.get(stage.kind) if stage.class_name.startswith(SPARK_PACKAGES) else None
    if function is None:
        raise refusal(stage)
    try:
        return function(stage, frame)
    except (LookupError, TypeError, ValueError, OSError) as error:
        raise UsageError(
            f"{stage} in {stage.path} is not saved as Spark 3 and 4 do it: {type(error).__name__}: {error}",
            remedy="save it again with Spark 3 or 4, and copy the whole directory",
        ) from error
