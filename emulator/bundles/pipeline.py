"""A saved pipeline turned into bundle nodes and a schema, stage by stage."""

from __future__ import annotations

from emulator.bundles.bundle import Node, pipeline_node
from emulator.bundles.columns import Frame
from emulator.bundles.spark_directory import PIPELINE_MODELS, SavedStage, read_pipeline_stages
from emulator.bundles.stages import STAGES
from emulator.bundles.stages.refused import refusal

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
    return function(stage, frame)
