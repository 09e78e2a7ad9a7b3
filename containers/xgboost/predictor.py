"""From features to predictions, by the fastest way that has proved bit-equal to Booster.predict.

Three ways: the model's trees as a Python function (a few rows), XGBoost's in-place prediction (tables),
and DMatrix with Booster.predict, which is AWS's way. The first two are taken only for a model on which,
at start, they agreed with the third in every bit on rows with missing values, on values right at the
thresholds and on both of their float32 neighbours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np

from sagemaker_transform_emulator.containers.xgboost import library
from sagemaker_transform_emulator.containers.xgboost.answers import RefusedError
from sagemaker_transform_emulator.containers.xgboost.compiled_trees import (
    CompiledTrees,
    NotCompilableError,
    Walk,
    compile_trees,
)
from sagemaker_transform_emulator.containers.xgboost.csv_body import Matrix, Row
from sagemaker_transform_emulator.containers.xgboost.library import xgboost
from sagemaker_transform_emulator.containers.xgboost.media_types import Format
from sagemaker_transform_emulator.containers.xgboost.model_files import LoadedModel, first_paragraph

LOG = logging.getLogger(__name__)

PROBE_ROWS = 600
MISSING_SHARE, THRESHOLD_SHARE = 0.1, 0.9
LARGEST_PROBE = 2_000_000
ROW_OVERHEAD_IN_TREES = 8
MOST_WALKED_TREES = 600
"""Above this many trees, over all rows, XGBoost's call with its fixed cost is the quicker one."""
VOTES = frozenset({"multi:softmax", "binary:hinge"})


class PredictError(RefusedError):
    """The features do not fit the model."""

    status = HTTPStatus.BAD_REQUEST

    def __init__(self, reason: str) -> None:
        super().__init__(f"Unable to evaluate payload provided: {reason}")


class Predictor:
    """One Booster. All methods may be called from several threads."""

    def __init__(self, model: LoadedModel) -> None:
        self.booster = model.booster
        self.pickled = model.pickled
        features = library.feature_count(model.booster)
        self.features: int = features or 0
        self._margins = np.array(model.margins, np.float32)
        self._lock = threading.Lock()
        self._in_place = features is not None and self._agrees(
            self._predict_in_place, probe_rows(features, thresholds=())
        )
        self.trees = self._proved_trees()

    def rows(self, rows: Sequence[Row]) -> Any:
        """Predictions for float32 rows, as Python numbers if the trees gave them, else as an array."""
        missing = self.features - len(rows[0])
        if self.trees is None or missing < 0:
            return self.table(np.array(rows, np.float32))
        if len(rows) * (self.trees.count + ROW_OVERHEAD_IN_TREES) > MOST_WALKED_TREES:
            return self.table(np.array(rows, np.float32))
        predict: Walk = self.trees.predict
        if missing:
            padding = [float("nan")] * missing
            return [predict(row + padding) for row in rows]
        return [predict(row) for row in rows]

    def table(self, table: Matrix) -> Matrix:
        """Predictions for a dense matrix without infinities. Raises PredictError for too many columns."""
        if self._in_place and table.shape[1] <= self.features:
            return self._predict_in_place(table)
        return self.dmatrix(library.matrix(table))

    def dmatrix(self, data: xgboost.DMatrix) -> Matrix:
        """Booster.predict, one call at a time. Raises PredictError with the native message."""
        if self._margins.size:
            data.set_base_margin(np.tile(self._margins, (data.num_row(), 1)))
        try:
            with self._lock:
                found: Matrix = library.predict(self.booster, data)
                return found
        except xgboost.core.XGBoostError as error:
            raise PredictError(first_paragraph(str(error))) from None

    def check_columns(self, request_format: Format, columns: int) -> None:
        """Raise PredictError for a column count that AWS's container refuses; it counts for pickles only."""
        if not self.pickled:
            return
        name = request_format.value
        if request_format is Format.LIBSVM:
            if columns > self.features + 1:
                raise PredictError(
                    f"Feature size of {name} inference data {columns} is larger than "
                    f"feature size of trained model {self.features}."
                )
        elif columns not in (self.features, self.features - 1):
            raise PredictError(
                f"Feature size of {name} inference data {columns} is not consistent "
                f"with feature size of trained model {self.features}."
            )

    def _predict_in_place(self, table: Matrix) -> Matrix:
        missing = self.features - table.shape[1]
        if missing:
            table = np.pad(table, ((0, 0), (0, missing)), constant_values=np.nan)
        margins = np.tile(self._margins, (len(table), 1)) if self._margins.size else None
        found: Matrix = library.predict_in_place(self.booster, table, margins)
        return found

    def _proved_trees(self) -> CompiledTrees | None:
        if self._margins.size:
            LOG.info("single records go through XGBoost's own prediction: base scores differ by output")
            return None
        try:
            trees = compile_trees(self.booster)
        except NotCompilableError as reason:
            LOG.info("single records go through XGBoost's own prediction: %s", reason)
            return None
        probe = probe_rows(self.features, trees.thresholds)

        def walk(table: Matrix) -> Matrix:
            return np.array([trees.predict(row) for row in table.tolist()], np.float32)

        if self._agrees(walk, probe):
            return trees
        LOG.warning(
            "the compiled trees do not reproduce this model bit for bit; XGBoost's prediction is used"
        )
        return None

    def _agrees(self, predict: Callable[[Matrix], Matrix], probe: Matrix) -> bool:
        """Whether `predict` gives the very bits of Booster.predict on the probe."""
        try:
            expected = self.dmatrix(library.matrix(probe))
            seen = predict(probe)
        except PredictError:  # every request will be answered so, as by AWS's container
            return False
        except (library.UnsupportedError, xgboost.core.XGBoostError, ArithmeticError, ValueError, IndexError):
            return False
        return seen.shape == expected.shape and seen.astype(np.float32).tobytes() == expected.tobytes()


