"""What the stage modules share: their function type, column parameters, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from emulator.bundles.bundle import Model, Node
from emulator.bundles.columns import Frame
from emulator.bundles.spark_directory import SavedStage
from emulator.errors import UsageError

StageFunction = Callable[[SavedStage, Frame], list[Node]]


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


def per_column(stage: SavedStage, name: str, default: object = None) -> list[object]:
    """A parameter that multi-column stages keep as a list in `<name>Array`, one value per column."""
    count = len(input_columns(stage))
    if f"{name}Array" in stage.set_params() and "inputCols" in stage.set_params():
        return list(stage.params[f"{name}Array"])
    return [stage.params.get(name, default)] * count


def one_to_one(model: Model, source: str, target: str) -> Node:
    """A node with the ports `input` and `output`."""
    return Node(model, (("input", source),), (("output", target),))


def many_to_one(model: Model, sources: Sequence[str], target: str) -> Node:
    """A node with the ports `input0`, `input1` ... and `output`."""
    return Node(model, numbered("input", sources), (("output", target),))


def numbered(port: str, columns: Sequence[str]) -> list[tuple[str, str]]:
    """Wires to numbered ports."""
    return [(f"{port}{number}", column) for number, column in enumerate(columns)]


def named(stage: SavedStage, ports: Mapping[str, str]) -> list[tuple[str, str]]:
    """Wires from ports to the columns named by parameters; Spark leaves out an output whose name is empty."""
    return [(port, str(stage.params[param])) for port, param in ports.items() if stage.params.get(param)]


def inexpressible(stage: SavedStage, what: str, remedy: str) -> UsageError:
    """The error for a setting MLeap has no word for."""
    return UsageError(f"{stage}: {what} cannot be expressed in an MLeap bundle", remedy=remedy)
