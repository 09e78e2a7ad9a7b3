"""Small models of every objective, and containers that serve them in a thread of the test process."""

from __future__ import annotations

import functools
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import uvicorn
import xgboost

from sagemaker_transform_emulator.containers.xgboost.app import create_app
from sagemaker_transform_emulator.containers.xgboost.settings import read_settings

FEATURES = 4
OBJECTIVES = (
    "reg:squarederror", "reg:absoluteerror", "reg:squaredlogerror", "reg:pseudohubererror", "reg:logistic",
    "reg:gamma", "reg:tweedie", "reg:quantileerror", "binary:logistic", "binary:logitraw", "binary:hinge",
    "multi:softmax", "multi:softprob", "count:poisson", "rank:pairwise", "rank:ndcg", "survival:cox",
    "survival:aft",
)  # fmt: skip


def sample(rows: int, seed: int = 0, *, missing: float = 0.1) -> np.ndarray:
    random = np.random.default_rng(seed)
    table = random.random((rows, FEATURES)).round(2).astype(np.float32)
    table[random.random(table.shape) < missing] = np.nan
    return table


@functools.cache
def booster(objective: str = "reg:squarederror", rounds: int = 5, **options: object) -> xgboost.Booster:
    """A Booster trained on 300 rows whose values lie on the thresholds, as real ones do."""
    table = sample(300, missing=0.05)
    score = np.nan_to_num(2 * table[:, 0] - table[:, 1])
    parameters = {"objective": objective, "max_depth": 3, "nthread": 1, "seed": 0, **options}
    if options.get("booster") == "gblinear":
        del parameters["max_depth"]
    if objective.startswith("multi"):
        parameters.setdefault("num_class", 3)
    if objective == "reg:quantileerror":
        parameters.setdefault("quantile_alpha", [0.2, 0.8])
    data = xgboost.DMatrix(table, _labels(objective, score))
    if objective.startswith("rank"):
        data.set_group([30] * 10)
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", np.abs(score) + 0.1)
        data.set_float_info("label_upper_bound", np.abs(score) + 0.3)
    return xgboost.train(parameters, data, rounds)


def _labels(objective: str, score: np.ndarray) -> np.ndarray:
    if objective.startswith("multi"):
        return np.digitize(score, [0.2, 0.9])
    if objective.startswith(("binary", "rank")) or objective == "reg:logistic":
        return (score > 0.5).astype(int)
    if (
        objective in ("reg:gamma", "reg:tweedie", "count:poisson", "reg:squaredlogerror")
        or "survival" in objective
    ):
        return np.abs(score) + 0.1
    return score


def expected(model: xgboost.Booster, table: np.ndarray) -> np.ndarray:
    """What plain XGBoost predicts."""
    return model.predict(xgboost.DMatrix(table), validate_features=False)


def csv_body(table: np.ndarray) -> bytes:
    return "\n".join(",".join("" if np.isnan(x) else repr(float(x)) for x in row) for row in table).encode()


@contextmanager
def serving(environ: Mapping[str, str], *, directly: bool = True) -> Iterator[httpx.Client]:
    """A client of a container with this environment, on a free port of the loopback interface.

    Not `directly` means that each request takes the long way, through the application.
    """
    app = create_app(read_settings(environ))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=app.http if directly else "httptools",  # type: ignore[arg-type]
            log_level="warning",
            access_log=False,
            ws="none",
            lifespan="on",
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        with httpx.Client(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60, headers={"Accept": ""}
        ) as client:
            del client.headers["Accept"]
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def save(model: xgboost.Booster, directory: Path, name: str = "xgboost-model") -> Path:
    """The model as JSON in its directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_bytes(model.save_raw("json"))
    return directory
