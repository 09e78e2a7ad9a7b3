"""How each kind of saved Spark ML stage becomes MLeap nodes: one function per kind."""

from __future__ import annotations

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages import (
    assembling,
    categories,
    classifiers,
    clusters,
    hashing,
    regressions,
    text,
    trees,
    vectors,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import StageFunction

STAGES: dict[str, StageFunction] = {
    **assembling.STAGES,
    **categories.STAGES,
    **classifiers.STAGES,
    **clusters.STAGES,
    **hashing.STAGES,
    **regressions.STAGES,
    **text.STAGES,
    **trees.STAGES,
    **vectors.STAGES,
}
