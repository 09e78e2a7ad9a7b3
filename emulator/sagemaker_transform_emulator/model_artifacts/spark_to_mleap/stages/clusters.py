"""Clustering models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    SavedStage,
    matrix_values,
    vector_values,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    inexpressible,
    wired,
)


def k_means(stage: SavedStage, frame: Frame) -> list[Node]:
    """The nearest of the centres."""
    refuse_cosine(stage)
    rows = sorted(stage.rows(), key=lambda row: int(row["clusterIdx"]))
    centers = [vector_values(row["clusterCenter"]) for row in rows]
    attributes = {
        "cluster_centers": values.tensors(map(values.vector, centers)),
        "num_features": values.int64(len(centers[0])),
    }
    return [cluster_node(MleapModel("k_means", attributes), stage, frame, len(centers[0]))]


def bisecting_k_means(stage: SavedStage, frame: Frame) -> list[Node]:
    """A tree of centres, each node before its children."""
    refuse_cosine(stage)
    rows = {row["index"]: row for row in stage.rows("data/data")}
    children = {child for row in rows.values() for child in row["children"]}
    root = next(index for index in rows if index not in children)
    lines = "".join(f"{values.to_json(node)}\n" for node in tree(rows, root))
    model = MleapModel("bisecting_k_means", {}, {"tree.json": lines})
    return [cluster_node(model, stage, frame, len(vector_values(rows[root]["center"])))]


def tree(rows: Mapping[int, Mapping[str, Any]], index: int) -> Iterator[values.Value]:
    """The node `index` and all below it."""
    row = rows[index]
    yield {
        "index": index,
        "norm": float(row["norm"]),
        "values": vector_values(row["center"]),
        "numChildren": len(row["children"]),
    }
    for child in row["children"]:
        yield from tree(rows, child)


def cluster_node(model: MleapModel, stage: SavedStage, frame: Frame, size: int) -> Node:
    """A node that answers the number of a cluster."""
    source, target = str(stage.params["featuresCol"]), str(stage.params["predictionCol"])
    frame.vector(source, size)
    frame.write(target, "int")
    return Node(model, (("features", source),), (("prediction", target),))


def refuse_cosine(stage: SavedStage) -> None:
    """MLeap measures Euclidean distances only."""
    if stage.params.get("distanceMeasure", "euclidean") != "euclidean":
        raise inexpressible(
            stage, "distanceMeasure='cosine'", "put a Normalizer before it and use the Euclidean distance"
        )


def gaussian_mixture(stage: SavedStage, frame: Frame) -> list[Node]:
    """Weighted Gaussians."""
    saved = stage.row()
    means = [vector_values(mean) for mean in saved["mus"]]
    spreads = [matrix_values(sigma) for sigma in saved["sigmas"]]
    frame.vector(str(stage.params["featuresCol"]), len(means[0]))
    attributes = {
        "means": values.tensors(map(values.vector, means)),
        "covs": values.tensors(values.tensor(numbers, (rows, columns)) for rows, columns, numbers in spreads),
        "weights": values.doubles(saved["weights"]),
    }
    outputs = {"prediction": ("predictionCol", None), "probability": ("probabilityCol", len(means))}
    return [wired(MleapModel("gaussian_mixture", attributes), stage, frame, outputs, base="int")]


STAGES: dict[str, StageFunction] = {
    "KMeansModel": k_means,
    "BisectingKMeansModel": bisecting_k_means,
    "GaussianMixtureModel": gaussian_mixture,
}
