"""Decision trees and their ensembles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import SavedStage
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    classifier_node,
    inexpressible,
    regressor_node,
    thresholds,
)

Row = Mapping[str, Any]
LeafValues = Callable[[Row], Sequence[float]]
CLASSIFIER, REGRESSION = "decision_tree_classifier", "decision_tree_regression"


def class_counts(row: Row) -> Sequence[float]:
    """What a classifier's leaf holds: how many training rows of each class came there."""
    return list(row["impurityStats"])


def prediction(row: Row) -> Sequence[float]:
    """What a regression tree's leaf holds."""
    return [row["prediction"]]


LEAVES: dict[str, LeafValues] = {CLASSIFIER: class_counts, REGRESSION: prediction}


def decision_tree_classifier(stage: SavedStage, frame: Frame) -> list[Node]:
    """A single tree."""
    refuse_leaf_columns(stage)
    attributes = {**counts(stage), "num_classes": values.int64(classes(stage)), **thresholds(stage)}
    model = MleapModel(CLASSIFIER, attributes, {"tree.json": tree_json(stage.rows(), class_counts)})
    return [classifier_node(model, stage, frame, features(stage), classes(stage))]


def decision_tree_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """A single tree."""
    refuse_leaf_columns(stage)
    model = MleapModel(REGRESSION, counts(stage), {"tree.json": tree_json(stage.rows(), prediction)})
    return [regressor_node(model, stage, frame, features(stage))]


def random_forest_classifier(stage: SavedStage, frame: Frame) -> list[Node]:
    """Votes of classifier trees."""
    refuse_leaf_columns(stage)
    extra = {"num_classes": values.int64(classes(stage)), **thresholds(stage)}
    model = ensemble(stage, "random_forest_classifier", CLASSIFIER, extra)
    return [classifier_node(model, stage, frame, features(stage), classes(stage))]


def gbt_classifier(stage: SavedStage, frame: Frame) -> list[Node]:
    """Two classes from a sum of regression trees."""
    refuse_leaf_columns(stage)
    extra = {"num_classes": values.int64(2), **thresholds(stage)}
    model = ensemble(stage, "gbt_classifier", REGRESSION, extra)
    return [classifier_node(model, stage, frame, features(stage), 2)]


def random_forest_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """The mean of regression trees."""
    refuse_leaf_columns(stage)
    model = ensemble(stage, "random_forest_regression", REGRESSION, {})
    return [regressor_node(model, stage, frame, features(stage))]


def gbt_regression(stage: SavedStage, frame: Frame) -> list[Node]:
    """A sum of regression trees."""
    refuse_leaf_columns(stage)
    model = ensemble(stage, "gbt_regression", REGRESSION, {})
    return [regressor_node(model, stage, frame, features(stage))]


def ensemble(stage: SavedStage, op: str, tree_op: str, extra: Mapping[str, values.Value]) -> MleapModel:
    """The trees of an ensemble, each a model of its own."""
    rows: dict[int, list[Row]] = {}
    for row in stage.rows():
        rows.setdefault(row["treeID"], []).append(row["nodeData"])
    weights = tree_weights(stage)
    own = counts(stage) if tree_op == REGRESSION else {**counts(stage), "num_classes": extra["num_classes"]}
    trees = {
        f"tree{number}": MleapModel(tree_op, own, {"tree.json": tree_json(rows[number], LEAVES[tree_op])})
        for number in sorted(rows)
    }
    attributes = {
        **counts(stage),
        **extra,
        "tree_weights": values.doubles(weights[number] for number in sorted(rows)),
        "trees": values.strings(trees),
    }
    return MleapModel(op, attributes, models=trees)


def tree_weights(stage: SavedStage) -> dict[int, float]:
    """The weight of each tree, from columns that Spark 3 names (treeID, metadata, weights) and 4 numbers."""
    table = [tuple(row.values()) for row in stage.rows("treesMetadata")]
    return {number: weight for number, _, weight in table}


def tree_json(rows: Sequence[Row], leaf_values: LeafValues) -> str:
    """A tree as MLeap reads it, one JSON document a line: a node, its left, then its right subtree."""
    by_id = {row["id"]: row for row in rows}
    return "".join(f"{values.to_json(node)}\n" for node in walk(by_id, leaf_values))


def walk(by_id: Mapping[int, Row], leaf_values: LeafValues) -> Iterator[values.Value]:
    """The nodes in the order of the file, without recursion: trees may be deep."""
    waiting = [0]
    while waiting:
        row = by_id[waiting.pop()]
        if row["leftChild"] < 0:
            yield {"type": "leaf", "values": [float(value) for value in leaf_values(row)]}
        else:
            yield {"type": "internal", "split": split(row["split"])}
            waiting += [row["rightChild"], row["leftChild"]]


def split(saved: Row) -> values.Value:
    """A split at a threshold, which Spark marks by -1 categories, or by the categories that go left."""
    numbers = [float(number) for number in saved["leftCategoriesOrThreshold"]]
    if saved["numCategories"] == -1:
        return {"type": "continuous", "featureIndex": saved["featureIndex"], "threshold": numbers[0]}
    return {
        "type": "categorical",
        "featureIndex": saved["featureIndex"],
        "isLeft": True,
        "numCategories": saved["numCategories"],
        "categories": numbers,
    }


def counts(stage: SavedStage) -> dict[str, values.Value]:
    """The attribute all tree models have."""
    return {"num_features": values.int64(features(stage))}


def features(stage: SavedStage) -> int:
    """The length of the feature vector."""
    return int(stage.metadata["numFeatures"])


def classes(stage: SavedStage) -> int:
    """The number of classes."""
    return int(stage.metadata["numClasses"])


def refuse_leaf_columns(stage: SavedStage) -> None:
    """Columns of leaf numbers and variances exist only in Spark."""
    for name in ("leafCol", "varianceCol"):
        if stage.params.get(name):
            raise inexpressible(stage, f"{name}={stage.params[name]!r}", f"leave {name} unset")


STAGES: dict[str, StageFunction] = {
    "DecisionTreeClassificationModel": decision_tree_classifier,
    "DecisionTreeRegressionModel": decision_tree_regression,
    "RandomForestClassificationModel": random_forest_classifier,
    "RandomForestRegressionModel": random_forest_regression,
    "GBTClassificationModel": gbt_classifier,
    "GBTRegressionModel": gbt_regression,
}
