"""`emulator export-sparkml`: a saved Spark pipeline becomes the archive the SparkML container loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.model_artifacts import spark_to_mleap as bundles

Flag = typer.Option


def export(
    pipeline_dir: Annotated[str, typer.Argument(help="What PipelineModel.save wrote; a path or s3://….")],
    out: Annotated[str, typer.Argument(help="The model.tar.gz to write; a path or s3://….")],
    schema: Annotated[
        str | None, Flag(help="SAGEMAKER_SPARKML_SCHEMA as JSON, or @FILE; else inferred.")
    ] = None,
    columns: Annotated[str | None, Flag(help="The columns of a CSV record in order: a,b,c.")] = None,
    input_size: Annotated[list[str] | None, Flag(help="NAME=N for an input column of vectors.")] = None,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Write an MLeap bundle and print the schema to serve it with."""
    given = Path(schema[1:]).read_text() if schema and schema.startswith("@") else schema
    result = bundles.export_sparkml(
        pipeline_dir,
        out,
        schema=bundles.parse_schema(given) if given else None,
        columns=columns.split(",") if columns else None,
        input_sizes=dict(map(_size, input_size or [])),
    )
    if as_json:
        print(json.dumps({"schema": json.loads(result.schema.to_json()), "notes": result.notes}, indent=2))
        return
    typer.echo(f"wrote {out}", err=True)
    for note in result.notes:
        typer.echo(f"note: {note}", err=True)
    print(f"SAGEMAKER_SPARKML_SCHEMA={result.schema.to_json()}")


def _size(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdigit():
        raise UsageError(f"--input-size {text!r} is not of the form NAME=N")
    return name, int(number)
