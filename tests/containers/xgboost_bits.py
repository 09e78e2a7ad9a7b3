"""Run as a script under any XGBoost: trains small models, saves them, loads and predicts them as served.

usage: xgboost_bits.py bits           a JSON line a model: are our predictions the bits of Booster.predict
       xgboost_bits.py pickle FILE    a pickled binary:logistic Booster; prints CSV rows and its predictions
"""

from __future__ import annotations

import json
import pickle
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sagemaker_transform_emulator.containers.xgboost import library
from sagemaker_transform_emulator.containers.xgboost.library import VERSION, xgboost
from sagemaker_transform_emulator.containers.xgboost.media_types import Format
from sagemaker_transform_emulator.containers.xgboost.model_files import load_model
from sagemaker_transform_emulator.containers.xgboost.predictor import build_ensemble

FEATURES = 4
SQUARED_ERROR = "reg:linear" if VERSION < (0, 83) else "reg:squarederror"
OBJECTIVES = (
    SQUARED_ERROR, "binary:logistic", "binary:logitraw", "binary:hinge", "multi:softprob", "multi:softmax",
    "count:poisson",
)  # fmt: skip
NO_HINGE = VERSION < (0, 80)
ROUNDS, KEPT = 8, 3


def sample(rows: int, seed: int) -> np.ndarray:
    """Values with two digits, so that they lie on the thresholds, and some that are missing."""
    random = np.random.default_rng(seed)
    table = random.random((rows, FEATURES)).round(2).astype(np.float32)
    table[random.random(table.shape) < 0.1] = np.nan
    return table


def train(objective: str) -> Any:
    """A Booster of ROUNDS rounds."""
    table = sample(300, 0)
    score = np.nan_to_num(2 * table[:, 0] - table[:, 1])
    labels = {
        "multi": np.digitize(score, [0.2, 0.9]), "binary": (score > 0.5).astype(int), "count": np.abs(score),
    }.get(objective.partition(":")[0], score)  # fmt: skip
    classes = {"num_class": 3} if objective.startswith("multi") else {}
    parameters = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 0, **classes, **_quiet()}
    return xgboost.train(parameters, xgboost.DMatrix(table, labels.astype(np.float32)), ROUNDS)


def _quiet() -> dict[str, int]:
    return {"silent": 1} if VERSION < (1, 0) else {"verbosity": 0}


def saved(objective: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """The model as pickle, as early stopping leaves one, and as native file."""
    booster = train(objective)
    for limit in (0, KEPT):
        booster.best_ntree_limit = limit or ROUNDS
        path = folder / f"pickle-{limit}"
        path.write_bytes(pickle.dumps(booster))
        yield ("stopped early" if limit else "pickle"), path
    native = folder / "xgboost-model"
    booster.save_model(str(native))
    yield "native", native


def compare(path: Path) -> dict[str, Any]:
    """How the served predictions of a file compare with what AWS's container calls."""
    loaded = load_model(path, trust_pickles=False)
    models = build_ensemble([loaded])
    table = sample(120, 1)
    wanted = library.predict(loaded.booster, xgboost.DMatrix(table))
    whole = models.table(table, Format.CSV)
    rows = [models.rows([row], Format.CSV)[0] for row in table.tolist()]
    loaded.booster.best_ntree_limit = 0
    every_round = library.predict(loaded.booster, xgboost.DMatrix(table))
    return {
        "objective": models.objective,
        "table": whole.tobytes() == wanted.tobytes(),
        "rows": np.array(rows, np.float32).tobytes() == wanted.tobytes(),
        "trees": models.members[0].trees is not None,
        "in place": models.members[0]._in_place,
        "all rounds": every_round.tobytes() == wanted.tobytes(),
    }


def tell(found: dict[str, Any]) -> None:
    """One line of JSON."""
    sys.stdout.write(json.dumps(found) + "\n")


def main() -> None:
    """See the module's text."""
    if sys.argv[1] == "pickle":
        booster, table = train("binary:logistic"), np.nan_to_num(sample(20, 2))
        Path(sys.argv[2]).write_bytes(pickle.dumps(booster, protocol=0))  # as Python 2 wrote them
        predictions = booster.predict(xgboost.DMatrix(table)).tolist()
        tell({"rows": [",".join(map(repr, row)) for row in table.tolist()], "predictions": predictions})
        return
    for objective in OBJECTIVES:
        if objective == "binary:hinge" and NO_HINGE:
            continue
        with tempfile.TemporaryDirectory() as name:
            for kind, path in saved(objective, Path(name)):
                tell({"kind": kind, "asked": objective, **compare(path)})


if __name__ == "__main__":
    main()
