"""Stages that put columns together, take them apart, or fill them."""

from __future__ import annotations

import math

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Column, Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import SavedStage
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    column_pairs,
    inexpressible,
    input_columns,
    many_to_one,
    one_to_one,
    single_pair,
)


def vector_assembler(stage: SavedStage, frame: Frame) -> list[Node]:
    """MLeap knows no handleInvalid: NaN always passes."""
    if stage.params.get("handleInvalid", "error") != "keep":
        frame.note(f"{stage}: the container lets NaN pass, where Spark refuses or drops the record")
    sources, target = input_columns(stage), str(stage.params["outputCol"])
    columns = [frame.either(source) for source in sources]
    arities = tuple(arity for column in columns for arity in slot_arities(column))
    frame.write_vector(target, sum(column.width for column in columns), arities)
    return [
        many_to_one(MleapModel("vector_assembler", {"input_shapes": values.shapes(columns)}), sources, target)
    ]


def slot_arities(column: Column) -> tuple[int, ...]:
    """The arities of a column's slots, 0 where it holds plain numbers."""
    return column.arities if column.arities is not None else (0,) * column.width


def imputer(stage: SavedStage, frame: Frame) -> list[Node]:
    """One node per column."""
    surrogates = stage.rows()[0]
    missing = stage.number("missingValue")
    if not math.isnan(missing):
        frame.note(f"{stage}: the container replaces NaN as well as the missing value {missing}")
    nodes = []
    for source, target in column_pairs(stage):
        frame.number(source)
        frame.write(target)
        attributes = {
            "surrogate_value": values.double(surrogates[source]),
            "strategy": values.string(str(stage.params["strategy"])),
            "nullable_input": values.boolean(True),
        }
        if not math.isnan(missing):
            attributes["missing_value"] = values.double(missing)
        nodes.append(one_to_one(MleapModel("imputer", attributes), source, target))
    return nodes


def vector_slicer(stage: SavedStage, frame: Frame) -> list[Node]:
    """By position only: the names of slots exist only inside Spark."""
    if stage.params.get("names"):
        raise inexpressible(stage, "slicing by slot name", "slice by position: VectorSlicer(indices=[...])")
    chosen = [int(index) for index in stage.params["indices"]]
    source, target = single_pair(stage)
    column = frame.vector(source)
    size = column.known_size
    frame.write_vector(target, len(chosen), tuple(slot_arities(column)[index] for index in chosen))
    attributes = {
        "indices": values.int64s(chosen),
        "names": values.strings([]),
        "named_indices": values.int64s([]),
        "input_size": values.int32(size),
    }
    return [one_to_one(MleapModel("vector_slicer", attributes), source, target)]


def interaction(stage: SavedStage, frame: Frame) -> list[Node]:
    """Nominal columns are expanded as Spark does by their metadata, which follows from earlier stages."""
    sources, target = input_columns(stage), str(stage.params["outputCol"])
    columns = [frame.either(source) for source in sources]
    features = [[max(arity, 1) for arity in slot_arities(column)] for column in columns]
    frame.write_vector(target, math.prod(map(sum, features)))
    attributes = {"input_shapes": values.shapes(columns), "num_inputs": values.int32(len(columns))}
    for number, counts in enumerate(features):
        attributes[f"num_features{number}"] = values.int32s(counts)
    return [many_to_one(MleapModel("interaction", attributes), sources, target)]


STAGES: dict[str, StageFunction] = {
    "VectorAssembler": vector_assembler,
    "ImputerModel": imputer,
    "VectorSlicer": vector_slicer,
    "Interaction": interaction,
}
