"""Reading saved stages: what Spark may write, and messages for what it did not write."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from saved_pipelines import FEATURE, MODEL, assembler, dense, indexer, save, save_pipeline

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import export_sparkml
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.columns import Frame
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.pipeline import convert_stage
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.spark_directory import (
    matrix_values,
    read_pipeline_stages,
    read_stage,
    vector_values,
)
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap.stages.refused import INSTEAD

NUMBERS = st.floats(allow_nan=False, width=32)


@given(values=st.lists(NUMBERS, max_size=6), zeros=st.sets(st.integers(0, 9), max_size=4))
def test_sparse_and_dense_vectors_give_the_same_values(values: list[float], zeros: set[int]) -> None:
    full = list(values)
    for place in sorted(zeros):
        full.insert(min(place, len(full)), 0.0)
    indices = [place for place, value in enumerate(full) if value]
    sparse = {"type": 0, "size": len(full), "indices": indices, "values": [full[place] for place in indices]}
    assert vector_values(sparse) == vector_values(dense(*full)) == full


@given(data=st.data(), rows=st.integers(1, 4), columns=st.integers(1, 4))
def test_the_four_forms_of_a_matrix_give_the_same_values(
    data: st.DataObject, rows: int, columns: int
) -> None:
    cells = st.lists(st.one_of(st.just(0.0), NUMBERS), min_size=rows * columns, max_size=rows * columns)
    matrix = np.array(data.draw(cells)).reshape(rows, columns)
    expected = (rows, columns, list(matrix.flatten("F")))
    for transposed in (False, True):
        order = "C" if transposed else "F"
        shape = {"numRows": rows, "numCols": columns, "isTransposed": transposed}
        assert matrix_values({"type": 1, **shape, "values": list(matrix.flatten(order))}) == expected
        assert (
            matrix_values({"type": 0, **shape, **compressed(matrix if transposed else matrix.T)}) == expected
        )


def compressed(lines: Any) -> dict[str, Any]:
    starts, indices, values = [0], [], []
    for line in lines:
        for place, value in enumerate(line):
            if value:
                indices.append(place)
                values.append(value)
        starts.append(len(values))
    return {"colPtrs": starts, "rowIndices": indices, "values": values}


def test_numbers_that_spark_spells_are_understood(tmp_path: Path) -> None:
    stage = read_stage(save(tmp_path / "s", "Normalizer", {"p": "Inf", "q": ["-Inf", 1.5], "n": "NaN"}))
    assert stage.number("p") == math.inf
    assert stage.numbers("q") == [-math.inf, 1.5]
    assert math.isnan(stage.number("n"))


def test_set_parameters_win_over_defaults(tmp_path: Path) -> None:
    assert read_stage(save(tmp_path / "a", "Normalizer")).params == {"p": 2.0}
    assert read_stage(save(tmp_path / "b", "Normalizer", {"p": 1.0})).params == {"p": 1.0}


def test_spark_4_names_its_part_files_otherwise(tmp_path: Path) -> None:
    part = "part-00000-6f9c0a54-9b1e-4d0b-8d5e-1d4a3c2b1a00-c000.txt"
    assert read_stage(save(tmp_path / "s", "Normalizer", part=part)).kind == "Normalizer"


def test_stages_come_by_their_number_not_by_the_order_of_names(tmp_path: Path) -> None:
    saved = save(tmp_path / "p", "PipelineModel", package="org.apache.spark.ml")
    for number in (10, 9, 1, 0):
        save(saved / "stages" / f"{number}_x_y", "Normalizer", {"p": number})
    assert [stage.params["p"] for stage in read_pipeline_stages(read_stage(saved))] == [0, 1, 9, 10]


def test_a_model_in_several_parquet_files_is_read_whole(tmp_path: Path) -> None:
    saved = save(tmp_path / "s", "Word2VecModel", rows=[{"word": "a"}])
    first = saved / "data" / "part-00000-x.snappy.parquet"
    (saved / "data" / "part-00001-x.snappy.parquet").write_bytes(first.read_bytes())
    assert read_stage(saved).rows() == [{"word": "a"}, {"word": "a"}]
    with pytest.raises(UsageError, match="holds 2 rows where Word2VecModel"):
        read_stage(saved).row()


def test_a_directory_without_metadata_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a saved Spark ML pipeline") as error:
        export_sparkml(tmp_path, tmp_path / "model.tar.gz")
    assert "PipelineModel.save" in error.value.remedy


@pytest.mark.parametrize("text", ["", "{", "[]", '{"class": "x"}', "null"])
def test_metadata_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "part-00000").write_text(text)
    with pytest.raises(UsageError, match="is not the metadata of a saved Spark ML stage"):
        read_stage(tmp_path)


def test_a_stage_without_its_learned_values_is_refused(tmp_path: Path) -> None:
    saved = save_pipeline(tmp_path / "p", ("StringIndexerModel", {"inputCol": "a", "outputCol": "b"}))
    with pytest.raises(UsageError, match=r"no parquet file, so the values StringIndexerModel \(.*\) learned"):
        export_sparkml(saved, tmp_path / "model.tar.gz")


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is not a directory"):
        export_sparkml(tmp_path / "nowhere", tmp_path / "model.tar.gz")


@pytest.mark.parametrize("kind", INSTEAD)
def test_stages_without_a_counterpart_are_refused_by_name_with_a_way_around(
    tmp_path: Path, kind: str
) -> None:
    stage = read_stage(save(tmp_path / "s", kind))
    with pytest.raises(
        UsageError, match=rf"{kind} \({kind}_0123456789ab\) in .* has no counterpart"
    ) as error:
        convert_stage(stage, Frame())
    assert error.value.remedy == INSTEAD[kind]


@pytest.mark.parametrize(
    ("package", "kind", "remedy"),
    [
        ("ml.dmlc.xgboost4j.scala.spark", "XGBoostRegressionModel", "run it in an XGBoost container"),
        ("com.example", "StringIndexerModel", "leave the stage out"),
        (FEATURE, "SomethingNewModel", "leave the stage out"),
    ],
)
def test_stages_of_others_are_refused_by_name(tmp_path: Path, package: str, kind: str, remedy: str) -> None:
    stage = read_stage(save(tmp_path / "s", kind, package=package))
    with pytest.raises(UsageError, match=kind) as error:
        convert_stage(stage, Frame())
    assert remedy in error.value.remedy


@pytest.mark.parametrize(
    ("kind", "params", "rows", "message"),
    [
        ("IndexToString", {"inputCol": "a", "outputCol": "b"}, None, "IndexToString without labels"),
        ("VectorSlicer", {"inputCol": "v", "outputCol": "b", "names": ["x"]}, None, "slicing by slot name"),
        ("KMeansModel", {"distanceMeasure": "cosine"}, None, "distanceMeasure='cosine'"),
        ("NaiveBayesModel", {"modelType": "gaussian"}, None, "modelType='gaussian'"),
        ("GeneralizedLinearRegressionModel", {"family": "tweedie"}, None, "family='tweedie'"),
        ("GeneralizedLinearRegressionModel", {"family": "Poisson", "offsetCol": "o"}, None, "offsetCol"),
        ("DecisionTreeRegressionModel", {"varianceCol": "x"}, None, "varianceCol='x'"),
        ("RandomForestClassificationModel", {"leafCol": "x"}, None, "leafCol='x'"),
        (
            "MinHashLSHModel",
            {"inputCol": "v", "outputCol": "b"},
            [{"randCoefficients": [2_000_000_000, 3]}],
            "overflow in MLeap's 32-bit arithmetic",
        ),
    ],
)
def test_settings_mleap_has_no_word_for_are_refused(
    tmp_path: Path, kind: str, params: dict[str, Any], rows: list[dict[str, Any]] | None, message: str
) -> None:
    stage = read_stage(save(tmp_path / "s", kind, params, rows))
    with pytest.raises(UsageError, match=message) as error:
        convert_stage(stage, Frame({}, {"v": 3}))
    assert error.value.remedy


def test_a_hasher_of_columns_of_unknown_type_asks_for_the_schema(tmp_path: Path) -> None:
    stage = read_stage(
        save(tmp_path / "s", "FeatureHasher", {"inputCols": ["a"], "outputCol": "b", "numFeatures": 8})
    )
    with pytest.raises(UsageError, match="nothing tells which the column 'a' holds") as error:
        convert_stage(stage, Frame())
    assert "schema" in error.value.remedy


def test_one_vs_rest_over_another_classifier_than_mleap_ranks_alike_is_refused(tmp_path: Path) -> None:
    saved = save(tmp_path / "s", "OneVsRestModel", {"featuresCol": "v"}, extra={"numClasses": 3})
    save(saved / "model_0", "LinearSVCModel", {"featuresCol": "v"})
    with pytest.raises(UsageError, match="one-vs-rest over LinearSVCModel"):
        convert_stage(read_stage(saved), Frame())


def test_a_model_alone_is_a_pipeline_of_one_stage(tmp_path: Path) -> None:
    kind, params, rows = indexer("a", "b", "x")
    export = export_sparkml(save(tmp_path / "s", kind, params, rows), tmp_path / "model.tar.gz")
    assert json.loads(export.files["root/model.json"])["attributes"]["nodes"]["string"] == [
        "string_indexer_0"
    ]


def test_a_pipeline_saved_by_python_and_pipelines_in_it_are_read(tmp_path: Path) -> None:
    outer = save(tmp_path / "p", "PipelineModel", package="pyspark.ml.pipeline")
    inner = save_pipeline(outer / "stages" / "0_inner", indexer("a", "i", "x"))
    assert read_stage(inner).class_name == MODEL
    kind, params = assembler("features", "i")
    save(outer / "stages" / "1_assembler", kind, params)
    files = export_sparkml(outer, tmp_path / "model.tar.gz").files
    assert "root/pipeline_0.node/string_indexer_2.node/model.json" in files
    assert "root/vector_assembler_1.node/model.json" in files
