"""Which input columns, types and output column the exporter reads off a saved pipeline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from saved_pipelines import assembler, dense, indexer, save_pipeline

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts.spark_to_mleap import Export, export_sparkml, parse_schema

COLOUR = indexer("colour", "index", "red", "green")


def exported(folder: Path, *stages: Any, **options: Any) -> Export:
    return export_sparkml(save_pipeline(folder / "saved", *stages), folder / "model.tar.gz", **options)


def inputs(export: Export) -> list[tuple[str, ...]]:
    return [(column.name, column.type, column.struct) for column in export.schema.inputs]


def test_columns_no_stage_writes_are_inputs_with_the_type_their_reader_wants(tmp_path: Path) -> None:
    export = exported(tmp_path, COLOUR, assembler("features", "index", "size"))
    assert inputs(export) == [("colour", "string", "basic"), ("size", "double", "basic")]
    assert export.schema.output.as_dict() == {"name": "features", "type": "double", "struct": "vector"}


def test_a_column_read_as_text_and_as_number_is_a_number(tmp_path: Path) -> None:
    export = exported(tmp_path, indexer("year", "index", "2007.0"), assembler("features", "year", "index"))
    assert inputs(export) == [("year", "double", "basic")]


def test_the_order_of_a_record_can_be_given_and_may_hold_columns_nobody_reads(tmp_path: Path) -> None:
    export = exported(
        tmp_path, COLOUR, assembler("features", "index", "size"), columns=("size", "id", "colour")
    )
    assert inputs(export) == [
        ("size", "double", "basic"),
        ("id", "string", "basic"),
        ("colour", "string", "basic"),
    ]


def test_an_order_without_a_column_that_is_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'colour', which is not among the columns given: size") as error:
        exported(tmp_path, COLOUR, columns=("size",))
    assert error.value.remedy


def test_the_length_of_an_input_vector_comes_from_the_model_or_from_the_caller(tmp_path: Path) -> None:
    scaler = (
        "StandardScalerModel",
        {"inputCol": "v", "outputCol": "s", "withMean": False, "withStd": True},
        [{"mean": dense(0, 0, 0), "std": dense(1, 2, 3)}],
    )
    export = exported(tmp_path, scaler)
    assert (export.columns["v"].size, export.columns["s"].size) == (3, 3)
    assert inputs(export) == [("v", "double", "vector")]


def test_an_input_vector_of_unknown_length_is_refused_with_the_way_to_give_it(tmp_path: Path) -> None:
    normalizer = ("Normalizer", {"inputCol": "v", "outputCol": "n"})
    with pytest.raises(UsageError, match="input column 'v' holds vectors") as error:
        exported(tmp_path / "1", normalizer)
    assert "input_sizes={'v': n}" in error.value.remedy
    assert exported(tmp_path / "2", normalizer, input_sizes={"v": 4}).columns["n"].size == 4


def test_a_length_that_contradicts_the_model_is_refused(tmp_path: Path) -> None:
    scaler = ("MaxAbsScalerModel", {"inputCol": "v", "outputCol": "s"}, [{"maxAbs": dense(1, 2)}])
    with pytest.raises(
        UsageError, match="vectors of 5 numbers, but a stage of the pipeline was fitted on vectors of 2"
    ):
        exported(tmp_path, scaler, input_sizes={"v": 5})


def test_a_given_schema_is_kept_and_its_types_are_used(tmp_path: Path) -> None:
    schema = {
        "input": [{"name": "extra", "type": "string"}, {"name": "v", "type": "double", "struct": "vector"}],
        "output": {"name": "v", "type": "double", "struct": "vector"},
    }
    export = exported(tmp_path, assembler("features", "v"), schema=json.dumps(schema), input_sizes={"v": 2})
    assert export.schema.as_dict() == schema
    assert export.columns["features"].size == 2


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"input": [], "output": {"name": "index", "type": "double"}}, "does not list as an input"),
        (
            {"input": [{"name": "colour", "type": "string"}], "output": {"name": "x", "type": "double"}},
            "output column 'x', which no stage writes",
        ),
    ],
)
def test_a_given_schema_that_does_not_fit_is_refused(
    tmp_path: Path, schema: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        exported(tmp_path, COLOUR, schema=schema)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read: JSONDecodeError"),
        ("[]", "cannot be read: TypeError"),
        ('{"input": []}', "cannot be read: KeyError: 'output'"),
        (
            '{"input": [{"name": "a", "type": "number"}], "output": {"name": "a", "type": "double"}}',
            "'a' as 'number'",
        ),
        (
            '{"input": [], "output": {"name": "a", "type": "double", "struct": "list"}}',
            "the column 'a' as 'list'",
        ),
    ],
)
def test_a_schema_that_is_none_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        parse_schema(text)
    assert error.value.remedy


def test_a_schema_is_written_without_blanks_and_read_back(tmp_path: Path) -> None:
    schema = exported(tmp_path, COLOUR).schema
    assert " " not in schema.to_json()
    assert parse_schema(schema.to_json()) == schema == parse_schema(schema)


def test_differences_between_spark_and_the_container_are_told_once(tmp_path: Path) -> None:
    skipping = indexer("colour", "index", "red", handleInvalid="skip")
    notes = exported(tmp_path, skipping, assembler("features", "index")).notes
    assert len(notes) == 2
    assert "answers 400" in notes[0]
    assert "NaN" in notes[1]


def test_two_stages_that_write_one_column_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="two stages of the pipeline write the column 'index'"):
        exported(tmp_path, COLOUR, indexer("shape", "index", "round"))