def probe_rows(features: int, thresholds: Sequence[tuple[int, float]]) -> Matrix:
    """Rows that tell implementations of one model apart: noise, gaps, thresholds and their neighbours."""
    rows = max(16, min(PROBE_ROWS, LARGEST_PROBE // max(1, features)))
    random = np.random.default_rng(0)
    scale = random.choice([1.0, 10.0, 1000.0], (rows, 1))
    probe: Matrix = (random.standard_normal((rows, features)) * scale).astype(np.float32)
    if thresholds:
        _put_thresholds(probe, thresholds, random)
    probe[random.random(probe.shape) < MISSING_SHARE] = np.nan
    if rows and features:
        probe[0], probe[1] = np.nan, 0.0
    return probe


def _put_thresholds(
    probe: Matrix, thresholds: Sequence[tuple[int, float]], random: np.random.Generator
) -> None:
    by_feature: dict[int, list[float]] = {}
    for feature, threshold in thresholds:
        by_feature.setdefault(feature, []).append(threshold)
    for feature, numbers in by_feature.items():
        chosen = random.choice(np.array(numbers, np.float32), len(probe))
        side = random.choice(np.array([-np.inf, 0, np.inf], np.float32), len(probe))
        moved = np.where(side == 0, chosen, np.nextafter(chosen, side))
        probe[:, feature] = np.where(random.random(len(probe)) < THRESHOLD_SHARE, moved, probe[:, feature])


@dataclass(frozen=True)
class Ensemble:
    """All models of the directory and what selectable output asks of the first one's configuration."""

    members: tuple[Predictor, ...]
    objective: str
    num_class: str
    trees: int

    @property
    def votes(self) -> bool:
        """Whether several models would vote instead of being averaged."""
        return len(self.members) > 1 and self.objective in VOTES

    def rows(self, rows: Sequence[Row], request_format: Format) -> Any:
        """The members' predictions for float32 rows, averaged if there are several."""
        self.members[0].check_columns(request_format, len(rows[0]))
        if len(self.members) == 1:
            return self.members[0].rows(rows)
        return self._mean([np.array(member.rows(rows), np.float32) for member in self.members])

    def table(self, table: Matrix, request_format: Format) -> Matrix:
        """The same for a dense float32 matrix."""
        self.members[0].check_columns(request_format, table.shape[1])
        return self._mean([member.table(table) for member in self.members])

    def dmatrix(self, data: xgboost.DMatrix, request_format: Format) -> Matrix:
        """The same for a DMatrix."""
        self.members[0].check_columns(request_format, data.num_col())
        return self._mean([member.dmatrix(data) for member in self.members])

    def _mean(self, predictions: list[Matrix]) -> Matrix:
        if len(predictions) == 1:
            return predictions[0]
        if self.votes:
            return predictions[0]
        try:
            return np.mean(predictions, axis=0)  # type: ignore[no-any-return]
        except ValueError as error:
            raise PredictError(str(error)) from None


def build_ensemble(models: Sequence[LoadedModel]) -> Ensemble:
    """The models, ready to predict, with the first one's objective."""
    objective, num_class = library.objective(models[0].booster)
    return Ensemble(
        members=tuple(Predictor(model) for model in models),
        objective=objective,
        num_class=num_class,
        trees=sum(library.tree_count(model.booster) for model in models),
    )
