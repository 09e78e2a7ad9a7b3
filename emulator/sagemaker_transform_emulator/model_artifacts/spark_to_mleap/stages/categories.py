"""Stages that turn labels into numbers and back: indexers and encoders."""

from __future__ import annotations

import math
from typing import Any

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Column, Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import SavedStage
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    column_pairs,
    inexpressible,
    input_columns,
    numbered,
    one_to_one,
    output_columns,
    single_pair,
)


def string_indexer(stage: SavedStage, frame: Frame) -> list[Node]:
    """One node per column: MLeap's own multi-column form does not load."""
    saved = stage.row()
    labels = saved["labelsArray"] if "labelsArray" in saved else [saved["labels"]]
    invalid = str(stage.params["handleInvalid"])
    if invalid == "skip":
        frame.note(f"{stage}: handleInvalid=skip drops the record, and the container then answers 400")
    nodes = []
    for (source, target), words in zip(column_pairs(stage), labels, strict=True):
        frame.text(source)
        frame.add(Column(target, arities=(len(words) + (invalid == "keep"),)))
        attributes = {
            "labels_length": values.int32(1),
            "labels_array_0": values.strings(words),
            "handle_invalid": values.string(invalid),
        }
        nodes.append(one_to_one(MleapModel("string_indexer", attributes), source, target))
    return nodes


def index_to_string(stage: SavedStage, frame: Frame) -> list[Node]:
    """The labels must have been given: those in column metadata exist only inside Spark."""
    labels = stage.params.get("labels")
    if not labels:
        raise inexpressible(
            stage,
            "an IndexToString without labels, which takes them from the column's metadata,",
            "set them when building the pipeline: IndexToString(labels=indexer_model.labels, ...)",
        )
    source, target = single_pair(stage)
    frame.number(source)
    frame.write(target, "string")
    return [
        one_to_one(MleapModel("reverse_string_indexer", {"labels": values.strings(labels)}), source, target)
    ]


def one_hot_encoder(stage: SavedStage, frame: Frame) -> list[Node]:
    """One node for all columns."""
    sizes = [int(size) for size in stage.row()["categorySizes"]]
    drop_last, keep = bool(stage.params["dropLast"]), stage.params["handleInvalid"] == "keep"
    sources, targets = input_columns(stage), output_columns(stage)
    for source, target, size in zip(sources, targets, sizes, strict=True):
        frame.number(source)
        frame.write_vector(target, size + keep - drop_last)
    attributes = {
        "category_sizes": values.int32s(sizes),
        "drop_last": values.boolean(drop_last),
        "handle_invalid": values.string("keep" if keep else "error"),
    }
    model = MleapModel("one_hot_encoder", attributes)
    return [Node(model, numbered("input", sources), numbered("output", targets))]


def vector_indexer(stage: SavedStage, frame: Frame) -> list[Node]:
    """Category maps by feature number."""
    saved = stage.row()
    maps: dict[int, dict[float, int]] = {
        feature: dict(categories) for feature, categories in sorted(saved["categoryMaps"])
    }
    size, invalid = int(saved["numFeatures"]), str(stage.params["handleInvalid"])
    source, target = single_pair(stage)
    frame.vector(source, size)
    counts = {feature: len(categories) + (invalid == "keep") for feature, categories in maps.items()}
    frame.write_vector(target, size, tuple(counts.get(feature, 0) for feature in range(size)))
    attributes: dict[str, Any] = {
        "keys": values.int64s(maps),
        "num_features": values.int64(size),
        "handle_invalid": values.string(invalid),
    }
    for feature, categories in maps.items():
        attributes[f"key_{feature}_keys"] = values.doubles(categories)
        attributes[f"key_{feature}_values"] = values.int64s(categories.values())
    return [one_to_one(MleapModel("vector_indexer", attributes), source, target)]


def bucketizer(stage: SavedStage, frame: Frame) -> list[Node]:
    """One node per column; the outermost infinities are written as null, which MLeap reads as such."""
    pairs = column_pairs(stage)
    if len(pairs) > 1 or "splitsArray" in stage.set_params():
        all_splits = stage.params["splitsArray"]
    else:
        all_splits = [stage.params["splits"]]
    invalid = str(stage.params["handleInvalid"])
    nodes = []
    for (source, target), texts in zip(pairs, all_splits, strict=True):
        frame.number(source)
        frame.add(Column(target, arities=(len(texts) - 1,)))
        splits = [math.nan if text in ("Inf", "-Inf") else float(text) for text in texts]
        attributes = {"splits": values.doubles(splits), "handle_invalid": values.string(invalid)}
        nodes.append(one_to_one(MleapModel("bucketizer", attributes), source, target))
    return nodes


def chi_sq_selector(stage: SavedStage, frame: Frame) -> list[Node]:
    """The chosen features, by number."""
    chosen = sorted(stage.row()["selectedFeatures"])
    source, target = str(stage.params["featuresCol"]), str(stage.params["outputCol"])
    size = frame.vector(source).known_size
    frame.write_vector(target, len(chosen))
    attributes = {"filter_indices": values.int64s(chosen), "input_size": values.int64(size)}
    return [one_to_one(MleapModel("chi_sq_selector", attributes), source, target)]


STAGES: dict[str, StageFunction] = {
    "StringIndexerModel": string_indexer,
    "IndexToString": index_to_string,
    "OneHotEncoderModel": one_hot_encoder,
    "VectorIndexerModel": vector_indexer,
    "Bucketizer": bucketizer,
    "ChiSqSelectorModel": chi_sq_selector,
}
