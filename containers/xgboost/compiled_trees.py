"""Decision trees turned into one Python function, for requests of a few rows.

XGBoost's own call has a fixed cost near a tenth of a millisecond, many times what the trees of a usual
model take. The function does the same arithmetic: features, thresholds and leaves are float32, a feature
goes left when it is smaller than the threshold or, where the node says so, missing, and leaves are added
one after the other in float32. `predictor.py` serves with it only after both have agreed bit for bit on
many rows of the model at hand.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from sagemaker_transform_emulator.containers.xgboost.library import UnsupportedError, as_json, xgboost

Walk: TypeAlias = Callable[[Sequence[float]], Any]

MOST_NODES = 20_000
DEEPEST_TREE = 60
LARGEST_MODEL_BYTES = 100 * MOST_NODES
LEAF = -1

IDENTITY = frozenset({
    "reg:squarederror", "reg:absoluteerror", "reg:squaredlogerror", "reg:pseudohubererror",
    "binary:logitraw", "rank:pairwise", "rank:ndcg", "rank:map",
})  # fmt: skip
SIGMOID = frozenset({"binary:logistic", "reg:logistic"})
EXPONENTIAL = frozenset({"count:poisson", "reg:gamma", "reg:tweedie", "survival:cox"})


class NotCompilableError(Exception):
    """The model has something the function cannot express; the message says what."""


@dataclass(frozen=True)
class CompiledTrees:
    """`predict` gives what `Booster.predict(...).tolist()` has for one row: a float or a list of floats.

    Rows hold one float32 number for each feature. `thresholds` are all numbers the trees compare with,
    as (feature, threshold).
    """

    predict: Walk
    count: int
    thresholds: tuple[tuple[int, float], ...]


def compile_trees(booster: xgboost.Booster) -> CompiledTrees:
    """The function for `booster`. Raises NotCompilableError, mostly for what is rare or too large."""
    try:
        raw = as_json(booster)
    except UnsupportedError as reason:
        raise NotCompilableError(str(reason)) from None
    if len(raw) > LARGEST_MODEL_BYTES:
        raise NotCompilableError(f"the model is larger than {LARGEST_MODEL_BYTES} bytes")
    learner = json.loads(raw)["learner"]
    gradient_booster = learner["gradient_booster"]
    if gradient_booster["name"] != "gbtree":
        raise NotCompilableError(f"its booster is {gradient_booster['name']}")
    trees = gradient_booster["model"]["trees"]
    nodes = sum(len(tree["left_children"]) for tree in trees)
    if nodes > MOST_NODES:
        raise NotCompilableError(f"{nodes} nodes are more than {MOST_NODES}")
    for tree in trees:
        _check_tree(tree)
    features = booster.num_features()
    groups = _trees_by_group(gradient_booster["model"])
    margins = [
        _compile(group, base, features)
        for group, base in zip(groups, _base_margins(raw, features), strict=True)
    ]
    transform = _transform(learner["objective"]["name"], margins)
    thresholds = tuple(threshold for tree in trees for threshold in _thresholds(tree))
    return CompiledTrees(transform, len(trees), thresholds)


def _check_tree(tree: dict[str, Any]) -> None:
    if any(tree["split_type"]) or tree.get("categories"):
        raise NotCompilableError("it splits on categories")
    if int(tree["tree_param"].get("size_leaf_vector", "1") or "1") > 1:
        raise NotCompilableError("its leaves are vectors")
    if not all(
        isinstance(number, float | int) and math.isfinite(number) for number in tree["split_conditions"]
    ):
        raise NotCompilableError("a threshold or leaf is no finite number")


def _trees_by_group(model: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """The trees of each output, in order."""
    groups: list[list[dict[str, Any]]] = [[] for _ in range(max(model["tree_info"], default=0) + 1)]
    for tree, group in zip(model["trees"], model["tree_info"], strict=True):
        groups[group].append(tree)
    return groups


def _base_margins(raw: bytes, features: int) -> list[float]:
    """What each output starts from: the margins of the same model with every leaf at zero."""
    model = json.loads(raw)
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        for node, left in enumerate(tree["left_children"]):
            if left == LEAF:
                tree["split_conditions"][node] = 0.0
    empty = xgboost.Booster(model_file=bytearray(json.dumps(model).encode()))
    margins = empty.inplace_predict(np.zeros((1, features), np.float32), predict_type="margin")
    return [float(number) for number in margins.reshape(-1)]


def _compile(trees: list[dict[str, Any]], base: float, features: int) -> Walk:
    """A function from a row to the margin of one output."""
    used = sorted({index for tree in trees for index, _ in _thresholds(tree)})
    lines = ["def margin(row, total):"]
    lines += [f" v{index} = row[{index}]" for index in used if index < features]
    lines += [f" total[0] = {base!r}"]
    lines += [f" total[0] += {_expression(tree, 0, 0)}" for tree in trees]
    lines += [" return total[0]"]
    names: dict[str, Any] = {}
    # only numbers that passed _check_tree and integers from the model reach the source
    exec(compile("\n".join(lines), "<trees>", "exec"), names)  # noqa: S102 - see the line above
    margin = names["margin"]
    # array("f") is what rounds the sum to float32 after every tree
    return lambda row: margin(row, array("f", (0.0,)))


def _expression(tree: dict[str, Any], node: int, depth: int) -> str:
    if depth > DEEPEST_TREE:
        raise NotCompilableError(f"a tree is deeper than {DEEPEST_TREE}")
    number = repr(_float32(tree["split_conditions"][node]))
    if tree["left_children"][node] == LEAF:
        return number
    left = _expression(tree, tree["left_children"][node], depth + 1)
    right = _expression(tree, tree["right_children"][node], depth + 1)
    feature = f"v{int(tree['split_indices'][node])}"
    # a comparison with a missing value (NaN) is false, which settles its direction without asking
    if tree["default_left"][node]:
        return f"({right} if {feature} >= {number} else {left})"
    return f"({left} if {feature} < {number} else {right})"


def _thresholds(tree: dict[str, Any]) -> list[tuple[int, float]]:
    return [
        (int(feature), _float32(number))
        for feature, number, left in zip(
            tree["split_indices"], tree["split_conditions"], tree["left_children"], strict=True
        )
        if left != LEAF
    ]


def _transform(objective: str, margins: list[Walk]) -> Walk:
    """The objective's output from the margins, in the same float32 steps as XGBoost."""
    if objective in ("multi:softprob", "multi:softmax"):
        return _softmax(margins) if objective == "multi:softprob" else _argmax(margins)
    if len(margins) != 1:
        raise NotCompilableError(f"{objective} has {len(margins)} outputs")
    margin = margins[0]
    if objective in IDENTITY:
        return margin
    if objective == "binary:hinge":
        return lambda row: 1.0 if margin(row) > 0.0 else 0.0
    exponential = _expf()
    if objective in EXPONENTIAL:
        return lambda row: exponential(margin(row))
    if objective in SIGMOID:
        return _sigmoid(margin, exponential)
    raise NotCompilableError(f"its objective is {objective}")


