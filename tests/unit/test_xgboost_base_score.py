"""Models that XGBoost 3.1 or later saved: the base score is a list there."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path

import numpy as np
import pytest
import xgboost
from xgboost_help import booster

from sagemaker_transform_emulator.containers.xgboost.base_score import base_scores
from sagemaker_transform_emulator.containers.xgboost.model_files import load_model
from sagemaker_transform_emulator.containers.xgboost.predictor import Predictor

ROWS = np.random.default_rng(7).random((50, 4)).astype(np.float32)


def with_base_score(objective: str, text: str) -> bytes:
    """A small model with that base score, written as in its file."""
    document = json.loads(bytes(booster(objective).save_raw("json")))
    document["learner"]["learner_model_param"]["base_score"] = text
    return json.dumps(document, separators=(",", ":")).encode()


def predictor(path: Path) -> Predictor:
    return Predictor(load_model(path, trust_pickles=False))


def written(tmp_path: Path, model: bytes, form: str) -> Path:
    path = tmp_path / f"model-{form}"
    loaded = xgboost.Booster(model_file=bytearray(model))
    if form == "json":
        path.write_bytes(model)
    elif form == "pickle":
        path.write_bytes(pickle.dumps(loaded))
    else:
        path.write_bytes(loaded.save_raw("ubj"))
    return path


@pytest.mark.parametrize("objective", ["reg:squarederror", "binary:logistic", "count:poisson"])
def test_one_listed_score_counts_as_the_plain_one(
    objective: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = predictor(written(tmp_path, with_base_score(objective, "3.2E-1"), "json"))
    assert not caplog.records
    path = tmp_path / "listed"
    path.write_bytes(with_base_score(objective, "[3.2E-1]"))
    with caplog.at_level(logging.WARNING):
        listed = predictor(path)
    assert listed.table(ROWS).tobytes() == plain.table(ROWS).tobytes()
    assert listed.rows(ROWS.tolist()[:3]) == plain.rows(ROWS.tolist()[:3])
    assert "AWS's image 3.0-5 would take it for 0" in caplog.text


def test_several_scores_are_margins_of_their_outputs(tmp_path: Path) -> None:
    scores = [0.5, -0.25, 0.125]
    path = tmp_path / "listed"
    path.write_bytes(with_base_score("multi:softprob", "[5E-1,-2.5E-1,1.25E-1]"))
    listed = predictor(path)
    bare = xgboost.Booster(model_file=bytearray(with_base_score("multi:softprob", "0E0")))
    margins = bare.predict(xgboost.DMatrix(ROWS), output_margin=True) + np.array(scores, np.float32)
    odds = np.exp(margins - margins.max(axis=1, keepdims=True))
    np.testing.assert_allclose(listed.table(ROWS), odds / odds.sum(axis=1, keepdims=True), rtol=1e-5)
    np.testing.assert_array_equal(listed.rows(ROWS.tolist()[:3]), listed.table(ROWS[:3]))


@pytest.mark.parametrize("form", ["json", "ubj", "pickle"])
def test_models_of_this_version_have_no_list(form: str, tmp_path: Path) -> None:
    assert base_scores(written(tmp_path, with_base_score("reg:squarederror", "1E0"), form)) == ()


def test_a_list_is_found_in_ubjson(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(b"{L\x00\x0abase_scoreSL\x00\x00\x00\x00\x00\x00\x00\x0b[1.5E0,-2E1]L\x00")
    assert base_scores(path) == (1.5, -20.0)
