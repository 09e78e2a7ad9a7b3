"""Every way of predicting gives the very bits of Booster.predict on a DMatrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from xgboost_help import FEATURES, OBJECTIVES, booster, expected, sample

from sagemaker_transform_emulator.containers.xgboost.compiled_trees import NotCompilableError, compile_trees
from sagemaker_transform_emulator.containers.xgboost.media_types import Format
from sagemaker_transform_emulator.containers.xgboost.model_files import LoadedModel
from sagemaker_transform_emulator.containers.xgboost.predictor import (
    Ensemble,
    PredictError,
    Predictor,
    build_ensemble,
)

NOT_COMPILED = {"reg:quantileerror", "survival:aft"}


def predictor(model: xgboost.Booster, *, pickled: bool = False) -> Predictor:
    return Predictor(LoadedModel(model, pickled, Path("model")))


def float32(predictions: object) -> np.ndarray:
    return np.array(predictions, np.float32)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_rows_and_tables_are_bit_equal_for_every_objective(objective: str) -> None:
    model = booster(objective)
    ours = predictor(model)
    assert (ours.trees is None) == (objective in NOT_COMPILED)
    table = np.vstack([sample(200, seed=3), np.random.default_rng(4).normal(size=(200, FEATURES)) * 50])
    table = table.astype(np.float32)
    wanted = expected(model, table)
    assert ours.table(table).tobytes() == wanted.tobytes()
    one_by_one = [ours.rows([row])[0] for row in table.tolist()]
    assert float32(one_by_one).tobytes() == wanted.tobytes()


@given(arrays(np.float32, (10, FEATURES), elements=st.floats(width=32, allow_infinity=False)))
@settings(max_examples=30)
@pytest.mark.parametrize(
    "objective", ["reg:squarederror", "binary:logistic", "multi:softprob", "count:poisson"]
)
def test_any_float32_rows_are_bit_equal(objective: str, table: np.ndarray) -> None:
    trees = _compiled(objective)
    walked = [trees(row) for row in table.tolist()]
    assert float32(walked).tobytes() == expected(booster(objective), table).tobytes()


_COMPILED: dict[str, object] = {}


def _compiled(objective: str):  # noqa: ANN202 - a private cache
    if objective not in _COMPILED:
        _COMPILED[objective] = compile_trees(booster(objective)).predict
    return _COMPILED[objective]


def test_values_at_the_thresholds_are_bit_equal() -> None:
    model = booster(rounds=20)
    trees = compile_trees(model)
    rows = []
    for feature, threshold in trees.thresholds:
        for value in (
            threshold,
            np.nextafter(np.float32(threshold), np.float32(-1)),
            float(threshold) + 1e-9,
        ):
            row = np.full(FEATURES, 0.5, np.float32)
            row[feature] = value
            rows.append(row)
    table = np.array(rows)
    assert (
        float32([trees.predict(row) for row in table.tolist()]).tobytes() == expected(model, table).tobytes()
    )


@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob"])
@pytest.mark.parametrize("limit", [1, 3, 5, 9])
def test_a_pickle_that_was_stopped_early_predicts_with_the_rounds_that_count(
    objective: str, limit: int
) -> None:
    model = booster(objective).copy()
    model.best_ntree_limit = limit  # what XGBoost 0.x and 1.x leave in a pickle
    table = sample(60, seed=7)
    if limit > 5:
        with pytest.raises(PredictError):  # for each request, as AWS's container
            predictor(model).table(table)
        return
    wanted = model.predict(xgboost.DMatrix(table), iteration_range=(0, limit), validate_features=False)
    ours = predictor(model)
    assert ours.trees is not None
    assert ours.table(table).tobytes() == wanted.tobytes()
    assert float32([ours.rows([row])[0] for row in table.tolist()]).tobytes() == wanted.tobytes()


def test_missing_columns_at_the_end_are_missing_values() -> None:
    model = booster()
    table = sample(30, missing=0)[:, :2]
    wanted = expected(model, table)
    assert float32(predictor(model).rows(table.tolist())).tobytes() == wanted.tobytes()
    assert predictor(model).table(table).tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"booster": "gblinear"}, "gblinear"),
        ({"booster": "dart"}, "dart"),
    ],
)
def test_what_trees_cannot_express_is_left_to_xgboost(options: dict[str, str], reason: str) -> None:
    model = booster(rounds=3, **options)
    with pytest.raises(NotCompilableError, match=reason):
        compile_trees(model)
    table = sample(40)
    assert predictor(model).table(table).tobytes() == expected(model, table).tobytes()


def test_categorical_splits_are_left_to_xgboost() -> None:
    table = np.random.default_rng(0).integers(0, 6, (200, 2)).astype(float)
    data = xgboost.DMatrix(table, table[:, 0] % 2, feature_types=["c", "c"], enable_categorical=True)
    model = xgboost.train({"max_depth": 2, "nthread": 1, "max_cat_to_onehot": 1}, data, 2)
    with pytest.raises(NotCompilableError, match="categories"):
        compile_trees(model)


def test_forests_of_parallel_trees_are_bit_equal() -> None:
    model = booster("multi:softprob", rounds=3, num_parallel_tree=4, subsample=0.5)
    ours = predictor(model)
    assert ours.trees is not None
    assert ours.trees.count == 3 * 3 * 4
    table = sample(50, seed=9)
    assert (
        float32([ours.rows([row])[0] for row in table.tolist()]).tobytes() == expected(model, table).tobytes()
    )


def test_a_function_that_differs_in_one_bit_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from sagemaker_transform_emulator.containers.xgboost import predictor as module  # noqa: PLC0415 - patched here only

    honest = compile_trees(booster())

    def off_by_a_bit(row: list[float]) -> float:
        return float(np.nextafter(np.float32(honest.predict(row)), np.float32(np.inf)))

    wrong = type(honest)(off_by_a_bit, honest.count, honest.thresholds)
    monkeypatch.setattr(module, "compile_trees", lambda _: wrong)
    assert predictor(booster()).trees is None


def test_too_many_columns_are_refused_in_xgboosts_words() -> None:
    with pytest.raises(PredictError, match="Number of columns does not match") as error:
        predictor(booster()).rows([[0.5] * 5])
    assert str(error.value).startswith("Unable to evaluate payload provided: [")
    assert error.value.status == 400


@pytest.mark.parametrize(
    ("request_format", "columns", "fits"),
    [
        (Format.CSV, 4, True), (Format.CSV, 3, True), (Format.CSV, 2, False), (Format.CSV, 5, False),
        (Format.RECORDIO, 3, True), (Format.RECORDIO, 5, False),
        (Format.LIBSVM, 1, True), (Format.LIBSVM, 5, True), (Format.LIBSVM, 6, False),
    ],
)  # fmt: skip
def test_pickled_models_count_columns(request_format: Format, columns: int, *, fits: bool) -> None:
    predictor(booster()).check_columns(request_format, columns)
    strict = predictor(booster(), pickled=True)
    if fits:
        strict.check_columns(request_format, columns)
        return
    relation = "larger than" if request_format is Format.LIBSVM else "not consistent with"
    with pytest.raises(PredictError) as error:
        strict.check_columns(request_format, columns)
    assert str(error.value) == (
        f"Unable to evaluate payload provided: Feature size of {request_format.value} inference data "
        f"{columns} is {relation} feature size of trained model 4."
    )


def ensemble(*models: xgboost.Booster) -> Ensemble:
    return build_ensemble([LoadedModel(model, pickled=False, path=Path("m")) for model in models])


@pytest.mark.parametrize("objective", ["reg:squarederror", "multi:softprob"])
def test_an_ensemble_is_the_float32_mean(objective: str) -> None:
    models = [booster(objective, rounds=rounds) for rounds in (2, 3, 5)]
    table = sample(30)
    wanted = np.mean([expected(model, table) for model in models], axis=0)
    both = ensemble(*models)
    assert both.table(table, Format.CSV).tobytes() == wanted.tobytes()
    assert float32(both.rows(table.tolist(), Format.CSV)).tobytes() == wanted.tobytes()


def test_models_of_different_shapes_cannot_be_averaged() -> None:
    with pytest.raises(PredictError):
        ensemble(booster("multi:softprob"), booster()).rows([[0.5] * 4] * 2, Format.CSV)
