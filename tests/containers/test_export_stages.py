"""Every exported stage, in the container's engine, against what pyspark itself computes for the same rows."""

# pyspark is imported where it is used, so that tests are collected without it
# ruff: noqa: PLC0415

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stage_cases
import stage_data
from sample_data.spark import local_session

from sagemaker_transform_emulator.containers.sparkml.engine import Engine, Format, Input
from sagemaker_transform_emulator.containers.sparkml.prepare import prepare
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import Export, export_sparkml
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.archive import unpack

pytest.importorskip("pyspark", reason="comparing needs the dependency group `models`")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("spark"),  # one JVM with Spark in it for all
    # py4j, the bridge to Spark, leaves sockets to the garbage collector
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = local_session("stages")
    # compiling queries for 600 rows takes longer than running them
    for key, value in INTERPRETED.items():
        session.conf.set(key, value)
    return session


@pytest.fixture(scope="module")
def train(spark: Any) -> Any:
    return stage_data.spark_frame(spark, stage_data.rows(400, 1, odd=False))


@pytest.fixture(scope="module")
def records() -> list[stage_data.Row]:
    return stage_data.rows(600, 2, odd=True)


@pytest.mark.parametrize("group", stage_cases.GROUPS)
def test_the_container_computes_what_spark_computes(
    group: str, train: Any, records: list[stage_data.Row], spark: Any, tmp_path: Path
) -> None:
    from pyspark.ml import Pipeline

    stages, outputs = stage_cases.GROUPS[group]()
    model = Pipeline(stages=stages).fit(train)
    model.save(str(tmp_path / "saved"))
    export = export_sparkml(
        tmp_path / "saved", tmp_path / "model.tar.gz", input_sizes=stage_data.VECTORS, schema=None
    )
    unpack(tmp_path / "model.tar.gz", tmp_path / "bundle")
    engine = Engine(prepare(), tmp_path / "bundle", None)
    expected = model.transform(stage_data.spark_frame(spark, records)).select(*outputs).collect()
    assert len(expected) == 600
    wrong = {}
    for name, allowed in outputs.items():
        answers = answered(engine, export, records, name)
        pairs = zip((plain(row[name]) for row in expected), answers, strict=True)
        difference, example = max((worst(*pair), repr(pair)) for pair in pairs)
        if not difference <= allowed:
            wrong[name] = f"off by {difference}: {example[:300]}"
    assert not wrong


def answered(engine: Engine, export: Export, records: list[stage_data.Row], name: str) -> list[Any]:
    """The column `name` of every record, from one request in JSON lines; strings need one request each."""
    column = export.columns[name]
    schema = {**export.schema.as_dict(), "output": column.as_schema().as_dict()}
    rows = [[sent(record[source.name]) for source in export.schema.inputs] for record in records]
    if (column.base, column.struct) == ("string", "basic"):
        return [invoke(engine, {"schema": schema, "data": row}, Input.JSON) for row in rows]
    answer = json.loads(invoke(engine, {"schema": schema, "data": rows}, Input.JSON_LINES))
    return [received(cell) for (cell,) in answer]


def invoke(engine: Engine, request: dict[str, Any], kind: Input) -> str:
    answer = engine.invoke(json.dumps(request).encode(), kind, Format.JSON_LINES)
    assert answer[0] == 0, answer[:2000]
    return answer[1:].decode()


def sent(value: Any) -> Any:
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


def received(cell: Any) -> Any:
    if not isinstance(cell, dict):
        return cell
    return [float(item) if item in ("NaN", "Infinity", "-Infinity") else item for item in cell["features"]]


def plain(cell: Any) -> Any:
    """Spark's value in plain lists; the hashes of an LSH are vectors of one number, made into one vector."""
    if hasattr(cell, "toArray"):
        return [float(number) for number in cell.toArray()]
    if isinstance(cell, list) and cell and hasattr(cell[0], "toArray"):
        return [float(number) for vector in cell for number in vector.toArray()]
    return cell


def worst(expected: Any, answered: Any) -> float:
    """The largest difference, relative for numbers above 1; infinite where the form differs."""
    if isinstance(expected, list) and isinstance(answered, list):
        if len(expected) != len(answered):
            return math.inf
        return max(map(worst, expected, answered), default=0.0)
    if isinstance(expected, str) or isinstance(answered, str):
        return 0.0 if expected == answered else math.inf
    if expected == answered or (math.isnan(expected) and math.isnan(answered)):
        return 0.0
    difference = abs(expected - answered) / max(1.0, abs(expected))
    return math.inf if math.isnan(difference) else difference
