"""Stages that turn one vector into another: scalers, projections, expansions."""

from __future__ import annotations

import math

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Column, Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    SavedStage,
    matrix_values,
    vector_values,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.common import (
    StageFunction,
    column_pairs,
    inexpressible,
    one_to_one,
    single_pair,
)


def standard_scaler(stage: SavedStage, frame: Frame) -> list[Node]:
    """To MLeap a missing mean is "do not centre", a missing std "do not scale"; one of them must be there."""
    saved = stage.row()
    mean, std = vector_values(saved["mean"]), vector_values(saved["std"])
    attributes = {}
    if stage.params["withMean"]:
        attributes["mean"] = values.vector(mean)
    if stage.params["withStd"]:
        attributes["std"] = values.vector(std)
    if not attributes:
        attributes["std"] = values.vector([1.0] * len(std))
    return same_size(MleapModel("standard_scaler", attributes), len(std), stage, frame)


def min_max_scaler(stage: SavedStage, frame: Frame) -> list[Node]:
    """The range seen in training, and the range wanted."""
    saved = stage.row()
    low, high = vector_values(saved["originalMin"]), vector_values(saved["originalMax"])
    attributes = {
        "min": values.vector(low),
        "max": values.vector(high),
        "minValue": values.double(stage.number("min")),
        "maxValue": values.double(stage.number("max")),
    }
    return same_size(MleapModel("min_max_scaler", attributes), len(low), stage, frame)


def max_abs_scaler(stage: SavedStage, frame: Frame) -> list[Node]:
    """Written as factors: MLeap's own max_abs_scaler cuts what lies outside the range of training."""
    factors = [1.0 / largest if largest else 1.0 for largest in vector_values(stage.row()["maxAbs"])]
    model = MleapModel("elementwise_product", {"scaling_vec": values.vector(factors)})
    return same_size(model, len(factors), stage, frame)


def elementwise_product(stage: SavedStage, frame: Frame) -> list[Node]:
    """Each slot by its factor."""
    factors = vector_values(stage.params["scalingVec"])
    model = MleapModel("elementwise_product", {"scaling_vec": values.vector(factors)})
    return same_size(model, len(factors), stage, frame)


def same_size(model: MleapModel, size: int, stage: SavedStage, frame: Frame) -> list[Node]:
    """A node with `model` between two columns of vectors of `size` numbers."""
    source, target = single_pair(stage)
    frame.vector(source, size)
    frame.write_vector(target, size)
    return [one_to_one(model, source, target)]


def normalizer(stage: SavedStage, frame: Frame) -> list[Node]:
    """To length one in the p-norm."""
    source, target = single_pair(stage)
    size = frame.vector(source).known_size
    frame.write_vector(target, size)
    attributes = {"p_norm": values.double(stage.number("p")), "input_size": values.int32(size)}
    return [one_to_one(MleapModel("normalizer", attributes), source, target)]


def dct(stage: SavedStage, frame: Frame) -> list[Node]:
    """Discrete cosine transform."""
    source, target = single_pair(stage)
    size = frame.vector(source).known_size
    frame.write_vector(target, size)
    attributes = {"inverse": values.boolean(stage.params["inverse"]), "input_size": values.int32(size)}
    return [one_to_one(MleapModel("dct", attributes), source, target)]


def polynomial_expansion(stage: SavedStage, frame: Frame) -> list[Node]:
    """All products of up to `degree` slots."""
    degree = int(stage.params["degree"])
    source, target = single_pair(stage)
    size = frame.vector(source).known_size
    frame.write_vector(target, math.comb(size + degree, degree) - 1)
    attributes = {"degree": values.int64(degree), "input_size": values.int64(size)}
    return [one_to_one(MleapModel("polynomial_expansion", attributes), source, target)]


def pca(stage: SavedStage, frame: Frame) -> list[Node]:
    """Projection on the principal components."""
    rows, columns, components = matrix_values(stage.row()["pc"])
    source, target = single_pair(stage)
    frame.vector(source, rows)
    frame.write_vector(target, columns)
    attributes = {"principal_components": values.tensor(components, (rows, columns))}
    return [one_to_one(MleapModel("pca", attributes), source, target)]


def binarizer(stage: SavedStage, frame: Frame) -> list[Node]:
    """One node per column, each a number or a vector."""
    pairs = column_pairs(stage)
    if "thresholds" in stage.set_params():
        thresholds = stage.numbers("thresholds")
    else:
        thresholds = [stage.number("threshold")] * len(pairs)
    nodes = []
    for (source, target), threshold in zip(pairs, thresholds, strict=True):
        column = frame.either(source)
        attributes = {
            "threshold": values.double(threshold),
            "input_shapes": {"data_shape": values.data_shape(column)},
        }
        frame.add(Column(target, "double", column.struct, column.size))
        nodes.append(one_to_one(MleapModel("binarizer", attributes), source, target))
    return nodes


def random_projection_lsh(stage: SavedStage, frame: Frame) -> list[Node]:
    """One bucket number per random direction."""
    count, size, numbers = matrix_values(stage.row()["randUnitVectors"])
    directions = [numbers[row::count] for row in range(count)]
    source, target = single_pair(stage)
    frame.vector(source, size)
    frame.write_vector(target, count)
    frame.note(f"{stage}: Spark answers an array of vectors of one number, the container one vector")
    attributes = {
        "random_unit_vectors": values.tensors(map(values.vector, directions)),
        "bucket_length": values.double(stage.number("bucketLength")),
        "input_size": values.int32(size),
    }
    return [one_to_one(MleapModel("bucketed_random_projection_lsh", attributes), source, target)]


def min_hash_lsh(stage: SavedStage, frame: Frame) -> list[Node]:
    """Only where MLeap's 32-bit arithmetic does not overflow, which Spark's 64-bit one never does."""
    numbers = [int(number) for number in stage.row()["randCoefficients"]]
    factors, offsets = numbers[::2], numbers[1::2]
    source, target = single_pair(stage)
    size = frame.vector(source).known_size
    if any(size * factor + offset >= 2**31 for factor, offset in zip(factors, offsets, strict=True)):
        raise inexpressible(
            stage,
            "MinHashLSH, whose hashes overflow in MLeap's 32-bit arithmetic and come out different,",
            "leave the stage out and hash outside the container",
        )
    frame.write_vector(target, len(factors))
    attributes = {
        "random_coefficients_a": values.int64s(factors),
        "random_coefficients_b": values.int64s(offsets),
        "input_size": values.int32(size),
    }
    return [one_to_one(MleapModel("min_hash_lsh", attributes), source, target)]


STAGES: dict[str, StageFunction] = {
    "StandardScalerModel": standard_scaler,
    "MinMaxScalerModel": min_max_scaler,
    "MaxAbsScalerModel": max_abs_scaler,
    "ElementwiseProduct": elementwise_product,
    "Normalizer": normalizer,
    "DCT": dct,
    "PolynomialExpansion": polynomial_expansion,
    "PCAModel": pca,
    "Binarizer": binarizer,
    "BucketedRandomProjectionLSHModel": random_projection_lsh,
    "MinHashLSHModel": min_hash_lsh,
}
