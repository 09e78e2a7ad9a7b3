"""Classifiers that are not trees."""

from __future__ import annotations

from collections.abc import Mapping

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    SavedStage,
    matrix_values,
    read_stage,
    vector_values,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    classifier_node,
    inexpressible,
    thresholds,
    wired,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.trees import (
    gbt_classifier,
    random_forest_classifier,
)


def logistic_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """Binary or multinomial: MLeap takes the latter for more than 2 in num_classes, and counts by itself."""
    saved = stage.row()
    rows, size, coefficients = matrix_values(saved["coefficientMatrix"])
    intercepts = vector_values(saved["interceptVector"])
    if saved["isMultinomial"]:
        attributes = {
            "num_classes": values.int64(max(rows, 3)),
            "coefficient_matrix": values.tensor(coefficients, (rows, size)),
            "intercept_vector": values.vector(intercepts),
            **thresholds(stage),
        }
    else:
        attributes = {
            "num_classes": values.int64(2),
            "coefficients": values.vector(coefficients),
            "intercept": values.double(intercepts[0]),
            "threshold": values.double(binary_threshold(stage)),
        }
    model = MleapModel("logistic_regression", attributes)
    return [classifier_node(model, stage, frame, size, int(saved["numClasses"]))]


def binary_threshold(stage: SavedStage) -> float:
    """The probability above which class 1 is predicted; `thresholds` for two classes come down to one."""
    if "thresholds" in stage.set_params():
        first, second = stage.numbers("thresholds")
        return 1.0 / (1.0 + first / second) if second else 0.0
    return stage.number("threshold")


def linear_svc(stage: SavedStage, frame: Frame) -> list[Node]:
    """A linear margin against a threshold."""
    saved = stage.row()
    coefficients = vector_values(saved["coefficients"])
    frame.vector(str(stage.params["featuresCol"]), len(coefficients))
    attributes = {
        "num_classes": values.int64(2),
        "coefficients": values.vector(coefficients),
        "intercept": values.double(saved["intercept"]),
        "threshold": values.double(stage.number("threshold")),
    }
    outputs = {"raw_prediction": ("rawPredictionCol", 2), "prediction": ("predictionCol", None)}
    return [wired(MleapModel("linear_svc", attributes), stage, frame, outputs)]


def naive_bayes(stage: SavedStage, frame: Frame) -> list[Node]:
    """The multinomial and the Bernoulli form."""
    kind = str(stage.params["modelType"])
    if kind not in ("multinomial", "bernoulli"):
        raise inexpressible(stage, f"modelType={kind!r}", "use multinomial or bernoulli")
    saved = stage.row()
    classes, size, theta = matrix_values(saved["theta"])
    attributes = {
        "num_features": values.int64(size),
        "num_classes": values.int64(classes),
        "pi": values.vector(vector_values(saved["pi"])),
        "theta": values.tensor(theta, (classes, size)),
        "model_type": values.string(kind),
        **thresholds(stage),
    }
    return [classifier_node(MleapModel("naive_bayes", attributes), stage, frame, size, classes)]


def multilayer_perceptron(stage: SavedStage, frame: Frame) -> list[Node]:
    """Layer sizes and all weights in one row."""
    saved = stage.row()
    layers = saved["layers"] if "layers" in saved else stage.params["layers"]
    attributes = {
        "layers": values.int64s(layers),
        "weights": values.vector(vector_values(saved["weights"])),
        **thresholds(stage),
    }
    model = MleapModel("multi_layer_perceptron_classifier", attributes)
    return [classifier_node(model, stage, frame, int(layers[0]), int(layers[-1]))]


# MLeap compares probabilities where Spark compares raw predictions; in these both have one order.
REST_CLASSIFIERS: Mapping[str, StageFunction] = {
    "LogisticRegressionModel": logistic_regression,
    "GBTClassificationModel": gbt_classifier,
    "RandomForestClassificationModel": random_forest_classifier,
}


def one_vs_rest(stage: SavedStage, frame: Frame) -> list[Node]:
    """One binary classifier per class."""
    count = int(stage.metadata["numClasses"])
    nodes = [rest_classifier(stage, read_stage(stage.path / f"model_{number}")) for number in range(count)]
    size = nodes[0][1]
    frame.vector(str(stage.params["featuresCol"]), size)
    model = MleapModel(
        "one_vs_rest",
        {"num_classes": values.int64(count), "num_features": values.int64(size)},
        models={f"model{number}": inner for number, (inner, _) in enumerate(nodes)},
    )
    frame.note(f"{stage}: where two classes have the same rounded probability, the container takes the first")
    outputs = {"raw_prediction": ("rawPredictionCol", count), "prediction": ("predictionCol", None)}
    return [wired(model, stage, frame, outputs)]


def rest_classifier(stage: SavedStage, classifier: SavedStage) -> tuple[MleapModel, int]:
    """The model of one class against the rest, and the length of the features it takes."""
    function = REST_CLASSIFIERS.get(classifier.kind)
    inner = Frame()
    node = None if function is None else function(classifier, inner)[0]
    if node is None or "coefficient_matrix" in node.model.attributes:
        raise inexpressible(
            stage,
            f"one-vs-rest over {classifier.kind}, which MLeap decides by another number than Spark,",
            "use LogisticRegression(family='binomial') as its classifier",
        )
    return node.model, inner.columns[str(classifier.params["featuresCol"])].known_size


STAGES: dict[str, StageFunction] = {
    "LogisticRegressionModel": logistic_regression,
    "LinearSVCModel": linear_svc,
    "NaiveBayesModel": naive_bayes,
    "MultilayerPerceptronClassificationModel": multilayer_perceptron,
    "OneVsRestModel": one_vs_rest,
}
