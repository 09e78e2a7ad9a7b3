"""The abalone pipeline of AWS's inference pipeline notebook, trained here, with what it must predict.

`abalone(csv)` trains once per content of the CSV file and of the code, in a process of its own, and keeps
the result in the user's cache directory. The expected rows are Spark's and XGBoost's own; no container and
no bundle takes part in them.
"""

# pyspark and xgboost are imported where they are used, so that tests are collected without them
# ruff: noqa: PLC0415

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alone import alone

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS = (
    "sex", "length", "diameter", "height", "whole_weight", "shucked_weight", "viscera_weight", "shell_weight",
)  # fmt: skip
BOOSTER = {
    "objective": "reg:squarederror", "eta": 0.2, "gamma": 4, "max_depth": 5, "subsample": 0.7,
    "min_child_weight": 6, "nthread": 1, "seed": 1, "tree_method": "exact",
}  # fmt: skip
ROUNDS = 10


@dataclass(frozen=True)
class Abalone:
    """Where the trained models lie, and what goes in and comes out."""

    folder: Path

    @property
    def sparkml_archive(self) -> Path:
        """model.tar.gz of the SparkML container."""
        return self.folder / "sparkml.tar.gz"

    @property
    def xgboost_archive(self) -> Path:
        """model.tar.gz of the XGBoost container."""
        return self.folder / "xgboost.tar.gz"

    @property
    def schema(self) -> str:
        """The value of SAGEMAKER_SPARKML_SCHEMA."""
        return (self.folder / "schema.json").read_text()

    @property
    def input(self) -> bytes:
        """The batch input: every row without its last column, one a line."""
        return (self.folder / "input.csv").read_bytes()

    @property
    def features(self) -> list[list[float]]:
        """The 9 features of every row, by pyspark's transform."""
        found: list[list[float]] = json.loads((self.folder / "features.json").read_text())
        return found

    @property
    def predictions(self) -> list[float]:
        """The prediction for every row, by xgboost's predict: a float32, widened."""
        found: list[float] = json.loads((self.folder / "predictions.json").read_text())
        return found


def abalone(data: Path) -> Abalone:
    """The models trained on `data`, the UCI file without a header; the first call takes about 30 seconds."""
    target = cache() / f"abalone-{digest(data)}"
    with alone("abalone"):
        if not target.is_dir():
            _train_into(target, data)
    return Abalone(target)


def _train_into(target: Path, data: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix="abalone-"))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}
    command = [sys.executable, __file__, str(data), str(scratch)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(scratch)
        raise RuntimeError(f"training failed: {done.stderr[-2000:]}")
    scratch.rename(target)


def cache() -> Path:
    """Where results are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sagemaker-transform-emulator" / "test-models"


def digest(data: Path) -> str:
    """Changes with the data, this file, the exporter and the libraries that train."""
    import pyspark
    import xgboost

    seen = hashlib.sha256(f"{pyspark.__version__} {xgboost.__version__}".encode())
    for path in [
        data,
        Path(__file__),
        *sorted(
            (ROOT / "emulator/sagemaker_transform_emulator/model_artifacts/spark_to_mleap").rglob("*.py")
        ),
    ]:
        seen.update(path.read_bytes())
    return seen.hexdigest()[:16]


def train(data: Path, out: Path) -> None:
    """Write into `out` what Abalone reads."""
    import numpy as np
    import xgboost

    from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import tar_gz

    with data.open(newline="") as file:
        rows = [[sex, *map(float, rest)] for sex, *rest in csv.reader(file)]
    features = fit_features([row[:-1] for row in rows], out)
    matrix = np.array(features)
    rings = np.array([row[-1] for row in rows])
    # four fifths train, as in the notebook, but always the same ones
    chosen = np.arange(len(rows)) % 5 != 0
    booster = xgboost.train(BOOSTER, xgboost.DMatrix(matrix[chosen], label=rings[chosen]), ROUNDS)
    (out / "xgboost.tar.gz").write_bytes(tar_gz({"xgboost-model": bytes(booster.save_raw("ubj"))}))
    predicted = [float(value) for value in booster.predict(xgboost.DMatrix(matrix))]
    (out / "predictions.json").write_text(json.dumps(predicted))
    (out / "features.json").write_text(json.dumps(features))
    lines = (line.rpartition(",")[0] for line in data.read_text().splitlines())
    (out / "input.csv").write_text("".join(f"{line}\n" for line in lines))


def fit_features(rows: list[list[Any]], out: Path) -> list[list[float]]:
    """Fit, save and export the Spark pipeline; returns what it makes of every row."""
    from pyspark.ml import Pipeline
    from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler
    from sample_data.spark import local_session

    from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import export_sparkml

    spark = local_session("abalone")
    frame = spark.createDataFrame(
        rows, ", ".join(f"{name} double" for name in COLUMNS).replace("double", "string", 1)
    )
    pipeline = Pipeline(
        stages=[
            StringIndexer(inputCol="sex", outputCol="indexed_sex"),
            OneHotEncoder(inputCol="indexed_sex", outputCol="sex_vec"),
            VectorAssembler(inputCols=["sex_vec", *COLUMNS[1:]], outputCol="features"),
        ]
    )
    model = pipeline.fit(frame)
    with tempfile.TemporaryDirectory() as scratch:
        model.save(f"{scratch}/pipeline")
        export = export_sparkml(f"{scratch}/pipeline", out / "sparkml.tar.gz", columns=COLUMNS)
    (out / "schema.json").write_text(export.schema.to_json())
    made = [[float(value) for value in row.features.toArray()] for row in model.transform(frame).collect()]
    spark.stop()
    return made


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]))
