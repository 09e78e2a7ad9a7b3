"""Stages that have no MLeap op, and what to use instead of them."""

from __future__ import annotations

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import SavedStage

XGBOOST = "save the booster alone, and run it in an XGBoost container after this one"
UNFITTED = "save the fitted model: pipeline.fit(data).save(path)"
BEST_MODEL = "save the model it chose: model.bestModel.save(path)"
LDA = "find topics before the job; MLeap 0.20 has code for LDA, but does not load it"

INSTEAD = {
    "SQLTransformer": "do the SQL before the job, or express it with Bucketizer and Binarizer",
    "RobustScalerModel": "use StandardScaler or MinMaxScaler",
    "UnivariateFeatureSelectorModel": "take the selected features with VectorSlicer(indices=...)",
    "VarianceThresholdSelectorModel": "take the selected features with VectorSlicer(indices=...)",
    "VectorSizeHint": "leave it out; the exporter finds vector sizes itself",
    "FMClassificationModel": "use LogisticRegression on PolynomialExpansion(degree=2)",
    "FMRegressionModel": "use LinearRegression on PolynomialExpansion(degree=2)",
    "RFormulaModel": "write the formula out: StringIndexer, OneHotEncoder, Interaction and VectorAssembler",
    "Pipeline": UNFITTED,
    "CrossValidatorModel": BEST_MODEL,
    "TrainValidationSplitModel": BEST_MODEL,
    "ALSModel": "its prediction is a float, which the SparkML container cannot answer with",
    "LocalLDAModel": LDA,
    "DistributedLDAModel": LDA,
}


def refusal(stage: SavedStage) -> UsageError:
    """The error for a stage that cannot be converted, with the way around it."""
    remedy = INSTEAD.get(stage.kind, "")
    if "xgboost" in stage.class_name.lower():
        remedy = XGBOOST
    return UsageError(
        f"{stage} in {stage.path} has no counterpart in MLeap 0.20, which the SparkML container runs",
        remedy=remedy
        or "leave the stage out of the exported pipeline and do its work before or after the job",
    )