def _sigmoid(margin: Walk, exponential: Callable[[float], float]) -> Walk:
    limit, tiny = _float32(88.7), _float32(1e-16)

    def sigmoid(row: Sequence[float]) -> float:
        denominator = _float32(_float32(exponential(min(-margin(row), limit)) + 1.0) + tiny)
        return _float32(1.0 / denominator)

    return sigmoid


def _softmax(margins: list[Walk]) -> Walk:
    exponential = _expf()

    def softmax(row: Sequence[float]) -> list[float]:
        outputs = [margin(row) for margin in margins]
        largest = max(outputs)
        powers = [exponential(_float32(output - largest)) for output in outputs]
        total = 0.0
        for power in powers:
            total += power
        total = _float32(total)
        return [_float32(power / total) for power in powers]

    return softmax


def _argmax(margins: list[Walk]) -> Walk:
    def argmax(row: Sequence[float]) -> float:
        outputs = [margin(row) for margin in margins]
        return float(outputs.index(max(outputs)))

    return argmax


def _float32(number: float) -> float:
    return array("f", (number,))[0]


def _expf() -> Callable[[float], float]:
    """The C library's float32 exponential, which XGBoost calls too; NumPy's own one rounds otherwise."""
    library = ctypes.CDLL(ctypes.util.find_library("m") or None)
    function = library.expf
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return function
