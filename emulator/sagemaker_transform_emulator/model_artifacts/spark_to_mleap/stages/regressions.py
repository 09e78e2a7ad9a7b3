"""Regressions that are not trees."""

from __future__ import annotations

from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    SavedStage,
    vector_values,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    inexpressible,
    regressor_node,
    wired,
)

FAMILIES = ("gaussian", "binomial", "poisson", "gamma")


def linear_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """Coefficients and an intercept."""
    saved = stage.row()
    coefficients = vector_values(saved["coefficients"])
    model = MleapModel("linear_regression", linear(coefficients, saved["intercept"]))
    return [regressor_node(model, stage, frame, len(coefficients))]


def linear(coefficients: list[float], intercept: float) -> dict[str, values.Value]:
    """The attributes all linear models have."""
    return {"coefficients": values.vector(coefficients), "intercept": values.double(intercept)}


def generalized_linear_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """The families MLeap knows, with Spark's default link unless one was chosen."""
    family = str(stage.params["family"]).lower()
    if family not in FAMILIES:
        raise inexpressible(stage, f"family={family!r}", f"use one of {', '.join(FAMILIES)}")
    if stage.params.get("offsetCol"):
        raise inexpressible(stage, "offsetCol", "fit the model without an offset")
    saved = stage.row()
    coefficients = vector_values(saved["coefficients"])
    attributes = {**linear(coefficients, saved["intercept"]), "family": values.string(family)}
    if stage.params.get("link"):
        attributes["link"] = values.string(str(stage.params["link"]).lower())
    frame.vector(str(stage.params["featuresCol"]), len(coefficients))
    outputs = {"prediction": ("predictionCol", None), "link_prediction": ("linkPredictionCol", None)}
    return [wired(MleapModel("generalized_linear_regression", attributes), stage, frame, outputs)]


def isotonic_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """Interpolation between boundaries; on one slot where the feature is a vector."""
    saved = stage.row()
    attributes: dict[str, Any] = {
        "boundaries": values.doubles(saved["boundaries"]),
        "predictions": values.doubles(saved["predictions"]),
        "isotonic": values.boolean(saved["isotonic"]),
    }
    source, target = str(stage.params["featuresCol"]), str(stage.params["predictionCol"])
    if frame.either(source).is_vector:
        attributes["feature_index"] = values.int64(stage.params["featureIndex"])
    frame.write(target)
    model = MleapModel("isotonic_regression", attributes)
    return [Node(model, (("features", source),), (("prediction", target),))]


def aft_survival_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """Survival time, and its quantiles where a column for them was named."""
    saved = stage.row()
    coefficients = vector_values(saved["coefficients"])
    probabilities = stage.numbers("quantileProbabilities")
    frame.vector(str(stage.params["featuresCol"]), len(coefficients))
    attributes = {
        **linear(coefficients, saved["intercept"]),
        "quantile_probabilities": values.doubles(probabilities),
        "scale": values.double(saved["scale"]),
    }
    outputs = {"prediction": ("predictionCol", None), "quantiles": ("quantilesCol", len(probabilities))}
    return [wired(MleapModel("aft_survival_regression", attributes), stage, frame, outputs)]


STAGES: dict[str, StageFunction] = {
    "LinearRegressionModel": linear_regression,
    "GeneralizedLinearRegressionModel": generalized_linear_regression,
    "IsotonicRegressionModel": isotonic_regression,
    "AFTSurvivalRegressionModel": aft_survival_regression,
}
