"""Selectable output: the keys SAGEMAKER_INFERENCE_OUTPUT names, for each prediction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from sagemaker_transform_emulator.containers.xgboost.answers import RefusedError

Selected: TypeAlias = dict[str, Any]

SCORE = ("predicted_score",)
CLASSES = ("predicted_label", "labels", "raw_score", "raw_scores")
PROBABILITIES = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores")
KEYS_BY_OBJECTIVE = {
    "reg:squarederror": SCORE,
    "reg:logistic": SCORE,
    "reg:gamma": SCORE,
    "reg:absoluteerror": SCORE,
    "reg:tweedie": SCORE,
    "binary:logistic": PROBABILITIES,
    "binary:logitraw": CLASSES,
    "binary:hinge": CLASSES,
    "multi:softmax": CLASSES,
    "multi:softprob": PROBABILITIES,
}
SIGN_THRESHOLDS = {"binary:logistic": 0.5, "binary:logitraw": 0.0}
"""The prediction above which the label is 1."""


class SelectableError(RefusedError):
    """The objective has no selectable output (500)."""


def select(predictions: Iterable[Any], keys: Sequence[str], objective: str, num_class: str) -> list[Selected]:
    """The chosen values of each prediction; a key that does not fit the objective is NaN, after the others.

    Predictions are floats, or lists of floats for multi:softprob. Raises SelectableError.
    """
    if objective not in KEYS_BY_OBJECTIVE:
        raise SelectableError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    fitting = [key for key in KEYS_BY_OBJECTIVE[objective] if key in keys]
    nothing = {key: math.nan for key in keys if key not in fitting}
    return [{**_values(prediction, fitting, objective, num_class), **nothing} for prediction in predictions]


def unfitting_keys(keys: Sequence[str], objective: str) -> list[str]:
    """The keys that will be NaN for this objective."""
    return [key for key in keys if key not in KEYS_BY_OBJECTIVE.get(objective, ())]


def _values(prediction: Any, keys: Sequence[str], objective: str, num_class: str) -> Selected:
    every = _class_values if objective == "multi:softprob" else _single_values
    values = every(prediction, objective, num_class)
    return {key: values[key] for key in keys}


def _class_values(prediction: list[float], _objective: str, num_class: str) -> Selected:
    """For a vector of probabilities; raw scores are the probabilities again."""
    highest = max(prediction)
    return {
        "predicted_label": int(np.argmax(prediction)),
        "labels": list(range(int(num_class or 0))),
        "probability": highest,
        "probabilities": prediction,
        "raw_score": highest,
        "raw_scores": prediction,
    }


def _single_values(prediction: float, objective: str, num_class: str) -> Selected:
    """For one number, which is taken for a probability even where it is a class or a margin."""
    threshold = SIGN_THRESHOLDS.get(objective)
    pair = [1.0 - prediction, prediction]
    return {
        "predicted_label": prediction if threshold is None else int(prediction > threshold),
        "labels": [0, 1] if objective.startswith("binary:") else list(range(int(num_class or 0))),
        "probability": prediction,
        "probabilities": pair,
        "raw_score": prediction,
        "raw_scores": pair,
        "predicted_score": prediction,
    }


def csv_line(selected: Selected, keys: Sequence[str]) -> str:
    """One row: the values in the order of `keys`, lists as quoted Python lists."""
    return ",".join(f'"{value}"' if isinstance(value := selected[key], list) else str(value) for key in keys)
