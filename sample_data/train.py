"""Trains the sample models from penguins.csv and writes everything a batch transform job needs.

Run by `make models`. The same data give the same bytes: no clock, no random choice and no thread
takes part.

    models/sparkml/model.tar.gz   Spark ML feature pipeline, as an MLeap bundle
    models/xgboost/model.tar.gz   XGBoost regression on those features
    input/penguins.csv            the batch input, one penguin a line
    model.json, job.json          the requests CreateModel and CreateTransformJob take
    expected/penguins.csv         what the job must predict, computed by Spark and XGBoost themselves
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from penguins import FEATURES, HERE, LABELS, MEASURED, MISSING, TARGET, Penguin, read_penguins, record, sent
from pyspark.ml import Pipeline
from pyspark.ml.feature import Imputer, OneHotEncoder, StringIndexer, VectorAssembler
from spark import local_session

from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import Export, export_sparkml
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import tar_gz

BUCKET = "s3://emulator-demo"
REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com"
ROUNDS = 60
BOOSTER = {
    "objective": "reg:squarederror",
    "tree_method": "exact",
    "max_depth": 4,
    "eta": 0.15,
    "min_child_weight": 4,
    "nthread": 1,
    "seed": 2014,
}


def main() -> None:
    """Train, export and write."""
    parser = argparse.ArgumentParser(description="Train the sample models.")
    parser.add_argument("--out", type=Path, default=HERE, help="where to write (default: beside this script)")
    out: Path = parser.parse_args().out
    penguins = read_penguins()
    export, features = fit_features(penguins, out / "models/sparkml/model.tar.gz")
    model = fit_booster(penguins, features)
    write(out / "models/xgboost/model.tar.gz", tar_gz({"xgboost-model": model}))
    write(out / "expected/penguins.csv", predictions(model, features))
    write(out / "input/penguins.csv", "".join(map(record, penguins)).encode())
    write(out / "model.json", pretty(model_request(export.schema.to_json())))
    write(out / "job.json", pretty(job_request()))


def fit_features(penguins: list[Penguin], archive: Path) -> tuple[Export, np.ndarray[Any, Any]]:
    """Fit the Spark pipeline and export it to `archive`; returns the export and the feature matrix."""
    spark = local_session("penguins")
    try:
        types = ", ".join(f"{name} {'string' if name in LABELS else 'double'}" for name in FEATURES)
        frame = spark.createDataFrame([spark_row(penguin) for penguin in penguins], types)
        model = feature_pipeline().fit(frame)
        with tempfile.TemporaryDirectory() as scratch:
            model.save(f"{scratch}/pipeline")
            export = export_sparkml(f"{scratch}/pipeline", archive, columns=FEATURES)
        rows = model.transform(frame).select("features").collect()
        return export, np.array([row.features.toArray() for row in rows])
    finally:
        spark.stop()


def spark_row(penguin: Penguin) -> list[str | float]:
    """The features of one penguin as Spark takes them."""
    return [sent(penguin, name) if name in LABELS else float(sent(penguin, name)) for name in FEATURES]


def feature_pipeline() -> Any:
    """Labels one-hot, a label never seen all zeros; missing measures filled with the median."""
    indexes = [f"{name}_index" for name in LABELS]
    vectors = [f"{name}_vector" for name in LABELS]
    filled = [f"{name}_filled" for name in MEASURED]
    return Pipeline(
        stages=[
            StringIndexer(inputCols=list(LABELS), outputCols=indexes, handleInvalid="keep"),
            OneHotEncoder(inputCols=indexes, outputCols=vectors),
            Imputer(inputCols=list(MEASURED), outputCols=filled, strategy="median"),
            VectorAssembler(
                inputCols=[*vectors, *filled, "year"], outputCol="features", handleInvalid="keep"
            ),
        ]
    )


def fit_booster(penguins: list[Penguin], features: np.ndarray[Any, Any]) -> bytes:
    """The trained XGBoost model as JSON; the two penguins that were never weighed take no part."""
    weighed = np.array([penguin[TARGET] != MISSING for penguin in penguins])
    grams = np.array([float(penguin[TARGET]) for penguin in penguins if penguin[TARGET] != MISSING])
    booster = xgboost.train(BOOSTER, xgboost.DMatrix(features[weighed], label=grams, nthread=1), ROUNDS)
    return for_older_versions(bytes(booster.save_raw("json")))


def for_older_versions(model: bytes) -> bytes:
    """The model with its base score as one number.

    XGBoost 3.1 began to write a list; 3.0, which the image tag 3.0-5 holds, reads that as 0 without a word.
    """
    document = json.loads(model)
    parameters = document["learner"]["learner_model_param"]
    parameters["base_score"] = parameters["base_score"].strip("[]")
    return json.dumps(document, separators=(",", ":")).encode()


def predictions(model: bytes, features: np.ndarray[Any, Any]) -> bytes:
    """One prediction a line, in grams, in the digits the XGBoost container prints."""
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(model))
    grams = booster.predict(xgboost.DMatrix(features, nthread=1))
    return "".join(f"{float(value)!r}\n" for value in grams).encode()


def model_request(schema: str) -> dict[str, Any]:
    """What `aws sagemaker create-model --cli-input-json` takes."""
    return {
        "ModelName": "penguins",
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/emulator",
        "Containers": [
            {
                "Image": f"{REGISTRY}/sagemaker-sparkml-serving:3.3",
                "ModelDataUrl": f"{BUCKET}/models/sparkml/model.tar.gz",
                "Environment": {"SAGEMAKER_SPARKML_SCHEMA": schema},
            },
            {
                "Image": f"{REGISTRY}/sagemaker-xgboost:3.0-5",
                "ModelDataUrl": f"{BUCKET}/models/xgboost/model.tar.gz",
            },
        ],
    }


def job_request() -> dict[str, Any]:
    """What `aws sagemaker create-transform-job --cli-input-json` takes."""
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/input/penguins.csv"}
    return {
        "TransformJobName": "penguins",
        "ModelName": "penguins",
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        "TransformOutput": {
            "S3OutputPath": f"{BUCKET}/output",
            "Accept": "text/csv",
            "AssembleWith": "Line",
        },
        "TransformResources": {"InstanceType": "ml.m4.xlarge", "InstanceCount": 1},
    }


def pretty(document: dict[str, Any]) -> bytes:
    """`document` as indented JSON."""
    return (json.dumps(document, indent=2) + "\n").encode()


def write(path: Path, content: bytes) -> None:
    """Write `content`, making the directories it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main()
