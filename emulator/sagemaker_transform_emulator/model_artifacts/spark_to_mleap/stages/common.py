"""What the stage modules share: their function type, column parameters, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import values
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.bundle import MleapModel, Node
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import SavedStage

StageFunction = Callable[[SavedStage, Frame], list[Node]]

# The parameter that names a column, and the length of its vectors, or None where it holds bare values.
Output = tuple[str, int | None]


def input_columns(stage: SavedStage) -> list[str]:
    """The names in `inputCols`, or the one in `inputCol`."""
    if "inputCols" in stage.set_params():
        return list(stage.params["inputCols"])
    return [str(stage.params["inputCol"])]


def output_columns(stage: SavedStage) -> list[str]:
    """The names in `outputCols`, or the one in `outputCol`, which Spark fills in when it is not set."""
    if "inputCols" in stage.set_params() and "outputCols" in stage.params:
        return list(stage.params["outputCols"])
    return [str(stage.params["outputCol"])]


def column_pairs(stage: SavedStage) -> list[tuple[str, str]]:
    """The (input, output) column names of a stage that treats each column by itself."""
    return list(zip(input_columns(stage), output_columns(stage), strict=True))


def single_pair(stage: SavedStage) -> tuple[str, str]:
    """The input and output column of a stage that has one of each."""
    return str(stage.params["inputCol"]), str(stage.params["outputCol"])


def one_to_one(model: MleapModel, source: str, target: str) -> Node:
    """A node with the ports `input` and `output`."""
    return Node(model, (("input", source),), (("output", target),))


def many_to_one(model: MleapModel, sources: Sequence[str], target: str) -> Node:
    """A node with the ports `input0`, `input1` ... and `output`."""
    return Node(model, numbered("input", sources), (("output", target),))


def numbered(port: str, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Wires to numbered ports."""
    return [(f"{port}{number}", column) for number, column in enumerate(columns)]


def wired(
    model: MleapModel, stage: SavedStage, frame: Frame, outputs: Mapping[str, Output], base: str = "double"
) -> Node:
    """A node from `featuresCol` to the columns named by parameters: port -> (parameter, vector size or None).

    An output whose name is empty is left out, as in Spark, but the prediction, which MLeap always writes.
    `base` is the type of the prediction.
    """
    ports = []
    for port, (parameter, size) in outputs.items():
        name = str(stage.params.get(parameter) or "")
        if not name and port == "prediction":
            name = f"{stage.uid}__prediction"
        if not name:
            continue
        if size is None:
            frame.write(name, base)
        else:
            frame.write_vector(name, size)
        ports.append((port, name))
    return Node(model, (("features", str(stage.params["featuresCol"])),), ports)


def classifier_node(model: MleapModel, stage: SavedStage, frame: Frame, size: int, classes: int) -> Node:
    """A node that answers raw predictions, probabilities and the predicted class."""
    frame.vector(str(stage.params["featuresCol"]), size)
    outputs: dict[str, Output] = {
        "raw_prediction": ("rawPredictionCol", classes),
        "probability": ("probabilityCol", classes),
        "prediction": ("predictionCol", None),
    }
    return wired(model, stage, frame, outputs)


def regressor_node(model: MleapModel, stage: SavedStage, frame: Frame, size: int) -> Node:
    """A node that answers one number."""
    frame.vector(str(stage.params["featuresCol"]), size)
    return wired(model, stage, frame, {"prediction": ("predictionCol", None)})


def thresholds(stage: SavedStage) -> dict[str, values.Value]:
    """The attribute `thresholds`, where they were set."""
    if "thresholds" not in stage.set_params():
        return {}
    return {"thresholds": values.doubles(stage.numbers("thresholds"))}


def inexpressible(stage: SavedStage, what: str, remedy: str) -> UsageError:
    """The error for a setting MLeap has no word for."""
    return UsageError(f"{stage}: {what} cannot be expressed in an MLeap bundle", remedy=remedy)
