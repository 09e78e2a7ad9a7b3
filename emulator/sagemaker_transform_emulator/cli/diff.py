"""`emulator diff`: two outputs, record by record."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sagemaker_transform_emulator.errors import UsageError
from sagemaker_transform_emulator.tools.output_diff import Comparison, Tolerance, compare, split_records

Flag = typer.Option
_LARGEST_BYTES = 2 * 1024**3


def diff(
    left: Annotated[str, typer.Argument(help="A file or s3://… object.")],
    right: Annotated[str, typer.Argument(help="The other one, for example downloaded from AWS.")],
    rel_tol: Annotated[float, Flag(help="Relative distance at which numbers are equal.")] = 0.0,
    abs_tol: Annotated[float, Flag(help="Absolute distance at which numbers are equal.")] = 0.0,
    limit: Annotated[int, Flag(help="How many differences to show.")] = 20,
    as_json: Annotated[bool, Flag("--json", help="As JSON.")] = False,
) -> None:
    """Compare two outputs. Exit code 0 when they agree, 1 when they do not."""
    result = compare(
        split_records(_load(left)), split_records(_load(right)), Tolerance(rel_tol, abs_tol), shown=limit
    )
    if as_json:
        print(json.dumps(asdict(result) | {"equal": result.equal}, indent=2))
    else:
        _print(result)
    sys.exit(0 if result.equal else 1)


def _load(name: str) -> bytes:
    if name.startswith("s3://"):
        return _load_object(name)
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read {name}: {error.strerror}") from None


def _load_object(url: str) -> bytes:
    # files are compared without boto3 and an event loop
    from sagemaker_transform_emulator.config import StoreAddress, configured_store  # noqa: PLC0415
    from sagemaker_transform_emulator.processes.event_loop import run_loop  # noqa: PLC0415
    from sagemaker_transform_emulator.s3.client import Storage  # noqa: PLC0415
    from sagemaker_transform_emulator.transform.keys import S3Location  # noqa: PLC0415

    storage = Storage(configured_store() or StoreAddress())
    try:
        return run_loop(storage.get(S3Location.parse(url), _LARGEST_BYTES))
    finally:
        storage.close()


def _print(result: Comparison) -> None:
    for item in result.differences:
        print(f"record {item.record}, {item.place}: {item.left} | {item.right}  ({item.why})")
    if result.different > len({item.record for item in result.differences}):
        print("…")
    print(
        f"{result.records} records: {result.identical} identical, {result.within} equal within tolerance, "
        f"{result.different} different; largest relative distance {result.largest:.3g}"
    )
